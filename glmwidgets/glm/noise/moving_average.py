"""A moving average of one scan under an autoregression: coordinates of a design in which every a is alike.

With ``e_t = a e_{t-1} + u_t + b u_{t-1}``, ``c = -b``, ``T = (1 + a^2) I - a S - a^2 E`` the precision of the
autoregression and ``D = (1 + c^2) I - c S`` the covariance of the moving average, S being the sum of both one-scan
shifts and E non-zero at both ends of the run only, the precision of e up to the innovations' variance is
``W = T (D - a c E)^-1``. With ``H = (S - c I) D^-1``, which does not know a, and F the two unit columns of the ends
that D keeps apart (their sum and their difference),

    W = (1 + a^2 - a c) I - g H - g D^-1 F diag(w) F' D^-1,    g = (1 - a c)(a - c),    w = a / (1 - a c F' D^-1 F).

In coordinates q in which ``q' H q`` is diagonal, ``q' W q`` is a diagonal and a matrix of rank two at every a. So one
product with the series for a value of c serves all values of a. Sines diagonalise D and H for every c. At c = 0 all
this is the autoregression's.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.spectrum import sines, twice_cosines
from glmwidgets.glm.noise.profiles import ExplainedAtNodes

# The range of AFNI's 3dREMLfit lies inside of 0 <= a <= .98, -.95 <= b <= .8, a + b >= 0, with c = -b.
A_MAX, C_MAX, C_MIN = 0.98, 0.95, -0.8

# Between a's own scale and Fisher's z, for which it would be 1: where the likelihood is a polynomial of least degree.
STRETCH = 0.8

# Of the sum and the difference of the ends, which F holds at unit length.
HALF = 0.5**0.5

# Eigenvalues of H at any c of the range are weighted sums of these many; more of them would add what rounding does.
SPECTRA_TOLERANCE, SPECTRA_PLACES = 1e-14, 300


def stretched(x: np.ndarray) -> np.ndarray:
    """The coordinate of values of a or c in which the likelihood is looked at, ``atanh(.8 x)``.

    Examples
    --------
    >>> bool(np.isclose(relaxed(stretched(0.9)), 0.9))
    True
    """
    return np.arctanh(STRETCH * x)


def relaxed(coordinate: np.ndarray) -> np.ndarray:
    """Values of a or c from their coordinate: `stretched` undone."""
    return np.tanh(coordinate) / STRETCH


@lru_cache(maxsize=8)
def own_spectra(n: int) -> np.ndarray:
    """Spectra of which those of H, at every c of the range, are weighted sums, shape (n_spectra, n)."""
    c = np.tanh(np.linspace(np.arctanh(C_MIN), np.arctanh(C_MAX), SPECTRA_PLACES))
    _, size, rows = np.linalg.svd(_spectra(c, n)[1], full_matrices=False)
    return rows[size > SPECTRA_TOLERANCE * size[0]]


def own_weights(c: np.ndarray, n: int) -> np.ndarray:
    """Weights of the spectra that make H at values of c, shape (n_levels, n_spectra)."""
    return _spectra(c, n)[1] @ own_spectra(n).T


def _spectra(c: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of ``D^-1`` and of H, each of shape (n_levels, n)."""
    c, twice = c[:, None], twice_cosines(n)
    inverse = 1 / (1 + c**2 - c * twice)
    return inverse, (twice - c) * inverse


def _ends(n: int) -> np.ndarray:
    """F, shape (n, 2)."""
    ends = np.zeros((n, 2))
    ends[0], ends[-1] = HALF, [HALF, -HALF]
    return ends


def terms(c: np.ndarray, at_edges: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``1 + a^2 - a c``, g, and w (with an axis of 2 before the others), where `at_edges` is ``F' D^-1 F``."""
    return 1 + a * (a - c), (1 - a * c) * (a - c), a / (1 - c * at_edges * a)


class MovingAverages:
    """What values of c make of a design: for each, coordinates in which ``q' H q`` is diagonal.

    Parameters
    ----------
    basis : DesignBasis
    c : array of shape (n_levels,)
        Between -1 and 1.

    Attributes
    ----------
    rotation : array of shape (n_levels, rank, rank)
        Orthonormal: coordinates of `basis` are ``rotation @ coordinates here``.
    diagonal : array of shape (n_levels, rank)
        Of ``q' H q``.
    edges : array of shape (n_levels, rank, 2)
        ``q' D^-1 F``.
    edge_products : array of shape (n_levels, rank, 3)
        Of the first of `edges` with itself, of both, and of the second with itself.
    at_edges : array of shape (n_levels, 2)
        Diagonal of ``F' D^-1 F``, which has nothing beside it.
    """

    def __init__(self, basis: DesignBasis, c: np.ndarray):
        self.c, self.basis = np.asarray(c, dtype=float), basis
        q, f, of_h, solved = self._sines()
        self.diagonal, self.rotation = np.linalg.eigh((q.T * of_h[:, None]) @ q)
        self.edges = self.rotation.transpose(0, 2, 1) @ (solved @ q).transpose(0, 2, 1)
        first, second = self.edges[..., 0], self.edges[..., 1]
        self.edge_products = np.stack([first**2, first * second, second**2], axis=-1)
        self.at_edges = np.einsum("cit,ti->ci", solved, f)

    def _sines(self) -> tuple[np.ndarray, ...]:
        """Of q and F, shape (n_scans, rank or 2); at each c the spectrum of H, and sines of ``D^-1 F``, transposed."""
        n = self.basis.n_scans
        q, f = sines(self.basis.q), sines(_ends(n))
        inverse, of_h = _spectra(self.c, n)
        return q, f, of_h, f.T * inverse[:, None]

    def rows(self) -> np.ndarray:
        """What makes ``q' H y``, in each level's coordinates, and then ``F' D^-1 y`` of a series y.

        Shape (n_levels, rank + 2, n_scans).
        """
        q, _, of_h, solved = self._sines()
        filtered = self.rotation.transpose(0, 2, 1) @ sines(q.T * of_h[:, None], axis=-1)
        return np.concatenate([filtered, sines(solved, axis=-1)], axis=1)

    def filtered(self, column: np.ndarray | int) -> np.ndarray:
        """``H x`` of a column x of shape (n_scans,), or ``D^-1 F`` of one of the ends, at each level, in rows."""
        inverse, of_h = _spectra(self.c, self.basis.n_scans)
        if isinstance(column, int):
            return sines(sines(_ends(self.basis.n_scans)[:, column]) * inverse, axis=-1)
        return sines(sines(column) * of_h, axis=-1)

    def at_nodes(self, level: int, a: np.ndarray, dtype: type = np.float64) -> ExplainedAtNodes:
        """What the design and the ends explain, and ``log |q' W q|``, at one value of c and values of a."""
        scale, g, w = terms(self.c[level], self.at_edges[level][:, None], a)
        d = scale[:, None] - g[:, None] * self.diagonal[level]
        return ExplainedAtNodes(d, self.edges[level], g, (g * w).T, dtype)

    def penalty(self, a: np.ndarray) -> np.ndarray:
        """``log |q' W q| - log |W|``: the part of the restricted likelihood that no data enter.

        At values of a of shape (n_levels, n), like the result.
        """
        c, at_edges = self.c[:, None], self.at_edges.T[..., None]
        scale, g, w = terms(c, at_edges, a)
        d = scale[..., None] - g[..., None] * self.diagonal[:, None]
        own, both, other = np.moveaxis((1 / d) @ self.edge_products, -1, 0)
        k, m = g * w
        core = (1 - k * own) * (1 - m * other) - k * m * both**2
        log_d = np.log1p(-(c ** (2 * self.basis.n_scans + 2))) - np.log1p(-(c**2))
        of_edges = np.log1p(-c * at_edges * a).sum(axis=0)
        return np.log(d).sum(axis=-1) + np.log(core) + log_d + of_edges - np.log1p(-(a**2))
