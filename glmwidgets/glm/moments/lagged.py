"""The one pass over the data: lagged cross-products of the series with themselves and with columns.

With ``S_k`` the sum of both shifts by k scans, ``(S_k u)_t = u_{t-k} + u_{t+k}`` (and ``S_0`` the identity),
everything that generalised least squares needs under a banded noise precision is linear in

    X' S_k Y,   y' S_k y,   and the first and last scans of y.

So the series are multiplied once by each column; they are never whitened and no residual is ever formed.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence

import numpy as np

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.moments.cache import ProductCache, WeightedRows
from glmwidgets.glm.moments.spectrum import sines
from glmwidgets.glm.parallel import even_blocks, side_by_side

__all__ = ["Moments", "shift_sum"]

PRECISIONS = {"float64": np.float64, "float32": np.float32}

# Products kept for columns that may come back (undo, a slider dragged to and fro); half a Binder session's share.
CACHE_BYTES = 256 * 2**20

# Voxels that one thread multiplies at once.
PRODUCT_BLOCK = 4096

# Voxels that are copied from one memory layout to the other at once, so that both stay in the processor's cache.
TRANSPOSED_AT_ONCE = 512


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


def _products_of_rows(rows: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``rows @ y`` in float64, a block of voxels to each thread."""
    out = np.empty((len(rows), y.shape[1]))

    def multiply(block: slice) -> None:
        out[:, block] = rows @ y[:, block]

    side_by_side(multiply, even_blocks(y.shape[1], PRODUCT_BLOCK))
    return out


class Moments:
    """A run as the engine holds it: centred series and their lagged cross-products.

    Parameters
    ----------
    y : array of shape (n_scans, n_voxels)
        The series, scaled as they are to be modelled. Values must be finite.
    precision : {"float64", "float32"}
        Precision in which the centred series are held and multiplied. float64 reproduces the field's
        reference to rounding; float32 halves the memory.
    products : ProductCache, optional
        Where products are kept; several moments that share one share its budget. By default one of its own.

    Attributes
    ----------
    mean : array of shape (n_voxels,), float64
        What was subtracted.
    constant : array of shape (n_voxels,), bool
        Voxels whose series does not vary beyond rounding: no model says anything about them.

    Examples
    --------
    >>> import numpy as np
    >>> moments = Moments(np.array([[1.0], [2.0], [6.0]]))
    >>> moments.own(0), moments.own(1)
    (array([14.]), array([-2.]))
    """

    def __init__(self, y: np.ndarray, precision: str = "float64", products: ProductCache | None = None):
        y = np.asarray(y)
        if y.ndim != 2:
            raise ValueError(f"the series must be an array (scans, voxels), not one of shape {y.shape}")
        check_choice("precision", precision, PRECISIONS)
        self.mean = y.mean(axis=0, dtype=np.float64)
        if not np.isfinite(self.mean).all():
            bad = np.flatnonzero(~np.isfinite(self.mean))
            raise ValueError(
                f"{bad.size} of {y.shape[1]} series hold NaN or infinite values (the first is series {bad[0]}); "
                "leave them out of the mask or replace the values"
            )
        # Scan by scan in memory: the layout in which a product with few columns is quickest.
        self._series = np.empty(y.shape, PRECISIONS[precision])
        for start in range(0, y.shape[1], TRANSPOSED_AT_ONCE):
            some = slice(start, start + TRANSPOSED_AT_ONCE)
            self._series[:, some] = y[:, some] - self.mean[some]
        self._shape = y.shape
        self._own: dict[Hashable, np.ndarray] = {}
        self._keep_products_in(ProductCache(CACHE_BYTES) if products is None else products)
        # What rounding leaves of a constant: of its values in their own precision, and of their mean over the scans.
        eps = np.finfo(y.dtype).eps if y.dtype.kind == "f" else 0.0
        rounding = 4 * eps + self.n_scans * np.finfo(np.float64).eps
        self.constant = self.own(0) <= self.n_scans * (rounding * np.abs(self.mean)) ** 2

    @property
    def n_scans(self) -> int:
        """Number of scans."""
        return self._shape[0]

    @property
    def n_voxels(self) -> int:
        """Number of series."""
        return self._shape[1]

    @property
    def series(self) -> np.ndarray:
        """The series minus their means, of the chosen precision, shape (n_scans, n_voxels).

        Sums of squares of uncentred series would cost the digits that the residual variance is made of.
        """
        if self._series is None:
            raise InputError(
                "the series of this run were not kept, to save memory; fit it again and keep them",
                advice={"function": "minimize_memory=False keeps them"},
            )
        return self._series

    @property
    def nbytes(self) -> int:
        """Bytes of the series."""
        return 0 if self._series is None else self._series.nbytes

    def without_series(self) -> Moments:
        """Copy without the series and the products: it knows their shape, means, and which are constant."""
        light = copy.copy(self)
        light._series, light._own = None, {}
        light._keep_products_in(ProductCache(CACHE_BYTES))
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
        some._series = np.ascontiguousarray(self.series[:, voxels])
        some._shape = some._series.shape
        some.mean, some.constant = self.mean[voxels], self.constant[voxels]
        some._own = {key: values[..., voxels] for key, values in self._own.items()}
        some._keep_products_in(ProductCache(CACHE_BYTES))
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
        if lag not in self._own:
            y, n = self.series, self.n_scans
            twice = 1 if lag == 0 else 2
            self._own[lag] = twice * np.einsum("tv,tv->v", y[: n - lag], y[lag:], dtype=np.float64)
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
        if key not in self._own:
            out = np.empty((len(spectra), self.n_voxels))

            def multiply(block: slice) -> None:
                y = self.series[:, block].astype(np.float64)
                if not centred:
                    y += self.mean[block]
                np.matmul(spectra, np.square(sines(y)), out=out[:, block])

            side_by_side(multiply, even_blocks(self.n_voxels, TRANSPOSED_AT_ONCE))
            self._own[key] = out
        return self._own[key]

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
        The same calls in the same order give the same bits. A library of linear algebra chooses the order of a sum by
        how many columns are multiplied together, so after other calls the product of a column x with a series y may
        differ, by at most ``n eps |x|' |y|`` with n the number of scans and eps that of the precision (Higham 2002,
        Accuracy and Stability of Numerical Algorithms, eq. 3.5). Products of one shape for all would be the same to
        the last bit, and cost a quarter of a refit.
        """
        x = np.asarray(x, dtype=np.float64)
        weights = np.eye(x.shape[1]) if weights is None else weights
        bytes_of = [column.tobytes() for column in x.T]
        keys = [[(self._mine, lag, key) for key in bytes_of] for lag in lags]
        column = dict(zip(bytes_of, x.T, strict=True))

        def multiply(missing: list[tuple[object, int, bytes]]) -> np.ndarray:
            shifted = np.stack([shift_sum(column[key], lag) for _, lag, key in missing])
            return _products_of_rows(shifted.astype(self.series.dtype, copy=False), self.series)

        self._products.require([key for of_lag in keys for key in of_lag], multiply)
        return [self._products.weighted(of_lag, weights, multiply) for of_lag in keys]
