"""Autoregressions with a moving average of at most one scan: what the parameters of a noise model mean.

e_t = phi_1 e_{t-1} + ... + phi_p e_{t-p} + u_t + theta u_{t-1},    with independent u_t of one variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Scans that a simulated series of order 2 or more runs through before it counts as stationary.
BURN_IN = 100


@dataclass(frozen=True)
class ARMA:
    """One stationary process a voxel.

    Attributes
    ----------
    phi : array of shape (p, n_voxels)
        Of the autoregression; none for white noise.
    theta : array of shape (n_voxels,)
        Of the moving average; must be zero where p is not 1.
    """

    phi: np.ndarray
    theta: np.ndarray

    @property
    def order(self) -> int:
        """Order p of the autoregression."""
        return len(self.phi)

    def lag_one(self) -> np.ndarray:
        """Autocorrelation from one scan to the next, shape (n_voxels,).

        Of ARMA(1,1) ``(phi + theta)(1 + phi theta) / (1 + 2 phi theta + theta^2)`` (Brockwell and Davis 1991, example
        3.3.3); of autoregressions by Yule and Walker's equations ``r_k = sum_j phi_j r_|k-j|``, with ``r_0 = 1``.

        Examples
        --------
        >>> ARMA(np.array([[0.5], [0.25]]), np.zeros(1)).lag_one().round(6)
        array([0.666667])
        """
        if self.order == 0:
            return np.zeros_like(self.theta)
        if self.order == 1:
            phi, theta = self.phi[0], self.theta
            return (phi + theta) * (1 + phi * theta) / (1 + 2 * phi * theta + theta**2)
        system = np.tile(np.eye(self.order), (self.theta.size, 1, 1))
        for k in range(1, self.order + 1):
            for j in range(1, self.order + 1):
                if k != j:
                    system[:, k - 1, abs(k - j) - 1] -= self.phi[j - 1]
        return np.linalg.solve(system, self.phi.T[:, :, None])[:, 0, 0]

    def log_determinant(self, n_scans: int) -> np.ndarray:
        """Log determinant of the covariance of n scans, the variance of u being 1; shape (n_voxels,).

        The determinant is ``[(1 + phi theta)^2 - (phi + theta)^2 theta^2n] / [(1 - phi^2)(1 - theta^2)]`` for
        ARMA(1,1), and ``prod_k (1 - r_k^2)^-k`` over the partial autocorrelations r_k for autoregressions.

        Examples
        --------
        >>> ARMA(np.array([[0.6]]), np.zeros(1)).log_determinant(100).round(6)  # -log(1 - 0.36)
        array([0.446287])
        """
        if self.order == 1:
            phi, theta = self.phi[0], self.theta
            inner = np.log(np.square(1 + phi * theta) - np.square(phi + theta) * theta ** (2 * n_scans))
            return inner - np.log1p(-np.square(phi)) - np.log1p(-np.square(theta))
        if self.order == 0:
            return np.zeros_like(self.theta)
        return -np.arange(1, self.order + 1) @ np.log1p(-np.square(partial_autocorrelations(self.phi)))

    def log_determinant_of(self, kept: np.ndarray, is_stationary: bool = True) -> np.ndarray:
        """Log determinant as of `log_determinant`, of some of the scans alone.

        The sum of the logs of what each scan that is kept varies by, given those before it: Kalman's recursion in the
        state of Harvey (1989, Forecasting, eq. 3.3.1), which scans that are not kept leave as predicted. Above order 1
        ``log |V| + log |W_gaps|``, of the precision W between the scans that are not kept (Jacobi's identity; Horn and
        Johnson 2013, Matrix Analysis, section 0.8.4).

        Parameters
        ----------
        kept : bool array of shape (n_scans,)
        is_stationary : bool
            Otherwise the first scans vary by u alone, as where they are left as they are.

        Returns
        -------
        array of shape (n_voxels,)

        Examples
        --------
        >>> process = ARMA(np.array([[0.5]]), np.zeros(1))
        >>> process.log_determinant_of(np.array([True, False, True])).round(6)  # log(4/3 * 5/4)
        array([0.510826])
        """
        if self.order == 0:
            return np.zeros_like(self.theta)
        if self.order > 1:
            of_all = self.log_determinant(kept.size) if is_stationary else 0.0
            return of_all + self._log_determinant_of_gaps(kept, is_stationary)
        a, b = self.phi[0], self.theta
        first = (1 + 2 * a * b + b**2) / (1 - a**2) if is_stationary else np.ones_like(a)
        own, shared, other = first, b, b**2
        total = np.zeros_like(a)
        for is_kept in kept:
            if is_kept:
                total += np.log(own)
                own, shared, other = 0.0, 0.0, other - shared**2 / own
            own, shared, other = a**2 * own + 2 * a * shared + other + 1, b, b**2
        return total

    def _log_determinant_of_gaps(self, kept: np.ndarray, is_stationary: bool) -> np.ndarray:
        """Log determinant of an autoregression's precision between the scans that are not kept, by its LDL' factors.

        Scans s and s + k share ``sum_j a_j a_{j+k}`` with a the filter (1, -phi), over those of its places that lie
        within the run: after its end there is nothing to predict, and before a stationary beginning as little.
        """
        p, n = self.order, kept.size
        a = np.concatenate([np.ones((1, self.theta.size)), -self.phi])
        total = np.zeros_like(self.theta)
        # Of the gaps at most p scans back: the scan, its row of L from the first of them on, and its pivot.
        before: list[tuple[int, dict[int, np.ndarray], np.ndarray]] = []
        for scan in np.flatnonzero(~kept).tolist():
            before = [each for each in before if scan - each[0] <= p]
            row: dict[int, np.ndarray] = {}
            for s, of_s, pivot in [*before, (scan, row, None)]:
                k = scan - s
                last = min(p - k, n - 1 - scan, s if is_stationary else p)
                value = np.einsum("jv,jv->v", a[: last + 1], a[k : k + last + 1])
                for m, _, of_m in before:
                    if m < s and m in of_s:
                        value = value - row[m] * of_s[m] * of_m
                if pivot is None:
                    total += np.log(value)
                    before.append((scan, row, value))
                    break
                row[s] = value / pivot
        return total

    def at(self, voxels: np.ndarray) -> ARMA:
        """Processes of some voxels, shape (n,), of int."""
        return ARMA(self.phi[:, voxels], self.theta[voxels])

    def averaged(self, n_groups: int) -> ARMA:
        """Means of autoregressions over groups of voxels whose autocorrelation at lag 1 is alike.

        Partial autocorrelations are averaged, so that each mean is stationary.
        """
        partial = partial_autocorrelations(self.phi)
        ranked = np.argsort(self.lag_one(), kind="stable")
        groups = np.array_split(ranked, min(n_groups, ranked.size))
        means = np.stack([partial[:, group].mean(axis=1) for group in groups], axis=1)
        return ARMA(from_partial(means), np.zeros(len(groups)))

    def innovations(self, e: np.ndarray) -> np.ndarray:
        """What each scan adds to the prediction from those before it, in units of the deviation of u.

        Exact from the first scan where the order is one (Brockwell and Davis 1991, example 5.3.4); without the first p
        scans for p > 1.

        Parameters
        ----------
        e : array of shape (n_scans, n_voxels)

        Returns
        -------
        array of shape (n_scans, n_voxels), or (n_scans - p, n_voxels) for p > 1

        Examples
        --------
        >>> ARMA(np.array([[0.8]]), np.zeros(1)).innovations(np.array([[3.0], [4.0]])).round(6)
        array([[1.8],
               [1.6]])
        """
        p, theta = self.order, self.theta
        if p == 0:
            return e
        if p > 1:
            out = e[p:].copy()
            for k in range(1, p + 1):
                out -= self.phi[k - 1] * e[p - k : -k]
            return out
        a, out = self.phi[0], e.copy()
        out[1:] -= a * e[:-1]
        variance = (1 + 2 * a * theta + theta**2) / (1 - a**2)
        out[0] /= np.sqrt(variance)
        if not theta.any():
            return out
        for t in range(1, len(out)):
            root = np.sqrt(variance)
            variance = 1 + theta**2 - (theta / root) ** 2
            out[t] = (out[t] - theta / root * out[t - 1]) / np.sqrt(variance)
        return out

    def unpredicted(self, e: np.ndarray) -> np.ndarray:
        """Series less what scans before predict, the first of them taken as they are: autoregressions alone.

        Parameters
        ----------
        e : array of shape (n_scans, n_voxels)

        Returns
        -------
        array of the same shape

        Examples
        --------
        >>> ARMA(np.array([[0.8]]), np.zeros(1)).unpredicted(np.array([[3.0], [4.0]])).round(6)
        array([[3. ],
               [1.6]])
        """
        out = e.copy()
        for k in range(1, self.order + 1):
            out[k:] -= self.phi[k - 1] * e[:-k]
        return out

    def draw(self, n_scans: int, rng: np.random.Generator) -> np.ndarray:
        """Series of the process, shape (n_scans, n_voxels)."""
        p, n_voxels = self.phi.shape
        if p == 0:
            return rng.standard_normal((n_scans, n_voxels))
        if p == 1:
            phi = self.phi[0]
            u = rng.standard_normal((n_scans + 1, n_voxels))
            e = u[1:] + self.theta * u[:-1]
            # e_1 = a e_0 + u_1 + b u_0, with e_0 a stationary past that shares u_0.
            e[0] += phi * (u[0] + (phi + self.theta) / np.sqrt(1 - phi**2) * rng.standard_normal(n_voxels))
            for t in range(1, n_scans):
                e[t] += phi * e[t - 1]
            return e
        e = rng.standard_normal((n_scans + BURN_IN, n_voxels))
        for t in range(p, len(e)):
            e[t] += np.einsum("kv,kv->v", self.phi, e[t - 1 : t - p - 1 : -1] if t > p else e[p - 1 :: -1])
        return e[BURN_IN:]


def partial_autocorrelations(phi: np.ndarray) -> np.ndarray:
    """Partial autocorrelations of autoregressions, by Durbin's and Levinson's recursion down from order p.

    Parameters
    ----------
    phi : array of shape (p, n_voxels)

    Returns
    -------
    array of shape (p, n_voxels)

    Examples
    --------
    >>> partial_autocorrelations(np.array([[0.375], [0.25]])).ravel()
    array([0.5 , 0.25])
    """
    partial, step = np.empty_like(phi), phi
    for k in range(len(phi), 0, -1):
        partial[k - 1] = step[k - 1]
        inner = step[: k - 1]
        step = (inner + partial[k - 1] * inner[::-1]) / (1 - partial[k - 1] ** 2)
    return partial


def from_partial(partial: np.ndarray) -> np.ndarray:
    """Coefficients of autoregressions from their partial autocorrelations: `partial_autocorrelations` undone.

    Parameters
    ----------
    partial : array of shape (p, n_voxels)
        Within -1 and 1.

    Returns
    -------
    array of shape (p, n_voxels)

    Examples
    --------
    >>> from_partial(np.array([[0.5], [0.25]])).ravel()
    array([0.375, 0.25 ])
    """
    phi = partial[:0]
    for k in range(len(partial)):
        phi = np.concatenate([phi - partial[k] * phi[::-1], partial[k : k + 1]])
    return phi
