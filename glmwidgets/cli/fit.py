"""``glmwidgets fit``: one run, one model, one contrast, to a folder of maps and tables."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glmwidgets.analysis.answers import RunAnswer
from glmwidgets.analysis.events import EventSource
from glmwidgets.analysis.noise_tables import find_table
from glmwidgets.analysis.significance import check_judged
from glmwidgets.analysis.thresholding import Clusters
from glmwidgets.cli import Parser
from glmwidgets.cli.options import add_settings, as_options_say, begun_with
from glmwidgets.datasets.atlases import atlas_file
from glmwidgets.files.paths import resolved
from glmwidgets.files.writing import check_folder, check_outputs, write_text
from glmwidgets.glm.design.confound_groups import first_choice
from glmwidgets.glm.design.given import effects_in
from glmwidgets.glm.errors import InputError, about, told
from glmwidgets.glm.fit.grammar import quote_name
from glmwidgets.glm.tables import tsv
from glmwidgets.plural import count
from glmwidgets.regions.named import kept_atlas
from glmwidgets.report.exports.folder import FILES, write_result
from glmwidgets.report.page.words import summary
from glmwidgets.runs.bids_confounds import STRATEGIES
from glmwidgets.runs.opening import open_again
from glmwidgets.runs.run import Run
from glmwidgets.session.core.graph import StageError
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.specification.effects import without_effect
from glmwidgets.specification.noise import ASKED
from glmwidgets.specification.settings import InputSettings, Settings, SettingsError

if TYPE_CHECKING:
    from glmwidgets.datasets.run_files import FoundRun


def _parser() -> Parser:
    parser = Parser(
        prog="glmwidgets fit",
        description="Fit a general linear model to one run, test a contrast, and write z, t, p, effect and variance "
        "maps, clusters.tsv, design_matrix.tsv and the settings.json that repeats it bit for bit.",
        allow_abbrev=False,
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="folder for the results")
    add_options(parser)
    return parser


def add_options(parser: Parser) -> None:
    """Give a parser everything that says what to fit: a run, a dataset, settings, and an option for each setting."""
    parser.add_argument("bold", nargs="?", metavar="BOLD", help="4-D image (.nii, .nii.gz)")
    parser.add_argument("--settings", metavar="FILE", help="settings.json of an earlier fit; options change it")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files; inputs are never overwritten")
    group = parser.add_argument_group("a run of a BIDS dataset, raw or of fMRIPrep, instead of BOLD")
    group.add_argument("--bids", metavar="DIR", help="root of the dataset")
    for name in ("subject", "task", "run", "session", "space"):
        group.add_argument(f"--{name}", metavar=name.upper(), help=f"{name} as in the names of the files")
    group.add_argument(
        "--entity",
        action="append",
        metavar="KEY=VALUE",
        help="another entity of the file's name, such as echo=2 or desc=denoised, may be repeated; none as a value, "
        "here and above, selects names without it, as for the native space",
    )
    group.add_argument("--derivatives", metavar="DIR", help="folder of the pipeline, where there are several")
    group.add_argument("--raw", action="store_true", help="the raw run, even if there is a preprocessed one")
    group.add_argument(
        "--strategy",
        action="append",
        metavar="NAME",
        help=f"confounds to use, may be repeated: {', '.join(STRATEGIES)}, none (default: motion)",
    )
    add_settings(parser)


def _found(given: dict[str, Any]) -> FoundRun | None:
    """The run that the options of a dataset name; None without them."""
    names = ("subject", "task", "run", "session", "space", "derivatives")
    root, raw, strategy = given.pop("bids"), given.pop("raw"), given.pop("strategy")
    entities = entities_of(given.pop("entity") or [])
    narrow = {name: value for name in names if (value := given.pop(name)) is not None}
    if root is None:
        if narrow or raw or strategy or entities:
            option = next(iter(narrow), "raw" if raw else "strategy" if strategy else "entity")
            raise ValueError(f"--{option} chooses a run of a dataset: name the dataset with --bids")
        return None
    if given["bold"] is not None:
        raise ValueError("name either an image or a dataset with --bids, not both")
    if "subject" not in narrow:
        raise ValueError(f"name the participant: --bids {root} --subject 01")
    from glmwidgets.runs.bids import find_run

    if raw:
        narrow["derivatives"] = False
    strategies = [name for name in strategy or ["motion"] if name != "none"]
    found = find_run(root, narrow.pop("subject"), entities=entities, confounds=strategies or None, **narrow)
    print(found.describe())
    return found


def entities_of(given: Sequence[str]) -> dict[str, str]:
    """Entities of file names from what was typed, ``KEY=VALUE``."""
    pairs = [text.partition("=") for text in given]
    for text, (key, separator, _) in zip(given, pairs, strict=True):
        if not key or not separator:
            raise ValueError(f"--entity takes KEY=VALUE, such as echo=2, not {text!r}")
    return {key: value for key, _, value in pairs}


def open_given(given: dict[str, Any]) -> tuple[Run, Settings]:
    """Open the run that the options name, and complete its settings.

    Parameters
    ----------
    given : dict
        What a parser with `add_options` found; its own options have been taken out.

    Returns
    -------
    run : Run
    settings : Settings
    """
    found, is_new = _found(given), given["settings"] is None
    settings = _settings(given)
    chosen = settings.inputs
    # An option goes before what was found in the dataset.
    if found is not None and chosen.bold is not None:
        found = dataclasses.replace(found, bold=Path(chosen.bold))
    bold = chosen.bold if found is None else found
    if bold is None:
        raise ValueError(
            "name the image to fit: glmwidgets fit BOLD.nii.gz --events EVENTS.tsv --out DIR; or a run of a dataset: "
            "--bids DIR --subject 01"
        )
    typed = {path.removeprefix("inputs."): value for path, value in given.items() if path.startswith("inputs.")}
    run = open_again(chosen, **{**typed, "bold": bold})
    if is_new and "design.confounds" not in given:
        settings = _with_usual_confounds(settings, run)
    return run, _complete(settings, run)


def _with_usual_confounds(settings: Settings, run: Run) -> Settings:
    """The settings with the confounds that the explorer begins with, which of fMRIPrep's whole table are a few."""
    usual = None if run.confounds is None or settings.design.source == "given" else first_choice(run.confounds.columns)
    if usual is None:
        return settings
    named = ", ".join(usual) or "none"
    print(f"{'Confounds':<11}{named}, of {count(run.confounds.shape[1], 'column')}; --confound NAME chooses others.")
    return settings.updated({"design.confounds": usual})


def analyse(run: Run, settings: Settings) -> tuple[Analysis, RunAnswer, Clusters]:
    """Fit a run, and say in a person's words what is wrong if something is, and what its noise was chosen by."""
    analysis, found = Analysis(run), None
    settings = _checked_before(analysis, settings)
    try:
        if settings.noise.choice == ASKED:
            found = analysis.noise_by_evidence(settings)
            settings = settings.updated(found.as_settings())
        result = analysis.result(settings)
        if found is not None:
            print(f"{'Noise':<11}{found.said}.")
        _say({stage: said for stage, said in result.warnings.items() if stage not in analysis.warned})
        if analysis.wants_table(settings):
            print(f"{'Noise':<11}is drawn for p values of clusters; that takes a minute the first time.", flush=True)
            analysis.tables[analysis.table_key(settings)] = find_table(result.noise, result.searched.region)
        return analysis, result, _checked(analysis.clusters(settings))
    except StageError as error:
        _say(error.warnings)
        if error.stage == "contrast":
            bare = run.events is None and run.design is None
            advice = "no events were given: name their file with --events" if bare else ""
            where = f"contrast {settings.contrast.expression!r}"
            raise InputError(told(error, "terminal"), where=where, advice=advice) from None
        if isinstance(error.cause, SettingsError):
            raise as_options_say(error.cause) from None
        raise error.cause from None


def _checked_before(analysis: Analysis, settings: Settings) -> Settings:
    """The settings with their atlas as a file, where that can be opened and clusters can have the p asked for."""
    try:
        check_judged(settings.threshold)
    except ValueError as error:
        raise about("--cluster-p", error) from error
    if not settings.threshold.atlas:
        return settings
    try:
        path = atlas_file(settings.threshold.atlas, analysis.space(settings))
        kept_atlas(path)
    except (OSError, ValueError) as error:
        raise about("--atlas", error) from error
    return settings.updated({"threshold.atlas": path})


def _checked(clusters: Clusters) -> Clusters:
    """The clusters, if the p values that were asked for can be given."""
    judged = clusters.judged
    if judged.said and judged.p is None:
        raise InputError("; ".join(judged.said), where="--cluster-p")
    names = () if clusters.names is None else (*clusters.names.said, *clusters.names.atlas.notes)
    _say({"clusters": judged.said, "names": names})
    return clusters


def _say(told: Mapping[str, Sequence[str]]) -> None:
    """Warn of what stages were warned of."""
    for text in dict.fromkeys(text for texts in told.values() for text in texts):
        warnings.warn(text, stacklevel=3)


def _settings(given: dict[str, Any]) -> Settings:
    """Settings of the file, if one was named, with the options on top."""
    file, bold = given.pop("settings"), given.pop("bold")
    settings = begun_with() if file is None else Settings.load(file)
    if bold is not None:
        given["inputs.bold"] = bold
    if "inputs.design" in given:
        given["design.source"] = "given"
    try:
        settings = settings.updated(given)
        for error in without_effect(settings, given):
            raise error
    except SettingsError as error:
        raise as_options_say(error) from None
    for error in without_effect(settings):
        warnings.warn(f"{file}: {error.said('terminal')}", stacklevel=2)
    if file is not None:
        _warn_of_newer_inputs(Path(file), settings, given)
    return settings


def _warn_of_newer_inputs(file: Path, settings: Settings, given: Mapping[str, Any]) -> None:
    """Say which files that settings name were changed after the settings were written."""
    named = (path for name, path in vars(settings.inputs).items() if f"inputs.{name}" not in given)
    for path in (Path(path) for path in named if isinstance(path, str)):
        if path.is_file() and path.stat().st_mtime > file.stat().st_mtime:
            warnings.warn(f"{path} is newer than {file}: results may differ from those saved then", stacklevel=3)


_TYPES = "the event types are"


def _complete(settings: Settings, run: Run) -> Settings:
    """Settings with nothing left to be found out, so that they say all that the result depends on."""
    settings = dataclasses.replace(settings, inputs=dataclasses.replace(InputSettings.of(run), t_r=run.t_r))
    if settings.contrast.expression:
        return settings
    if settings.design.source == "given" and run.design is not None:
        conditions, called = tuple(effects_in(run.design)), "the columns are"
    else:
        conditions, called = settings.design.conditions or EventSource(run.events).types(settings.events), _TYPES
    if len(conditions) != 1:
        known = f"{called} {', '.join(conditions)}" if conditions else "there are no events"
        raise ValueError(f'say what to test: --contrast "face - house"; {known}')
    return settings.updated({"contrast.expression": quote_name(conditions[0])})


def fit(argv: Sequence[str]) -> int:
    """Fit one run and write the results.

    Parameters
    ----------
    argv : sequence of str
        Words after ``glmwidgets fit``.

    Returns
    -------
    int
        Exit code.
    """
    given = vars(_parser().parse_intermixed_args(list(argv)))
    folder = check_folder(given.pop("out"))
    overwrite = given.pop("overwrite")
    run, settings = open_given(given)
    chosen = run.confounds is not None and run.inputs.confounds is None
    outputs = [("results", folder / name) for name in (*FILES, *(["confounds.tsv"] if chosen else []))]
    check_outputs(outputs, overwrite)
    _, result, clusters = analyse(run, settings)
    if chosen:
        # Chosen from a dataset's table, which holds more and has gaps: the settings need a file of these alone.
        folder.mkdir(parents=True, exist_ok=True)
        path = write_text(folder / "confounds.tsv", tsv(run.confounds), "confounds", overwrite=overwrite)
        result = dataclasses.replace(result, settings=result.settings.updated({"inputs.confounds": str(path)}))
    files = write_result(folder, run, result, clusters, overwrite=overwrite)
    print(summary(run, result, clusters))
    print(f"{'Written':<11}{count(len(files), 'file')} in {resolved(folder)}")
    return 0
