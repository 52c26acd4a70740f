"""``glmwidgets fit``: one run, one model, one contrast, to a folder of maps and tables."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glmwidgets.cli import Parser
from glmwidgets.glm.drift import DRIFTS
from glmwidgets.glm.expressions import quote_name
from glmwidgets.glm.hrf import HRFS
from glmwidgets.glm.inference import THRESHOLDS
from glmwidgets.glm.noise import NOISE_MODELS
from glmwidgets.glm.scaling import SCALINGS
from glmwidgets.report.export import check_folder, write_result
from glmwidgets.report.words import summary
from glmwidgets.session.analysis import Analysis
from glmwidgets.session.run import Run, open_run
from glmwidgets.session.settings import Settings, SettingsError
from glmwidgets.session.stages import StageError

__all__ = ["fit"]


def _whole_numbers(text: str) -> list[int]:
    return [int(word) for word in text.replace(",", " ").split()]


@dataclass(frozen=True)
class Option:
    """One option and the setting that it writes."""

    flag: str
    path: str
    help: str
    how: dict[str, Any] = field(default_factory=dict)


# Groups of options, in the order of the help. Choices come from the tables, defaults from `Settings`.
OPTIONS = {
    "the run": (
        Option("--events", "inputs.events", "table of events: onset, duration, trial_type", {"metavar": "FILE"}),
        Option("--t-r", "inputs.t_r", "seconds between scans; the header's by default", {"type": float}),
        Option("--confounds", "inputs.confounds", "table with one row per scan", {"metavar": "FILE"}),
        Option("--mask", "inputs.mask", "image of the voxels to analyse; found by default", {"metavar": "FILE"}),
        Option("--slice-time-ref", "inputs.slice_time_ref", "time within a scan, as a fraction", {"type": float}),
        Option("--smoothing", "data.smoothing_fwhm", "width of the Gaussian in mm, 0 for none", {"type": float}),
        Option("--scaling", "data.signal_scaling", "units of the signal", {"choices": list(SCALINGS)}),
    ),
    "the model": (
        Option(
            "--condition",
            "design.conditions",
            "an event type to model, may be repeated; all by default",
            {"action": "append", "metavar": "NAME"},
        ),
        Option("--hrf", "design.hrf_model", f"response: {', '.join(HRFS)}", {"metavar": "NAME"}),
        Option("--fir-delays", "design.fir_delays", "delays in scans, such as 0,1,2", {"type": _whole_numbers}),
        Option("--drift", "design.drift_model", "slow changes of the signal", {"choices": list(DRIFTS)}),
        Option("--high-pass", "design.high_pass", "cut-off of the cosine drift in Hz", {"type": float}),
        Option("--drift-order", "design.drift_order", "order of the polynomial drift", {"type": int}),
        Option("--min-onset", "design.min_onset", "leave out events before this second", {"type": float}),
        Option(
            "--confound",
            "design.confounds",
            "a column of the confounds to use, may be repeated; all by default",
            {"action": "append", "metavar": "NAME"},
        ),
        Option("--noise", "noise.model", f"covariance of the errors: {', '.join(NOISE_MODELS)}", {"metavar": "NAME"}),
    ),
    "the question": (
        Option(
            "--contrast",
            "contrast.expression",
            'such as "face - house"; rows of an F test separated by ; (if it starts with a minus: --contrast="-face")',
        ),
        Option("--threshold", "threshold.height_control", "what decides the height", {"choices": list(THRESHOLDS)}),
        Option("--alpha", "threshold.alpha", "rate of errors that it allows", {"type": float}),
        Option("--threshold-value", "threshold.value", "the height in z, for fixed", {"type": float, "metavar": "Z"}),
        Option("--one-sided", "threshold.two_sided", "positive effects only", {"action": "store_false"}),
        Option("--two-sided", "threshold.two_sided", "effects of both signs", {"action": "store_true"}),
        Option("--cluster-size", "threshold.cluster_size", "smallest cluster in voxels", {"type": int}),
        Option("--min-distance", "threshold.min_distance", "least mm between a cluster's peaks", {"type": float}),
    ),
}


def _parser() -> Parser:
    parser = Parser(
        prog="glmwidgets fit",
        description="Fit a general linear model to one run, test a contrast, and write z, t, p, effect and variance "
        "maps, clusters.tsv, design_matrix.tsv and the settings.json that repeats it bit for bit.",
        allow_abbrev=False,
    )
    parser.add_argument("bold", nargs="?", metavar="BOLD", help="4-D image (.nii, .nii.gz)")
    parser.add_argument("--settings", metavar="FILE", help="settings.json of an earlier fit; options change it")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder for the results")
    defaults = Settings()
    for title, options in OPTIONS.items():
        group = parser.add_argument_group(title)
        for option in options:
            how = {"metavar": option.flag.rpartition("-")[2].upper(), **option.how}
            if "choices" in how or how.get("action", "").startswith("store_"):
                del how["metavar"]
            default = defaults.get(option.path)
            shown = default not in (None, "") and not isinstance(default, bool)
            about = option.help + (f" (default: {_shown(default)})" if shown else "")
            # Two flags may write one setting, so a flag that was not given must not write its own default.
            group.add_argument(option.flag, dest=option.path, help=about, **{"default": argparse.SUPPRESS, **how})
    return parser


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else f"{value}"


def _settings(given: dict[str, Any]) -> Settings:
    """Settings of the file, if one was named, with the options on top."""
    file, bold = given.pop("settings"), given.pop("bold")
    settings = Settings() if file is None else Settings.load(file)
    if bold is not None:
        given["inputs.bold"] = bold
    try:
        return settings.updated(given)
    except SettingsError as error:
        # The person typed an option, and knows no path of a setting.
        flags = [o.flag for options in OPTIONS.values() for o in options if o.path == error.path]
        if not flags:
            raise
        raise ValueError(f"{flags[0]}: {str(error).removeprefix(f'{error.path}: ')}") from None


def _complete(settings: Settings, run: Run) -> Settings:
    """Settings with nothing left to be found out, so that they say all that the result depends on."""
    settings = dataclasses.replace(settings, inputs=dataclasses.replace(run.inputs, t_r=run.t_r))
    if settings.contrast.expression:
        return settings
    conditions = settings.design.conditions or run.conditions
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
    settings = _settings(given)
    inputs = settings.inputs
    if inputs.bold is None:
        raise ValueError("name the image to fit: glmwidgets fit BOLD.nii.gz --events EVENTS.tsv --out DIR")
    run = open_run(
        inputs.bold,
        inputs.events,
        inputs.t_r,
        confounds=inputs.confounds,
        mask=inputs.mask,
        slice_time_ref=inputs.slice_time_ref,
    )
    analysis = Analysis(run)
    settings = _complete(settings, run)
    try:
        result = analysis.result(settings)
        clusters = analysis.clusters(settings)
    except StageError as error:
        if error.stage == "contrast":
            raise ValueError(f"contrast {settings.contrast.expression!r}: {error}") from None
        raise error.cause from None
    files = write_result(folder, run, result, clusters)
    print(summary(run, result, clusters))
    print(f"{'Written':<11}{len(files)} files in {Path(folder).resolve()}")
    return 0
