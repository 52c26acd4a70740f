"""Figures of many runs, a strip a figure: a dot a run, those that are unusual in the colour of a warning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glmwidgets.report.figures.canvas import PaperFigure, shorten
from glmwidgets.report.figures.style import write_number
from glmwidgets.web.palettes import ALERT, FAINT, INK, MUTED, PAPER

# Inches: a strip's height, the room of the labels, the length of a strip, the room of the numbers at its ends.
HIGH, LABELS, LONG, ENDS = 0.19, 2.5, 5.2, 0.75


def plot_strips(
    labels: Sequence[str], values: np.ndarray, unusual: np.ndarray, out: Sequence[bool] | None = None
) -> PaperFigure:
    """Draw how the figures of many runs are spread.

    Parameters
    ----------
    labels : sequence of str
        One a figure.
    values, unusual : arrays of shape (n_figures, n_runs)
        NaN for a value that is not known; whether it is unusual.
    out : sequence of bool, optional
        Which runs are left out: they are drawn faintly.

    Returns
    -------
    PaperFigure

    Examples
    --------
    >>> values = np.array([[0.1, 0.2, 0.9]])
    >>> plot_strips(["mean framewise displacement, mm"], values, values > 0.5).axes[0].texts[0].get_text()
    'mean framewise displacement, mm'
    """
    n = len(labels)
    wide, high = LABELS + LONG + 2 * ENDS, HIGH * max(n, 1)
    figure = PaperFigure(figsize=(wide, high), dpi=110, facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(n, 0))
    axes.axis("off")
    faint = np.zeros(values.shape[1], bool) if out is None else np.asarray(out, bool)
    begin = LABELS + ENDS
    for row, (label, own, odd) in enumerate(zip(labels, values, unusual, strict=True)):
        known = np.isfinite(own)
        low, top = (own[known].min(), own[known].max()) if known.any() else (0.0, 0.0)
        shown = {"va": "center", "fontsize": 7.5, "color": MUTED}
        axes.text(0.05, row + 0.5, shorten(label, 44), **{**shown, "color": INK})
        axes.plot([begin, begin + LONG], [row + 0.5] * 2, color=FAINT, linewidth=0.8, zorder=1)
        if not known.any():
            continue
        axes.text(begin - 0.08, row + 0.5, write_number(float(low)), ha="right", **shown)
        axes.text(begin + LONG + 0.08, row + 0.5, write_number(float(top)), ha="left", **shown)
        place = begin + LONG * (np.full(own.shape, 0.5) if top == low else (own - low) / (top - low))
        for which, colour, size in ((known & ~odd, INK, 5), (known & odd, ALERT, 13)):
            for pale in (True, False):
                some = which & (faint == pale)
                alpha = 0.25 if pale else 0.55 if colour == INK else 1.0
                axes.scatter(
                    place[some], np.full(some.sum(), row + 0.5), size, colour, alpha=alpha, linewidths=0, zorder=2
                )
    return figure
