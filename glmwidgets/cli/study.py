"""``glmwidgets study``: many runs under one model, on this machine, by Dask, or as a job array of a cluster."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glmwidgets.cli import CommandError, Parser
from glmwidgets.cli.app import add_page_options, open_app
from glmwidgets.cli.fit import entities_of
from glmwidgets.cli.options import add_settings, as_options_say
from glmwidgets.cli.report import what_reports_lack
from glmwidgets.cli.server import check_installed
from glmwidgets.cli.slurm import Scripts, write_scripts
from glmwidgets.execution.executors import lanes_of
from glmwidgets.execution.lanes import HereLane, work_through
from glmwidgets.execution.task import Outcome
from glmwidgets.execution.time_left import Pace
from glmwidgets.files.paths import resolved
from glmwidgets.files.writing import check_folder
from glmwidgets.glm.collected_warnings import Heard
from glmwidgets.glm.errors import InputError
from glmwidgets.plural import count
from glmwidgets.specification.field import SettingsError
from glmwidgets.study.setup import build_aloud, first_model
from glmwidgets.study.study import Study

PER_TASK = "runs for each element of a job array; by default one, or more where there are over 1,000 runs"

#: What the report of a study is called.
REPORT = "report.html"

# Longer than any run takes: what was begun and left before this many seconds is removed.
LEFT_FOR = 2 * 86400

TITLES = {"the data": ("data",), "the model": ("events", "design", "noise")}


def _init_parser() -> Parser:
    parser = Parser(
        prog="glmwidgets study init",
        description="Find the runs of a BIDS dataset, or take those of a table of files, and write the study's list, "
        "its model, and scripts for SLURM to its folder.",
        allow_abbrev=False,
    )
    parser.add_argument("dataset", metavar="DATASET", help="root of a BIDS dataset, or a table of files (.tsv, .csv)")
    parser.add_argument("folder", metavar="FOLDER", help="folder of the study")
    for name in ("task", "space"):
        parser.add_argument(f"--{name}", help=f"{name} as in the names of the files")
    parser.add_argument("--subject", action="append", metavar="LABEL", help="a participant, may be repeated; all")
    parser.add_argument("--entity", action="append", metavar="KEY=VALUE", help="another entity of the files' names")
    parser.add_argument("--derivatives", metavar="DIR", help="folder of the pipeline, where there are several")
    parser.add_argument("--raw", action="store_true", help="the raw runs, even if there are preprocessed ones")
    parser.add_argument(
        "--contrast",
        action="append",
        metavar="[NAME=]EXPRESSION",
        help='such as "faces - houses", may be repeated; each condition by default',
    )
    parser.add_argument("--overwrite", action="store_true", help="begin anew in a folder that holds a study")
    parser.add_argument("--per-task", type=_positive, metavar="K", help=PER_TASK)
    add_settings(parser, TITLES, first_model([]))
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def _init(argv: Sequence[str]) -> int:
    given = vars(_init_parser().parse_args(list(argv)))
    dataset, folder = Path(given.pop("dataset")), given.pop("folder")
    how: dict[str, Any] = {name: given.pop(name) for name in ("task", "space", "derivatives")}
    subjects, raw, entities = given.pop("subject"), given.pop("raw"), entities_of(given.pop("entity") or [])
    contrasts = [_named(text) for text in given.pop("contrast") or ()]
    per_task, overwrite = given.pop("per_task"), given.pop("overwrite")
    if (Path(folder).expanduser() / "study.json").is_file() and not overwrite:
        raise CommandError(f"{folder} holds a study already: name another folder, or begin it anew with --overwrite")
    if dataset.is_file():
        asked = {**how, "subject": subjects, "entity": entities, "raw": raw}
        if which := next((name for name, value in asked.items() if value), None):
            raise CommandError(f"--{which} chooses runs of a dataset, but {dataset} is a table: remove its rows there")
        made = Study.of_table(dataset, folder, contrasts=contrasts)
    else:
        if raw:
            how["derivatives"] = False
        made = Study.of(dataset, folder, contrasts=contrasts, subjects=subjects, entities=entities, **how)
    try:
        made.model = made.model.updated(given)
    except SettingsError as error:
        raise as_options_say(error) from None
    usable = [run for run in made.runs if not run.why_not]
    if not usable and not made.contrasts:
        raise CommandError(f"no run can be fitted; {made.runs[0].name}: {made.runs[0].why_not}")
    if not contrasts:  # of event types that are left out nothing is asked, unless that leaves none
        chosen = made.model.design.conditions
        made.contrasts = tuple(pair for pair in made.contrasts if chosen and pair[0] in chosen) or made.contrasts
    if not made.contrasts:
        raise CommandError('no run has events to make contrasts of: say what to ask with --contrast "face - house"')
    made.check()
    made.save()
    print(f"{'Runs':<11}{len(usable)} of {len(made.runs)} can be fitted")
    for run in made.runs:
        if run.why_not:
            print(f"{'':<11}{run.name}: {run.why_not}")
    print(f"{'Contrasts':<11}{'; '.join(name for name, _ in made.contrasts)}")
    print(f"{'Written':<11}{made.folder}")
    print(f"{'Next':<11}glmwidgets study run {shlex.quote(str(made.folder))}")
    print(f"{'or':<11}{_submit(write_scripts(made.folder, len(made.runs), per_task))}")
    return 0


def _named(text: str) -> tuple[str, str]:
    name, separator, expression = text.partition("=")
    return (name.strip(), expression.strip()) if separator else (text, text)


def _scripts(argv: Sequence[str]) -> int:
    parser = Parser(
        prog="glmwidgets study scripts",
        description="Write the scripts for SLURM of a study anew: with more runs for each element of the job array, or "
        "for a study that was saved without them. The study and its results stay as they are.",
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="FOLDER", help="folder of the study")
    parser.add_argument("--per-task", type=_positive, metavar="K", help=PER_TASK)
    given = parser.parse_args(list(argv))
    made = Study.open(given.folder)
    written = write_scripts(made.folder, len(made.runs), given.per_task)
    print(f"{'Written':<11}{written.submit.parent}")
    print(f"{'Next':<11}{_submit(written)}")
    return 0


def _submit(written: Scripts) -> str:
    return f"bash {shlex.quote(str(written.submit))}, where there is SLURM: {written.said}"


def _run(argv: Sequence[str]) -> int:
    parser = Parser(
        prog="glmwidgets study run",
        description="Fit the runs of a study. Within a job array, or with --index, this element's runs in this "
        "process; otherwise all, on the processors of this machine or the workers of Dask.",
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="FOLDER", help="folder of the study")
    parser.add_argument("--index", type=int, metavar="N", help="element of the array, from 0; SLURM_ARRAY_TASK_ID")
    parser.add_argument("--per-task", type=_positive, default=1, metavar="K", help="runs for each element (1)")
    parser.add_argument("--executor", metavar="WHERE", help="processes (default), here, or a scheduler: tcp://...")
    parser.add_argument(
        "--workers",
        type=_positive,
        metavar="N",
        help="number of workers; by default as many as the machine has room for",
    )
    given = parser.parse_args(list(argv))
    made = Study.open(given.folder)
    index, copy = given.index, os.environ.get("SLURM_PROCID", "")
    if index is None and copy.isdecimal() and int(copy) > 0:
        raise CommandError(
            f"this is copy {copy} of a command that srun started more than once, and copy 0 fits all runs: start it "
            "without srun, or with srun --ntasks=1"
        )
    if index is None and given.executor is None and os.environ.get("SLURM_ARRAY_TASK_ID", "").isdecimal():
        index = int(os.environ["SLURM_ARRAY_TASK_ID"])
    if index is not None:
        return _element(made, index, given.per_task)
    if given.per_task != 1:
        raise CommandError("--per-task applies to the elements of a job array: give --index, or leave it out")
    try:
        made.check()
    except InputError as error:  # as Python says it: the options that change a model are those of init
        raise CommandError(str(error)) from None
    lanes, said = lanes_of(given.executor, given.workers)
    print(f"{'Where':<11}{said}")
    usable = [i for i, run in enumerate(made.runs) if not run.why_not]
    pace = Pace(len(usable))

    def heard(outcome: Outcome) -> None:
        was_there = not outcome.why_not and outcome.value["there"]
        print(f"{pace.count(was_there)}  {_said(made, outcome)}", flush=True)

    failed = work_through(made.tasks(usable), lanes, heard)
    return int(any(each.why_not for each in failed))


def _element(made: Study, index: int, per_task: int) -> int:
    """Runs of one element of an array; 1 if one of them failed."""
    rows = range(index * per_task, min((index + 1) * per_task, len(made.runs)))
    if index < 0 or not rows:
        last = -(-len(made.runs) // per_task) - 1
        raise CommandError(
            f"there is no element {index}: {count(len(made.runs), 'run')}, {per_task} for each element, make "
            f"elements 0 to {last}"
        )
    outcomes = work_through(made.tasks(rows), [HereLane()], lambda each: print(_said(made, each), flush=True))
    return int(any(each.why_not for each in outcomes))


def _said(made: Study, outcome: Outcome) -> str:
    name = made.runs[int(outcome.name)].name
    if outcome.why_not:
        return f"{name}: {outcome.why_not}"
    warned = [f"\n{'':<11}warning: {text}" for text in outcome.value["warnings"]]
    return f"{name}: {'was there' if outcome.value['there'] else 'fitted'}{''.join(warned)}"


def _status(argv: Sequence[str]) -> int:
    parser = Parser(
        prog="glmwidgets study status", description="Count the fitted runs in the store.", allow_abbrev=False
    )
    parser.add_argument("folder", metavar="FOLDER", help="folder of the study")
    made = Study.open(parser.parse_args(list(argv)).folder)
    usable, done = [i for i, run in enumerate(made.runs) if not run.why_not], made.done
    print(f"{'Fitted':<11}{len(done)} of {count(len(usable), 'run')} that can be fitted, of {len(made.runs)} in all")
    left = [made.runs[i].name for i in usable if i not in set(done)]
    if left:
        print(f"{'Left':<11}{', '.join(left[:12])}{' ...' if len(left) > 12 else ''}")
    return 0


def _gather(argv: Sequence[str]) -> int:
    parser = Parser(
        prog="glmwidgets study gather",
        description="Write the group's maps of the runs that are in, the table of figures with its definitions, the "
        "exclusions, and a script that repeats all. Runs that are not fitted are named and left out; the exit code "
        "is 1 where none is fitted, so that there is no map.",
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="FOLDER", help="folder of the study")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", metavar="DIR", help="where to; group in the study's folder by default")
    where.add_argument(
        "--bids",
        metavar="DIR",
        help="write a BIDS derivative: maps of each run in its participant's folder, and all this in its folder group",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files of an earlier derivative")
    parser.add_argument(
        "--rule",
        action="append",
        metavar="RULE",
        help='runs to leave out, such as "fd_mean >= 0.5", may be repeated; the study keeps it for later calls',
    )
    parser.add_argument(
        "--forget-rules",
        action="store_true",
        help="take back the rules that the study keeps, before those of --rule; decisions on single runs stay",
    )
    given = parser.parse_args(list(argv))
    made = Study.open(given.folder)
    build_aloud(made)
    if given.rule or given.forget_rules:
        chosen = dataclasses.replace(made.exclusions, rules=()) if given.forget_rules else made.exclusions
        for text in given.rule or ():
            chosen = chosen.with_rule(text)
        made.exclude(chosen)
    made.store.sweep(LEFT_FOR)
    if given.bids:
        from glmwidgets.report.exports.study_derivative import save_study_to_bids

        gathered = save_study_to_bids(made, given.bids, overwrite=given.overwrite)
    else:
        gathered = made.gather(given.out)
    for text in gathered.said:
        print(text)
    place = resolved(gathered.files[0].parent)
    if missing := what_reports_lack():
        print(f"No report: {missing}")
    else:
        with Heard() as heard:
            _write_report(made, place / REPORT)
        for text in heard.said:
            if not any(text in each for each in gathered.said):  # the report makes the same maps once more
                print(text)
    print(f"{'Written':<11}{place}")
    return int(not gathered.fitted)


def _report(argv: Sequence[str]) -> int:
    parser = Parser(
        prog="glmwidgets study report",
        description="Write a report of a study: one HTML page with the runs that are in and those that are left out, "
        "what stands out, the group's maps, a small map and the figures of every run.",
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="FOLDER", help="folder of the study")
    parser.add_argument("--out", metavar="FILE", help=f"the page; {REPORT} in the study's folder by default")
    parser.add_argument("--title", help="headline of the page")
    given = parser.parse_args(list(argv))
    if missing := what_reports_lack():
        raise CommandError(missing)
    made = Study.open(given.folder)
    out = Path(given.out).expanduser() if given.out else made.folder / REPORT
    print(f"{'Written':<11}{_write_report(made, out, given.title)}")
    return 0


def _app(argv: Sequence[str]) -> int:
    parser = Parser(
        prog="glmwidgets study app",
        description="Open the explorer of a study on a page of its own, by Voilà.",
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="FOLDER", help="folder of the study")
    add_page_options(parser)
    given = parser.parse_args(list(argv))
    check_installed("study app", "app")
    made = Study.open(given.folder)
    build_aloud(made)
    return open_app({"dataset": str(made.folder)}, given, "explore_study")


def _write_report(made: Study, out: Path, title: str | None = None) -> Path:
    from glmwidgets.report.page.runs import study_report

    check_folder(out.parent).mkdir(parents=True, exist_ok=True)
    return resolved(study_report(made, title=title).save_as_html(out, overwrite=True))


PARTS = {
    **{"init": _init, "scripts": _scripts, "run": _run, "status": _status, "gather": _gather},
    **{"report": _report, "app": _app},
}


def study(argv: Sequence[str]) -> int:
    """Begin, run, count, gather, report on or look at a study.

    Parameters
    ----------
    argv : sequence of str
        Words after ``glmwidgets study``.

    Returns
    -------
    int
        Exit code; 1 if a run could not be fitted, or ``gather`` found none that was.
    """
    parser = Parser(prog="glmwidgets study", description="Fit many runs under one model.", allow_abbrev=False)
    parser.add_argument("part", choices=list(PARTS), help="each has its own --help")
    given = parser.parse_args(list(argv[:1]))
    return PARTS[given.part](argv[1:])
