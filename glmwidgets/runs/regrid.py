"""A run on another grid: series and mask are resampled once, when the run is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from nibabel import Nifti1Image

from glmwidgets.files.memory import need_memory
from glmwidgets.images.mask import match_mask
from glmwidgets.images.new import image_like
from glmwidgets.images.resample import resample_img, target_grid
from glmwidgets.images.smooth import storage_dtype
from glmwidgets.runs.reader import Reader
from glmwidgets.runs.run import Run

#: Shape of the matrix that so many numbers are.
_SHAPES = {9: (3, 3), 16: (4, 4)}


def target_matrix(given: Any) -> np.ndarray | None:
    """The matrix of a grid, from whatever way a person says it.

    Parameters
    ----------
    given : number, sequence of numbers, array, text or None
        The edge of a voxel in mm, three edges, a matrix of 3 x 3 or 4 x 4, or its numbers row by row. A text holds
        numbers with spaces or commas between them; it is parsed, never run.

    Returns
    -------
    array of shape (3, 3) or (4, 4), or None
        From voxels to mm; of 3 x 3 the field of view is that of what is resampled.

    Raises
    ------
    ValueError
        If it is no such matrix, or none that can be inverted.

    Examples
    --------
    >>> target_matrix("3, 3, 4").tolist()
    [[3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 4.0]]
    >>> target_matrix(None) is None
    True
    """
    if given is None:
        return None
    wanted = (
        "target_affine takes the edge of a voxel in mm, three edges, or the 9 or 16 numbers of a matrix that can be "
        f"inverted, not {given!r}"
    )
    numbers = given.replace(",", " ").split() if isinstance(given, str) else given
    try:
        found = np.asarray(numbers, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(wanted) from None
    if found.size in (1, 3) and found.ndim < 2:
        if not (found > 0).all():
            raise ValueError(wanted)
        found = np.diag(np.broadcast_to(found, 3))
    elif found.ndim == 1 and found.size in _SHAPES:
        found = found.reshape(_SHAPES[found.size])
    if found.shape not in _SHAPES.values() or not np.isfinite(found).all():
        raise ValueError(wanted)
    last = found[3].tolist() if found.shape == (4, 4) else [0, 0, 0, 1]
    if not abs(np.linalg.det(found[:3, :3])) > 1e-12 or last != [0, 0, 0, 1]:
        raise ValueError(wanted)
    return found


def as_rows(matrix: np.ndarray | None) -> tuple[tuple[float, ...], ...] | None:
    """A matrix as settings hold it.

    Examples
    --------
    >>> as_rows(target_matrix(3))
    ((3.0, 0.0, 0.0), (0.0, 3.0, 0.0), (0.0, 0.0, 3.0))
    """
    return None if matrix is None else tuple(map(tuple, matrix.tolist()))


def grid_in_words(rows: Sequence[Sequence[float]] | None) -> str:
    """What a grid is, in a few words.

    Examples
    --------
    >>> grid_in_words(None), grid_in_words(as_rows(target_matrix("3 3 4")))
    ("the image's own", 'voxels of 3 × 3 × 4 mm')
    """
    if rows is None:
        return "the image's own"
    edges = np.linalg.norm(np.array(rows)[:3, :3], axis=0)
    return f"voxels of {' × '.join(f'{edge:.4g}' for edge in edges)} mm"


def on_target_grid(run: Run) -> Run:
    """A run whose series and mask lie on the grid that its inputs ask for.

    Parameters
    ----------
    run : Run
        As it was measured. Nothing happens where its ``inputs.target_affine`` is None, or it lies there already.

    Returns
    -------
    Run
        The mask, if one was given, by its nearest voxels; the series by cubic splines to the grid of the mask, as
        `glmwidgets.FirstLevelModel` does. The new series lie in memory.

    Raises
    ------
    ValueError
        If the grid holds nothing of the run, the new series do not fit into memory, or the run cannot be read.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> run = open_run(simulate_run("small", shape=(12, 14, 11), n_scans=40))
    >>> coarse = on_target_grid(replace(run, inputs=replace(run.inputs, target_affine=as_rows(target_matrix(6)))))
    >>> [each.domain.voxel_size.round(1).tolist() for each in (run, coarse)]
    [[13.4, 14.0, 14.0], [6.0, 6.0, 6.0]]
    """
    rows = run.inputs.target_affine
    if rows is None:
        return run
    mask = run.mask_img
    if mask is not None:
        mask = image_like(match_mask(mask, mask).astype(np.uint8), mask)
    affine, shape = _grid_of(run.reader.opened if mask is None else mask, target_matrix(rows))
    size = storage_dtype(run.reader.opened.get_data_dtype()).itemsize * run.n_scans
    need_memory(
        float(prod(run.domain.shape) + prod(shape)) * size,
        f"the series of {run.name} on a grid of {' x '.join(map(str, shape))} voxels",
        "give a target_affine of larger voxels",
    )
    run.reader.look()
    moved = resample_img(run.reader.image, affine, shape)
    if mask is not None:
        mask = resample_img(mask, affine, shape, interpolation="nearest")
    return replace(run, reader=run.reader if moved is run.reader.image else Reader(moved, checked=True), mask_img=mask)


def _grid_of(img: Nifti1Image, target: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Affine and shape of the grid for an image; its own where it lies there, so that no rounding adds a plane."""
    n = len(target)
    if np.allclose(img.affine[:n, :n], target):
        return img.affine, img.shape[:3]
    return target_grid(img, target)
