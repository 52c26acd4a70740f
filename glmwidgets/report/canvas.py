"""Where figures are drawn: matplotlib's object interface, never pyplot, so that any thread may draw."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from glmwidgets.report.style import FAINT, INK, MUTED, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

__all__ = ["PaperFigure", "ink_on", "open_axes", "quiet_axes"]


class PaperFigure(Figure):
    """A matplotlib figure that shows itself at the end of a notebook cell, with or without pyplot.

    Examples
    --------
    >>> PaperFigure(figsize=(1, 1))._repr_png_()[1:4]
    b'PNG'
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        with BytesIO() as buffer:
            self.savefig(buffer, format="png", dpi=110)
            return buffer.getvalue()


def open_axes(figure: FigureBase | None, axes: Axes | None, size: tuple[float, float]) -> tuple[FigureBase, Axes]:
    """Axes to draw in: those given, new ones in the figure given, or new ones in a new figure of `size` inches."""
    if axes is not None:
        return axes.figure, axes
    if figure is None:
        figure = PaperFigure(figsize=size, dpi=110, facecolor=PAPER, layout="constrained")
    return figure, figure.add_subplot()


def quiet_axes(axes: Axes, title: str | None = None, caption: str = "") -> None:
    """Axes in the house's manner: two thin spines, small muted figures, the title on the left, a note on the right."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=MUTED, labelsize=8, length=3, width=0.8)
    axes.xaxis.label.set(color=MUTED, fontsize=9)
    axes.yaxis.label.set(color=MUTED, fontsize=9)
    if title:
        axes.set_title(title, loc="left", fontsize=10, fontweight="bold", color=INK)
    if caption:
        axes.set_title(caption, loc="right", fontsize=9, color=MUTED)


def ink_on(ground: object) -> str:
    """Colour of text that can be read on a ground."""
    red, green, blue = to_rgb(ground)
    return "#f3f5f7" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK
