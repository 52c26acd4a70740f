"""Curves on paper: events along the run, a series with its prediction, responses, residuals."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.response.models import hrf_curve
from glmwidgets.plural import count
from glmwidgets.report.figures.canvas import (
    open_axes,
    plain,
    points_across,
    quiet_axes,
    shorten,
    table_of,
    width_of,
    written,
)
from glmwidgets.report.figures.style import write_number
from glmwidgets.web.palettes import DATA, EVENT_COLOURS, FAINT, FIT, INK, MUTED, colour_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import FigureBase
    from numpy.typing import ArrayLike, NDArray

    from glmwidgets.glm.response.models import HRFModel
    from glmwidgets.report.figures.canvas import AxesLike, FigureLike

WIDE = 8.2  # inches


def plot_series(
    actual: ArrayLike,
    predicted: ArrayLike | None = None,
    *,
    t_r: float | None = None,
    frame_times: ArrayLike | None = None,
    events: pd.DataFrame | None = None,
    conditions: Iterable[str] | None = None,
    unit: str = "",
    title: str | None = None,
    figure: FigureLike | None = None,
    axes: AxesLike | None = None,
) -> FigureBase:
    """Show a time series with the model's prediction, and the events behind it shaded by type.

    Parameters
    ----------
    actual : array-like, shape (n_scans,)
        The data of a voxel or region. NaN leaves a gap.
    predicted : array-like, shape (n_scans,), optional
        The fit, in the same unit. R² = 1 - sum of squared residuals / sum of squares around the mean is then written
        in the corner.
    t_r : float, optional
        Repetition time in seconds; scans are counted if neither it nor `frame_times` is given.
    frame_times : array-like, shape (n_scans,), optional
        Time of each scan in seconds.
    events : DataFrame, optional
        With columns onset and duration (s) and, for more than one type, trial_type.
    conditions : iterable of str, optional
        All event types of the analysis, which settles their colours. By default those in `events`.
    unit : str, default ""
        Unit of the data, for instance ``"% signal"``.
    title : str, optional
    figure : matplotlib.figure.Figure, optional
        Figure to add axes to. New by default.
    axes : matplotlib.axes.Axes, optional
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the lengths differ, events are given without times of the scans, or a column of the events is missing.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [4.0, 20.0], "duration": 8.0, "trial_type": ["face", "house"]})
    >>> figure = plot_series(np.sin(np.arange(20)), t_r=2.0, events=events, unit="% signal")
    """
    actual = _series(actual, "actual")
    times, label = _times(actual.size, t_r, frame_times)
    if events is not None and label == "scan":
        raise ValueError("events need the scans' times: give t_r or frame_times")
    if predicted is not None:
        predicted = _series(predicted, "predicted")
        if predicted.size != actual.size:
            raise ValueError(f"predicted has {count(predicted.size, 'scan')}, but actual has {actual.size}")
    spans = {} if events is None else _spans_by_type(events, times[-1] - times[0])
    kinds = {str(name) for name in (conditions or ())} | set(spans)

    handles: list[Artist] = [Line2D([], [], color=DATA, linewidth=1, label="data")]
    if predicted is not None:
        handles.append(Line2D([], [], color=FIT, linewidth=1.8, label="model"))
    handles += [Patch(color=colour_of(kind, kinds), alpha=0.45, linewidth=0, label=shorten(kind)) for kind in spans]
    own_axes = axes is None
    figure, axes = open_axes(figure, axes, (WIDE, 2.2), left=0.75, top=0.3, bottom=0.45 + _legend_height(handles, WIDE))
    for kind, mine in spans.items():
        place = {"transform": axes.get_xaxis_transform(), "zorder": 0}
        axes.broken_barh(mine, (0, 1), color=colour_of(kind, kinds), alpha=0.3, linewidth=0, **place)
    axes.plot(times, actual, color=DATA, linewidth=1, zorder=2)
    if predicted is not None:
        axes.plot(times, predicted, color=FIT, linewidth=1.8, zorder=3)
    axes.set(xlabel=label, ylabel=plain(unit), xlim=(times[0], times[-1]) if times[-1] > times[0] else None)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    # Raw signals lie far from 0: a tick says its whole value, not its distance from an offset.
    axes.ticklabel_format(axis="y", useOffset=False, scilimits=(-4, 6))
    quiet_axes(axes, title, "" if predicted is None else _explained(actual, predicted))
    _add_legend(axes, handles, below=own_axes)
    return figure


def plot_events(
    events: pd.DataFrame | str | os.PathLike[str] | Sequence[pd.DataFrame | str | os.PathLike[str]],
    cmap: str | Colormap | None = None,
    *,
    conditions: Iterable[str] | None = None,
    end: float | None = None,
    title: str | None = None,
    figure: FigureLike | None = None,
    axes: AxesLike | None = None,
    output_file: str | os.PathLike[str] | None = None,
) -> FigureBase:
    """Show when events happen: one line a type, with its name and how many there are.

    Parameters
    ----------
    events : DataFrame, path of one, or list of these
        With columns onset and duration (s) and, for more than one type, trial_type. Of several runs the lines stand
        below each other, run by run, in the colours of all.
    cmap : str or matplotlib.colors.Colormap, optional
        Colours of the types in the order of their names; by default those of the explorer.
    conditions : iterable of str, optional
        All event types of the analysis, which settles their colours and adds empty lines for types without events.
    end : float, optional
        End of the run in seconds. By default the end of the last event.
    title : str, optional
    figure : matplotlib.figure.Figure, optional
        Figure to add axes to. New by default.
    axes : matplotlib.axes.Axes, optional
        Axes to draw in.
    output_file : str or path, optional
        Write the figure there.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no event, a column is missing, or `cmap` has fewer colours than there are types.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [4.0, 20.0], "duration": 8.0, "trial_type": ["face", "house"]})
    >>> figure = plot_events(events, end=60)
    """
    given = events if isinstance(events, list | tuple) else [events]
    runs = [table_of(one, "events") for one in given]
    if not runs or any(len(run) == 0 for run in runs):
        raise ValueError("events holds no row: there is nothing to show")
    first = min(0.0, *(float(run["onset"].min()) for run in runs))
    last = max(float(_typed(run).eval("onset + duration").max()) for run in runs) if end is None else float(end)
    last = last if last > first else first + 1.0
    spans = [_spans_by_type(run, last - first) for run in runs]
    kinds = sorted({str(name) for name in (conditions or ())}.union(*spans))
    colours = _colours(kinds, cmap)
    rows = [(number, kind) for number in range(len(runs)) for kind in kinds]
    names = [shorten(f"run {number + 1}: {kind}" if len(runs) > 1 else kind) for number, kind in rows]
    left = 0.2 + width_of(names, 8.5)
    figure, axes = open_axes(figure, axes, (WIDE, 0.26 * len(rows)), left=left, right=0.5, top=0.3 if title else 0.1)
    for row, (number, kind) in enumerate(rows):
        mine = spans[number].get(kind, [])
        axes.broken_barh(mine, (row - 0.32, 0.64), color=colours[kind], linewidth=0)
        axes.text(1.01, row, str(len(mine)), transform=axes.get_yaxis_transform(), color=MUTED, fontsize=8, va="center")
    axes.set(xlim=(first, last), ylim=(len(rows) - 0.5, -0.5), xlabel="time (s)")
    quiet_axes(axes, title)
    axes.spines["left"].set_visible(False)
    axes.set_yticks(range(len(rows)), names, fontsize=8.5, color=INK)
    axes.tick_params(axis="y", length=0)
    return written(figure, output_file)


def plot_event(model_event: object, cmap: object = None, output_file: object = None, **look: object) -> object:
    """Show when events happen: `plot_events`, as the conventional scripts call it.

    Parameters
    ----------
    model_event, cmap, output_file, **look
        As in `plot_events`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import pandas as pd
    >>> figure = plot_event(pd.DataFrame({"onset": [4.0, 20.0], "duration": 8.0, "trial_type": ["face", "house"]}))
    """
    return plot_events(model_event, cmap, output_file=output_file, **look)


def _colours(kinds: Sequence[str], cmap: str | Colormap | None) -> dict[str, Any]:
    """Colour of each event type."""
    if cmap is None:
        return {kind: colour_of(kind, kinds) for kind in kinds}
    if isinstance(cmap, str):
        check_choice("cmap", cmap, colormaps)
        cmap = colormaps[cmap]
    if len(kinds) > cmap.N:
        raise ValueError(f"there are {len(kinds)} event types, and the colour map {cmap.name!r} has {cmap.N} colours")
    return {kind: cmap(i if cmap.N < 64 else i / max(1, len(kinds) - 1)) for i, kind in enumerate(kinds)}


def plot_hrf(
    hrf_model: HRFModel | Sequence[str] = "spm",
    t_r: float = 2.0,
    *,
    fir_delays: Iterable[int] | None = None,
    title: str | None = None,
    figure: FigureLike | None = None,
    axes: AxesLike | None = None,
) -> FigureBase:
    """Show the response to an event: one model with its derivatives, or several models to compare.

    Parameters
    ----------
    hrf_model : str, callable, list of callables, None, or list of str
        What `glmwidgets.glm.response.models.hrf_curve` draws, or names of several models.
    t_r : float, default 2.0
        Repetition time in seconds, on which some models depend.
    fir_delays : iterable of int, optional
        Delays in scans for ``"fir"``.
    title : str, optional
        By default the model's name.
    figure : matplotlib.figure.Figure, optional
        Figure to add axes to. New by default.
    axes : matplotlib.axes.Axes, optional
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a model is unknown.

    Examples
    --------
    >>> figure = plot_hrf("spm + derivative", t_r=2.0)
    >>> figure = plot_hrf(["spm", "glover"])
    """
    several = isinstance(hrf_model, (list, tuple)) and all(isinstance(name, str) for name in hrf_model)
    curves = []
    for model in hrf_model if several else [hrf_model]:
        table = hrf_curve(model, t_r=t_r, dt=0.02, fir_delays=fir_delays)
        for name in table.columns:
            label = name if not several else (model if name == "response" else f"{model}: {name}")
            curves.append((label, table[name]))
    colours = (FIT, DATA, *EVENT_COLOURS)
    lines = [
        Line2D(curve.index, curve, color=colours[i % len(colours)], linewidth=1.3 if i else 1.8, label=shorten(label))
        for i, (label, curve) in enumerate(curves)
    ]
    own_axes = axes is None
    figure, axes = open_axes(figure, axes, (4.4, 2.2), left=0.75, top=0.3, bottom=0.45 + _legend_height(lines, 4.4))
    axes.axhline(0, color=FAINT, linewidth=1, zorder=0)
    for line in lines:
        axes.add_line(line)
    axes.autoscale_view()
    axes.set_xlim(0, max(curve.index[-1] for _, curve in curves))
    axes.set(xlabel="time since the event (s)", ylabel="response")
    if title is None and isinstance(hrf_model, str):
        title = hrf_model
    quiet_axes(axes, title, f"peak at {curves[0][1].idxmax():.1f} s" if len(curves) == 1 else "")
    _add_legend(axes, lines, below=own_axes)
    return figure


def plot_residual_histogram(
    residuals: ArrayLike,
    bins: int | str | ArrayLike = "auto",
    *,
    unit: str = "",
    title: str | None = None,
    colour: str = DATA,
    figure: FigureLike | None = None,
    axes: AxesLike | None = None,
) -> FigureBase:
    """Show the distribution of residuals beside the normal curve of the same mean and standard deviation.

    Parameters
    ----------
    residuals : array-like
        Of one voxel or region over time, or of many; NaN and infinities are left out.
    bins : int, str or array-like, default "auto"
        As in `numpy.histogram_bin_edges`.
    unit : str, default ""
        Unit of the residuals.
    title : str, optional
    colour : str, optional
    figure : matplotlib.figure.Figure, optional
        Figure to add axes to. New by default.
    axes : matplotlib.axes.Axes, optional
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no finite residual.

    Examples
    --------
    >>> figure = plot_residual_histogram(np.random.default_rng(0).normal(size=200), unit="% signal")
    """
    residuals = np.asarray(residuals, dtype=float).ravel()
    residuals = residuals[np.isfinite(residuals)]
    if not residuals.size:
        raise ValueError("there is no finite residual to count")
    counts, edges = np.histogram(residuals, bins=bins)
    mean, sd = float(residuals.mean()), float(residuals.std(ddof=1)) if residuals.size > 1 else 0.0
    figure, axes = open_axes(figure, axes, (3.6, 2.2), top=0.3)
    axes.stairs(counts, edges, fill=True, color=colour, alpha=0.35)
    axes.stairs(counts, edges, color=colour, linewidth=1)
    if sd > 1e-12 * max(1.0, abs(mean)):
        x = np.linspace(min(edges[0], mean - 3.5 * sd), max(edges[-1], mean + 3.5 * sd), 300)
        # Number of residuals that a normal distribution puts into a bin of mean width around x.
        width = float(np.mean(np.diff(edges)))
        curve = residuals.size * width / (sd * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((x - mean) / sd) ** 2)
        axes.plot(x, curve, color=FIT, linewidth=1.8, label="normal")
        axes.legend(loc="upper left", frameon=False, fontsize=8, labelcolor=MUTED, handlelength=1.2, borderaxespad=0)
    axes.set_ylim(0, 1.15 * axes.get_ylim()[1])
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set(xlabel=f"residual ({plain(unit)})" if unit else "residual", ylabel="count")
    mean_text = "0" if abs(mean) < 1e-9 * (sd or 1) else write_number(mean)
    quiet_axes(axes, title, f"mean {mean_text} · sd {write_number(sd)}")
    return figure


def _series(values: ArrayLike, what: str) -> NDArray[np.float64]:
    values = np.squeeze(np.asarray(values, dtype=float))
    if values.ndim != 1:
        raise ValueError(f"{what} must be one series, but its shape is {values.shape}")
    return values


def _times(n_scans: int, t_r: float | None, frame_times: ArrayLike | None) -> tuple[NDArray[np.float64], str]:
    if frame_times is not None:
        times = _series(frame_times, "frame_times")
        if times.size != n_scans:
            raise ValueError(f"frame_times has {times.size:,} entries, but the series has {count(n_scans, 'scan')}")
        return times, "time (s)"
    if t_r is not None:
        return t_r * np.arange(n_scans), "time (s)"
    return np.arange(n_scans, dtype=float), "scan"


def _typed(events: pd.DataFrame) -> pd.DataFrame:
    """The columns that figures need, with a single type where none is named."""
    missing = {"onset", "duration"} - set(events.columns)
    if missing:
        raise ValueError(f"events lacks the column{'s' * (len(missing) > 1)} {', '.join(sorted(missing))}")
    kinds = events["trial_type"].astype(str) if "trial_type" in events else "events"
    return events[["onset", "duration"]].astype(float).assign(trial_type=kinds).reset_index(drop=True)


def _spans_by_type(events: pd.DataFrame, run: float) -> dict[str, list[tuple[float, float]]]:
    """Onset and width of each event by sorted type; what is too short to be seen is drawn a five-hundredth wide."""
    events = _typed(events)
    widths = np.maximum(events["duration"], 0.002 * run)
    return {
        kind: list(zip(mine["onset"], widths[mine.index], strict=True))
        for kind, mine in events.groupby("trial_type", sort=True)
    }


def _explained(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> str:
    known = np.isfinite(actual) & np.isfinite(predicted)
    total = ((actual[known] - actual[known].mean()) ** 2).sum() if known.any() else 0.0
    if total == 0:
        return ""
    return f"R² {write_number(1 - ((actual - predicted)[known] ** 2).sum() / total)}"


def _legend_lines(handles: Sequence[Artist], inches: float) -> int:
    """How many lines the names need, side by side in so many inches."""
    entry = width_of((handle.get_label() for handle in handles), 8) + 34 / 72
    return int(np.ceil(len(handles) / max(inches // entry, 1)))


def _legend_height(handles: Sequence[Artist], inches: float) -> float:
    return 0.05 + 0.19 * _legend_lines(handles, inches) if len(handles) > 1 else 0.0


def _add_legend(axes: Axes, handles: Sequence[Artist], below: bool) -> None:
    """Names under the time axis in as many columns as fit, or inside axes whose surroundings are unknown."""
    if len(handles) < 2:
        return
    style = {"handles": handles, "fontsize": 8, "labelcolor": INK, "handlelength": 1.4}
    if not below:
        axes.legend(loc="best", framealpha=0.7, edgecolor="none", **style)
        return
    n_lines = _legend_lines(handles, points_across(axes) / 72)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=axes.transAxes + ScaledTranslation(0, -32 / 72, axes.figure.dpi_scale_trans),
        ncols=int(np.ceil(len(handles) / n_lines)),
        frameon=False,
        columnspacing=1.6,
        borderaxespad=0,
        **style,
    )
