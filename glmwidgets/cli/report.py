"""``glmwidgets report``: one run, one model, one page; on request the script and the Stats Model that repeat it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from glmwidgets.cli import CommandError, Parser
from glmwidgets.cli.fit import add_options, analyse, open_given
from glmwidgets.files.paths import resolved
from glmwidgets.files.writing import check_folder, check_outputs
from glmwidgets.report.page.words import summary

NEEDS = ("matplotlib", "jinja2")


def _parser() -> Parser:
    parser = Parser(
        prog="glmwidgets report",
        description="Fit a general linear model to one run and write a report of it: one HTML page that holds maps, "
        "clusters, series, design, diagnostics and a methods paragraph, and loads nothing from elsewhere.",
        allow_abbrev=False,
    )
    parser.add_argument("--out", metavar="FILE", required=True, help="the page, such as report.html")
    parser.add_argument("--title", help="headline of the page")
    parser.add_argument("--glass", action="store_true", help="maps on a glass brain instead of slices")
    parser.add_argument("--script", metavar="FILE", help="also write a Python script that repeats the analysis")
    parser.add_argument("--nilearn-script", metavar="FILE", help="also write one that uses nilearn")
    parser.add_argument("--stats-model", metavar="FILE", help="also write a BIDS Stats Model (model-..._smdl.json)")
    add_options(parser)
    return parser


def what_reports_lack() -> str:
    """What has to be installed for a report, and how; empty if nothing has."""
    missing = [name for name in NEEDS if find_spec(name) is None]
    if not missing:
        return ""
    return (
        f'a report needs {" and ".join(missing)}; get them with: {sys.executable} -m pip install "glmwidgets[report]"'
    )


def report(argv: Sequence[str]) -> int:
    """Fit one run and write the report.

    Parameters
    ----------
    argv : sequence of str
        Words after ``glmwidgets report``.

    Returns
    -------
    int
        Exit code.
    """
    given = vars(_parser().parse_intermixed_args(list(argv)))
    if missing := what_reports_lack():
        raise CommandError(missing)
    from glmwidgets.report.exports.script import write_script
    from glmwidgets.report.exports.script_parts import Source
    from glmwidgets.report.exports.stats_model import write_stats_model
    from glmwidgets.report.page.html import analysis_report

    out = Path(given.pop("out")).expanduser()
    scripts = {"glmwidgets": given.pop("script"), "nilearn": given.pop("nilearn_script")}
    title, glass, stats_model = given.pop("title"), given.pop("glass"), given.pop("stats_model")
    overwrite = given.pop("overwrite")
    named = {"report": out, "script": scripts["glmwidgets"], "nilearn script": scripts["nilearn"]}
    outputs = [(what, path) for what, path in {**named, "Stats Model": stats_model}.items() if path]
    folders = [check_folder(Path(path).expanduser().parent) for _, path in outputs]
    run, settings = open_given(given)
    # After the inputs are read, as none of them may be written over, and before the work.
    check_outputs(outputs, overwrite)
    analysis, result, clusters = analyse(run, settings)
    page = analysis_report(analysis, result, clusters, title=title, plot_type="glass" if glass else None)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    page.save_as_html(out, overwrite=overwrite)
    source = Source(run, result.settings, analysis)
    for dialect, path in scripts.items():
        if path:
            write_script(source, path, dialect, overwrite=overwrite)
    if stats_model:
        write_stats_model(stats_model, source, overwrite=overwrite)
    print(summary(run, result, clusters))
    print(f"{'Written':<11}{', '.join(str(resolved(path)) for _, path in outputs)}")
    return 0
