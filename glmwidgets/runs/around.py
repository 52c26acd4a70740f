"""What lies around the voxels of a mask, kept beside their series, so that they can be smoothed without the file.

A smoothed voxel depends on those within the reach of the filter along each axis, and on no other. They are written in
the pass that reads the series. So the file need not be decompressed again for smoothing, and the values are those of
the whole volume to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from glmwidgets.files.memory import available_memory
from glmwidgets.files.scratch import let_go, lies_on_disk
from glmwidgets.images.smooth import gaussian_sigma, reach_of, within_reach

#: Full width at half maximum, in mm, of the widest filter that is usual in a first-level analysis.
USUAL_FWHM = 8.0

#: Share of the memory that is left which the voxels around may take: what is written to disk lies there at first.
MOST_OF_MEMORY = 0.25

#: Scans after which what was read of them is taken out of memory.
AT_ONCE = 16


class Around:
    """The stored values of the voxels around a mask, scan by scan.

    Parameters
    ----------
    mask : array of bool, 3-D
    near : array of bool, 3-D
        The voxels whose values are known, those of the mask among them.

    Attributes
    ----------
    n : int
        How many of them do not lie in the mask.

    Examples
    --------
    >>> mask = np.array([[[False, False, True, False, False]]])
    >>> around, volume = Around(mask, within_reach(mask, (0, 0, 1))), np.array([[[1, 2, 3, 4, 5]]])
    >>> around.taker()(volume).tolist()
    [2, 4]
    >>> around.keep(np.array([[3]]), np.array([[2, 4]]))
    >>> [around.volumes(lambda volume: volume.ravel().tolist(), lambda row: row)(row) for row in around.each_row()]
    [[0, 2, 3, 4, 0]]
    >>> around.holds(mask, (0, 0, 1)), around.holds(mask, (0, 0, 2))
    (True, False)
    """

    def __init__(self, mask: np.ndarray, near: np.ndarray):
        self._near = near
        # Those of the mask in its own order, the others as they lie in a volume.
        of_mask, others = np.nonzero(mask), np.nonzero((near & ~mask).T)[::-1]
        self._places = [np.ravel_multi_index(where, mask.shape, order="F") for where in (of_mask, others)]
        self.n = others[0].size
        self._tables: tuple[np.ndarray, ...] = ()

    @classmethod
    def usual(cls, mask: np.ndarray, affine: np.ndarray, n_scans: int, dtype: np.dtype) -> Around | None:
        """For smoothing of up to `USUAL_FWHM`; None where there is no room, or so little that a file is soon read."""
        around = cls(mask, within_reach(mask, reach_of(gaussian_sigma(affine, USUAL_FWHM))))
        n_bytes, there = around.n * n_scans * dtype.itemsize, available_memory()
        has_room = there is None or n_bytes <= MOST_OF_MEMORY * there
        return around if has_room and lies_on_disk(n_bytes) else None

    def taker(self) -> Callable[[np.ndarray], np.ndarray]:
        """What takes the voxels around the mask out of a volume."""
        return lambda volume: volume.ravel(order="F").take(self._places[1], mode="clip")

    def keep(self, of_mask: np.ndarray, others: np.ndarray) -> None:
        """Keep the stored values of all scans: those of the mask, and those around it."""
        self._tables = of_mask, others

    def holds(self, mask: np.ndarray, reach: tuple[int, ...]) -> bool:
        """Whether all is there that voxels of a mask depend on, so many voxels away along each axis."""
        return not (within_reach(mask, reach) & ~self._near).any()

    def each_row(self) -> Iterator[tuple[np.ndarray, ...]]:
        """The values of each scan, in the order of time, for `volumes`."""
        for t, rows in enumerate(zip(*self._tables, strict=True)):
            if t % AT_ONCE == 0:
                self._let_go()
            yield rows
        self._let_go()

    def volumes(self, take: Callable[[np.ndarray], Any], computed: Callable[[np.ndarray], np.ndarray]) -> Any:
        """What `take` makes of a volume, made of the rows of a scan; zero stands where nothing is known.

        Parameters
        ----------
        take : callable
            Of a volume, which it may not keep.
        computed : callable
            Makes the true values of what is stored.
        """
        volume: np.ndarray | None = None

        def of(rows: tuple[np.ndarray, ...]) -> Any:
            nonlocal volume
            for places, row in zip(self._places, rows, strict=True):
                values = computed(row)
                if volume is None:
                    volume = np.zeros(self._near.shape, values.dtype, order="F")
                volume.reshape(-1, order="F")[places] = values  # the same places for every scan
            return take(volume)

        return of

    def _let_go(self) -> None:
        for table in self._tables:
            let_go(table)
