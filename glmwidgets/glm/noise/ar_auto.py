"""Autoregression whose order each voxel chooses, with the bias of the residuals' autocovariance taken out.

The residuals ``e = R y`` of ordinary least squares have lagged products ``m_k = sum_t e_t e_{t+k}`` of expectation

    E m_k = sum_l C_kl gamma_l,    C_kl = tr(R S_k R S_l) / 2  (S_0 = I counted once, not halved),

where gamma are the autocovariances of the errors (Worsley and others 2002, NeuroImage 15, 1-15, who stop at l = p).
Here l runs over the whole run: beyond the order the autocovariances follow from the autoregression itself, so that
they and the coefficients are found in turn. Orders come out of one another by Durbin's and Levinson's recursion; the
order is that of least AICc (Hurvich and Tsai 1989, Biometrika 76, 297-307).

Given the coefficients, least squares are exact at both ends: with ``a = (1, -phi_1, ..., -phi_p)``, the inverse of a
stationary autoregression's covariance is ``sum_k c_k S_k`` less a correction from the last p scans and the same one
mirrored from the first p (Gohberg and Semencul 1972).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments, shift_sum
from glmwidgets.glm.noise.arma import ARMA, partial_autocorrelations
from glmwidgets.glm.noise.arn import ARPrecision
from glmwidgets.glm.noise.freedom import effective_dof, residual_bands
from glmwidgets.glm.noise.pooling import pooled_curves
from glmwidgets.glm.noise.products import BLOCK, LaggedProducts, NoiseFit, Products
from glmwidgets.glm.parallel import even_blocks, side_by_side

if TYPE_CHECKING:
    import scipy.sparse

MAX_ORDER = 6

# Degrees of freedom for each order to choose from: the best of six in short runs is chance too often. On 100 scans of a
# real run under random designs .086 of voxels are called at .05 without this, .069 with it.
FOR_EACH_ORDER = 25

# Partial autocorrelations are kept within this: beyond it a run of some hundred scans has no stationary description.
PARTIAL_MAX = 0.98

# Voxels that are tested at once: six coefficients in 32 bands of frequency each.
TESTED_AT_ONCE = 1024

# Autocovariances beyond this lag are taken as zero: 0.95^100 = 0.006.
LONGEST_LAG = 100

ROUNDS = 4

# Beyond this condition number of C, taking the bias out multiplies the noise of the autocovariances.
CONDITION_MAX = 10.0


class ExactARPrecision(ARPrecision):
    """Inverse covariance of a stationary autoregression, one set of coefficients a voxel, up to the innovations'."""

    @property
    def starts(self) -> np.ndarray:
        """The correction between the first p scans, shape (n_groups, p, p)."""
        return self.ends[:, ::-1, ::-1]

    def gram(self, groups: slice) -> np.ndarray:
        """``G = q' W q`` of some groups, shape (n, rank, rank)."""
        first = self.basis.q[: self.order]
        return super().gram(groups) - first.T @ self.starts[groups] @ first

    def estimate(self, parts: Products) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (rank, n_voxels) and residual sums of squares (n_voxels,)."""
        first, last = self.basis.q[: self.order], self.basis.q[-self.order :]
        weights = self.lag_weights.T[:, self.group]
        at_start = np.einsum("vij,jv->iv", self.starts[self.group], parts.head)
        at_end = np.einsum("vij,jv->iv", self.ends[self.group], parts.tail)
        total = np.einsum("kv,kv->v", weights, np.stack(parts.own))
        total -= np.einsum("iv,iv->v", parts.head, at_start) + np.einsum("iv,iv->v", parts.tail, at_end)
        b = -(first.T @ at_start + last.T @ at_end)
        for weight, cross in zip(weights, parts.cross, strict=True):
            b += weight * cross
        coefficients = self._solve(b)
        return coefficients, np.maximum(total - np.einsum("jv,jv->v", b, coefficients), 0)

    def tested(self, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``c G^-1 c'`` of shape (m, m, n_voxels), and the degrees of freedom of the test of c, shape (n_voxels,).

        All p coefficients of each voxel count as estimated, those that are zero too.
        """
        basis, p, m = self.basis, self.order, len(c)
        bands = residual_bands(basis)
        lagged = np.stack([basis.shifted(k, np.eye(basis.rank)) for k in range(p + 1)])
        covariance, dof = np.empty((len(self.phi), m, m)), np.empty(len(self.phi))

        def test_block(block: slice) -> None:
            n = len(self.phi[block])
            u = np.linalg.solve(self.gram(block), np.broadcast_to(c.T, (n, basis.rank, m)))
            flat = u.transpose(1, 0, 2).reshape(basis.rank, -1)
            shifted = (lagged @ flat).reshape(p + 1, basis.rank, n, m)
            products = np.einsum("rvi,krvj->kvij", flat.reshape(-1, n, m), shifted)
            ends = basis.q[:p][::-1] @ u, basis.q[-p:] @ u
            slopes = -self._slopes(block, products, ends)
            covariance[block] = c @ u
            process = ARMA(self.phi[block].T, np.zeros(n))
            dof[block] = effective_dof(covariance[block], slopes, process, bands)

        side_by_side(test_block, even_blocks(len(self.phi), TESTED_AT_ONCE))
        return covariance.transpose(1, 2, 0), dof

    def _slopes(self, block: slice, products: np.ndarray, ends: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """``u' q' dW/dphi_k q u`` for each k, shape (n, p, m, m).

        Parameters
        ----------
        block : slice
            Of n voxels.
        products : array of shape (p + 1, n, m, m)
            ``u' q' S_k q u``.
        ends : two arrays of shape (n, p, m)
            ``q u`` at the first p scans, backwards, and at the last p.
        """
        p, filters, beyond = self.order, self._filter[block], self.beyond[block]
        # W sums products at lag |i - j| over pairs of the filter's coefficients; S_k holds both shifts, S_0 one.
        products = np.concatenate([2 * products[:1], products[1:]])
        out = np.empty((len(filters), p, *products.shape[2:]))
        for k in range(1, p + 1):
            out[:, k - 1] = -np.einsum("vj,jvab->vab", filters, products[np.abs(np.arange(p + 1) - k)])
        for end in ends:
            filtered = beyond @ end
            for k in range(1, p + 1):
                half = end[:, p - k :].transpose(0, 2, 1) @ filtered[:, :k]
                out[:, k - 1] += half + half.transpose(0, 2, 1)
        return out


def lagged_expectation(basis: DesignBasis, order: int) -> np.ndarray:
    """C: what autocovariances of the errors make of the lagged products of least-squares residuals.

    Parameters
    ----------
    basis : DesignBasis
    order : int
        Largest lag of the products.

    Returns
    -------
    array of shape (order + 1, n_lags)
        For autocovariances from lag 0 on, over the whole run or 100 scans.

    Examples
    --------
    >>> from glmwidgets.glm.moments.basis import design_basis
    >>> lagged_expectation(design_basis(np.ones((4, 1))), 0).round(6)
    array([[ 3. , -1.5, -1. , -0.5]])
    """
    n, q = basis.n_scans, basis.q
    out = np.empty((order + 1, min(n, LONGEST_LAG + 1)))
    for k in range(order + 1):
        inner = shift_sum(np.eye(n), k)
        inner -= q @ (q.T @ inner)
        inner -= (inner @ q) @ q.T
        out[k] = [np.trace(inner, offset=lag) for lag in range(out.shape[1])]
        out[k, 1:] *= 2
        if k > 0:
            out[k] /= 2
    return out


def levinson(autocovariance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Autoregressions of all orders from autocovariances, by Durbin's and Levinson's recursion.

    Parameters
    ----------
    autocovariance : array of shape (p + 1, n_voxels)
        At lags 0 to p.

    Returns
    -------
    phi : array of shape (p + 1, p, n_voxels)
        Coefficients of orders 0 to p.
    variance : array of shape (p + 1, n_voxels)
        Of the innovations of each, in units of that at lag 0.
    clipped : bool array of shape (p + 1, n_voxels)
        Where a partial autocorrelation had to be brought within 0.98 up to this order.

    Examples
    --------
    >>> phi, variance, _ = levinson(np.array([[1.0], [0.5], [0.25]]))
    >>> phi[2].ravel() + 0.0, variance.ravel()
    (array([0.5, 0. ]), array([1.  , 0.75, 0.75]))
    """
    p, n_voxels = len(autocovariance) - 1, autocovariance.shape[1]
    start = autocovariance[0]
    r = np.divide(autocovariance, start, out=np.zeros_like(autocovariance), where=start > 0)
    phi = np.zeros((p + 1, p, n_voxels))
    variance = np.ones((p + 1, n_voxels))
    clipped = np.zeros((p + 1, n_voxels), dtype=bool)
    for k in range(1, p + 1):
        before = phi[k - 1, : k - 1]
        wanted = (r[k] - (before * r[k - 1 : 0 : -1]).sum(axis=0)) / variance[k - 1]
        partial = np.clip(wanted, -PARTIAL_MAX, PARTIAL_MAX)
        clipped[k] = clipped[k - 1] | (partial != wanted)
        phi[k, : k - 1] = before - partial * before[::-1]
        phi[k, k - 1] = partial
        variance[k] = variance[k - 1] * (1 - partial**2)
    return phi, variance, clipped


def _autocorrelation(phi: np.ndarray, n_lags: int) -> np.ndarray:
    """Autocorrelations at lags 0 to n_lags - 1 of autoregressions, shape (n_lags, n_voxels)."""
    p, n_voxels = phi.shape
    # Levinson's recursion gives the partial autocorrelations; up again, the autocorrelations.
    partial = partial_autocorrelations(phi)
    out = np.zeros((n_lags, n_voxels))
    out[0] = 1
    step, variance = np.zeros((0, n_voxels)), np.ones(n_voxels)
    for k in range(1, p + 1):
        out[k] = (step * out[k - 1 : 0 : -1]).sum(axis=0) + partial[k - 1] * variance
        step = np.concatenate([step - partial[k - 1] * step[::-1], partial[k - 1 : k]])
        variance = variance * (1 - partial[k - 1] ** 2)
    for lag in range(p + 1, n_lags):
        np.einsum("kv,kv->v", phi, out[lag - 1 : lag - p - 1 : -1], out=out[lag])
    return out


def chosen_autoregression(
    lagged: np.ndarray, expectation: np.ndarray, dof: int, share_kept: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order and coefficients from lagged products of least-squares residuals.

    Parameters
    ----------
    lagged : array of shape (p + 1, n_voxels)
        ``m_k``; in any unit.
    expectation : array of shape (p + 1, n_lags)
        See `lagged_expectation`.
    dof : int
        Scans minus rank of the design.
    share_kept : float
        Share of the scans that have no column of their own.

    Returns
    -------
    phi : array of shape (p, n_voxels)
    order : array of shape (n_voxels,), int
    clipped : bool array of shape (n_voxels,)
    """
    p, voxels = len(lagged) - 1, np.arange(lagged.shape[1])
    orders = np.arange(p + 1)[:, None]
    # Products of residuals at lag k that are left to estimate from: fewer where the design takes slow waves or scans.
    # With gaps, products at different lags are of different scans, whose chances do not cancel.
    pairs = np.diag(expectation)[:, None] * share_kept
    price = 2 * (orders + 1) * pairs / np.maximum(pairs - orders - 2, 1)
    head = np.linalg.inv(expectation[:, : p + 1])
    scale = np.where(lagged[0] > 0, lagged[0] / dof, 1.0)
    relative = lagged / scale
    gamma, beyond = head @ relative, np.zeros_like(relative)
    for k in range(ROUNDS):
        phi, variance, clipped = levinson(gamma)
        # What lies beyond a partial autocorrelation that is none is no estimate of anything.
        criterion = np.log(variance)
        criterion[1:] = np.cumsum(pairs[1:] * np.diff(criterion, axis=0), axis=0)
        criterion += price
        criterion[2:][clipped[2:]] = np.inf
        order = criterion.argmin(axis=0)
        chosen = phi[order, :, voxels].T
        if k == ROUNDS - 1:
            break
        tail = _autocorrelation(chosen, expectation.shape[1])[p + 1 :] * gamma[0]
        # Each round overshoots to the other side of the last one: half of a step.
        beyond = (beyond + expectation[:, p + 1 :] @ tail) / 2
        gamma = head @ (relative - beyond)
        # A bias as large as the variance itself cannot be taken out.
        gamma[0] = np.maximum(gamma[0], 0.1)
    return chosen, order, clipped[order, voxels]


def _largest_order(expectation: np.ndarray, dof: int) -> int:
    """Largest order that the run is long enough for, and whose autocovariances the design leaves; at least 1."""
    head = expectation[:, : len(expectation)] / dof
    sizes = range(2, min(len(head), dof // FOR_EACH_ORDER + 1) + 1)
    return max([1, *(size - 1 for size in sizes if np.linalg.cond(head[:size, :size]) <= CONDITION_MAX)])


def _lagged_residuals(parts: Products, basis: DesignBasis) -> np.ndarray:
    """``m_k`` of the residuals of ordinary least squares, shape (order + 1, n_voxels)."""
    g = parts.cross[0]
    out = np.empty((parts.order + 1, g.shape[1]))
    for k in range(parts.order + 1):
        mixed = basis.shifted(k, g) - 2 * parts.cross[k]
        out[k] = parts.own[k] + np.einsum("jv,jv->v", g, mixed)
    out[1:] /= 2
    return out


def fit_ar_auto(
    moments: Moments,
    basis: DesignBasis,
    pooling: str | None = None,
    neighbours: scipy.sparse.spmatrix | None = None,
) -> NoiseFit:
    """Autoregression of the order, up to 6, that AICc prefers in each voxel; not biased by the design.

    Designs that take most of the slow or of the fast residuals leave fewer orders to choose from.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    pooling : {None, "local", "global"}
        Whether autocorrelations are averaged over neighbours, or over all voxels, before an order is chosen; see
        `glmwidgets.glm.noise.pooling`.
    neighbours : sparse matrix of shape (n_voxels, n_voxels), optional
        For ``"local"``.

    Returns
    -------
    NoiseFit
        With the parameters ``phi1`` ... ``phi6``, zero beyond a voxel's order, and ``order``; the flag ``edge`` tells
        where the estimate was brought back to a stationary autoregression.

    Raises
    ------
    ValueError
        If the run has too few scans.
    """
    dof = basis.n_scans - basis.rank
    order = min(MAX_ORDER, dof - 4, basis.n_scans // 2)
    if order < 1:
        raise ValueError(
            f"an autoregression cannot be estimated from {moments.n_scans} scans with {basis.rank} independent "
            "columns; use fewer confounds"
        )
    expectation = lagged_expectation(basis, order)
    order = _largest_order(expectation, dof)
    expectation = expectation[: order + 1]
    products = LaggedProducts(moments, basis, order)
    blocks = [slice(start, start + BLOCK) for start in range(0, moments.n_voxels, BLOCK)]
    lagged = np.concatenate(side_by_side(lambda block: _lagged_residuals(products.at(block), basis), blocks), axis=1)
    known = ~moments.constant & (lagged[0] > 0)
    np.divide(lagged, lagged[0], out=lagged, where=known)
    lagged[:, ~known] = np.eye(order + 1)[:, :1]
    if pooling is not None:
        lagged = pooled_curves(lagged, known, pooling, neighbours)
    # Scans left out before the first or after the last are no gap.
    within = np.flatnonzero(basis.kept)
    share = within.size / (within[-1] - within[0] + 1)
    phi = np.empty((order, moments.n_voxels))
    chosen, clipped = np.empty(moments.n_voxels), np.empty(moments.n_voxels, dtype=bool)
    rss, coefficients = np.empty(moments.n_voxels), np.empty((basis.rank, moments.n_voxels))

    def fit_block(block: slice) -> None:
        phi[:, block], chosen[block], clipped[block] = chosen_autoregression(lagged[:, block], expectation, dof, share)
        here = phi[:, block]
        here[:, ~known[block]] = 0
        parts = products.at(block)
        g, rss[block] = ExactARPrecision(basis, here.T, np.arange(here.shape[1])).estimate(parts)
        coefficients[:, block] = g + parts.taken

    side_by_side(fit_block, blocks)
    precision = ExactARPrecision(basis, phi.T, np.arange(moments.n_voxels))
    parameters = {f"phi{k + 1}": phi[k] if k < order else np.zeros(moments.n_voxels) for k in range(MAX_ORDER)}
    parameters["order"] = np.where(known, chosen, 0)
    # What several series tell together is told better than degrees of freedom of one would say.
    tested = precision.tested if pooling is None else None
    return NoiseFit(coefficients, rss, precision.covariance, parameters, {"edge": clipped & known}, tested)
