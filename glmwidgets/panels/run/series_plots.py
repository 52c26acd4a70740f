"""What the tabs of the series panel draw: plots from the series of a place, with no widget in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmwidgets.glm.events.average import average_around_events, blocks_of_events, share_of_mixed_windows
from glmwidgets.glm.fit.residuals import amplitude_spectrum, main_frequency, white_autocorrelation
from glmwidgets.glm.fit.whiteness import autocorrelation
from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.panels.parts.chart import Band, Bars, Line, Mark, Plot, Region, sent
from glmwidgets.report.figures.style import write_number
from glmwidgets.web.palettes import CONTRAST, FIT, REDUCED, RESIDUAL, SIGNAL, colour_of

if TYPE_CHECKING:
    from glmwidgets.analysis.answers import RunAnswer
    from glmwidgets.analysis.places import PlaceSeries

__all__ = [
    "LINES",
    "Timeline",
    "average_plot",
    "average_words",
    "event_regions",
    "event_window",
    "residual_plots",
    "series_plot",
    "spectrum_plot",
    "task_frequencies",
]

#: Lines of the series tab: their label, colour, width and what they are.
LINES: dict[str, tuple[str, str, float, str]] = {
    "data": ("data", SIGNAL, 1.3, "as modelled, minus their mean"),
    "fit": ("fit", FIT, 1.8, "full fit: all columns of the design"),
    "residual": ("residual", RESIDUAL, 1.1, "data minus full fit"),
    "contrast": ("contrast", CONTRAST, 1.8, "the part of the fit that is lost if the contrast is zero"),
    "reduced": ("adjusted data", REDUCED, 1.1, "the data without what the contrast does not ask about"),
}

# Seconds after the longest event in which its response has mostly gone, and before it that show where it starts from.
AFTER, BEFORE = 18.0, 6.0
LONGEST_WINDOW = 90.0

MAX_LAG = 20


@dataclass(frozen=True, eq=False)
class Timeline:
    """Events as charts need them, read from their table once: a crosshair that is dragged asks for them every time.

    Attributes
    ----------
    types : tuple of str
        All event types, which settles their colours.
    shown : tuple of str
        Those in the model, without modulators.
    onsets, durations : dict from type to array of float
        Seconds.
    end : float
        End of the run in seconds.
    """

    types: tuple[str, ...]
    shown: tuple[str, ...]
    onsets: Mapping[str, np.ndarray]
    durations: Mapping[str, np.ndarray]
    end: float

    @classmethod
    def of(cls, events: pd.DataFrame | None, types: Sequence[str], shown: Iterable[str], end: float) -> Timeline:
        """Read a table with onset, duration and trial_type; None for no events."""
        rows: Mapping[str, Any] = {} if events is None else events.groupby("trial_type").indices
        onset, duration = (
            (np.empty(0), np.empty(0))
            if events is None
            else (events["onset"].to_numpy(dtype=float), events["duration"].to_numpy(dtype=float))
        )
        shown = tuple(kind for kind in shown if kind in rows)
        return cls(
            tuple(types),
            shown,
            {kind: onset[rows[kind]] for kind in shown},
            {kind: duration[rows[kind]] for kind in shown},
            end,
        )

    def colour(self, kind: str) -> str:
        """Colour of an event type; grey for one that has gone since the fit was made."""
        return self._colours.get(kind, "--glmw-muted")

    @cached_property
    def _colours(self) -> dict[str, str]:
        return {kind: colour_of(kind, self.types) for kind in self.types}

    @cached_property
    def blocks(self) -> Timeline:
        """The same with a block in the place of its trials, for types that come in blocks."""
        found = {kind: blocks_of_events(self.onsets[kind], self.durations[kind]) for kind in self.shown}
        onsets, durations = ({kind: both[i] for kind, both in found.items()} for i in (0, 1))
        return replace(self, onsets=onsets, durations=durations)

    def gathered(self, kinds: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        """Onsets and durations of some types together."""
        kinds = list(kinds)
        both = (np.concatenate([np.empty(0), *(of[kind] for kind in kinds)]) for of in (self.onsets, self.durations))
        return tuple(both)


def event_regions(events: Timeline, opacity: float = 0.16) -> list[dict[str, Any]]:
    """Stretches of the run in which there are events, by type."""
    # an event of no duration is still seen
    least = events.end / 600
    found = [
        Region(onset, onset + max(duration, least), events.colour(kind), kind, opacity)
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
    for name in sorted(LINES, key=lambda name: LINES[name][2]):
        label, colour, width, _ = LINES[name]
        if name in lines:
            parts.append(Line(here.times, here.line(name), colour, label, width=width))
    for condition in fits:
        if condition in here.conditions:
            colour = events.colour(condition)
            parts.append(Line(here.times, here.conditions[condition], colour, condition, width=1.6))
    if not parts:
        parts.append(Line(here.times, np.full(here.times.size, np.nan), SIGNAL))
    step = here.times[1] - here.times[0]
    ends = (min(0.0, here.times[0]), here.times[-1] + step)
    return Plot(parts, ends, x_unit="s", scans=True, regions=True, pick=True)


def event_window(events: Timeline, wanted: Sequence[str], t_r: float) -> np.ndarray:
    """Lags from the onset at which series are averaged: whole scans, from before the events until after the longest."""
    longest = float(events.gathered(wanted)[1].max(initial=0.0))
    last = min(longest + AFTER, LONGEST_WINDOW)
    return np.arange(-np.ceil(BEFORE / t_r), np.ceil(last / t_r) + 1) * t_r


def average_plot(here: PlaceSeries, events: Timeline, wanted: Sequence[str], t_r: float) -> Plot:
    """Averages around events of some types: data with their standard error, and the fit averaged in the same way.

    Drift and confounds, as fitted, are taken out of both, so that zero is the model's baseline.
    """
    events = events.blocks
    lags = event_window(events, wanted, t_r)
    parts: list[Line | Band | Mark] = []
    both = np.column_stack([here.cleaned, here.task])
    fits = []
    for kind in wanted:
        average, colour = (
            average_around_events(here.times, both, events.onsets[kind], lags, here.kept),
            events.colour(kind),
        )
        data, error = average.mean[:, 0], average.error[:, 0]
        parts.append(Band(lags, data - error, data + error, colour, 0.18))
        fits.append(Line(lags, data, colour, kind, width=0.8, opacity=0.75, dots=2.2))
        fits.append(Line(lags, average.mean[:, 1], colour, "fit", width=2.0))
    parts += [*fits, Mark(0, "--glmw-muted", "onset")]
    durations = events.gathered(wanted)[1]
    if durations.size and np.ptp(durations) < 0.05 * durations.max():
        parts.append(Mark(float(durations.mean()), "--glmw-muted", "end", dash=(3, 3)))
    return Plot(parts, (lags[0], lags[-1]), x_unit="s after onset")


def average_words(events: Timeline, wanted: Sequence[str], t_r: float) -> str:
    """What has to be known to read the averages."""
    n_trials, events = len(events.gathered(wanted)[0]), events.blocks
    lags = event_window(events, wanted, t_r)
    onsets, durations = events.gathered(wanted)
    others, all_durations = events.gathered(events.shown)
    reach = AFTER + float(all_durations.max(initial=0.0))
    mixed = share_of_mixed_windows(onsets, others, (float(lags[0]), float(lags[-1])), reach)
    over = f"{len(onsets)} blocks of {n_trials} trials" if len(onsets) < n_trials else "events"
    words = [f"dots: data ± standard error over {over}", "lines: fit averaged alike"]
    if mixed > 0:
        words.append(f"other events reach into {100 * mixed:.0f} % of the windows, in both")
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

    Notes
    -----
    The limits hold 95 % of the autocorrelations of white noise after this design was fitted, with the noise
    parameters taken as known: `glmwidgets.glm.fit.residuals.white_autocorrelation`. Of several voxels the mean residual
    is whitened with their mean parameters.
    """
    residual, fit = here.residual, result.fit
    remaining = residual if here.kept is None else residual[here.kept]
    sd = float(np.sqrt(remaining @ remaining / max(1, fit.dof)))
    if not sd > 0:
        return [], "the fit leaves nothing: there are no residuals"
    n_lags = max(1, min(MAX_LAG, residual.size // 8))
    row = noise_model_row(fit.noise_model)
    parameters = {name: np.array([value]) for name, value in here.parameters.items()}
    white = row.process(parameters, np.array([0])).innovations(residual[:, None])
    of_design = row.process(parameters, np.zeros(fit.basis.rank, dtype=np.intp)).innovations(fit.basis.q)
    mean, deviation = white_autocorrelation(of_design, n_lags)
    before, after = autocorrelation(residual[:, None], n_lags)[:, 0], autocorrelation(white, n_lags)[:, 0]
    lags, limits = np.arange(1.0, n_lags + 1), 1.96 * deviation
    whitened = bool(parameters)
    parts = [Band(np.r_[0.5, lags, n_lags + 0.5], _ends(mean - limits), _ends(mean + limits), "--glmw-muted", 0.18)]
    if whitened:
        parts.append(Bars(lags - 0.17, before, 0.34, SIGNAL, "before", opacity=0.75))
        parts.append(Bars(lags + 0.17, after, 0.34, FIT, "whitened"))
    else:
        parts.append(Bars(lags, before, 0.6, SIGNAL, "r"))
    caption = "autocorrelation: grey before, orange whitened" if whitened else "autocorrelation"
    top = max(0.3, float(np.abs(np.r_[before, after]).max()) * 1.08)
    correlated = Plot(parts, (0.3, n_lags + 0.7), (-min(top, 1), min(top, 1)), caption=caption, x_name="lag")
    words = f"sd {write_number(sd)} {_short(here.unit)} · lag 1: {_signed(before[0])}"
    words += f" → {_signed(after[0])} whitened by {row.label}" if whitened else ""
    return [_histogram(remaining, sd, here.unit), correlated], f"{words} · shaded: 95 % if white"


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
    return Plot(parts, (-half, half), caption=f"residuals, {unit}, and the normal curve", x_name="residual")


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
        See `task_frequencies`.
    lines, fits, events
        As for `series_plot`.
    t_r : float
    """
    chosen = {name: (here.line(name), *LINES[name][:3]) for name in LINES if name in set(lines)}
    for condition in fits:
        if condition in here.conditions:
            chosen[condition] = (here.conditions[condition], condition, events.colour(condition), 1.5)
    parts: list[Line | Band | Mark] = []
    for values, label, colour, width in chosen.values():
        frequencies, amplitudes = amplitude_spectrum(values - values.mean(), t_r)
        parts.append(Line(frequencies, amplitudes, colour, label, width=width))
    if not parts:
        frequencies, _ = amplitude_spectrum(here.data, t_r)
        parts.append(Line(frequencies, np.full(frequencies.size, np.nan), SIGNAL))
    if high_pass:
        parts.append(Mark(high_pass, "--glmw-muted", f"high-pass {1 / high_pass:.4g} s", dash=(4, 3)))
    rows: dict[float, int] = {}
    for condition, frequency in task.items():
        row = rows[frequency] = rows.get(frequency, -1) + 1
        said = f"{condition} mostly at 1 / {1 / frequency:.3g} s"
        parts.append(Mark(frequency, events.colour(condition), said, tick=True, row=row))
    return Plot(parts, (0.0, 0.5 / t_r), x_unit="Hz", caption=f"amplitude, {here.unit}")


def task_frequencies(design: pd.DataFrame, by_condition: Mapping[str, Sequence[str]], t_r: float) -> dict[str, float]:
    """Frequency in Hz at which the columns of each condition are strongest."""
    return {c: main_frequency(design[list(columns)].to_numpy(), t_r) for c, columns in by_condition.items()}


def _ends(values: np.ndarray) -> np.ndarray:
    return np.r_[values[0], values, values[-1]]


def _short(unit: str) -> str:
    return "%" if unit.startswith("%") else ""


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
