"""Random fields: how high a peak, and how large a cluster, noise of this smoothness makes anywhere in a search region.

The mean number of clusters that noise has above a height u is nearly the mean Euler characteristic of what is above it,

    E(u) = sum over d of R_d rho_d(u),

with R_d the resels of the region (`glmwidgets.glm.inference.smoothness`) and rho_d the densities of the field, here of
Gaussian, t and F fields (Worsley et al. 1996, Human Brain Mapping 4, 58-73; Worsley 1994, Advances in Applied
Probability 26, 13-42). The chance of a peak above u anywhere is ``1 - exp(-E(u))``; the chance of a cluster of k resels
comes from the mean size of a cluster (Friston et al. 1994, Human Brain Mapping 1, 210-220). How sizes are distributed
is a row of `CLUSTER_METHODS`.

All of this assumes a high threshold and smooth noise of one smoothness. Cluster extents at low forming thresholds are
found significant far too often (Eklund et al. 2016, PNAS 113, 7900; Cox et al. 2017, Brain Connectivity 7, 152), which
is why `check_forming` refuses them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtrc, fdtri, gammaln, ndtr, ndtri, stdtr, stdtrit

from glmwidgets.glm.choices import Choices, check_choice

FOUR_LOG_2 = 4 * np.log(2)

# Forming thresholds in z: below the first, p values of clusters are refused; below the second, warned of.
FORMING_LEAST, FORMING_SAFE = 2.3, 3.09

#: FWHM of the noise in voxels below which p values of its clusters are warned of.
WIDTH_SAFE = 2.0

# From here on a t field is Gaussian to double precision.
MAX_DOF = 1e8

# Beyond it, a statistic's square is more than double precision holds.
HIGHEST = 1e100

# Heights between which a threshold is looked for; beyond the last, double precision has no tail left.
HEIGHTS = 0.0, 37.0


# Densities ------------------------------------------------------------------------------------------------------------


def ec_densities(height: ArrayLike, dof: float = np.inf, rows: int | None = None) -> NDArray[np.float64]:
    """Density of the Euler characteristic of a field above a height, in 0 to 3 dimensions, a resel.

    Parameters
    ----------
    height : array-like
        In units of the statistic: z, t or F.
    dof : float
        Degrees of freedom of the residuals; infinite for a Gaussian field.
    rows : int, optional
        Degrees of freedom of the numerator, for an F field; None is a t field, or a Gaussian one.

    Returns
    -------
    ndarray, float64, shape (4, ...)
        The first is the chance of a single point to lie above the height.

    References
    ----------
    Worsley, K. J., et al. (1996). A unified statistical approach for determining significant signals in images of
    cerebral activation. Human Brain Mapping 4, 58-73, table II.

    Examples
    --------
    >>> ec_densities(3.0).round(6).tolist()
    [0.00135, 0.002944, 0.005867, 0.010393]
    >>> ec_densities(3.0, dof=20).round(6).tolist()
    [0.003538, 0.007767, 0.015287, 0.025877]
    >>> bool(np.allclose(ec_densities(9.0, dof=20, rows=1), 2 * ec_densities(3.0, dof=20)))
    True
    """
    u = np.clip(np.asarray(height, dtype=np.float64), -HIGHEST, HIGHEST)
    if rows is not None:
        return _f_densities(np.maximum(u, 0), rows, min(dof, MAX_DOF))
    if dof >= MAX_DOF:
        tail, ratio, slope, bend = ndtr(-u), 1.0, np.exp(-np.square(u) / 2), np.square(u) - 1
    else:
        tail = stdtr(dof, -u)
        slope = np.exp(-(dof - 1) / 2 * np.log1p(np.square(u) / dof))
        ratio = np.exp(gammaln((dof + 1) / 2) - gammaln(dof / 2)) / np.sqrt(dof / 2)
        bend = (dof - 1) / dof * np.square(u) - 1
    return np.stack(
        [
            tail,
            np.sqrt(FOUR_LOG_2) / (2 * np.pi) * slope,
            FOUR_LOG_2 / (2 * np.pi) ** 1.5 * ratio * u * slope,
            FOUR_LOG_2**1.5 / (2 * np.pi) ** 2 * bend * slope,
        ]
    )


def _f_densities(f: NDArray[np.float64], k: int, v: float) -> NDArray[np.float64]:
    """Densities of an F field of k and v degrees of freedom."""
    x = k * f / v
    with np.errstate(divide="ignore"):
        log_x = np.log(x)

    def part(d: int) -> NDArray[np.float64]:
        """What the densities in d dimensions have in common."""
        constant = gammaln((v + k - d) / 2) - gammaln(v / 2) - gammaln(k / 2)
        power = (k - d) / 2 * log_x if k != d else 0.0
        return np.exp(constant + power - (v + k - 2) / 2 * np.log1p(x)) * (FOUR_LOG_2 / (2 * np.pi)) ** (d / 2)

    with np.errstate(over="ignore", invalid="ignore"):
        square = (v - 1) * (v - 2) * np.square(x) - (2 * v * k - v - k - 1) * x + (k - 1) * (k - 2)
        return np.stack(
            [
                fdtrc(k, v, f),
                np.sqrt(2) * part(1),
                part(2) * ((v - 1) * x - (k - 1)),
                part(3) / np.sqrt(2) * square,
            ]
        )


# A field and a region -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RandomField:
    """Noise of one smoothness over a search region, and what is to be expected of it.

    Heights are z scores everywhere; they are turned into units of the statistic within.

    Attributes
    ----------
    resels : tuple of 4 floats
        Resel counts of the search region in 0 to 3 dimensions.
    resel_size : float
        Voxels in a resel.
    n_voxels : int
        Voxels of the search region.
    dof : float
        Degrees of freedom of the residuals.
    rows : int or None
        Degrees of freedom of the numerator of an F statistic; None for t.
    two_sided : bool
        Whether peaks of either sign are looked for.
    method : str
        How the size of clusters is distributed: a key of `CLUSTER_METHODS`.

    Examples
    --------
    A run of 84 degrees of freedom and 467 resels:

    >>> field = RandomField((7, 42.96312274763, 269.40914815306, 467.07642343881), 132.907586178202, 62077, dof=84)
    >>> round(float(field.statistic(field.threshold(0.05))), 6)
    4.852417
    """

    resels: tuple[float, float, float, float]
    resel_size: float
    n_voxels: int
    dof: float = np.inf
    rows: int | None = None
    two_sided: bool = False
    method: str = "spm"

    def __post_init__(self):
        check_choice("method", self.method, CLUSTER_METHODS)
        if self.two_sided and self.rows is not None:
            raise ValueError("an F statistic has one side: two_sided must be False")

    @property
    def dimensions(self) -> int:
        """Dimensions of the region: the highest in which it has resels."""
        return max(d for d in range(4) if d == 0 or self.resels[d] > 0)

    def statistic(self, z: ArrayLike) -> NDArray[np.float64]:
        """The statistic with this z score: z, t or F."""
        z = np.asarray(z, dtype=np.float64)
        if self.rows is not None:
            return _f_from_z(z, self.rows, self.dof)
        return z if self.dof >= MAX_DOF else np.sign(z) * -stdtrit(self.dof, ndtr(-np.abs(z)))

    def expected_clusters(self, z: ArrayLike) -> NDArray[np.float64]:
        """Mean number of clusters above a height, in both tails together if two-sided."""
        return CLUSTER_METHODS[self.method].clusters(self, np.asarray(z, dtype=np.float64)) * (1 + self.two_sided)

    def peak_p(self, z: ArrayLike) -> NDArray[np.float64]:
        """Familywise p of peaks: the chance that noise reaches this height anywhere in the region.

        Parameters
        ----------
        z : array-like
            Heights; of either sign if two-sided.

        Returns
        -------
        ndarray, float64, of the same shape
        """
        z = np.abs(np.asarray(z, dtype=np.float64)) if self.two_sided else np.asarray(z, dtype=np.float64)
        chance = _chance_of_any(self.expected_clusters(z))
        if not CLUSTER_METHODS[self.method].at_most_bonferroni:
            return chance
        return np.minimum(chance, self.n_voxels * (1 + self.two_sided) * ndtr(-z))

    def threshold(self, alpha: float = 0.05) -> float:
        """Height in z that noise reaches anywhere with chance `alpha`; infinite if it always does, as t of 2 dof.

        Raises
        ------
        ValueError
            If `alpha` is not between 0 and 1.
        """
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must be between 0 and 1, not {alpha}")
        height = self._height_of_field(alpha)
        if not CLUSTER_METHODS[self.method].at_most_bonferroni:
            return height
        return min(height, float(-ndtri(alpha / (1 + self.two_sided) / self.n_voxels)))

    def _height_of_field(self, alpha: float) -> float:
        wanted = CLUSTER_METHODS[self.method].clusters_at(alpha)
        low = self._steepest()
        if self.expected_clusters(low) < wanted:
            # The region is so small that the characteristic does not reach alpha where it falls: a single voxel's.
            return float(-ndtri(alpha / (1 + self.two_sided)))
        if self.expected_clusters(HEIGHTS[1]) > wanted:  # a t field of so few degrees of freedom has no bound
            return float(np.inf)
        from scipy.optimize import brentq  # which brings much along that a first map can do without

        return float(brentq(lambda z: np.log(self.expected_clusters(z) + 1e-320) - np.log(wanted), low, HEIGHTS[1]))

    def _steepest(self) -> float:
        """Height from which on the mean characteristic only falls."""
        grid = np.linspace(*HEIGHTS, 371)
        return float(grid[np.argmax(self.expected_clusters(grid))])

    def cluster_p(self, size: ArrayLike, forming: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Chance of clusters as large as these above a forming threshold.

        Parameters
        ----------
        size : array-like
            In voxels.
        forming : float
            Forming threshold in z.

        Returns
        -------
        familywise, uncorrected : ndarrays, float64, like `size`
            The chance of one anywhere in the region, and the chance that a given cluster is so large.

        Raises
        ------
        ValueError
            If the forming threshold is below 2.3.

        Warns
        -----
        UserWarning
            If the threshold is below 3.09, or the noise narrower than two voxels.
        """
        check_forming(forming)
        check_width(self.resel_size)
        size = np.asarray(size, dtype=np.float64)
        uncorrected = CLUSTER_METHODS[self.method].size_p(self, size, float(forming))
        return _chance_of_any(self.expected_clusters(forming) * uncorrected), uncorrected

    def cluster_size(self, forming: float, alpha: float = 0.05) -> int:
        """Least size, in voxels, of a cluster whose familywise p is at most `alpha`."""
        low, high = 0, 1
        while self.cluster_p(high, forming)[0] > alpha:
            if high >= self.n_voxels:
                return self.n_voxels + 1
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.cluster_p(middle, forming)[0] > alpha else (low, middle)
        return high


def check_forming(forming: float) -> None:
    """Refuse forming thresholds at which random fields do not hold the rate of clusters.

    Raises
    ------
    ValueError
        Below z = 2.3.

    Warns
    -----
    UserWarning
        Below z = 3.09.
    """
    why = "with low forming thresholds random fields call noise a cluster far too often (Eklund et al. 2016)"
    if not forming >= FORMING_LEAST:
        raise ValueError(
            f"no p value of clusters is given above z = {forming:.3g}: {why}. Form clusters at z = {FORMING_SAFE} "
            "(p = .001) or higher"
        )
    if forming < FORMING_SAFE:
        warnings.warn(
            f"clusters were formed at z = {forming:.3g}: {why}; z = {FORMING_SAFE} (p = .001) holds the rate better",
            stacklevel=3,
        )


def check_width(resel_size: float) -> None:
    """Doubt clusters of noise that is rough: random fields expect them smaller than they are.

    Parameters
    ----------
    resel_size : float
        In voxels.

    Warns
    -----
    UserWarning
        Where the noise is narrower than two voxels (FWHM).
    """
    width = float(np.cbrt(resel_size))
    if width < WIDTH_SAFE:
        warnings.warn(
            f"the noise is {width:.2g} voxels wide (FWHM); below {WIDTH_SAFE:g}, random fields give clusters of noise "
            'a p value that is far too small: smooth the data, or take p of drawn noise ("simulated")',
            stacklevel=3,
        )


def _chance_of_any(expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chance of at least one where a mean number is expected (Poisson)."""
    return -np.expm1(-np.maximum(expected, 0))


def _f_from_z(z: NDArray[np.float64], k: int, v: float) -> NDArray[np.float64]:
    """F with the upper tail of z, where the tail is too thin for 1 - p: from the lower tail of 1 / F."""
    return np.where(z < 0, fdtri(k, v, ndtr(z)), 1 / np.maximum(fdtri(v, k, ndtr(-z)), 1e-300))


# How sizes are distributed --------------------------------------------------------------------------------------------


class ClusterMethod(NamedTuple):
    """A way to expect clusters: a row of `CLUSTER_METHODS`.

    Attributes
    ----------
    label : str
        In menus and tables.
    clusters : callable
        ``clusters(field, z)``: mean number of clusters above z scores, in one tail.
    clusters_at : callable
        ``clusters_at(alpha)``: mean number of clusters at the familywise threshold.
    size_p : callable
        ``size_p(field, size, forming)``: chance that a cluster above a z score has so many voxels.
    source : str
    at_most_bonferroni : bool
        Whether peaks have Bonferroni's p where that is the smaller one, as where noise is rough.
    """

    label: str
    clusters: Callable[[RandomField, NDArray[np.float64]], NDArray[np.float64]]
    clusters_at: Callable[[float], float]
    size_p: Callable[[RandomField, NDArray[np.float64], float], NDArray[np.float64]]
    source: str
    at_most_bonferroni: bool = False


def _euler_characteristic(field: RandomField, z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.tensordot(field.resels, ec_densities(field.statistic(z), field.dof, field.rows), 1)


def _size_p_of_field(field: RandomField, size: NDArray[np.float64], forming: float) -> NDArray[np.float64]:
    d = field.dimensions
    if d == 0:
        return np.ones_like(size)
    density = ec_densities(field.statistic(forming), field.dof, field.rows)
    mean_size = density[0] / density[d]  # in resels
    return _size_tail(size / field.resel_size, mean_size, d)


def _gaussian_volume(field: RandomField, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """The term of the volume alone, of a Gaussian field."""
    return field.n_voxels / field.resel_size * ec_densities(z)[3]


def _size_p_of_volume(field: RandomField, size: NDArray[np.float64], forming: float) -> NDArray[np.float64]:
    above = field.n_voxels * ndtr(-forming)
    return _size_tail(size, above / _gaussian_volume(field, np.asarray(forming)), 3)


def _size_tail(size: NDArray[np.float64], mean: float, d: int) -> NDArray[np.float64]:
    """``P(K >= k) = exp(-beta k^(2/d))`` with the mean given: sizes to the power 2/d are exponential."""
    beta = np.exp(2 / d * (gammaln(d / 2 + 1) - np.log(mean)))
    return np.exp(-beta * size ** (2 / d))


#: Ways to expect clusters of noise, by name.
CLUSTER_METHODS: Choices[ClusterMethod] = Choices(
    {
        "spm": ClusterMethod(
            "random field, all dimensions",
            _euler_characteristic,
            lambda alpha: -np.log1p(-alpha),
            _size_p_of_field,
            "Friston et al. 1994, Human Brain Mapping 1, 210-220; Worsley et al. 1996, Human Brain Mapping 4, 58-73",
            at_most_bonferroni=True,
        ),
        "fsl": ClusterMethod(
            "Gaussian field, volume alone",
            _gaussian_volume,
            lambda alpha: alpha,
            _size_p_of_volume,
            "Forman et al. 1995, Magnetic Resonance in Medicine 33, 636-647; Worsley et al. 1992, JCBFM 12, 900-918",
        ),
    }
)
