"""Series of voxels, read a block of voxels at a time: a whole run is never held as one array of floating point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from glmwidgets.glm.parallel import even_blocks, side_by_side

# Voxels that are read at once, so that all steps find them in the processor's cache: 400 scans of so many take .8 MB in
# double precision, and what they are made of half of that, where a core's own cache has 1 to 2 MB.
BLOCK = 256

# Voxels that one thread reads, block after block.
SHARE = 16 * BLOCK


def blocks_in(voxels: slice) -> list[slice]:
    """The blocks in which a share of the voxels is read.

    Examples
    --------
    >>> blocks_in(slice(100, 400))
    [slice(100, 250, None), slice(250, 400, None)]
    """
    parts = even_blocks(voxels.stop - voxels.start, BLOCK)
    return [slice(voxels.start + part.start, voxels.start + part.stop) for part in parts]


def columns_of(table: np.ndarray, voxels: Any) -> np.ndarray:
    """Series of some voxels of a table, chosen by a slice, by number or as booleans.

    As an index of the table's columns, numbers would give them voxel behind voxel in memory, to be turned round again.

    Examples
    --------
    >>> table = np.array([[1, 2, 3], [4, 5, 6]])
    >>> columns_of(table, slice(1, 3)).tolist(), columns_of(table, np.array([False, True, False])).tolist()
    ([[2, 3], [5, 6]], [[2], [5]])
    """
    if isinstance(voxels, slice):
        return table[:, voxels]
    return table.take(np.arange(table.shape[1])[voxels], axis=1)


class Series:
    """Series, of which some voxels are read at a time.

    Parameters
    ----------
    read : callable
        ``read(voxels) -> array of shape (n_scans, number of voxels)``, floating point, of a slice or of indices. What
        it gives is not to be changed.
    shape : tuple of int
        Scans and voxels.
    dtype : dtype
        Of what is read.
    nbytes : int
        Bytes that it takes in memory.
    let_go : callable, optional
        Called after all voxels were read.
    order : {"K", "F"}
        Layout in which sums over scans are taken, and which their last bits depend on: that of the block, or each
        voxel's scans side by side, as nilearn has them.
    total, known_mean : array of shape (n_voxels,), optional
        What whoever wrote the series knows of them: their sum over the scans, added one after the other in the type of
        the series, and their mean in double precision, where sums are exact in any order.

    Examples
    --------
    >>> series = Series.of(np.array([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]]))
    >>> twice = series.then(lambda block, voxels: 2 * block)
    >>> twice.read(slice(1, 3))
    array([[ 4.,  6.],
           [12., 14.]])
    >>> twice.of_scans([1]).shape, np.asarray(twice).tolist()
    ((1, 3), [[2.0, 4.0, 6.0], [10.0, 12.0, 14.0]])
    """

    def __init__(
        self,
        read: Callable[[Any], np.ndarray],
        shape: tuple[int, int],
        dtype: Any,
        nbytes: int = 0,
        let_go: Callable[[], None] | None = None,
        order: str = "K",
        total: np.ndarray | None = None,
        known_mean: np.ndarray | None = None,
    ):
        self.read, self.shape, self.dtype, self.nbytes = read, tuple(shape), np.dtype(dtype), nbytes
        self._let_go, self.order = let_go, order
        self.total, self.known_mean = total, known_mean

    @classmethod
    def of(cls, y: np.ndarray | Series) -> Series:
        """Series that are an array of shape (n_scans, n_voxels); what is `Series` already stays itself."""
        if isinstance(y, Series):
            return y
        y = np.asarray(y)
        return cls(lambda voxels: y[:, voxels], y.shape, y.dtype, y.nbytes)

    def then(
        self, step: Callable[[np.ndarray, Any], np.ndarray], n_scans: int | None = None, order: str | None = None
    ) -> Series:
        """Series after a step: ``step(block, voxels)`` gets what was read, and which voxels that is."""
        shape = (self.shape[0] if n_scans is None else n_scans, self.shape[1])
        order = self.order if order is None else order
        return Series(
            lambda voxels: step(self.read(voxels), voxels), shape, self.dtype, self.nbytes, self._let_go, order
        )

    def of_scans(self, scans: Any) -> Series:
        """Some of the scans; the series themselves where it is all of them."""
        every = np.arange(self.shape[0])
        if np.array_equal(every[scans], every):
            return self
        return self.then(lambda block, voxels: block[scans], np.arange(self.shape[0])[scans].size)

    def of_voxels(self, index: np.ndarray) -> Series:
        """Some of the voxels, in a rising order."""
        shape = (self.shape[0], index.size)
        known = (None if values is None else values[index] for values in (self.total, self.known_mean))
        read = lambda voxels: self.read(index[voxels])  # noqa: E731
        return Series(read, shape, self.dtype, self.nbytes, self._let_go, self.order, *known)

    def blocks(self, most: int = BLOCK) -> Iterator[tuple[slice, np.ndarray]]:
        """All voxels, at most so many at a time: which, and their series."""
        for some in even_blocks(self.shape[1], most):
            yield some, self.read(some)
        self.done()

    def each(self, work: Callable[[slice, np.ndarray], None]) -> None:
        """Call ``work(voxels, block)`` for all blocks, on as many threads as there are.

        Calls must not write to the same memory, and must not come back here.
        """

        def share(voxels: slice) -> None:
            for some in blocks_in(voxels):
                work(some, self.read(some))

        side_by_side(share, even_blocks(self.shape[1], SHARE))
        self.done()

    def done(self) -> None:
        """Say that nothing more is read for now."""
        if self._let_go is not None:
            self._let_go()

    def for_sums(self, block: np.ndarray) -> np.ndarray:
        """A block in the layout in which it is summed over the scans."""
        return block.copy(order="F") if self.order == "F" and not block.flags.f_contiguous else block

    def mean(self) -> np.ndarray:
        """Mean of each voxel over the scans, shape (n_voxels,), float64; not to be changed."""
        if self.known_mean is not None:
            return self.known_mean
        mean = np.empty(self.shape[1])

        def of(voxels: slice, block: np.ndarray) -> None:
            mean[voxels] = self.for_sums(block).mean(axis=0, dtype=np.float64)

        self.each(of)
        return mean

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        # The series of a voxel is contiguous in memory, as it is in a block.
        whole = np.empty(self.shape[::-1], self.dtype if dtype is None else dtype).T
        for some, block in self.blocks():
            whole[:, some] = block
        return whole

    def __reduce__(self) -> tuple[Any, ...]:
        # Where it lies may be no other process's to read.
        return Series.of, (np.asarray(self),)
