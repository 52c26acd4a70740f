"""First-order autoregression by restricted maximum likelihood, with a continuous rho of each voxel's own.

With ``W(r)`` the exact precision up to the innovations' variance, ``G = q' W q`` and rss the residual sum of squares
under W, the restricted likelihood of r is, up to a constant,

    -2 l(r) = (n - p) log rss(r) + log |G(r)| - log(1 - r^2)

(Patterson and Thompson 1971, Biometrika 58, 545-554; Harville 1977, JASA 72, 320-338). It accounts for the columns
that the design takes out of the residuals, which is what makes the Yule-Walker estimate too small.

rss does not change when a fit of the design is taken from the series, so all is done with residuals e of ordinary
least squares (their products, not the residuals): ``q'e = 0`` halves the work, and no large sums are subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.ar1 import AR1Precision
from glmwidgets.glm.noise.pooling import pooled_curves
from glmwidgets.glm.noise.products import LaggedProducts, NoiseFit, Products
from glmwidgets.glm.noise.profiles import Chebyshev, ExplainedAtNodes
from glmwidgets.glm.parallel import even_blocks, side_by_side

if TYPE_CHECKING:
    import scipy.sparse

ENDS = (0, -1)

# Beyond these a series of some hundred scans cannot tell an autoregression from a drift, or from alternation.
RHO_RANGE = (-0.9, 0.98)

# The likelihood is computed at these many Chebyshev nodes for every voxel and is a polynomial between them. Pooled
# curves have no exact slope to be corrected with, and need more.
N_NODES, N_NODES_POOLED = 14, 28
N_FINE, N_FINE_POOLED = 48, 256

# Steps with the exact slope that follow: for all voxels, then for those that still moved by more than so much.
EXACT_STEPS, MOST_STEPS = 1, 10
CLOSE = 3e-4

PENALTY_STEP = 1e-3

# Voxels that are fitted at once: the arrays (rank, voxels) of a step stay near the processor, and threads that fit
# other blocks seldom wait for one another.
BLOCK = 5120


def at_nodes(basis: DesignBasis, rho: np.ndarray) -> ExplainedAtNodes:
    """What the design explains, and ``log |G|``, at values of rho."""
    r = rho[:, None]
    return ExplainedAtNodes(1 + r**2 - r * basis.eigenvalues, basis.q[list(ENDS)].T, rho, r**2 * np.ones(2))


@dataclass(frozen=True)
class Residuals:
    """Products of a block of residuals e of ordinary least squares, from those of the series.

    Attributes
    ----------
    power, lagged : array of shape (n_voxels,)
        ``e'e`` and ``e'Se``.
    cross : array of shape (rank + 2, n_voxels)
        ``q'Se``, then the first and the last scan of e.
    """

    power: np.ndarray
    lagged: np.ndarray
    cross: np.ndarray

    @classmethod
    def of(cls, parts: Products, basis: DesignBasis) -> Residuals:
        """Take the fit of ordinary least squares from the products of some voxels."""
        g, gs = parts.cross
        cross = np.empty((basis.rank + 2, g.shape[1]))
        of_fit = basis.eigenvalues[:, None] * g
        np.subtract(gs, of_fit, out=cross[:-2])
        cross[-2] = parts.head[0] - basis.q[0] @ g
        cross[-1] = parts.tail[-1] - basis.q[-1] @ g
        power = parts.own[0] - np.einsum("jv,jv->v", g, g)
        lagged = parts.own[1] - np.einsum("jv,jv->v", g, gs) - np.einsum("jv,jv->v", g, cross[:-2])
        return cls(np.maximum(power, 0), lagged, cross)

    def of_voxels(self, voxels: np.ndarray) -> Residuals:
        """Those of some of the voxels."""
        return Residuals(self.power[voxels], self.lagged[voxels], self.cross[:, voxels])

    @property
    def edges(self) -> np.ndarray:
        """First and last scan, shape (2, n_voxels)."""
        return self.cross[-2:]


@cache
def _series(n_nodes: int, n_fine: int) -> Chebyshev:
    return Chebyshev(*RHO_RANGE, n_nodes, n_fine)


class Profile:
    """The restricted likelihood of many voxels as a function of rho, and its slope.

    Parameters
    ----------
    basis : DesignBasis
    n_nodes, n_fine : int
        Nodes where the likelihood is computed; places that its polynomial is looked at.
    """

    def __init__(self, basis: DesignBasis, n_nodes: int, n_fine: int):
        self.basis = basis
        self.dof = basis.n_scans - basis.rank
        self.series = _series(n_nodes, n_fine)
        nodes = self.series.nodes
        self._explained = at_nodes(basis, nodes)
        self._penalty = (self._explained.log_determinant - np.log1p(-(nodes**2)))[:, None]
        self._own = np.column_stack([1 + nodes**2, -nodes])
        self._grid = np.arange(RHO_RANGE[0] - PENALTY_STEP, RHO_RANGE[1] + 2 * PENALTY_STEP, PENALTY_STEP)
        penalty = at_nodes(basis, self._grid).log_determinant - np.log1p(-(self._grid**2))
        self._penalty_slope = np.gradient(penalty, PENALTY_STEP, edge_order=2)

    def values(self, left: Residuals) -> np.ndarray:
        """-2 log likelihood at the nodes, shape (n_nodes, n_voxels)."""
        rss = self._own @ np.stack([left.power, left.lagged])
        rss -= self._explained(left.cross)
        np.log(np.maximum(rss, np.finfo(float).tiny, out=rss), out=rss)
        rss *= self.dof
        rss += self._penalty
        return rss

    def slope(self, rho: np.ndarray, left: Residuals, solution: np.ndarray, rss: np.ndarray) -> np.ndarray:
        """Slope of -2 log likelihood at `rho`, where `solution` is the fit to the residuals e.

        As the fit minimises rss, ``d rss / dr = f' dW/dr f`` with f the residuals under W.
        """
        power = left.power + np.einsum("jv,jv->v", solution, solution)
        lagged = left.lagged - 2 * np.einsum("jv,jv->v", solution, left.cross[:-2])
        lagged += self.basis.eigenvalues @ np.square(solution)
        ends = np.square(left.edges - self.basis.q[list(ENDS)] @ solution).sum(axis=0)
        of_rss = 2 * rho * (power - ends) - lagged
        return self.dof * of_rss / rss + np.interp(rho, self._grid, self._penalty_slope)


def solve_residuals(precision: AR1Precision, left: Residuals) -> tuple[np.ndarray, np.ndarray]:
    """Fit of the design to residuals e, shape (rank, n_voxels), and the residual sum of squares under W."""
    r = precision.rho
    return precision.least(left.cross[:-2] * -r, (1 + r**2) * left.power - r * left.lagged, left.edges)


def _nearer(profile: Profile, left: Residuals, rho: np.ndarray, bend: np.ndarray) -> np.ndarray:
    """Steps with the exact slope; their bend is the polynomial's at first, then the slope's own change."""
    rho, slope_before, rho_before = rho.astype(float), None, None
    some, here = np.arange(rho.size), left
    for taken in range(1, MOST_STEPS + 1):
        solution, rss = solve_residuals(AR1Precision(profile.basis, rho[some], ENDS), here)
        slope = profile.slope(rho[some], here, solution, np.maximum(rss, np.finfo(float).tiny))
        if slope_before is not None:
            moved = rho[some] - rho_before
            secant = (slope - slope_before) / np.where(np.abs(moved) > 1e-9, moved, np.inf)
            # A bend that changes its order of magnitude within one small step is rounding.
            bend = np.where((secant > bend / 10) & (secant < 10 * bend), secant, bend)
        slope_before, rho_before = slope, rho[some]
        step = np.clip(-slope / np.where(bend > 0, bend, np.inf), -0.05, 0.05)
        rho[some] = np.clip(rho[some] + step, *RHO_RANGE)
        if taken < EXACT_STEPS:
            continue
        far = np.flatnonzero(np.abs(rho[some] - rho_before) > CLOSE)
        if far.size == 0:
            break
        some, here, bend = some[far], here.of_voxels(far), bend[far]
        slope_before, rho_before = slope[far], rho_before[far]
    return rho


def fit_ar1_reml(
    moments: Moments,
    basis: DesignBasis,
    pooling: str | None = None,
    neighbours: scipy.sparse.spmatrix | None = None,
) -> NoiseFit:
    """First-order autoregression by restricted maximum likelihood, exact at both ends of the run.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    pooling : {None, "local", "global"}
        Whose likelihoods a voxel's rho makes as large as possible: its own, the sum of its own and its neighbours',
        or the sum of all. Noise varies smoothly over the brain, and a rho estimated from more series is steadier.
    neighbours : sparse matrix of shape (n_voxels, n_voxels), optional
        For ``"local"``: see `glmwidgets.glm.noise.pooling.neighbour_matrix`.

    Returns
    -------
    NoiseFit
        With the parameter ``rho``, within -0.9 and 0.98 and 0 for constant series, and the flag ``edge`` where it
        lies at one of these ends.
    """
    products = LaggedProducts(moments, basis, order=1)
    blocks = even_blocks(moments.n_voxels, BLOCK)
    rho, rss = np.zeros((2, moments.n_voxels))
    coefficients = np.empty((basis.rank, moments.n_voxels))
    pool = pooling is not None
    profile = Profile(basis, *((N_NODES_POOLED, N_FINE_POOLED) if pool else (N_NODES, N_FINE)))
    if pool:
        curves = side_by_side(lambda block: profile.values(Residuals.of(products.at(block), basis)), blocks)
        shared = pooled_curves(np.concatenate(curves, axis=1), ~moments.constant, pooling, neighbours)
        rho[:] = np.concatenate(side_by_side(lambda block: profile.series.lowest(shared[:, block])[0], blocks))

    def fit_block(block: slice) -> None:
        parts = products.at(block)
        left = Residuals.of(parts, basis)
        if not pool:
            rho[block] = _nearer(profile, left, *profile.series.lowest(profile.values(left)))
        rho[block][moments.constant[block]] = 0
        solution, rss[block] = solve_residuals(AR1Precision(basis, rho[block], ENDS), left)
        coefficients[:, block] = parts.cross[0] + solution + parts.taken

    side_by_side(fit_block, blocks)
    edge = ((rho <= RHO_RANGE[0]) | (rho >= RHO_RANGE[1])) & ~moments.constant
    return NoiseFit(coefficients, rss, AR1Precision(basis, rho, ENDS).covariance, {"rho": rho}, {"edge": edge})
