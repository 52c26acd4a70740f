"""What the tabs of the series panel draw: plots from the series of a place, with no widget in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from glmwidgets.analysis.places import spectrum_of
from glmwidgets.analysis.residuals import Residuals
from glmwidgets.analysis.timelines import Timeline, averages_of, event_window, mixed_share
from glmwidgets.panels.parts.chart import Band, Bars, Line, Mark, Plot, Region, sent
from glmwidgets.report.figures.style import write_number
from glmwidgets.specification.series import SERIES_LINES
from glmwidgets.web.palettes import CONTRAST, FIT, REDUCED, RESIDUAL, SIGNAL, colour_of

if TYPE_CHECKING:
    from glmwidgets.analysis.answers import RunAnswer
    from glmwidgets.analysis.places import PlaceSeries
    from glmwidgets.analysis.voxels import RunEffect

#: Colour and width of each line of the series tab.
LINES = {
    "data": (SIGNAL, 1.3),
    "fit": (FIT, 1.8),
    "residual": (RESIDUAL, 1.1),
    "contrast": (CONTRAST, 1.8),
    "reduced": (REDUCED, 1.1),
}


def colour_in(events: Timeline, kind: str) -> str:
    """Colour of an event type; grey for one that has gone since the fit was made."""
    return _colours(events.types).get(kind, "--glmw-muted")


@lru_cache(maxsize=8)
def _colours(types: tuple[str, ...]) -> dict[str, str]:
    return {kind: colour_of(kind, types) for kind in types}


def event_regions(events: Timeline, opacity: float = 0.16) -> list[dict[str, Any]]:
    """Stretches of the run in which there are events, by type."""
    # an event of no duration is still seen
    least = events.end / 600
    found = [
        Region(onset, onset + max(duration, least), colour_in(events, kind), kind, opacity)
        for kind in events.shown
        for onset, duration in zip(events.onsets[kind], events.durations[kind], strict=True)
    ]
    return sent(found)


def series_plot(
    here: PlaceSeries,
    lines: Iterable[str],
    fits: Iterable[str],
    events: Timeline,
    pins: Sequence[tuple[str, PlaceSeries]] = (),
) -> Plot:
    """Series over time: what is chosen at this place, and data and fit of the pinned ones.

    Parameters
    ----------
    here : PlaceSeries
    lines : iterable of str
        Keys of `LINES`.
    fits : iterable of str
        Conditions whose own fit is drawn.
    events : Timeline
    pins : sequence of (colour, series)
    """
    lines, parts = list(lines), []
    for colour, other in pins:
        for name, width, opacity in (("data", 1.0, 0.45), ("fit", 1.4, 0.8)):
            if name in lines:
                parts.append(Line(other.times, other.line(name), colour, width=width, opacity=opacity))
    # The noisy ones behind: what the model says is seen through the data, not the other way round.
    for name in sorted(LINES, key=lambda name: LINES[name][1]):
        (colour, width), label = LINES[name], SERIES_LINES[name].label
        if name in lines:
            parts.append(Line(here.times, here.line(name), colour, label, width=width))
    for condition in fits:
        if condition in here.conditions:
            colour = colour_in(events, condition)
            parts.append(Line(here.times, here.conditions[condition], colour, condition, width=1.6))
    if not parts:
        parts.append(Line(here.times, np.full(here.times.size, np.nan), SIGNAL))
    step = here.times[1] - here.times[0]
    ends = (min(0.0, here.times[0]), here.times[-1] + step)
    return Plot(parts, ends, x_unit="s", y_name=here.unit, scans=True, regions=True, pick=True)


def average_plot(here: PlaceSeries, events: Timeline, wanted: Sequence[str], t_r: float) -> Plot:
    """Averages around events of some types: data with their standard error, and the fit averaged in the same way.

    Drift and confounds, as fitted, are taken out of both, so that zero is the model's baseline.
    """
    lags = event_window(events.blocks, wanted, t_r)
    parts: list[Line | Band | Mark] = []
    fits = []
    for kind, average in averages_of(here, events, wanted, lags).items():
        colour = colour_in(events, kind)
        data, error = average.mean[:, 0], average.error[:, 0]
        parts.append(Band(lags, data - error, data + error, colour, 0.18))
        fits.append(Line(lags, data, colour, kind, width=0.8, opacity=0.75, dots=2.2))
        fits.append(Line(lags, average.mean[:, 1], colour, "fit", width=2.0))
    parts += [*fits, Mark(0, "--glmw-muted", "onset")]
    durations = events.blocks.gathered(wanted)[1]
    if durations.size and np.ptp(durations) < 0.05 * durations.max():
        parts.append(Mark(float(durations.mean()), "--glmw-muted", "end", dash=(3, 3)))
    return Plot(parts, (lags[0], lags[-1]), x_unit="s after onset", y_name=here.unit)


#: What has to be known to read the effects.
EFFECTS_WORDS = "bars: estimates at the voxel; points: contrasts; lines: 95 % intervals"


def effects_plot(
    conditions: Sequence[tuple[str, RunEffect]], contrasts: Sequence[RunEffect], events: Timeline, unit: str
) -> Plot:
    """A bar for each condition's effect, then a point for each contrast's, with 95 % intervals.

    Parameters
    ----------
    conditions : sequence of (condition, effect)
    contrasts : sequence of effect
    events : Timeline
        For the colours.
    unit : str
        Of the effects.
    """
    parts: list[Line | Band | Bars | Mark] = []
    rows = [(effect, colour_in(events, condition)) for condition, effect in conditions]
    rows += [(effect, FIT) for effect in contrasts]
    for at, (effect, colour) in enumerate(rows):
        x, ends = np.full(2, float(at)), np.array([effect.low, effect.high])
        if at < len(conditions):
            parts.append(Bars(x[:1], np.array([effect.effect]), 0.64, colour, opacity=0.75))
        else:
            parts.append(Line(x[:1], np.array([effect.effect]), colour, dots=4.0))
        parts.append(Line(x, ends, "--glmw-ink", width=1.5))
    if conditions and contrasts:
        parts.append(Mark(len(conditions) - 0.5, "--glmw-line", dash=(4, 3)))
    said = [f"{e.name} {write_number(e.effect)} [{write_number(e.low)}, {write_number(e.high)}]" for e, _ in rows]
    names = [effect.name for effect, _ in rows]
    ends_of_all = (-0.6, max(1, len(rows)) - 0.4)
    return Plot(
        parts, ends_of_all, labels=names, said=[f"{each} {unit}".rstrip() for each in said], y_name=unit, zero=True
    )


def average_words(events: Timeline, wanted: Sequence[str], t_r: float) -> str:
    """What has to be known to read the averages."""
    n_trials, events = len(events.gathered(wanted)[0]), events.blocks
    lags = event_window(events, wanted, t_r)
    onsets, durations = events.gathered(wanted)
    mixed = mixed_share(events, wanted, lags)
    over = f"{len(onsets)} blocks of {n_trials} trials" if len(onsets) < n_trials else "events"
    words = [f"dots: data ± standard error over {over}", "lines: fit averaged alike"]
    if mixed > 0:
        words.append(f"other events overlap {100 * mixed:.0f} % of the windows, in data and fit")
    words.append("0: the model's baseline, without drift and confounds")
    shortest, longest = durations.min(initial=np.inf), durations.max(initial=0.0)
    if longest > 1.05 * shortest + 0.05:
        words.append(f"events last from {shortest:g} to {longest:g} s")
    return " · ".join(words)


def residual_plots(here: PlaceSeries, result: RunAnswer) -> tuple[list[Plot], str]:
    """Histogram of the residuals with the normal curve of their deviation, and their autocorrelation.

    Returns
    -------
    plots : list of dict
        Two.
    words : str
        Their deviation, and the first autocorrelation before and after whitening.
    """
    found = Residuals.of(here, result)
    if found is None:
        return [], "the fit leaves nothing: there are no residuals"
    lags, before, after, n_lags = found.lags, found.before, found.after, found.lags.size
    low, high = (_ends(found.expected + side * 1.96 * found.deviation) for side in (-1, 1))
    parts = [Band(np.r_[0.5, lags, n_lags + 0.5], low, high, "--glmw-muted", 0.18)]
    if found.whitened_by:
        parts.append(Bars(lags - 0.17, before, 0.34, SIGNAL, "before", opacity=0.75))
        parts.append(Bars(lags + 0.17, after, 0.34, FIT, "whitened"))
    else:
        parts.append(Bars(lags, before, 0.6, SIGNAL, "r"))
    caption = "autocorrelation: grey before, orange whitened" if found.whitened_by else "autocorrelation"
    top = max(0.3, float(np.abs(np.r_[before, after]).max()) * 1.08)
    correlated = Plot(
        parts, (0.3, n_lags + 0.7), (-min(top, 1), min(top, 1)), caption=caption, x_name="lag", x_unit="scans"
    )
    words = f"sd {write_number(found.sd)} {_short(here.unit)} · lag 1: {_signed(before[0])}"
    words += f" → {_signed(after[0])} whitened by {found.whitened_by}" if found.whitened_by else ""
    return [_histogram(found.values, found.sd, here.unit), correlated], f"{words} · shaded: 95 % if white"


def _histogram(residual: np.ndarray, sd: float, unit: str) -> Plot:
    half = max(3.2 * sd, float(np.abs(residual).max()) * 1.05)
    n_bins = int(np.clip(np.ceil(2 * half / (3.49 * sd * residual.size ** (-1 / 3))), 8, 40))  # Scott 1979
    counts, edges = np.histogram(residual, bins=n_bins, range=(-half, half))
    width = edges[1] - edges[0]
    x = np.linspace(-half, half, 121)
    normal = residual.size * width / (sd * np.sqrt(2 * np.pi)) * np.exp(-0.5 * np.square(x / sd))
    parts = [
        Bars((edges[:-1] + edges[1:]) / 2, counts, width, SIGNAL, "scans", opacity=0.6),
        Line(x, normal, FIT, width=1.6),
    ]
    caption = "residuals and the normal curve"
    return Plot(parts, (-half, half), caption=caption, x_name="residual", x_unit=unit, y_name="scans")


def spectrum_plot(
    here: PlaceSeries,
    high_pass: float | None,
    task: Mapping[str, float],
    lines: Iterable[str],
    fits: Iterable[str],
    events: Timeline,
    t_r: float,
) -> Plot:
    """Amplitude by frequency of what is chosen, with the cut-off of the drift and each condition's main frequency.

    Parameters
    ----------
    here : PlaceSeries
    high_pass : float or None
        Cut-off of the drift in Hz, where it has one.
    task : mapping from condition to Hz
        See `glmwidgets.analysis.timelines.task_frequencies`.
    lines, fits, events
        As for `series_plot`.
    t_r : float
    """
    chosen = [(here.line(name), SERIES_LINES[name].label, *LINES[name]) for name in LINES if name in set(lines)]
    chosen += [(here.conditions[c], c, colour_in(events, c), 1.5) for c in fits if c in here.conditions]
    parts: list[Line | Band | Mark] = []
    for values, label, colour, width in chosen:
        parts.append(Line(*spectrum_of(values, t_r), colour, label, width=width))
    if not parts:
        frequencies, _ = spectrum_of(here.data, t_r)
        parts.append(Line(frequencies, np.full(frequencies.size, np.nan), SIGNAL))
    if high_pass:
        parts.append(Mark(high_pass, "--glmw-muted", f"high-pass {1 / high_pass:.4g} s", dash=(4, 3)))
    rows: dict[float, int] = {}
    for condition, frequency in task.items():
        row = rows[frequency] = rows.get(frequency, -1) + 1
        said = f"{condition} mostly at 1 / {1 / frequency:.3g} s"
        parts.append(Mark(frequency, colour_in(events, condition), said, tick=True, row=row))
    return Plot(parts, (0.0, 0.5 / t_r), x_unit="Hz", y_name=f"amplitude, {here.unit}")


def _ends(values: np.ndarray) -> np.ndarray:
    return np.r_[values[0], values, values[-1]]


def _short(unit: str) -> str:
    return "%" if unit.startswith("%") else ""


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
