"""Products of a run with design columns, kept by column: what was multiplied lately is not multiplied again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from glmwidgets.glm.moments.memory_budget import Held

# Products kept for columns that may come back; half a Binder session's share.
CACHE_BYTES = 256 * 2**20


@dataclass(frozen=True)
class WeightedRows:
    """A matrix product that is computed for some columns at a time, while they are in the processor's cache.

    Attributes
    ----------
    weights : array of shape (m, k)
    pieces : tuple of arrays of shape (k_i, n)
        The k rows in their order. Summed in this order whichever blocks they come from.
    """

    weights: np.ndarray
    pieces: tuple[np.ndarray, ...]

    def at(self, columns: slice) -> np.ndarray:
        """The product for some columns, shape (m, number of columns)."""
        rows = [piece[:, columns] for piece in self.pieces]
        return self.weights @ (rows[0] if len(rows) == 1 else np.concatenate(rows))


class ProductCache:
    """Rows of products by key, in the blocks in which they were computed.

    Blocks are kept whole and never copied: a design is a large block of columns that stay (drift, confounds) and a
    small fresh one of those that change, so that weighted sums run over contiguous memory.

    Parameters
    ----------
    budget : int
        Bytes to keep at most; the blocks used last are kept longest.
    shared : Held, optional
        Budget of several such caches together.

    Examples
    --------
    >>> import numpy as np
    >>> cache = ProductCache(10**6)
    >>> compute = lambda missing: np.array([[float(key), 10.0] for key in missing])
    >>> cache.weighted([1, 2], np.array([[1.0], [-1.0]]), compute).at(slice(None))
    array([[-1.,  0.]])
    """

    def __init__(self, budget: int = CACHE_BYTES, shared: Held | None = None):
        self.budget = budget
        self._shared = shared
        self._busy = threading.RLock()
        self._blocks: OrderedDict[int, np.ndarray] = OrderedDict()
        self._places: dict[Hashable, tuple[int, int]] = {}
        self._next = 0

    def __reduce__(self) -> tuple[type[ProductCache], tuple[int]]:
        # What can be made again is not carried to another process.
        return ProductCache, (self.budget,)

    def clear(self) -> None:
        """Let go of every product."""
        with self._busy:
            self._blocks.clear()
            self._places.clear()

    def let_go(self) -> None:
        """Let go of every product, unless some are being asked for."""
        if self._busy.acquire(blocking=False):
            try:
                self.clear()
            finally:
                self._busy.release()

    def require(self, keys: Sequence[Hashable], compute: Callable[[list], np.ndarray]) -> None:
        """See that the rows of some keys are there.

        Parameters
        ----------
        keys : sequence
        compute : callable
            ``compute(missing) -> array (len(missing), n)`` for those that are not.
        """
        with self._busy:
            missing = [key for key in dict.fromkeys(keys) if key not in self._places]
            if missing:
                self._blocks[self._next] = compute(missing)
                self._places.update({key: (self._next, row) for row, key in enumerate(missing)})
                self._next += 1
            wanted = {self._places[key][0] for key in keys}
            for block in wanted:
                self._blocks.move_to_end(block)
            self._forget(keep=len(wanted))
            if self._shared is not None:
                self._shared.has_room(self, sum(block.nbytes for block in self._blocks.values()))

    def _forget(self, keep: int) -> None:
        size = sum(block.nbytes for block in self._blocks.values())
        gone = set()
        while size > self.budget and len(self._blocks) > keep:
            block, rows = self._blocks.popitem(last=False)
            size -= rows.nbytes
            gone.add(block)
        if gone:
            self._places = {key: place for key, place in self._places.items() if place[0] not in gone}

    def weighted(
        self, keys: Sequence[Hashable], weights: np.ndarray, compute: Callable[[list], np.ndarray]
    ) -> WeightedRows:
        """``weights' rows`` of shape (m, n), for weights of shape (len(keys), m), not yet computed."""
        return WeightedRows(np.ascontiguousarray(weights.T), self.pieces(keys, compute))

    def pieces(self, keys: Sequence[Hashable], compute: Callable[[list], np.ndarray]) -> tuple[np.ndarray, ...]:
        """The rows of some keys in their order, in as few arrays as there are stretches of them in memory."""
        pieces: list[np.ndarray] = []
        start = 0
        with self._busy:
            self.require(keys, compute)
            places = [self._places[key] for key in keys]
            for i, (block, row) in enumerate(places):
                if i + 1 == len(places) or places[i + 1] != (block, row + 1):
                    pieces.append(self._blocks[block][row - (i - start) : row + 1])
                    start = i + 1
        return tuple(pieces)
