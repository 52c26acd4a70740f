"""A coarse grid over a run's mask: means of the voxels in each of some 5,000 cells.

In a standard space the cells of all runs are the same boxes, symmetric about x = 0, so that values of two runs can be
compared cell by cell, and left with right. Elsewhere a run has a grid of its own, along its image's axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from scipy.sparse import csr_matrix

from glmwidgets.glm.moments.series import Series
from glmwidgets.runs.domain import Domain

#: Cells that a grid aims at.
N_CELLS = 5000

# Volume of a mask in a standard space, in mm3, by which its cells are sized: that of the template's brain.
STANDARD_VOLUME = 1.75e6

# Box of the standard grid in mm: any adult head.
BOX = ((-105.0, 105.0), (-140.0, 105.0), (-105.0, 115.0))

# Voxels that are brought into cells at once: to begin a sparse product takes longer than to multiply some hundred.
AT_ONCE = 2048

# A cell is used if at least this share of the voxels that lie in it is in the mask.
FULL = 0.5


@dataclass(frozen=True, eq=False)
class CellGrid:
    """Where cells lie.

    Attributes
    ----------
    shape : tuple of 3 int
    affine : array of shape (4, 4)
        From a cell's indices to its centre in mm.
    space : str
        Template that the mm are of; empty for a grid of a run's own.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray
    space: str = ""

    @property
    def size(self) -> int:
        """Number of cells, used or not."""
        return int(np.prod(self.shape))

    def domain(self, cells: np.ndarray) -> Domain:
        """Cells by their numbers, which rise, as a domain."""
        mask = np.zeros(self.size, bool)
        mask[cells] = True
        nothing = np.broadcast_to(np.zeros((), np.uint8), self.shape)
        img = nib.Nifti1Image(nothing, self.affine)
        img.header.set_xyzt_units("mm", "sec")
        if self.space:
            for name in ("sform", "qform"):
                getattr(img, f"set_{name}")(self.affine, "mni")
        return Domain(mask.reshape(self.shape), self.affine, img)

    def mirrored(self, cells: np.ndarray) -> np.ndarray:
        """Numbers of the cells on the other side of x = 0, of a standard grid."""
        i, j, k = np.unravel_index(cells, self.shape)
        return np.ravel_multi_index((self.shape[0] - 1 - i, j, k), self.shape)

    def same(self, other: CellGrid) -> bool:
        """Whether a cell's number means the same place in both."""
        return self.shape == other.shape and np.allclose(self.affine, other.affine) and self.space == other.space


def standard_grid(space: str, n_cells: int = N_CELLS) -> CellGrid:
    """Boxes that all runs in a template share, so large that its brain has about `n_cells` of them.

    Examples
    --------
    >>> grid = standard_grid("MNI152NLin2009cAsym")
    >>> float(grid.affine[0, 0]), float(grid.affine[0, 3] * 2 + grid.affine[0, 0] * (grid.shape[0] - 1))
    (7.0, 0.0)
    """
    edge = np.ceil(2 * np.cbrt(STANDARD_VOLUME / n_cells) - 0.25) / 2
    low = [int(np.ceil(-a / edge)) for a, _ in BOX]
    high = [int(np.ceil(b / edge)) for _, b in BOX]
    affine = np.diag([edge, edge, edge, 1.0])
    affine[:3, 3] = [edge * (0.5 - n) for n in low]
    return CellGrid(tuple(a + b for a, b in zip(low, high, strict=True)), affine, space)


def grid_of_mask(mask: np.ndarray, affine: np.ndarray, n_cells: int = N_CELLS) -> CellGrid:
    """Boxes along an image's axes, so large that its mask has about `n_cells` of them, and no smaller than a voxel.

    Examples
    --------
    >>> grid_of_mask(np.ones((20, 20, 20), bool), np.diag([2.0, 2, 2, 1]), 1000).shape
    (10, 10, 10)
    """
    size = nib.affines.voxel_sizes(affine)
    edge = np.cbrt(np.count_nonzero(mask) * np.prod(size) / n_cells)
    steps = np.maximum(edge / size, 1.0)
    shape = tuple(int(np.ceil(n / step - 1e-9)) for n, step in zip(mask.shape, steps, strict=True))
    scaled = affine.copy()
    scaled[:3, :3] = affine[:3, :3] * steps
    # The corner of the first cell is that of the first voxel.
    scaled[:3, 3] = affine[:3, 3] + affine[:3, :3] @ ((steps - 1) / 2)
    return CellGrid(shape, scaled)


@dataclass(frozen=True, eq=False)
class Cells:
    """Which voxels each used cell holds.

    Attributes
    ----------
    grid : CellGrid
    numbers : int array of shape (n_cells,)
        Of the used cells, rising.
    gather : sparse matrix of shape (n_cells, n_voxels)
        Makes means of the mask's voxels.
    """

    grid: CellGrid
    numbers: np.ndarray
    gather: csr_matrix

    def means(self, series: Series) -> np.ndarray:
        """Series of the cells, shape (n_scans, n_cells), float64, of those of the voxels, which are read once."""
        means, gather = np.zeros((self.numbers.size, series.shape[0])), self.gather.tocsc()
        # A voxel is in one cell or in none. In 32 bits, which scipy would else look for in each block.
        voxel = np.repeat(np.arange(series.shape[1], dtype=np.int32), np.diff(gather.indptr))
        for voxels, block in series.blocks(AT_ONCE):
            entries = slice(gather.indptr[voxels.start], gather.indptr[voxels.stop])
            order = np.argsort(gather.indices[entries], kind="stable")
            cell, weight = gather.indices[entries][order], gather.data[entries][order]
            ends = np.append(np.flatnonzero(np.diff(cell, prepend=-1)), cell.size).astype(np.int32)
            # Of the cells that the block touches alone, row by row: scipy takes longer to find them than to multiply.
            parts = weight, voxel[entries][order] - np.int32(voxels.start), ends
            means[cell[ends[:-1]]] += csr_matrix(parts, (ends.size - 1, block.shape[1])) @ block.T
        return means.T


def cells_of(domain: Domain, grid: CellGrid) -> Cells:
    """Sort the voxels of a domain into cells.

    Parameters
    ----------
    domain : Domain
    grid : CellGrid

    Returns
    -------
    Cells

    Raises
    ------
    ValueError
        If no cell is at least half in the mask.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.zeros((4, 4, 4, 2), np.int16), np.diag([2.0, 2, 2, 1]))
    >>> domain = Domain.of(img)
    >>> cells = cells_of(domain, grid_of_mask(domain.mask, domain.affine, 8))
    >>> cells.numbers.tolist(), cells.gather.sum(axis=1).ravel().tolist()
    ([0, 1, 2, 3, 4, 5, 6, 7], [[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]])
    """
    everywhere = _numbers(domain.shape, domain.affine, grid)
    numbers = everywhere[domain.mask]
    within = numbers >= 0
    there = np.bincount(everywhere[everywhere >= 0], minlength=grid.size)
    counts = np.bincount(numbers[within], minlength=grid.size)
    used = np.flatnonzero((counts > 0) & (counts >= FULL * there))
    if not used.size:
        raise ValueError("the mask lies outside the cells of its space: look whether the image is in that space")
    place = np.full(grid.size, -1)
    place[used] = np.arange(used.size)
    columns = np.flatnonzero(within)
    rows = place[numbers[columns]]
    columns, rows = columns[rows >= 0], rows[rows >= 0]
    gather = csr_matrix((1.0 / counts[numbers[columns]], (rows, columns)), shape=(used.size, domain.size))
    return Cells(grid, used, gather)


def _numbers(shape: tuple[int, ...], affine: np.ndarray, grid: CellGrid) -> np.ndarray:
    """Number of the cell that each voxel of a volume lies in, 3-D; -1 outside the grid."""
    to_grid = np.linalg.inv(grid.affine) @ affine
    voxel = np.ogrid[tuple(slice(n) for n in shape)]
    within, numbers = np.ones(shape, bool), np.zeros(shape)
    for n_cells, (*steps, start) in zip(grid.shape, to_grid[:3], strict=True):
        at = sum(step * index for step, index in zip(steps, voxel, strict=True)) + start
        # A voxel on a face between two cells belongs to the lower one, whatever rounding says.
        at = np.round(at - 1e-6)
        within &= (at >= 0) & (at < n_cells)
        numbers = numbers * n_cells + at
    return np.where(within, numbers, -1).astype(np.intp)
