"""Figures of what a run is and how it was fitted: its clock, events and motion, its design, its fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from glmwidgets.glm.design.collinearity import variance_inflation
from glmwidgets.glm.design.confound_groups import FD, MOTION
from glmwidgets.glm.design.diagnostics import efficiency as efficiency_of
from glmwidgets.glm.design.diagnostics import energy_removed
from glmwidgets.glm.events.checks import event_warnings
from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.study.across_runs import Seen
from glmwidgets.study.figure import Figure

# mm that a point on the head's surface moves when it turns by a radian.
RADIUS = 50.0

FAR = 0.5  # mm


# Input ----------------------------------------------------------------------------------------------------------------


def n_scans(seen: Seen) -> float:
    """Number of scans."""
    return seen.of.n_scans or np.nan


def t_r(seen: Seen) -> float:
    """Seconds between scans."""
    return np.nan if seen.of.t_r is None else seen.of.t_r


def n_events(seen: Seen) -> float:
    """Number of events."""
    events = _events(seen)
    return np.nan if events is None else len(events)


def missing_conditions(seen: Seen) -> float:
    """Event types of the study that the run has not."""
    events = _events(seen)
    if events is None or seen.together is None:
        return np.nan
    return len(set(seen.together.all_conditions) - set(events["trial_type"]))


def events_outside(seen: Seen) -> float:
    """Share of the events that start outside the run, in percent."""
    events = _events(seen)
    if events is None or not len(events):
        return np.nan
    found = event_warnings(events, seen.run.frame_times)
    rows = {row for each in found if each.kind in ("outside", "milliseconds") for row in each.rows}
    return 100 * len(rows) / len(events)


def _events(seen: Seen) -> pd.DataFrame | None:
    return None if seen.run is None else seen.run.events


# Motion ---------------------------------------------------------------------------------------------------------------


def displacement(table: pd.DataFrame | None) -> np.ndarray | None:
    """Framewise displacement in mm of every scan from the second: that of the table, or of its motion parameters.

    ``sum |d trans| + 50 mm × sum |d rot|`` (Power and others 2012, NeuroImage 59, 2142-2154).

    Examples
    --------
    >>> moved = pd.DataFrame({name: [0.0, 0.1, 0.1] for name in MOTION})
    >>> displacement(moved).round(1).tolist()
    [15.3, 0.0]
    """
    if table is None:
        return None
    if FD in table:
        return table[FD].to_numpy(dtype=float)[1:]
    if not set(MOTION) <= set(table.columns):
        return None
    change = np.abs(np.diff(table[list(MOTION)].to_numpy(dtype=float), axis=0))
    return change[:, :3].sum(axis=1) + RADIUS * change[:, 3:].sum(axis=1)


def _moved(seen: Seen) -> np.ndarray | None:
    return None if seen.run is None else displacement(seen.run.confounds)


def fd_mean(seen: Seen) -> float:
    """Mean framewise displacement in mm."""
    moved = _moved(seen)
    return np.nan if moved is None else float(np.nanmean(moved))


def fd_max(seen: Seen) -> float:
    """Largest framewise displacement in mm."""
    moved = _moved(seen)
    return np.nan if moved is None else float(np.nanmax(moved))


def fd_share(seen: Seen) -> float:
    """Share of the scans that moved by more than .5 mm, in percent."""
    moved = _moved(seen)
    return np.nan if moved is None else float(100 * np.mean(moved > FAR))


# Model ----------------------------------------------------------------------------------------------------------------


def r_square(seen: Seen) -> float:
    """Median R² of the cells, in percent."""
    return _of_fit(seen, lambda fit: 100 * float(np.median(fit.r_square)))


def task_r_square(seen: Seen) -> float:
    """Partial R² of all task columns in the upper twentieth of the cells, in percent."""
    columns = _task_columns(seen)
    if not columns:
        return np.nan
    fit = seen.part.fit
    weights = np.eye(len(fit.columns))[_places(seen, columns)]
    try:
        found = compute_contrast(fit, weights, "F")
    except ValueError:
        return np.nan
    explained = found.dim * found.stat()
    left = found.dof if found.dof_left is None else found.dof_left
    return float(100 * np.quantile(explained / (explained + left), 0.95))


def rho(seen: Seen) -> float:
    """Median over cells of the noise model's first parameter."""
    return _of_fit(seen, lambda fit: float(np.median(next(iter(fit.parameters.values()), np.array([np.nan])))))


def dof(seen: Seen) -> float:
    """Degrees of freedom that are left."""
    return _of_fit(seen, lambda fit: float(fit.dof))


def vif(seen: Seen) -> float:
    """Largest variance inflation of a task column."""
    columns = _task_columns(seen)
    if not columns:
        return np.nan
    return float(np.max(variance_inflation(seen.part.fit.basis.x)[_places(seen, columns)]))


def efficiency(seen: Seen) -> float:
    """Efficiency of the contrast."""
    if seen.part.fit is None or seen.contrast is None:
        return np.nan
    fit = seen.part.fit
    return efficiency_of(fit.basis.x, contrast_vector(seen.expression, list(fit.columns)))


def drift_taken(seen: Seen) -> float:
    """Largest share of a condition's variance that lies in the drift, in percent."""
    columns = _task_columns(seen)
    drift = [name for name in (() if seen.part.fit is None else seen.part.fit.columns) if name.startswith("drift_")]
    if not columns or not drift:
        return np.nan
    x = seen.part.fit.basis.x
    return float(100 * np.nanmax(energy_removed(x[:, _places(seen, columns)], x[:, _places(seen, drift)])))


def censored(seen: Seen) -> float:
    """Share of the scans that have a column of their own, in percent."""
    return _of_fit(seen, lambda fit: 100 * (1 - fit.basis.n_kept / fit.basis.n_scans))


def motion_task(seen: Seen) -> float:
    """Largest multiple correlation of a task column with the motion parameters."""
    columns, table = _task_columns(seen), None if seen.run is None else seen.run.confounds
    names = [] if table is None else [name for name in MOTION if name in table]
    if not columns or not names:
        return np.nan
    x = seen.part.fit.basis.x
    moved = table[names].to_numpy(dtype=float)[-len(x) :]
    return float(np.sqrt(np.nanmax(energy_removed(x[:, _places(seen, columns)], moved))))


def not_white(seen: Seen) -> float:
    """Share of the voxels whose residuals are not white, in percent."""
    return np.nan if seen.whiteness is None else 100 * seen.whiteness.share


def _of_fit(seen: Seen, figure: Callable[[Fit], float]) -> float:
    return np.nan if seen.part.fit is None else figure(seen.part.fit)


def _places(seen: Seen, names: Sequence[str]) -> list[int]:
    """Where columns of the design stand."""
    columns = seen.part.fit.columns
    return [columns.index(name) for name in names]


def _task_columns(seen: Seen) -> list[str]:
    fitted = seen.part.fitted
    return [] if fitted is None else [column for names in fitted.effects.values() for column in names]


#: Figures of the input, of motion and of the model.
INPUT = (
    Figure(
        "n_scans",
        "scans",
        "",
        "input",
        "Number of scans, by the image's header.",
        n_scans,
        side="both",
        floor=1,
        words="it has {value} scans, and {usual} are usual",
        digits=6,
    ),
    Figure(
        "t_r",
        "time between scans",
        "s",
        "input",
        "Seconds between scans, by sidecar or header.",
        t_r,
        side="both",
        floor=0.001,
        digits=5,
    ),
    Figure(
        "n_events",
        "events",
        "",
        "input",
        "Number of events.",
        n_events,
        side="both",
        floor=1.25,
        ratio=True,
        words="it has {value} events, and {usual} are usual",
    ),
    Figure(
        "missing_conditions",
        "event types that are missing",
        "",
        "input",
        "Event types of the study that the run does not have.",
        missing_conditions,
        side="high",
        floor=0.5,
        words="{value} event types of the study are missing",
    ),
    Figure(
        "events_outside",
        "events outside the run",
        "%",
        "input",
        "Share of the events that start before the first scan or after the last.",
        events_outside,
        side="high",
        floor=2,
        words="{value} of the events start outside the run",
    ),
)

MOVED = (
    Figure(
        "fd_mean",
        "mean framewise displacement",
        "mm",
        "data",
        "Mean over scans of sum |d trans| + 50 mm × sum |d rot|, or of the table's own column.",
        fd_mean,
        source="Power and others 2012, NeuroImage 59, 2142-2154",
        side="high",
        floor=1.5,
        ratio=True,
    ),
    Figure(
        "fd_max",
        "largest framewise displacement",
        "mm",
        "data",
        "Largest framewise displacement.",
        fd_max,
        source="Power and others 2012, NeuroImage 59, 2142-2154",
        side="high",
        floor=2.0,
        ratio=True,
    ),
    Figure(
        "fd_share",
        "scans that moved by more than 0.5 mm",
        "%",
        "data",
        "Share of the scans whose framewise displacement is above 0.5 mm.",
        fd_share,
        source="Power and others 2012, NeuroImage 59, 2142-2154",
        side="high",
        floor=10,
        words="{value} of the scans moved by more than 0.5 mm, and {usual} is usual",
    ),
)

MODEL = (
    Figure(
        "r_square",
        "R²",
        "%",
        "model",
        "Median over cells of 1 - |y - Xb|² / |y - mean(y)|².",
        r_square,
        side="low",
        floor=5,
    ),
    Figure(
        "task_r_square",
        "partial R² of the task",
        "%",
        "model",
        "95th percentile over cells of q F / (q F + degrees of freedom), F of all q task columns.",
        task_r_square,
        side="low",
        floor=1.3,
        ratio=True,
        words="the task explains {value} of the variance where it explains most, and {usual} is usual",
    ),
    Figure(
        "rho",
        "autocorrelation",
        "",
        "model",
        "Median over cells of the first parameter of the noise model.",
        rho,
        side="both",
        floor=0.1,
    ),
    Figure(
        "not_white",
        "residuals that are not white",
        "%",
        "model",
        "Share of the voxels whose residuals are less white than those of the noise model itself, at p < .05; 5 % are "
        "expected by chance. Whole runs only.",
        not_white,
        source="glmwidgets.glm.fit.whiteness",
        side="high",
        floor=5,
        words="the residuals of {value} of its voxels are not white, and {usual} is usual: look at the noise model",
    ),
    Figure(
        "dof",
        "degrees of freedom",
        "",
        "model",
        "Scans less the rank of the design.",
        dof,
        side="low",
        floor=1.15,
        ratio=True,
        words="it has {value} degrees of freedom, and {usual} are usual",
        digits=5,
    ),
    Figure(
        "vif",
        "variance inflation",
        "",
        "model",
        "Largest over task columns of 1 / (1 - R²) with the other columns.",
        vif,
        side="high",
        floor=1.5,
        ratio=True,
    ),
    Figure(
        "efficiency",
        "efficiency",
        "",
        "model",
        "1 / trace(c (X'X)⁺ c') of the contrast.",
        efficiency,
        source="Dale 1999, Hum Brain Mapp 8, 109-114",
        side="low",
        floor=1.6,
        ratio=True,
        of_contrast=True,
    ),
    Figure(
        "drift_taken",
        "removed by the drift",
        "%",
        "model",
        "Largest over task columns of the share of variance that lies in the drift columns.",
        drift_taken,
        side="high",
        floor=10,
        words="the drift removes up to {value} of a condition's variance, and {usual} is usual",
    ),
    Figure(
        "censored",
        "censored scans",
        "%",
        "model",
        "Share of the scans with a column of their own.",
        censored,
        side="high",
        floor=5,
        words="{value} of the scans are censored, and {usual} is usual",
    ),
    Figure(
        "motion_task",
        "motion correlated with the task",
        "",
        "model",
        "Largest over task columns of the multiple correlation with the six motion parameters.",
        motion_task,
        side="high",
        floor=0.15,
        words="the head moved with the task: a correlation of {value}, and {usual} is usual",
    ),
)
