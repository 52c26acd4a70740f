"""A sheet of panels drawn to one common scale in mm, with a colour bar beside them and a note below."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from glmwidgets.report.figures.canvas import PaperFigure, given_place, ink_on, plain
from glmwidgets.report.figures.scale import Scale, draw_colorbar
from glmwidgets.web.palettes import ALERT, ALERT_ON_DARK, INK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from glmwidgets.report.figures.canvas import AxesLike, FigureLike

# Points: 72 to an inch.
GAP, EDGE, LABEL, BAR, BAR_TEXT, NOTE, TITLE = 5, 5, 12, 9, 36, 16, 24
LARGEST = (9.0, 8.0)  # inches


class Sheet(NamedTuple):
    """What was laid out.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes
        Holds everything; its data units are mm.
    panels : list of list of matplotlib.axes.Axes
        Rows of panels, as asked for. Data units of each are mm.
    ink, ground : str
        Colours of text and of what lies behind the maps.
    """

    figure: FigureBase
    axes: Axes
    panels: list[list[Axes]]
    ink: str
    ground: str


def open_sheet(
    sizes: Sequence[Sequence[tuple[float, float]]],
    *,
    figure: FigureLike | None,
    axes: AxesLike | None,
    ground: str,
    scale: Scale | None = None,
    title: str | None = None,
    note: str = "",
    labels: Sequence[Sequence[str]] | None = None,
) -> Sheet:
    """Lay out rows of panels of given sizes in mm, each in the middle of its cell.

    Parameters
    ----------
    sizes : rows of (width, height)
        In mm. All panels are drawn to the same scale.
    figure : matplotlib.figure.Figure, optional
        Where to add axes that fill it. A new figure of a fitting size by default.
    axes : matplotlib.axes.Axes, optional
        Axes whose place is taken; `figure` is then not looked at.
    ground : str
        Colour behind the panels.
    scale : Scale, optional
        Draws its colour bar on the right.
    title : str, optional
    note : str, default ""
        Sentence below the panels that a reader must not miss.
    labels : rows of str, optional
        What to write below each panel.

    Returns
    -------
    Sheet
    """
    columns = [max(row[i][0] for row in sizes if i < len(row)) for i in range(max(map(len, sizes)))]
    rows = [max(height for _, height in row) for row in sizes]
    # What is counted in points, not in mm: gaps between cells, colour bar, note.
    across = 2 * EDGE + GAP * (len(columns) - 1) + (BAR + BAR_TEXT + 2 * EDGE if scale else 0)
    under = LABEL if labels else 0
    down = 2 * EDGE + GAP * (len(rows) - 1) + under * len(rows) + (NOTE if note else 0)

    figure, axes = given_place(figure, axes)
    if axes is None:
        head = TITLE if title else 0
        if figure is None:
            figure = _fitting_figure(sum(columns), sum(rows), across, down + head, title)
            figure.set_facecolor(ground)
        height = figure.bbox.height / figure.dpi * 72
        axes = figure.add_axes((0, 0, 1, max(1 - head / height, 0.1)))
    else:
        figure = axes.figure
    box = axes.get_window_extent()
    wide, high = (max(length / figure.dpi * 72, 1) for length in (box.width, box.height))
    # In a very small place the points would leave nothing for the brain.
    points = max(
        sum(columns) / max(wide - across, 0.4 * wide),
        sum(rows) / max(high - down, 0.4 * high),
    )
    width, height = sum(columns) + across * points, sum(rows) + down * points

    axes.set(xlim=(0, width), ylim=(0, height), xticks=[], yticks=[], facecolor=ground, aspect="equal")
    axes.spines[:].set_visible(False)
    if title:
        axes.set_title(
            plain(title), loc="left", fontsize=10, color=ink_on(figure.get_facecolor()), pad=6, x=EDGE / wide
        )

    ink = ink_on(ground)
    panels = []
    top = height - EDGE * points
    for row, row_height, texts in zip(sizes, rows, labels or [[]] * len(rows), strict=True):
        left, line = EDGE * points, []
        for i, (panel_width, panel_height) in enumerate(row):
            corner = (left + (columns[i] - panel_width) / 2, top - (row_height + panel_height) / 2)
            line.append(_inset(axes, *corner, panel_width, panel_height))
            if texts:
                below = top - row_height - 2 * points
                axes.text(corner[0], below, texts[i], fontsize=7.5, color=ink, va="top")
            left += columns[i] + GAP * points
        panels.append(line)
        top -= row_height + (under + GAP) * points
    if note:
        colour = ALERT_ON_DARK if ink != INK else ALERT
        axes.text(EDGE * points, 0.3 * NOTE * points, plain(note), fontsize=9, color=colour, va="bottom")
    if scale:
        bottom = (EDGE + (NOTE if note else 0)) * points
        full = height - EDGE * points - bottom
        tall = min(0.86 * full, 160 * points)
        left = width - (BAR + BAR_TEXT + EDGE) * points
        draw_colorbar(_inset(axes, left, bottom + (full - tall) / 2, BAR * points, tall), scale, ink, ground)
    return Sheet(figure, axes, panels, ink, ground)


def _inset(axes: Axes, left: float, bottom: float, width: float, height: float) -> Axes:
    inset = axes.inset_axes((left, bottom, width, height), transform=axes.transData)
    inset.set(xticks=[], yticks=[], facecolor=axes.get_facecolor())
    inset.spines[:].set_visible(False)
    return inset


def _fitting_figure(width: float, height: float, across: float, down: float, title: str | None) -> PaperFigure:
    """A figure of the panels' own shape, as wide as a page if it is not too high."""
    most = [72 * length for length in LARGEST]
    # 1.8 points to a mm fill a page with a brain; a phantom of a few mm is drawn larger.
    points = min((most[0] - across) / width, (most[1] - down) / height, max(1.8, 150 / height))
    # A single small panel must still leave room for its title.
    wide = max(width * points + across, 6.5 * len(title or ""), 150)
    return PaperFigure(figsize=(min(wide, most[0]) / 72, (height * points + down) / 72), dpi=110)
