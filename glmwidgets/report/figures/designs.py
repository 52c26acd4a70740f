"""The design on paper: its matrix, a contrast's weights, the correlation of its columns."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.design.collinearity import column_correlation
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.plural import count
from glmwidgets.report.figures.canvas import (
    ink_on,
    open_axes,
    plain,
    points_across,
    shorten,
    table_of,
    width_of,
    written,
)
from glmwidgets.report.figures.scale import colours_of
from glmwidgets.web.palettes import COLORMAPS, DATA, FAINT, INK, MUTED, PAPER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

    from glmwidgets.report.figures.canvas import AxesLike, FigureLike

# More columns than this leave no room for a number in each cell.
NUMBERS_UP_TO = 24
BAR_ROOM = 0.75  # inches


def plot_design_matrix(
    design_matrix: pd.DataFrame | str | os.PathLike[str],
    rescale: bool = True,
    axes: AxesLike | None = None,
    output_file: str | os.PathLike[str] | None = None,
    *,
    title: str | None = None,
    figure: FigureLike | None = None,
) -> Axes:
    """Show a design matrix: one row a scan, one column a regressor, dark above zero and blue below it.

    Parameters
    ----------
    design_matrix : DataFrame or path of one, shape (n_scans, n_columns)
        Indexed by frame times in seconds, or by scan.
    rescale : bool, default True
        Divide each column by its largest size, so that every column uses the whole range of colours.
    title : str, optional
    figure : matplotlib.figure.Figure, optional
        Figure to add axes to. New by default.
    axes : matplotlib.axes.Axes, optional
        Axes to draw in.
    output_file : str or path, optional
        Write the figure there.

    Returns
    -------
    matplotlib.axes.Axes
        In a notebook they show their figure (``.figure``), and they save it by ``savefig``.

    Raises
    ------
    TypeError
        If `design_matrix` is not a table.
    ValueError
        If it is empty or holds something other than finite numbers.

    Examples
    --------
    >>> design = pd.DataFrame({"face": [0.0, 1, 1, 0], "constant": 1.0}, index=[0.0, 2, 4, 6])
    >>> figure = plot_design_matrix(design)
    """
    design_matrix = table_of(design_matrix, "design matrix")
    values = _numbers(design_matrix)
    if rescale:
        largest = np.abs(values).max(axis=0)
        values = values / np.where(largest > 0, largest, 1)
    n_scans, n_columns = values.shape
    width = _width(n_columns)
    room = _room_for_names(design_matrix.columns, width)
    _, axes = open_axes(
        figure, axes, (width, 4.2), bottom=0.2, top=room.along + (0.35 if title else 0.1), right=room.beyond
    )
    top = np.abs(values).max() or 1.0
    times, label = _rows(design_matrix)
    step = (times[-1] - times[0]) / (n_scans - 1) if n_scans > 1 else 1.0
    axes.imshow(
        values,
        cmap=LinearSegmentedColormap.from_list("design", [COLORMAPS["warm-cold"]["negative"][2], PAPER, DATA]),
        vmin=-top,
        vmax=top,
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, n_columns - 0.5, times[-1] + step / 2, times[0] - step / 2),
    )
    _name_columns(axes, design_matrix.columns)
    _separate(axes, n_columns)
    axes.set_ylabel(label, color=MUTED, fontsize=9)
    axes.tick_params(axis="y", colors=MUTED, labelsize=8, length=3)
    _finish(axes, title)
    return written(axes, output_file)


def plot_contrast_matrix(
    contrast_def: object,
    design_matrix: pd.DataFrame | str | os.PathLike[str],
    colorbar: bool = False,
    axes: AxesLike | None = None,
    output_file: str | os.PathLike[str] | None = None,
    *,
    title: str | None = None,
    figure: FigureLike | None = None,
) -> Axes:
    """Show the weights of a contrast on the design's columns: warm above zero, cold below it.

    Parameters
    ----------
    contrast_def : str, array-like, mapping or list of these
        As `glmwidgets.glm.fit.expressions.contrast_vector` reads it: an expression, a vector (t), a matrix or a list of
        expressions (F).
    design_matrix : DataFrame or path of one, shape (n_scans, n_columns)
        The design, or any table with its columns.
    colorbar : bool, default False
        The weights themselves are written in the cells; for designs of many columns a colour bar may help.
    title : str, optional
        By default the expression, if the contrast is given as one.
    figure : matplotlib.figure.Figure, optional
        Figure to add axes to. New by default.
    axes : matplotlib.axes.Axes, optional
        Axes to draw in.
    output_file : str or path, optional
        Write the figure there.

    Returns
    -------
    matplotlib.axes.Axes
        In a notebook they show their figure (``.figure``), and they save it by ``savefig``.

    Raises
    ------
    ValueError
        If the contrast cannot be read or does not fit the columns.

    Examples
    --------
    >>> design = pd.DataFrame(0.0, index=range(4), columns=["face", "house", "constant"])
    >>> figure = plot_contrast_matrix("face - house", design)
    """
    design_matrix = table_of(design_matrix, "design matrix")
    weights = np.atleast_2d(contrast_vector(contrast_def, design_matrix.columns))
    n_rows, n_columns = weights.shape
    if title is None and isinstance(contrast_def, str):
        title = contrast_def
    names = [str(row + 1) for row in range(n_rows)] if n_rows > 1 else []
    if names and _is_list_of_text(contrast_def, n_rows):
        names = [shorten(row) for row in contrast_def]
    width = _width(n_columns)
    room = _room_for_names(design_matrix.columns, width)
    _, axes = open_axes(
        figure,
        axes,
        (width, 0.32 * n_rows),
        left=0.2 + width_of(names, 8),
        right=max(room.beyond, BAR_ROOM if colorbar else 0),
        top=room.along + (0.35 if title else 0.1),
        bottom=0.15,
    )
    image = _draw_signed(axes, np.ma.masked_equal(weights, 0), np.abs(weights).max())
    _name_columns(axes, design_matrix.columns)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", colors=INK, labelsize=8, length=0)
    if n_columns <= NUMBERS_UP_TO:
        _write_cells(axes, weights, image, weights != 0, "{:g}")
    _separate(axes, n_columns, n_rows)
    if colorbar:
        _add_colorbar(axes, image)
    _finish(axes, title)
    return written(axes, output_file)


def plot_design_correlation(
    design_matrix: pd.DataFrame | str | os.PathLike[str],
    tri: str = "full",
    cmap: str | Colormap | None = None,
    colorbar: bool = True,
    output_file: str | os.PathLike[str] | None = None,
    *,
    title: str | None = None,
    figure: FigureLike | None = None,
    axes: AxesLike | None = None,
) -> Axes:
    """Show how the design's columns correlate (Pearson): each pair once, warm above zero, cold below it.

    Parameters
    ----------
    design_matrix : DataFrame or path of one, shape (n_scans, n_columns)
        Columns that never change, such as the constant, have no correlation and are left out.
    tri : {"full", "diag"}
        Accepted: each pair is shown once, as it is the same from both sides, and the diagonal is 1.
    cmap : str or matplotlib.colors.Colormap, optional
        By default cold to warm through white.
    colorbar : bool, default True
    title : str, optional
    figure : matplotlib.figure.Figure, optional
        Figure to add axes to. New by default.
    axes : matplotlib.axes.Axes, optional
        Axes to draw in.
    output_file : str or path, optional
        Write the figure there.

    Returns
    -------
    matplotlib.axes.Axes
        In a notebook they show their figure (``.figure``), and they save it by ``savefig``.

    Raises
    ------
    ValueError
        If fewer than two columns change, or the table holds something other than finite numbers.

    Examples
    --------
    >>> design = pd.DataFrame({"a": [0.0, 1, 0, 1], "b": [0.0, 1, 1, 1], "constant": 1.0})
    >>> figure = plot_design_correlation(design)
    """
    check_choice("tri", tri, ("full", "diag"))
    if isinstance(cmap, str):
        check_choice("cmap", cmap, colormaps)
    design_matrix = table_of(design_matrix, "design matrix")
    values = _numbers(design_matrix)
    varies = np.ptp(values, axis=0) > 0
    if varies.sum() < 2:
        raise ValueError("a correlation matrix needs at least two columns that change over time")
    names = [str(name) for name, keep in zip(design_matrix.columns, varies, strict=True) if keep]
    correlation = column_correlation(values[:, varies])
    pair = np.tri(len(names), k=-1, dtype=bool)[1:, :-1]
    shown = correlation[1:, :-1]

    side = _width(len(names) - 1)
    room = _room_for_names(names, side)
    _, axes = open_axes(
        figure,
        axes,
        (side, side),
        left=0.2 + width_of((shorten(name) for name in names), room.size),
        right=BAR_ROOM if colorbar else 0.15,
        top=0.35 if title else 0.15,
        bottom=room.along + 0.1,
    )
    image = _draw_signed(axes, np.ma.masked_where(~pair, shown), 1.0, cmap)
    axes.set_aspect("equal")
    _name_columns(axes, names[:-1], below=True)
    every = _room_for_names(names, points_across(axes) / 72).every
    axes.set_yticks(
        range(0, len(names) - 1, every), [shorten(name) for name in names[1::every]], fontsize=room.size, color=INK
    )
    axes.tick_params(axis="y", length=0)
    if len(names) <= 16:
        _write_cells(axes, shown, image, pair, "{:.2f}")
    if colorbar:
        _add_colorbar(axes, image)
    _finish(axes, title)
    axes.spines[["top", "right"]].set_visible(False)
    return written(axes, output_file)


# By the name of the conventional scripts, too.
plot_design_matrix_correlation = plot_design_correlation


class NameRoom(NamedTuple):
    """How names are written along the columns, and the room that they take, in inches."""

    size: float  # of the font, in points
    slanted: bool
    every: int  # how many columns share one name
    along: float  # away from the matrix
    beyond: float  # past its last column


def _numbers(design_matrix: pd.DataFrame) -> NDArray[np.float64]:
    if not isinstance(design_matrix, pd.DataFrame):
        raise TypeError(f"design_matrix must be a DataFrame, not {type(design_matrix).__name__}")
    if design_matrix.empty:
        raise ValueError(
            f"the design matrix is empty: {count(len(design_matrix), 'row')}, {count(design_matrix.shape[1], 'column')}"
        )
    for name, column in design_matrix.items():
        if not pd.api.types.is_numeric_dtype(column) or not np.isfinite(column).all():
            raise ValueError(f"column {str(name)!r} of the design matrix holds something other than finite numbers")
    return design_matrix.to_numpy(dtype=float)


def _rows(design_matrix: pd.DataFrame) -> tuple[NDArray[np.float64], str]:
    """Where the rows lie on the axis, and what the axis is called."""
    index = design_matrix.index
    numeric = pd.api.types.is_numeric_dtype(index) and index.is_monotonic_increasing and index.is_unique
    counted = np.arange(len(index))
    if numeric and not np.array_equal(index, counted):
        return index.to_numpy(dtype=float), "time (s)"
    return counted.astype(float), "scan"


def _width(n_columns: int) -> float:
    return float(np.clip(0.36 * n_columns, 1.8, 11.0))


def _room_for_names(names: Iterable[object], width: float) -> NameRoom:
    """Slanted names where they fit, upright ones over narrow columns, every second or third over very narrow ones."""
    names = [shorten(name) for name in names]
    points = 72 * width / len(names)
    size = float(np.clip(0.8 * points, 5.0, 8.5))
    slanted = points >= 11
    length = width_of(names, size) + size / 72
    along = length / np.sqrt(2) + 0.1 if slanted else length
    beyond = max(0.15, length / np.sqrt(2) - 0.3 * points / 72) if slanted else 0.15
    return NameRoom(size, slanted, int(np.ceil(5.5 / points)), along, beyond)


def _name_columns(axes: Axes, names: Sequence[object], below: bool = False) -> None:
    room = _room_for_names(names, points_across(axes) / 72)
    axes.set_xticks(
        range(0, len(names), room.every),
        [shorten(name) for name in names[:: room.every]],
        rotation=45 if room.slanted else 90,
        rotation_mode="anchor",
        ha="right" if below else "left",
        va=("top" if below else "baseline") if room.slanted else "center",
        fontsize=room.size,
        color=INK,
    )
    axes.tick_params(axis="x", top=not below, bottom=False, labeltop=not below, labelbottom=below, length=0, pad=4)


def _draw_signed(axes: Axes, values: NDArray[np.float64], top: float, cmap: str | Colormap | None = None) -> AxesImage:
    return axes.imshow(values, cmap=cmap or _paper_cmap(), vmin=-top, vmax=top, aspect="auto", interpolation="nearest")


def _paper_cmap() -> LinearSegmentedColormap:
    """Cold to warm through white: zero is nothing."""
    ends = colours_of(on_dark=False)
    return LinearSegmentedColormap.from_list("weights", [ends(0.06), ends(0.25), PAPER, ends(0.75), ends(0.94)])


def _write_cells(
    axes: Axes, values: NDArray[np.float64], image: AxesImage, where: NDArray[np.bool_], pattern: str
) -> None:
    for row, column in np.argwhere(where):
        value = values[row, column]
        # Adding 0 turns a rounded -0 into 0.
        text = pattern.format(round(float(value), 2) + 0.0).replace("-", "\N{MINUS SIGN}")
        ink = ink_on(image.cmap(image.norm(value)))
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=ink)


def _separate(axes: Axes, n_columns: int, n_rows: int = 0) -> None:
    """Thin lines between columns, and between rows where there are few."""
    if n_columns <= 2 * NUMBERS_UP_TO:
        axes.vlines(
            np.arange(1, n_columns) - 0.5, 0, 1, transform=axes.get_xaxis_transform(), color=FAINT, linewidth=0.8
        )
    if n_rows:
        axes.hlines(np.arange(1, n_rows) - 0.5, 0, 1, transform=axes.get_yaxis_transform(), color=FAINT, linewidth=0.8)


def _add_colorbar(axes: Axes, image: AxesImage) -> None:
    points = points_across(axes)
    bar = axes.figure.colorbar(image, cax=axes.inset_axes((1 + 12 / points, 0, 8 / points, 1)))
    top = image.get_clim()[1]
    bar.set_ticks([-top, 0, top], labels=[f"{value:g}".replace("-", "\N{MINUS SIGN}") for value in (-top, 0, top)])
    bar.ax.tick_params(colors=MUTED, labelsize=8, length=0)
    bar.outline.set_visible(False)


def _finish(axes: Axes, title: str | None) -> None:
    axes.spines[:].set_color(FAINT)
    if title:
        axes.set_title(plain(title), loc="left", fontsize=10, fontweight="bold", color=INK, pad=8)


def _is_list_of_text(contrast_def: object, n_rows: int) -> bool:
    return (
        isinstance(contrast_def, (list, tuple))
        and len(contrast_def) == n_rows
        and all(isinstance(row, str) for row in contrast_def)
    )
