"""Steps from a run and its settings to a fit and a contrast, as plain functions.

A session calls them with a cache and an estimator without one. They take the run, what is asked (any tree that has the
groups of `glmwidgets.specification.settings.Settings` that the step reads), and what the steps before them gave. What
survives of a contrast is in `glmwidgets.analysis.thresholding`.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.analysis.events import types_of
from glmwidgets.analysis.thresholding import Scored
from glmwidgets.glm.design.censoring import filled_gaps
from glmwidgets.glm.design.confound_groups import FD, STD_DVARS, choose_confounds, scrubbed_scans
from glmwidgets.glm.design.confounds import judge_confounds, refuse_odd_cells
from glmwidgets.glm.design.given import edited_design
from glmwidgets.glm.design.matrix import design_of_checked, frame_times
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.events.checks import check_events, event_warnings
from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.partition import holds_constant
from glmwidgets.glm.fit.regression import Fit, fit_glm
from glmwidgets.glm.moments.brightness import odd_scans, scan_means, warn_of_odd_scans
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.moments.scaling import scale_signal, scaling_row, standardize_signal
from glmwidgets.glm.moments.series import Series
from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.glm.noise.pooling import POOLINGS
from glmwidgets.images.alive import check_alive
from glmwidgets.images.mask import find_brain, match_mask
from glmwidgets.images.orientation import place_doubted
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.need import check_memory
from glmwidgets.runs.run import Run
from glmwidgets.specification.field import arguments_in
from glmwidgets.specification.model import Model
from glmwidgets.specification.reading import read_by, reads

# Fewer scans than these are no series.
MIN_SCANS = 3

WHOLE = slice(None)


@reads("data.drop_scans")
def scans_of(run: Run, asked: Any) -> slice:
    """Scans that are analysed.

    Raises
    ------
    ValueError
        If too few would be left.
    """
    dropped, n = asked.data.drop_scans, run.n_scans
    if n - dropped < MIN_SCANS:
        raise ValueError(f"the first {dropped} scans cannot be left out of {n}: leave at most {n - MIN_SCANS} out")
    return slice(dropped, None)


@reads("data.t_r", "data.slice_time_ref")
def timed(run: Run, asked: Any) -> Run:
    """The run with its scans at the times that are asked for; the same where nothing is."""
    t_r = run.t_r if asked.data.t_r is None else asked.data.t_r
    share = run.slice_time_ref if asked.data.slice_time_ref is None else asked.data.slice_time_ref
    if (t_r, share) == (run.t_r, run.slice_time_ref):
        return run
    if asked.data.t_r is None and not run.is_even:
        first = np.diff(run.frame_times).min()  # within a cluster a scan takes the shortest step
        times = run.frame_times + (share - run.slice_time_ref) * first
    else:
        times = frame_times(run.n_scans, t_r, share)
    by_hand = {name for name in ("t_r", "slice_time_ref") if getattr(asked.data, name) is not None}
    said_by = dict(run.inputs.said_by) | dict.fromkeys(by_hand, "set by hand")
    inputs = replace(
        run.inputs,
        t_r=run.inputs.t_r if asked.data.t_r is None else t_r,
        slice_time_ref=share,
        frame_times=None if asked.data.t_r is not None else run.inputs.frame_times,
        said_by=tuple(sorted(said_by.items())),
    )
    design = None if run.design is None else run.design.set_axis(times)
    return replace(run, t_r=t_r, slice_time_ref=share, frame_times=times, inputs=inputs, design=design)


@reads("data.mask_cut", "data.whole_field")
def domain_of(run: Run, asked: Any) -> Domain:
    """Voxels that are analysed: those of the given mask, or of the brain that is found, that have a signal.

    Warns
    -----
    UserWarning
        If some of the mask never change, or hold values that are not finite; if the image does not say which side is
        left; if memory is short.
    """
    if run.mask_img is not None:
        mask = match_mask(run.mask_img, run.reader.opened)
    elif asked.data.whole_field:
        mask = np.ones(run.domain.shape, dtype=bool)
    else:
        mask = find_brain(run.reader.mean(), cut=asked.data.mask_cut)
    if (why := place_doubted(run.reader.opened)) is not None:
        warnings.warn(why, stacklevel=2)
    alive = run.reader.alive()
    check_alive(alive[mask], run.name)
    domain = run.domain.within(mask & alive)
    check_memory(domain.size, run.name)
    return domain


@reads("data.smoothing_fwhm")
def series_of(run: Run, asked: Any, domain: Domain) -> Series:
    """Series of the domain's voxels, smoothed, of all scans; to be read in blocks of voxels.

    Parameters
    ----------
    run : Run
    asked : object
        Its ``data`` is read.
    domain : Domain
        The voxels.

    Returns
    -------
    Series

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> run = open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60))
    >>> from glmwidgets.specification import Settings
    >>> asked = Settings()
    >>> series_of(run, asked, run.domain).shape
    (60, 1848)
    """
    return run.reader.series(domain, asked.data.smoothing_fwhm)


def _scrub_limits(design: Any) -> dict[str, float | None]:
    """Columns that scans are scrubbed by, and over which value; None where a column scrubs none."""
    return {FD: design.scrub_fd, STD_DVARS: design.scrub_dvars}


@reads("design.source", "design.scrub_fd", "design.scrub_dvars")
def scrubbed_of(run: Run, asked: Any, scans: slice = WHOLE) -> np.ndarray:
    """Which of the scans that are analysed are not scrubbed, as booleans."""
    n, chosen = run.n_scans, asked.design
    kept = np.ones(n, dtype=bool)
    if run.confounds is not None and chosen.source == "events":
        # A column that is missing is an error of the confounds' own step.
        limits = _scrub_limits(chosen).items()
        kept[scrubbed_scans(run.confounds, *(value if name in run.confounds else None for name, value in limits))] = (
            False
        )
    return kept[scans]


@reads("data.signal_scaling", "data.standardize")
def moments_of(
    asked: Any,
    series: np.ndarray | Series,
    scans: Any = WHOLE,
    kept: np.ndarray | None = None,
    *,
    places: np.ndarray | None = None,
    numbers: np.ndarray | None = None,
    **how: Any,
) -> Moments:
    """Scaled series of the scans that are analysed, ready to be multiplied.

    Parameters
    ----------
    asked : object
        Its ``data`` is read.
    series : array of shape (n_scans, n_voxels), or Series
    scans : slice or array of int
    kept : bool array, optional
        Of these scans, those over which means over time are taken.
    places : array of int, optional
        Where the scans are in time, if some between them are left out; see
        `glmwidgets.glm.design.censoring.filled_gaps`.
    numbers : array of int, optional
        What the scans are called in messages; their place in the series by default.
    **how
        ``precision``, ``products`` and ``held`` of `glmwidgets.glm.moments.lagged.Moments`.

    Returns
    -------
    Moments

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> run = open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60))
    >>> from glmwidgets.specification import Settings
    >>> asked = Settings()
    >>> moments = moments_of(asked, series_of(run, asked, run.domain))
    >>> moments.n_scans
    60
    """
    measured = Series.of(series).of_scans(scans)
    y = scale_signal(measured, asked.data.signal_scaling, kept)
    y = standardize_signal(y, asked.data.standardize, scaling_row(asked.data.signal_scaling).centred)
    if places is not None:
        n = int(places[-1] - places[0]) + 1
        y = y.then(lambda block, _, of=y: filled_gaps(of.for_sums(block), places), n, order="K")
    moments = Moments(y, **how)
    rows = None if places is None else places - places[0]
    numbers = np.arange(series.shape[0])[scans] if numbers is None else numbers
    moments.odd_scans = odd_scans(scan_means(measured), rows, numbers)
    return moments


@reads("design.source", "design.confounds", "design.scrub_fd", "design.scrub_dvars")
def confounds_of(run: Run, asked: Any, scans: slice = WHOLE) -> pd.DataFrame | None:
    """Chosen confounds of all scans, columns for scrubbed ones among them; None if there are none.

    Raises
    ------
    ValueError
        If some are asked of a run that has none, or of a table without them.
    """
    chosen = asked.design
    if chosen.source == "given":
        return None
    if run.confounds is None:
        scrubbed = [name for name in ("scrub_fd", "scrub_dvars") if getattr(chosen, name) is not None]
        if chosen.confounds or scrubbed:
            wanted = ", ".join(chosen.confounds or scrubbed)
            advice = {"function": "open it with confounds=", "notebook": "open it with confounds="}
            raise InputError(
                f"the run has no confounds, and {wanted} cannot be modelled",
                advice={**advice, "terminal": "name their table with --confounds"},
            )
        return None
    table = choose_confounds(
        run.confounds,
        chosen.confounds,
        fd_threshold=chosen.scrub_fd,
        std_dvars_threshold=chosen.scrub_dvars,
        skip=scans.start or 0,
    )
    by = [name for name, limit in _scrub_limits(chosen).items() if limit is not None]
    refuse_odd_cells(run.confounds, [*table.columns, *by])
    return judge_confounds(table, run.inputs.confounds or "the confounds") if table.shape[1] else None


def modelled_events(asked: Any, events: pd.DataFrame | None) -> pd.DataFrame | None:
    """Events of the types that are modelled.

    Raises
    ------
    ValueError
        If a type is asked for that no event is of.
    """
    chosen = asked.design.conditions
    if events is not None and chosen is not None:
        there = types_of(events)
        unknown = sorted(set(chosen) - set(there))
        if unknown:
            raise ValueError(f"no event is of type {', '.join(unknown)}; there are {', '.join(there)}")
        events = events[events["trial_type"].isin(chosen)]
    return events


@reads(
    *read_by(timed),
    "design.source",
    *(path for path in Model.paths() if path.startswith("design.") and path not in read_by(confounds_of)),
)
def design_of(
    run: Run,
    asked: Any,
    events: pd.DataFrame | None,
    confounds: pd.DataFrame | None,
    scans: Any = WHOLE,
    *,
    outside: str = "error",
    where: str = "",
    checked: bool = False,
) -> pd.DataFrame:
    """Design matrix of the scans that are kept: that of the whole run without the rows of the others.

    Parameters
    ----------
    run : Run
        Its ``frame_times`` are read, or its ``design`` where that is asked for.
    asked : object
        Its ``design`` is read.
    events : DataFrame or None
    confounds : DataFrame or None
        As `confounds_of` returns them.
    scans : slice or array of int
    outside : {"error", "warn"}
        What to do about event types that never happen during the run.
    where : str
        What warnings begin with.
    checked : bool
        Whether events are known to be as they are after a check, and need not be looked at again.

    Returns
    -------
    DataFrame
        One row a scan that is kept.

    Warns
    -----
    UserWarning
        If the scans that are left out hold all that is known of an event type.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> run = open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60))
    >>> from glmwidgets.specification import Settings
    >>> asked = Settings()
    >>> design = design_of(run, asked, run.events, None)
    >>> design.shape[0], list(design)[:2]
    (60, ['faces', 'houses'])
    """
    run = timed(run, asked)
    if asked.design.source == "given":
        return _given_design(run, asked).iloc[scans]
    events = modelled_events(asked, events)
    if events is not None and events.empty:
        events = None
    how = {"outside": outside, **arguments_in(asked.design)}
    if events is not None and not checked:
        events = check_events(events)
    design = design_of_checked(run.frame_times, events, confounds, **how)
    kept = np.arange(len(design))[scans]
    if len(kept) == len(design):
        return design
    warn_if_unseen(run, events, kept, where)
    return design.iloc[scans]


def _given_design(run: Run, asked: Any) -> pd.DataFrame:
    """The design matrix that was given, with what is to be done to its columns."""
    if run.design is None:
        raise InputError(
            "the run was given no design matrix",
            advice={
                "function": "open it with design=",
                "terminal": "name its table with --design",
                "notebook": "open it with design_matrices=, or set design.source to 'events'",
            },
            where="design.source",
        )
    chosen = asked.design
    times = np.arange(len(run.design), dtype=float) if run.frame_times is None else run.frame_times
    return edited_design(run.design, times, chosen.left_out, chosen.shifted, chosen.orthogonalised)


def warn_without_constant(run: Run, asked: Any, design: pd.DataFrame) -> None:
    """Warn of a given design under which the mean of the series would count as error."""
    scaling = scaling_row(asked.data.signal_scaling)
    if asked.data.standardize is None and not scaling.centred and not holds_constant(design):
        warnings.warn(
            f"{run.name}: the given design has no constant, and signal_scaling={scaling.value!r} leaves the series "
            "their mean, which counts as error: add one, design.assign(constant=1.0), unless the data have no "
            "mean",
            stacklevel=3,
        )


def warn_if_unseen(run: Run, events: pd.DataFrame | None, kept: np.ndarray, where: str) -> None:
    """Warn of event types of which the scans that are left out hold all that is known."""
    for finding in [] if events is None else event_warnings(events, run.frame_times, kept):
        if finding.kind == "censored" and finding.severity == "error":
            warnings.warn(where + finding.message, stacklevel=3)


def check_even(run: Run, noise_model: str) -> None:
    """Refuse noise models of correlations from scan to scan where scans are not evenly spaced.

    Raises
    ------
    ValueError
    """
    row = noise_model_row(noise_model)
    if row.parameters and not run.is_even:
        raise InputError(
            f"{row.label} needs scans in even steps, but those of this run are "
            f"{run.clock.removeprefix('scans ')} (VolumeTiming, frame_times)",
            advice={
                "function": "Choose ordinary least squares: noise.model='ols'",
                "terminal": "Choose ordinary least squares: --noise ols",
                "notebook": "Choose ordinary least squares",
            },
            where="noise.model",
        )


@reads("noise.model", "noise.pooling", "noise.bins")
def fit_of(asked: Any, moments: Moments, design: pd.DataFrame, domain: Domain, **how: Any) -> Fit:
    """Fit of the design, under the noise that is asked for.

    Parameters
    ----------
    asked : object
        Its ``noise`` is read.
    moments : Moments
    design : DataFrame
    domain : Domain
        Where the voxels of the moments lie.
    **how
        ``random_state`` of `glmwidgets.glm.fit.regression.fit_glm`.

    Returns
    -------
    Fit

    Warns
    -----
    UserWarning
        If scans are far brighter or darker than the others, and the design has no column for each.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> run = open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60))
    >>> from glmwidgets.specification import Settings
    >>> asked = Settings()
    >>> moments = moments_of(asked, series_of(run, asked, run.domain))
    >>> fit = fit_of(asked, moments, design_of(run, asked, run.events, None), run.domain)
    >>> fit.noise_model, fit.dof
    ('ar1', 52)
    """
    warn_of_odd_scans(moments.odd_scans, design.to_numpy(dtype=float))
    pooling = asked.noise.pooling
    touching = domain.neighbours() if POOLINGS[pooling].needs_neighbours else None
    how |= {"pooling": pooling, "neighbours": touching, "bins": asked.noise.bins}
    return fit_glm(moments, design, asked.noise.model, **how)


@reads("contrast.expression")
def contrast_of(asked: Any, fit: Fit) -> Scored:
    """The contrast that is asked about, with its z scores.

    Parameters
    ----------
    asked : object
        Its ``contrast`` is read.
    fit : Fit

    Returns
    -------
    Contrast, array of shape (n_voxels,)
        The contrast and its z scores.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> asked = session.settings.updated({"contrast.expression": "faces - houses"})
    >>> contrast, z = contrast_of(asked, session.result.fit)
    >>> contrast.stat_type, z.shape == session.result.z.shape
    ('t', True)
    """
    contrast = compute_contrast(fit, asked.contrast.expression)
    return contrast, contrast.z_score()
