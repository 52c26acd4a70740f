"""Which voxels of a run were measured: their series is finite at every scan, and changes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np


class Alive:
    """Finds which voxels of a run say something, volume after volume; see `alive_voxels`."""

    def __init__(self) -> None:
        self._first: np.ndarray | None = None

    def see(self, volume: np.ndarray) -> None:
        """Look at the next volume."""
        # Most voxels change at once, and need not be looked at again.
        values = volume.ravel(order="F")
        if self._first is None:
            self._shape, self._first, self._still = volume.shape, values, np.arange(values.size)
            self._finite = np.isfinite(values)
            return
        same = values.take(self._still) == self._first
        if not same.all():
            self._still, self._first = self._still[same], self._first[same]
        if values.dtype.kind == "f":
            self._finite &= np.isfinite(values)

    @property
    def voxels(self) -> np.ndarray:
        """Whether each voxel is finite in all volumes and changes, 3-D bool."""
        alive = self._finite.copy()
        alive[self._still] = False
        return alive.reshape(self._shape, order="F")


def alive_voxels(data: np.ndarray, scans: Any = slice(None)) -> np.ndarray:
    """Voxels of which a run says something.

    Parameters
    ----------
    data : array of shape (nx, ny, nz, n_scans)
    scans : slice or array of int
        Those that are used.

    Returns
    -------
    array of bool of shape (nx, ny, nz)
        False where a scan is NaN or infinite, and where all scans have one value: outside of the brain, or of the field
        of view, where software writes zeros.

    Examples
    --------
    >>> data = np.array([[[[1.0, 2, 3], [0, 0, 0], [1, np.nan, 2]]]])
    >>> alive_voxels(data)[0, 0].tolist()
    [True, False, False]
    """
    alive = Alive()
    for t in np.arange(data.shape[3])[scans]:
        alive.see(data[..., t])
    return alive.voxels


def check_alive(alive: np.ndarray, name: str) -> None:
    """Say how many voxels of a mask are left out.

    Parameters
    ----------
    alive : array of bool
        One entry a voxel of the mask.
    name : str
        What the run is called.

    Raises
    ------
    ValueError
        If all are.

    Warns
    -----
    UserWarning
        If some are.
    """
    dead = int(alive.size - np.count_nonzero(alive))
    if dead == alive.size:
        raise ValueError(
            f"none of the {dead:,} voxels in the mask of {name} has a signal: all never change or hold NaN or infinite "
            "values. Look whether the mask lies over the brain"
        )
    if dead:
        warnings.warn(
            f"{dead:,} of {alive.size:,} voxels in the mask of {name} ({100 * dead / alive.size:.2g} %) never change "
            "or hold NaN or infinite values: they are left out",
            stacklevel=3,
        )
