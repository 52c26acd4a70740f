"""The one pass over the data: lagged cross-products of the series with themselves and with columns.

With ``S_k`` the sum of both shifts by k scans, ``(S_k u)_t = u_{t-k} + u_{t+k}`` (and ``S_0`` the identity),
everything that generalised least squares needs under a banded noise precision is linear in

    X' S_k Y,   y' S_k y,   and the first and last scans of y.

So the series are multiplied once by each column; they are never whitened and no residual is ever formed.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.moments.brightness import OddScans
from glmwidgets.glm.moments.cache import ProductCache, WeightedRows
from glmwidgets.glm.moments.memory_budget import Held
from glmwidgets.glm.moments.row_products import MANY, filled_up, multiply_rows
from glmwidgets.glm.moments.series import BLOCK, SHARE, Series, blocks_in, columns_of
from glmwidgets.glm.moments.spectrum import sines
from glmwidgets.glm.parallel import even_blocks, side_by_side

PRECISIONS = {"float64": np.float64, "float32": np.float32}

# Share of what is kept of products that those under filters may take: the other half is for columns that come back.
SHARE_OF_FILTERED = 0.5

# Scans at each end of the run that are kept beside the series: what autoregressive models of that order need.
ENDS = 4


def _summed(block: np.ndarray) -> np.ndarray:
    """Sum over the scans, one after the other: the bits of a voxel's do not depend on the voxels beside it.

    numpy adds rows so; but numbers that lie side by side, as the scans of one voxel alone do, it adds in pairs.
    """
    return block.sum(axis=0) if block.shape[1] > 1 else block.cumsum(axis=0)[-1]


def shift_sum(x: np.ndarray, lag: int) -> np.ndarray:
    """Sum of an array's two shifts along its first axis, with zeros beyond the ends.

    Parameters
    ----------
    x : array of shape (n_scans, ...)
    lag : int
        Shift in scans; 0 returns `x` itself, not twice `x`.

    Returns
    -------
    array like `x`
        ``x[t - lag] + x[t + lag]``.

    Examples
    --------
    >>> import numpy as np
    >>> shift_sum(np.array([1.0, 2.0, 3.0]), 1)
    array([2., 4., 2.])
    """
    if lag == 0:
        return x
    out = np.zeros_like(x)
    out[lag:] += x[:-lag]
    out[:-lag] += x[lag:]
    return out


class Moments:
    """A run as the engine holds it: centred series and their lagged cross-products.

    Parameters
    ----------
    y : array of shape (n_scans, n_voxels), or Series
        The series, scaled as they are to be modelled. Values must be finite. `Series` are read when something is first
        asked of them; with the columns, if those are what is asked.
    precision : {"float64", "float32"}
        Precision in which the centred series are held and multiplied. float64 reproduces the field's
        reference to rounding; float32 halves the memory.
    products : ProductCache, optional
        Where products are kept; several moments that share one share its budget. By default one of its own.
    held : Held, optional
        Where the centred series are kept in memory, as long as there is room; by default each pass over the data reads
        them anew.

    Attributes
    ----------
    odd_scans : OddScans
        Scans that are brighter or darker than the others, where somebody looked for them.

    Examples
    --------
    >>> import numpy as np
    >>> moments = Moments(np.array([[1.0], [2.0], [6.0]]))
    >>> moments.own(0), moments.own(1)
    (array([14.]), array([-2.]))
    """

    def __init__(
        self,
        y: np.ndarray | Series,
        precision: str = "float64",
        products: ProductCache | None = None,
        held: Held | None = None,
    ):
        series = Series.of(y)
        if len(series.shape) != 2:
            raise ValueError(f"the series must be an array (scans, voxels), not one of shape {series.shape}")
        check_choice("precision", precision, PRECISIONS)
        self.dtype = np.dtype(PRECISIONS[precision])
        self._data, self._shape, self._held = series, series.shape, held
        self._keep_products_in(ProductCache() if products is None else products)
        self._place = self._taken_place()
        self.odd_scans = OddScans()
        self._busy, self._looked = threading.RLock(), False
        if series is not y:
            self._look()

    @property
    def mean(self) -> np.ndarray:
        """What was subtracted, shape (n_voxels,), float64."""
        self._look()
        return self._mean

    @property
    def constant(self) -> np.ndarray:
        """Whether a voxel's series does not vary beyond rounding, shape (n_voxels,): no model says anything of it."""
        self._look()
        return self._constant

    def _look(self, also: Callable[[slice, np.ndarray], None] | None = None) -> bool:
        """Go through the series, unless that was done; ``also(voxels, centred)`` is called in the same pass."""
        if self._looked:
            return False
        with self._busy:
            if self._looked:
                return False
            self._first_pass(also)
            return True

    def _first_pass(self, also: Callable[[slice, np.ndarray], None] | None) -> None:
        if self._place is None:
            self._place = self._taken_place()
        series, place, n = self._data, self._place, self.n_scans
        mean, first, lagged = np.empty((3, self.n_voxels))
        ends = np.empty((2, min(ENDS, n), self.n_voxels), self.dtype)

        def look(voxels: slice, block: np.ndarray) -> None:
            with np.errstate(invalid="ignore"):
                if self.dtype == np.float32:
                    mean[voxels] = series.for_sums(block).mean(axis=0, dtype=np.float64)
                    block = self._centred(block, mean[voxels])
                else:
                    block = block.astype(np.float64, order="C")
                    mean[voxels] = _summed(block) / n
                    block -= mean[voxels]
                first[voxels] = np.einsum("tv,tv->v", block, block, dtype=np.float64)
                lagged[voxels] = 2 * np.einsum("tv,tv->v", block[: n - 1], block[1:], dtype=np.float64)
                if also is not None:
                    also(voxels, block)
            ends[0, :, voxels], ends[1, :, voxels] = block[:ENDS], block[-ENDS:]
            if place is not None:
                place[:, voxels] = block

        series.each(look)
        if not np.isfinite(mean).all():
            bad = np.flatnonzero(~np.isfinite(mean))
            raise ValueError(
                f"{bad.size} of {self.n_voxels} series hold NaN or infinite values (the first is series {bad[0]}); "
                "leave them out of the mask or replace the values"
            )
        # What rounding leaves of a constant: of its values in their own precision, and of their mean over the scans.
        eps = np.finfo(series.dtype).eps if series.dtype.kind == "f" else 0.0
        rounding = 4 * eps + n * np.finfo(np.float64).eps
        self._own: dict[Hashable, np.ndarray] = {0: first, 1: lagged}
        self._mean, self._ends = mean, ends
        self._constant = first <= n * (rounding * np.abs(mean)) ** 2
        self._looked = True

    @property
    def n_scans(self) -> int:
        """Number of scans."""
        return self._shape[0]

    @property
    def n_voxels(self) -> int:
        """Number of series."""
        return self._shape[1]

    def block(self, voxels: slice | np.ndarray = slice(None), into: np.ndarray | None = None) -> np.ndarray:
        """Series of some voxels minus their means, of the chosen precision, shape (n_scans, number of voxels).

        What is read goes `into` a flat array of at least that size, if one is given: new memory for each block would
        cost as much as the reading.

        Sums of squares of uncentred series would cost the digits that the residual variance is made of.
        """
        self._look()
        if self._place is not None:
            return columns_of(self._place, voxels)
        if self._data is None:
            raise InputError(
                "the series of this run were not kept, to save memory; fit it again and keep them",
                advice={"function": "minimize_memory=False keeps them"},
            )
        if not isinstance(voxels, slice):
            block = self._centred(self._data.read(voxels), self.mean[voxels])
            self._data.done()  # which is no pass, and may have touched every page where the series lie
            return block
        first, last, _ = voxels.indices(self.n_voxels)
        n = self.n_scans
        # Row behind row: between rows that stand apart, each step begins anew.
        out = np.empty((n, last - first), self.dtype) if into is None else into[: n * (last - first)].reshape(n, -1)
        for start in range(first, last, BLOCK):
            some = slice(start, min(start + BLOCK, last))
            self._centred(self._data.read(some), self.mean[some], out[:, some.start - first : some.stop - first])
        if last - first == 1:
            self._data.done()  # nor is this: each scan of a voxel lies on a page of its own
        return out

    def _centred(self, block: np.ndarray, mean: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        # Scan by scan in memory: the layout in which a product with few columns is quickest.
        out = np.empty(block.shape, self.dtype) if out is None else out
        if self.dtype == block.dtype == np.float32:
            # In two steps of single precision, the second of what the first rounds off: a fifth of the time that a
            # difference in double precision takes, and the same to a rounding of the result.
            high = mean.astype(np.float32)
            np.subtract(block, high, out=out)
            out -= (mean - high).astype(np.float32)
            return out
        if self.dtype == np.float32:
            return np.subtract(block, mean, out=out, casting="same_kind")
        out[...] = block
        out -= mean
        return out

    def _each(self, work: Callable[[slice], None], most: int) -> None:
        """Call ``work(voxels)`` for blocks of at most so many voxels, with the series in memory where there is room."""
        self._look()
        if self._held is not None:
            self._held.asked(self)
            if self._place is None and (place := self._taken_place()) is not None:
                self._data.each(lambda voxels, block: self._centred(block, self.mean[voxels], place[:, voxels]))
                self._place = place
        side_by_side(work, even_blocks(self.n_voxels, most))
        if self._data is not None:
            self._data.done()

    def _taken_place(self) -> np.ndarray | None:
        n_bytes = int(np.prod(self._shape, dtype=float)) * self.dtype.itemsize
        there = self._held is not None and self._held.has_room(self, n_bytes)
        return np.empty(self._shape, self.dtype) if there else None

    def __getstate__(self) -> dict[str, object]:
        # Which runs are in memory, and who reads them, is a matter of this process.
        self._look()
        return {**vars(self), "_held": None, "_busy": None, "_place": self._place if self._data is None else None}

    def let_go(self) -> None:
        """Let go of the centred series in memory; they are read again when they are needed."""
        self._place = None

    def scans(self, which: np.ndarray) -> np.ndarray:
        """Some scans of all voxels minus their means, shape (number of scans, n_voxels), float64."""
        out = np.empty((which.size, self.n_voxels))

        def take(voxels: slice) -> None:
            out[:, voxels] = self.block(voxels)[which]

        if which.size:
            self._each(take, SHARE)
        return out

    def ends(self, order: int) -> tuple[np.ndarray, np.ndarray]:
        """The first and the last scans of all voxels minus their means, each of shape (order, n_voxels)."""
        self._look()
        if order > self._ends.shape[1]:
            both = np.r_[:order, self.n_scans - order : self.n_scans]
            self._ends = self.scans(both).reshape(2, order, -1).astype(self.dtype)
        return self._ends[0, :order], self._ends[1, self._ends.shape[1] - order :]

    @property
    def nbytes(self) -> int:
        """Bytes of the series in memory."""
        held = 0 if self._place is None else self._place.nbytes
        return held + (0 if self._data is None else self._data.nbytes)

    def without_series(self) -> Moments:
        """Copy without the series and the products: it knows their shape, means, and which are constant."""
        light = copy.copy(self)
        light._data = light._held = light._place = None
        light._own = {}
        light._keep_products_in(ProductCache())
        return light

    def subset(self, voxels: np.ndarray) -> Moments:
        """Moments of some voxels alone, such as those that are on screen: a fit of them says what the whole will say.

        Parameters
        ----------
        voxels : array of int
            Indices.

        Returns
        -------
        Moments
        """
        some = copy.copy(self)
        some._place = np.ascontiguousarray(self.block(voxels))
        some._data = some._held = None
        some.odd_scans = OddScans()  # told of the whole
        some._shape, some._ends = some._place.shape, self._ends[..., voxels]
        some._mean, some._constant = self.mean[voxels], self.constant[voxels]
        some._own = {key: values[..., voxels] for key, values in self._own.items()}
        some._keep_products_in(ProductCache())
        return some

    def _keep_products_in(self, products: ProductCache) -> None:
        self._products = products
        self._mine = object()  # tells these products from those of other series in the same cache

    def own(self, lag: int) -> np.ndarray:
        """Lagged product of each series with itself, ``y' S_k y``.

        Parameters
        ----------
        lag : int
            k, in scans.

        Returns
        -------
        array of shape (n_voxels,), float64
        """
        self._look()
        if lag not in self._own:
            own, n, twice = np.empty(self.n_voxels), self.n_scans, 1 if lag == 0 else 2

            def multiply(voxels: slice) -> None:
                y = self.block(voxels)
                own[voxels] = twice * np.einsum("tv,tv->v", y[: n - lag], y[lag:], dtype=np.float64)

            self._each(multiply, SHARE)
            self._own[lag] = own
        return self._own[lag]

    def power(self, spectra: np.ndarray, centred: bool = True) -> np.ndarray:
        """Products of each series with itself under matrices that sines diagonalise: weighted sums of its power.

        Parameters
        ----------
        spectra : array of shape (m, n_scans)
            Eigenvalues of each matrix, in the order of `glmwidgets.glm.moments.spectrum.sines`.
        centred : bool
            Whether the mean is subtracted.

        Returns
        -------
        array of shape (m, n_voxels), float64
        """
        key = (spectra.tobytes(), centred)
        self._look()
        if key not in self._own:
            out = np.empty((len(spectra), self.n_voxels))

            def multiply(block: slice) -> None:
                y = self.block(block).astype(np.float64)
                if not centred:
                    y += self.mean[block]
                np.matmul(spectra, np.square(sines(y)), out=out[:, block])

            self._each(multiply, BLOCK)
            self._own[key] = out
        return self._own[key]

    def keeps_filtered(self, n_columns: int, n_filters: int) -> bool:
        """Whether there is room for the products of so many columns, each under so many filters."""
        n_bytes = n_columns * n_filters * self.n_voxels * np.dtype(np.float32).itemsize
        return n_bytes <= SHARE_OF_FILTERED * self._products.budget

    def filtered(
        self, names: Sequence[Hashable], n_filters: int, rows_of: Callable[[list], np.ndarray]
    ) -> tuple[np.ndarray, ...]:
        """Products of every centred series, in units of its own length, with columns under several filters.

        Parameters
        ----------
        names : sequence
            Of the columns; what has a name was multiplied with the same rows whenever it was.
        n_filters : int
        rows_of : callable
            ``rows_of(missing) -> array (len(missing), n_filters, n_scans)`` for those that were not multiplied lately.

        Returns
        -------
        tuple of arrays of shape (some columns, n_filters, n_voxels), float32
            All columns in their order.
        """

        def multiply(missing: list[tuple[object, str, Hashable]]) -> np.ndarray:
            # A product for each column: in one of several, its last bits would depend on its place among them.
            rows = rows_of([name for *_, name in missing]).astype(np.float32)
            out, own = np.empty((len(missing), n_filters, self.n_voxels), np.float32), threading.local()
            per_length = (1 / self.lengths).astype(np.float32)

            def of(voxels: slice) -> None:
                if not hasattr(own, "into"):
                    own.into = np.empty(self.n_scans * BLOCK, self.dtype)
                    own.single, own.product = (
                        np.empty(own.into.size, np.float32),
                        np.empty(rows.shape[0] * n_filters * BLOCK, np.float32),
                    )
                for some in blocks_in(voxels):
                    block = self.block(some, own.into)
                    single = own.single[: block.size].reshape(block.shape)
                    single[...] = block
                    product = own.product[: rows[..., 0].size * block.shape[1]].reshape(*rows.shape[:2], -1)
                    # One call, of a product for each column.
                    np.matmul(rows, single, out=product)
                    np.multiply(product, per_length[some], out=out[..., some])

            self._each(of, SHARE)
            return out

        return self._products.pieces([(self._mine, "filtered", name) for name in names], multiply)

    @property
    def lengths(self) -> np.ndarray:
        """Length of each centred series, shape (n_voxels,); 1 where it is constant."""
        return np.sqrt(np.where(self.constant, 1.0, self.own(0)))

    def with_columns(self, x: np.ndarray, lags: Sequence[int], weights: np.ndarray | None = None) -> list[WeightedRows]:
        """Lagged products of every series with columns, or with weighted sums of columns: ``(X A)' S_k Y``.

        Only columns that were not multiplied lately touch the data, all of them and all lags at once.

        Parameters
        ----------
        x : array of shape (n_scans, n_columns)
        lags : sequence of int
            Values of k, in scans.
        weights : array of shape (n_columns, m), optional
            A; the columns themselves by default.

        Returns
        -------
        list of WeightedRows
            One a lag: their ``at(voxels)`` is an array of shape (m, number of voxels), float64.

        Notes
        -----
        A product has the same bits whichever other columns and lags are asked for, and whichever were before; see
        `glmwidgets.glm.moments.row_products`.
        """
        x = np.asarray(x, dtype=np.float64)
        weights = np.eye(x.shape[1]) if weights is None else weights
        bytes_of = [column.tobytes() for column in x.T]
        keys = [[(self._mine, lag, key) for key in bytes_of] for lag in lags]
        column = dict(zip(bytes_of, x.T, strict=True))

        def multiply(missing: list[tuple[object, int, bytes]]) -> np.ndarray:
            rows = np.zeros((filled_up(len(missing)), self.n_scans), self.dtype)
            for row, (_, lag, key) in zip(rows, missing, strict=False):
                row[:] = shift_sum(column[key], lag)
            out, own = np.empty((len(missing), self.n_voxels), self.dtype), threading.local()

            def of_block(some: slice, block: np.ndarray) -> None:  # while it is in the processor's cache
                if not hasattr(own, "room"):
                    own.room = np.empty(MANY * BLOCK, self.dtype)
                multiply_rows(rows, block, out[:, some], own.room)

            def of(voxels: slice) -> None:
                if not hasattr(own, "into"):
                    own.into = np.empty(self.n_scans * BLOCK, self.dtype)
                for some in blocks_in(voxels):
                    of_block(some, self.block(some, own.into))

            if not self._look(of_block):
                self._each(of, SHARE)
            return out

        self._products.require([key for of_lag in keys for key in of_lag], multiply)
        return [self._products.weighted(of_lag, weights, multiply) for of_lag in keys]
