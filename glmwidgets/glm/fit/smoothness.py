"""Smoothness of a fit's noise: from products alone under ordinary least squares, else from whitened residuals.

With q the design's orthonormal basis and least squares, ``r_i' r_j = y_i' y_j - (q'y_i)' (q'y_j)``: the products of
neighbours' series are made once for the data, and a model adds a sum over the columns of its design. Where the noise
is autocorrelated the residuals are whitened by each voxel's own process, which no product of the data gives; there a
sample of places, spread over the mask, is enough.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.inference.smoothness import (
    PAIR_BLOCK,
    SMOOTHNESS,
    NeighbourPairs,
    Smoothness,
    column_products,
    correlations_of,
    neighbour_products,
    residual_correlations,
)
from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.glm.parallel import even_blocks, side_by_side

# Cells (a voxel and its next along each axis) whose whitened residuals are looked at.
N_CELLS = 2000

# Values (cells times scans) that tell smoothness to some .3 %: of long runs fewer cells are looked at, but not below.
N_VALUES, LEAST_CELLS = 150_000, 500

# Volumes of residuals that tell how noise correlates over space, and voxels that are whitened at once.
N_VOLUMES, BLOCK = 20, 4096


def fit_smoothness(
    fit: Fit,
    pairs: NeighbourPairs,
    method: str = "correlation",
    *,
    n_cells: int | None = N_CELLS,
    products: dict[str, list[NDArray]] | None = None,
) -> Smoothness:
    """Smoothness of the noise of a fit.

    Parameters
    ----------
    fit : Fit
        It must hold its series.
    pairs : NeighbourPairs
        Of the mask whose voxels were fitted.
    method : {"correlation", "derivatives"}
        A key of `glmwidgets.glm.inference.smoothness.SMOOTHNESS`.
    n_cells : int or None
        Under autocorrelated noise, most cells whose whitened residuals are looked at, the same ones each time; of long
        runs fewer are. None is all of them.
    products : dict, optional
        Where the products of neighbours' series, and those of the cells, are kept for the next model of the same data
        and pairs.

    Returns
    -------
    Smoothness

    Raises
    ------
    ValueError
        If no two voxels of the mask touch.

    Examples
    --------
    >>> from glmwidgets.glm.fit.regression import fit_glm
    >>> from glmwidgets.glm.inference.smoothness import neighbour_pairs
    >>> from glmwidgets.glm.moments.lagged import Moments
    >>> noise = np.random.default_rng(0).standard_normal((60, 512))
    >>> fit = fit_glm(Moments(noise), np.ones((60, 1)), "ols")
    >>> found = fit_smoothness(fit, neighbour_pairs(np.ones((8, 8, 8), bool)))
    >>> bool(max(found.fwhm) < 1)  # in voxels: there is none
    True
    """
    kept = {} if products is None else products
    if noise_model_row(fit.noise_model).parameters:
        return _of_whitened(fit, pairs, method, n_cells, kept)
    g, size = _explained(fit)
    mean, n = fit.moments.mean, fit.moments.n_scans
    known = iter(kept.setdefault(method, []))

    def correlate(i: NDArray, j: NDArray) -> NDArray[np.float64]:
        own = next(known, None)
        if own is None:
            own = neighbour_products(fit.moments.block, i, j)
            fresh.append(own)
        of_means = 0.0 if fit.basis.spans_constant else n * mean[i] * mean[j]
        return (own + of_means - _dots(g, i, j)) / (size[i] * size[j])

    fresh: list[NDArray] = []
    correlations = correlations_of(pairs, correlate, method)
    kept[method] = kept[method] or fresh
    return SMOOTHNESS[method].estimate(correlations)


def white_volumes(fit: Fit, n: int = N_VOLUMES) -> NDArray[np.float32]:
    """Residuals of a fit, white over time and of unit variance, at scans spread over the run.

    Parameters
    ----------
    fit : Fit
        It must hold its series.
    n : int
        Number of scans, at most.

    Returns
    -------
    array of shape (n, n_voxels), float32
        0 in voxels that never change.
    """
    scans = np.unique(np.linspace(0, fit.moments.n_scans - 1, min(n, fit.moments.n_scans)).astype(int))
    is_white = not noise_model_row(fit.noise_model).parameters
    found = np.zeros((scans.size, fit.n_voxels), np.float32)
    for start in range(0, fit.n_voxels, BLOCK):
        voxels = np.arange(start, min(start + BLOCK, fit.n_voxels))
        rest = fit.residuals(voxels)
        white = rest if is_white else fit.noise_process(voxels).innovations(rest)
        scale = np.sqrt(np.mean(np.square(white), axis=0))
        scale[fit.moments.constant[voxels] | (scale == 0)] = np.inf
        found[:, voxels] = white[scans] / scale
    return found


def _explained(fit: Fit) -> tuple[NDArray, NDArray]:
    """Coordinates of the centred series in the design, (rank, n_voxels), and the residuals' lengths, (n_voxels,)."""
    g = fit.noise.coefficients
    if fit.basis.spans_constant:
        g = g - np.outer(fit.basis.constant, fit.moments.mean)
    size = np.sqrt(np.where(fit.moments.constant, np.nan, fit.noise.rss))
    size[size == 0] = np.nan
    return g, size


def _dots(g: NDArray, i: NDArray, j: NDArray) -> NDArray[np.float64]:
    total = np.empty(i.size)

    def add(block: slice) -> None:
        total[block] = column_products(g, i[block], j[block])

    side_by_side(add, even_blocks(i.size, PAIR_BLOCK))
    return total


def _of_whitened(
    fit: Fit, pairs: NeighbourPairs, method: str, n_cells: int | None, kept: dict[str, list[NDArray]]
) -> Smoothness:
    if n_cells is not None:
        n_cells = min(n_cells, max(LEAST_CELLS, N_VALUES // fit.moments.n_scans))
    some = sampled_pairs(pairs, n_cells)
    voxels = np.unique(np.concatenate([some.cells.ravel(), *(face.ravel() for face in some.faces)]))
    index = np.empty(pairs.n_voxels, dtype=np.intp)
    index[voxels] = np.arange(voxels.size)
    # Read from all over the data, they take as long as all that is done with them.
    # From all over the data, they take as long to read as what is done with them; of all cells they are not kept.
    name = f"series of {n_cells} cells"
    series = kept[name][0] if name in kept else fit.data(voxels)
    if n_cells is not None:
        kept[name] = [series]
    white = fit.noise_process(voxels).innovations(series - fit.predicted(voxels))
    white[:, fit.moments.constant[voxels]] = 0
    return SMOOTHNESS[method].estimate(
        correlations_of(some, lambda i, j: residual_correlations(white, index[i], index[j]), method)
    )


def sampled_pairs(pairs: NeighbourPairs, n_cells: int | None) -> NeighbourPairs:
    """Cells at even steps through the mask, and their faces; all pairs where there are few cells."""
    n = pairs.cells.shape[1]
    if n_cells is None or n <= n_cells:
        return pairs
    cells = pairs.cells[:, np.linspace(0, n - 1, n_cells).astype(int)]
    return NeighbourPairs(tuple(cells[[0, axis]] for axis in (1, 2, 3)), cells, pairs.n_voxels)
