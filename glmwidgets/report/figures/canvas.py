"""Where figures are drawn: matplotlib's object interface, never pyplot, so that any thread may draw."""

from __future__ import annotations

import os
import sys
from collections import deque
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import get_backend
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from glmwidgets.files.writing import check_outputs, write_bytes
from glmwidgets.glm.tables import read_table
from glmwidgets.web.palettes import FAINT, INK, INK_ON_DARK, MUTED, PAPER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.figure import FigureBase

    #: A figure, or the number of one of pyplot's; axes, or their place (left, bottom, width, height) in a figure.
    FigureLike = FigureBase | int | str
    AxesLike = Axes | Sequence[float]


# Figures that nobody has seen yet, for `show`. As many as pyplot keeps before it warns.
_UNSEEN: deque[PaperFigure] = deque(maxlen=20)


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
        _UNSEEN.append(self)

    def seen(self) -> None:
        """It need not be shown any more: it was shown, or is part of a page."""
        with suppress(ValueError):
            _UNSEEN.remove(self)

    def savefig(self, fname: object, *, overwrite: bool = False, **kwargs: object) -> None:
        """Save the figure as matplotlib does, but never over an input, and never by half.

        Parameters
        ----------
        fname : str, path or file
        overwrite : bool
            Whether a file that exists may be replaced; a figure that was saved in this Python session may.
        **kwargs
            Of matplotlib.

        Raises
        ------
        FileNotFoundError, FileExistsError
            If the folder does not exist, or the file does and may not be replaced.
        """
        if not isinstance(fname, str | os.PathLike):
            self.seen()
            super().savefig(fname, **kwargs)
            return
        path = Path(fname).expanduser()
        form = str(kwargs.pop("format", None) or path.suffix[1:] or self.canvas.get_default_filetype())
        path = path if path.suffix else path.with_name(f"{path.name}.{form}")
        check_outputs([("figure", path)], overwrite, PaperFigure)
        with BytesIO() as buffer:
            super().savefig(buffer, format=form, **kwargs)
            write_bytes(path, buffer.getvalue(), "figure", overwrite=overwrite, by=PaperFigure)

    def _repr_png_(self) -> bytes:
        with BytesIO() as buffer:
            self.savefig(buffer, format="png", dpi=110)
            return buffer.getvalue()


class PaperAxes(Axes):
    """Axes in a figure of ours, which show and save it."""

    def savefig(self, fname: object, **kwargs: object) -> None:
        """Save the figure; see `PaperFigure.savefig`."""
        self.figure.savefig(fname, **kwargs)

    def _repr_png_(self) -> bytes | None:
        return self.figure._repr_png_() if isinstance(self.figure, PaperFigure) else None


def show() -> None:
    """Show every figure that was drawn and not yet seen, pyplot's among them.

    In a notebook they appear under the cell, at a terminal in windows, if matplotlib has a backend with windows. The
    last 20 figures are kept for it.

    Examples
    --------
    >>> show()
    """
    figures = [*_UNSEEN]
    _UNSEEN.clear()
    if _in_notebook():
        from IPython.display import display

        for figure in figures:
            display(figure)
    elif get_backend().lower() != "agg":
        for figure in figures:
            _to_pyplot(figure)
    if "matplotlib.pyplot" in sys.modules and get_backend().lower() != "agg":
        sys.modules["matplotlib.pyplot"].show()


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def _to_pyplot(figure: PaperFigure) -> None:
    """Give a figure a window of pyplot's."""
    import matplotlib.pyplot as plt

    canvas = plt.figure(figsize=figure.get_size_inches()).canvas
    canvas.figure, canvas.manager.canvas.figure = figure, figure
    figure.set_canvas(canvas)


def given_place(figure: FigureLike | None, axes: AxesLike | None) -> tuple[FigureBase | None, Axes | None]:
    """Figure and axes to draw in, as they may be given: pyplot's figures by number or name, axes by their place."""
    if isinstance(figure, int | str | np.integer):
        import matplotlib.pyplot as plt  # whoever counts figures works with pyplot

        figure = plt.figure(figure)
    if axes is not None and not isinstance(axes, Axes):
        figure = PaperFigure(dpi=110, facecolor=PAPER) if figure is None else figure
        axes = figure.add_axes(tuple(float(edge) for edge in axes), axes_class=PaperAxes)
    return figure, axes


def open_axes(
    figure: FigureLike | None,
    axes: AxesLike | None,
    size: tuple[float, float],
    *,
    left: float = 0.6,
    right: float = 0.15,
    top: float = 0.15,
    bottom: float = 0.45,
) -> tuple[FigureBase, Axes]:
    """Axes to draw in: those given, or new ones that leave room for their labels in the figure given or a new one.

    `size` is that of the new axes, without margins, if the figure is new as well. All in inches.
    """
    figure, axes = given_place(figure, axes)
    if axes is not None:
        return axes.figure, axes
    if figure is None:
        wide, high = size[0] + left + right, size[1] + top + bottom
        figure = PaperFigure(figsize=(wide, high), dpi=110, facecolor=PAPER)
    else:
        wide, high = (length / figure.dpi for length in (figure.bbox.width, figure.bbox.height))
        # In a figure that is too small for the margins, the axes still get a third of it.
        across, down = min(1, 0.67 * wide / (left + right)), min(1, 0.67 * high / (top + bottom))
        left, right, top, bottom = left * across, right * across, top * down, bottom * down
    return figure, figure.add_axes(
        (left / wide, bottom / high, (wide - left - right) / wide, (high - top - bottom) / high), axes_class=PaperAxes
    )


def written(drawn: Any, output_file: str | os.PathLike[str] | None) -> Any:
    """What was drawn, once its figure is in the file that was asked for, if any; `show` leaves it out then.

    A file that is there is replaced, unless it was read as an input.
    """
    if output_file is None:
        return drawn
    figure = drawn.figure
    if isinstance(figure, PaperFigure):
        figure.seen()
        figure.savefig(output_file, overwrite=True)
    else:
        figure.savefig(output_file)
    return drawn


def table_of(given: object, what: str) -> object:
    """A table that may be given as the path of one."""
    return read_table(given, what) if isinstance(given, str | os.PathLike) else given


def width_of(texts: Iterable[str], size: float) -> float:
    """Width of the widest of some texts at a font size in points, in inches."""
    # The widest is among those with most letters; measuring all would cost more than drawing them.
    longest = sorted((text for text in texts if text.strip()), key=len)[-4:]
    return max((np.ptp(TextPath((0, 0), text, size=size).vertices[:, 0]) for text in longest), default=0) / 72


def plain(text: object) -> str:
    """A text as matplotlib is to draw it: letter by letter, and never as a formula between dollars."""
    return str(text).replace("$", r"\$")


def shorten(text: object, most: int = 40) -> str:
    """A name as it is drawn, of at most that many letters: its beginning and its end; see `plain`."""
    text = str(text)
    if len(text) > most:
        text = f"{text[: most - most // 3 - 1]}…{text[-(most // 3) :]}"
    return plain(text)


def points_across(axes: Axes) -> float:
    """Width of axes in points."""
    return axes.get_window_extent().width / axes.figure.dpi * 72


def quiet_axes(axes: Axes, title: str | None = None, caption: str = "") -> None:
    """Axes in the house's manner: two thin spines, small muted figures, the title on the left, a note on the right."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=MUTED, labelsize=8, length=3, width=0.8)
    axes.xaxis.label.set(color=MUTED, fontsize=9)
    axes.yaxis.label.set(color=MUTED, fontsize=9)
    if title:
        axes.set_title(plain(title), loc="left", fontsize=10, fontweight="bold", color=INK)
    if caption:
        axes.set_title(plain(caption), loc="right", fontsize=9, color=MUTED)


def ink_on(ground: object) -> str:
    """Colour of text that can be read on a ground."""
    red, green, blue = to_rgb(ground)
    return INK_ON_DARK if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK
