"""Products of a run with design columns, kept by column: what was multiplied lately is not multiplied again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["ProductCache", "WeightedRows"]


@dataclass(frozen=True)
class WeightedRows:
    """A sum of matrix products that is computed for some columns at a time, while they are in the processor's cache.

    Attributes
    ----------
    terms : tuple of pairs of arrays
        Weights (m, k) and rows (k, n).
    """

    terms: tuple[tuple[np.ndarray, np.ndarray], ...]

    def at(self, columns: slice) -> np.ndarray:
        """The sum for some columns, shape (m, number of columns)."""
        (weights, rows), *others = self.terms
        total = weights @ rows[:, columns]
        for weights, rows in others:
            total += weights @ rows[:, columns]
        return total


class ProductCache:
    """Rows of products by key, in the blocks in which they were computed.

    Blocks are kept whole and never copied: a design is a large block of columns that stay (drift, confounds) and a
    small fresh one of those that change, so that weighted sums run over contiguous memory.

    Parameters
    ----------
    budget : int
        Bytes to keep at most; the blocks used last are kept longest.

    Examples
    --------
    >>> import numpy as np
    >>> cache = ProductCache(10**6)
    >>> compute = lambda missing: np.array([[float(key), 10.0] for key in missing])
    >>> cache.weighted([1, 2], np.array([[1.0], [-1.0]]), compute).at(slice(None))
    array([[-1.,  0.]])
    """

    def __init__(self, budget: int):
        self.budget = budget
        self._blocks: OrderedDict[int, np.ndarray] = OrderedDict()
        self._places: dict[Hashable, tuple[int, int]] = {}
        self._next = 0

    def require(self, keys: Sequence[Hashable], compute: Callable[[list], np.ndarray]) -> None:
        """See that the rows of some keys are there.

        Parameters
        ----------
        keys : sequence
        compute : callable
            ``compute(missing) -> array (len(missing), n)`` for those that are not.
        """
        missing = [key for key in dict.fromkeys(keys) if key not in self._places]
        if missing:
            self._blocks[self._next] = compute(missing)
            self._places.update({key: (self._next, row) for row, key in enumerate(missing)})
            self._next += 1
        wanted = {self._places[key][0] for key in keys}
        for block in wanted:
            self._blocks.move_to_end(block)
        self._forget(keep=len(wanted))

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
        self.require(keys, compute)
        by_block: dict[int, list[tuple[int, int]]] = {}
        for i, key in enumerate(keys):
            block, row = self._places[key]
            by_block.setdefault(block, []).append((row, i))
        terms = []
        for block, pairs in by_block.items():
            rows, chosen = (list(part) for part in zip(*sorted(pairs), strict=True))
            contiguous = rows == list(range(rows[0], rows[0] + len(rows)))
            where = slice(rows[0], rows[-1] + 1) if contiguous else rows
            terms.append((np.ascontiguousarray(weights[chosen].T), self._blocks[block][where]))
        return WeightedRows(tuple(terms))
