"""``glmwidgets fit``: one run, one model, one contrast, to a folder of maps and tables."""

from __future__ import annotations

import argparse
import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glmwidgets.analysis.answers import RunAnswer
from glmwidgets.analysis.events import EventSource
from glmwidgets.analysis.thresholding import Clusters
from glmwidgets.cli import Parser
from glmwidgets.files.writing import check_folder, check_outputs, write_text
from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.glm.errors import InputError, told
from glmwidgets.glm.fit.expressions import quote_name
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.glm.moments.scaling import SCALINGS
from glmwidgets.glm.noise.models import NOISE_MODELS
from glmwidgets.glm.noise.pooling import POOLINGS
from glmwidgets.glm.response.models import HRFS
from glmwidgets.glm.tables import tsv
from glmwidgets.report.exports.folder import FILES, write_result
from glmwidgets.report.page.words import summary
from glmwidgets.runs.bids_confounds import STRATEGIES
from glmwidgets.runs.opening import open_run
from glmwidgets.runs.run import Run
from glmwidgets.session.core.graph import StageError
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.specification.effects import without_effect
from glmwidgets.specification.settings import InputSettings, Settings, SettingsError

if TYPE_CHECKING:
    from glmwidgets.datasets.found import FoundRun

__all__ = ["add_options", "analyse", "fit", "open_given"]


def _whole_numbers(text: str) -> list[int]:
    return [int(word) for word in text.replace(",", " ").split()]


@dataclass(frozen=True)
class Option:
    """One option and the setting that it writes."""

    flag: str
    path: str
    help: str
    how: dict[str, Any] = field(default_factory=dict)


# Groups of options, in the order of the help. Choices and what stands in braces (`_names`) come from the tables,
# defaults from `Settings`.
OPTIONS = {
    "the run": (
        Option("--events", "inputs.events", "table of events: onset, duration, trial_type", {"metavar": "FILE"}),
        Option("--t-r", "inputs.t_r", "seconds between scans; the header's by default", {"type": float}),
        Option("--confounds", "inputs.confounds", "table with one row per scan", {"metavar": "FILE"}),
        Option("--mask", "inputs.mask", "image of the voxels to analyse; found by default", {"metavar": "FILE"}),
        Option("--slice-time-ref", "inputs.slice_time_ref", "time within a scan, as a fraction", {"type": float}),
        Option("--smoothing", "data.smoothing_fwhm", "width of the Gaussian in mm, 0 for none", {"type": float}),
        Option("--scaling", "data.signal_scaling", "units of the signal", {"choices": SCALINGS}),
        Option("--drop-scans", "data.drop_scans", "scans at the beginning to leave out", {"type": int, "metavar": "N"}),
        Option("--mask-cut", "data.mask_cut", "threshold of a found mask, times the one found", {"type": float}),
    ),
    "the model": (
        Option(
            "--condition",
            "design.conditions",
            "an event type to model, may be repeated; all by default",
            {"action": "append", "metavar": "NAME"},
        ),
        Option("--hrf", "design.hrf_model", "response: {hrfs}", {"metavar": "NAME"}),
        Option(
            "--fir-delays",
            "design.fir_delays",
            "delays in scans, such as 0,1,2, for {fir_delays}",
            {"type": _whole_numbers},
        ),
        Option("--drift", "design.drift_model", "slow changes of the signal", {"choices": DRIFTS}),
        Option("--high-pass", "design.high_pass", "cut-off of the drift in Hz, for {high_pass}", {"type": float}),
        Option("--drift-order", "design.drift_order", "order of the drift, for {drift_order}", {"type": int}),
        Option("--min-onset", "design.min_onset", "leave out events before this second", {"type": float}),
        Option(
            "--confound",
            "design.confounds",
            "a column of the confounds to use, may be repeated; all by default",
            {"action": "append", "metavar": "NAME"},
        ),
        Option("--scrub-fd", "design.scrub_fd", "a column for each scan that moved by more mm", {"type": float}),
        Option("--scrub-dvars", "design.scrub_dvars", "a column for each scan of a larger DVARS", {"type": float}),
        Option("--noise", "noise.model", "covariance of the errors: {noise_models}", {"metavar": "NAME"}),
        Option("--pooling", "noise.pooling", "whom a voxel shares its noise with", {"choices": POOLINGS}),
    ),
    "the question": (
        Option(
            "--contrast",
            "contrast.expression",
            'such as "face - house"; rows of an F test separated by ; (if it starts with a minus: --contrast="-face")',
        ),
        Option("--threshold", "threshold.height_control", "what decides the height", {"choices": THRESHOLDS}),
        Option("--alpha", "threshold.alpha", "rate of errors that it allows", {"type": float}),
        Option("--threshold-value", "threshold.value", "the height in z, for {fixed}", {"type": float, "metavar": "Z"}),
        Option("--one-sided", "threshold.two_sided", "positive effects only", {"action": "store_false"}),
        Option("--two-sided", "threshold.two_sided", "effects of both signs", {"action": "store_true"}),
        Option("--cluster-size", "threshold.cluster_size", "smallest cluster in voxels", {"type": int}),
        Option("--min-distance", "threshold.min_distance", "least mm between a cluster's peaks", {"type": float}),
    ),
}


def _names() -> dict[str, str]:
    """Rows that the tables hold now, by what the help asks of them."""
    rows = {"hrfs": HRFS, "noise_models": NOISE_MODELS, "strategies": STRATEGIES}
    rows["fir_delays"] = [name for name, row in HRFS.items() if row.by_delays]
    rows["fixed"] = [name for name, row in THRESHOLDS.items() if row.setting == "fixed"]
    for setting in ("high_pass", "drift_order"):
        rows[setting] = [name for name, row in DRIFTS.items() if row.setting == setting]
    return {what: ", ".join(names) for what, names in rows.items()}


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
    defaults, names = Settings(), _names()
    parser.add_argument("bold", nargs="?", metavar="BOLD", help="4-D image (.nii, .nii.gz)")
    parser.add_argument("--settings", metavar="FILE", help="settings.json of an earlier fit; options change it")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that exist; one that is read is never written over"
    )
    group = parser.add_argument_group("a run of a BIDS dataset, raw or of fMRIPrep, in the place of BOLD")
    group.add_argument("--bids", metavar="DIR", help="root of the dataset")
    for name in ("subject", "task", "run", "session", "space"):
        group.add_argument(f"--{name}", metavar=name.upper(), help=f"{name} as in the names of the files")
    group.add_argument("--derivatives", metavar="DIR", help="folder of the pipeline, where there are several")
    group.add_argument("--raw", action="store_true", help="the raw run, even if there is a preprocessed one")
    group.add_argument(
        "--strategy",
        action="append",
        metavar="NAME",
        help=f"confounds to use, may be repeated: {names['strategies']}, none (default: motion)",
    )
    for title, options in OPTIONS.items():
        group = parser.add_argument_group(title)
        for option in options:
            how = {"metavar": option.flag.rpartition("-")[2].upper(), **option.how}
            if "choices" in how:
                how["choices"] = [name for name in how["choices"] if name is not None]
            if "choices" in how or how.get("action", "").startswith("store_"):
                del how["metavar"]
            default = defaults.get(option.path)
            shown = default not in (None, "") and not isinstance(default, bool)
            about = option.help.format(**names) + (f" (default: {_shown(default)})" if shown else "")
            # Two flags may write one setting, so a flag that was not given must not write its own default.
            group.add_argument(option.flag, dest=option.path, help=about, **{"default": argparse.SUPPRESS, **how})


def _found(given: dict[str, Any]) -> FoundRun | None:
    """The run that the options of a dataset name; None without them."""
    names = ("subject", "task", "run", "session", "space", "derivatives")
    root, raw, strategy = given.pop("bids"), given.pop("raw"), given.pop("strategy")
    narrow = {name: value for name in names if (value := given.pop(name)) is not None}
    if root is None:
        if narrow or raw or strategy:
            option = next(iter(narrow), "raw" if raw else "strategy")
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
    found = find_run(root, narrow.pop("subject"), confounds=strategies or None, **narrow)
    print(found.describe())
    return found


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
    found = _found(given)
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
    parts = {name: getattr(chosen, name) for name in ("t_r", "confounds", "mask", "slice_time_ref")}
    run = open_run(bold, chosen.events, **parts)
    return run, _complete(settings, run)


def analyse(run: Run, settings: Settings) -> tuple[Analysis, RunAnswer, Clusters]:
    """Fit a run, and say in a person's words what is wrong if something is."""
    analysis = Analysis(run)
    try:
        result = analysis.result(settings)
        _say(result.warnings)
        return analysis, result, analysis.clusters(settings)
    except StageError as error:
        _say(error.warnings)
        if error.stage == "contrast":
            raise InputError(told(error, "terminal"), where=f"contrast {settings.contrast.expression!r}") from None
        raise error.cause from None


def _say(told: Mapping[str, Sequence[str]]) -> None:
    """Warn of what stages were warned of."""
    for text in dict.fromkeys(text for texts in told.values() for text in texts):
        warnings.warn(text, stacklevel=3)


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else f"{value}"


def _settings(given: dict[str, Any]) -> Settings:
    """Settings of the file, if one was named, with the options on top."""
    file, bold = given.pop("settings"), given.pop("bold")
    settings = Settings() if file is None else Settings.load(file)
    if bold is not None:
        given["inputs.bold"] = bold
    try:
        settings = settings.updated(given)
        for error in without_effect(settings, given):
            raise error
    except SettingsError as error:
        # The person typed an option, and knows no path of a setting.
        flags = [o.flag for options in OPTIONS.values() for o in options if o.path == error.path]
        if not flags:
            raise
        raise SettingsError(flags[0], error.message, error.advice_at("terminal")) from None
    for error in without_effect(settings):
        warnings.warn(f"{file}: {error.said('terminal')}", stacklevel=2)
    return settings


def _complete(settings: Settings, run: Run) -> Settings:
    """Settings with nothing left to be found out, so that they say all that the result depends on."""
    settings = dataclasses.replace(settings, inputs=dataclasses.replace(InputSettings.of(run), t_r=run.t_r))
    if settings.contrast.expression:
        return settings
    conditions = settings.design.conditions or EventSource(run.events).types(settings.events)
    if len(conditions) != 1:
        known = f"the event types are {', '.join(conditions)}" if conditions else "there are no events"
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
        result = dataclasses.replace(result, settings=settings.updated({"inputs.confounds": str(path)}))
    files = write_result(folder, run, result, clusters, overwrite=overwrite)
    print(summary(run, result, clusters))
    print(f"{'Written':<11}{len(files)} files in {Path(folder).resolve()}")
    return 0
