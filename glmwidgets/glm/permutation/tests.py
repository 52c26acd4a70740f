"""Permutation inference: the null distribution of the largest statistic of a map, from the data themselves.

With the hypothesis written as ``Y = U phi + Z gamma + e`` (`glmwidgets.glm.fit.partition`) and the
residuals of the nuisance part scaled to unit length, ``r_v = (I - ZZ')y_v / |...|``, a rearrangement P gives

    R_v = U'P r_v / sqrt(1 - |Z'P r_v|^2),        t_v = R_v sqrt(dof / (1 - R_v^2)),

the t that refitting the whole design to the rearranged residuals gives (Freedman & Lane 1983). Rearranging U and Z in
place of r makes ``U'P r`` of many rearrangements and all voxels one matrix product. As t rises with R, the largest t
of a map is where R is largest; only there is it computed, from the data in double precision. The products are in
single precision: R is a sum of n products of numbers below 1, right to about 1e-6.

The family-wise corrected p value of a voxel is one thing throughout, for every statistic (Phipson & Smyth 2010):

    p = (1 + number of rearrangements whose maximum reaches the observed value) / (1 + number of rearrangements).
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from glmwidgets.glm.fit.partition import Hypothesis, partition
from glmwidgets.glm.inference.cluster_stats import Lattice, cluster_maxima, cluster_values, make_lattice
from glmwidgets.glm.permutation.exchangeability import Rearrangements, draw_rearrangements, moved_nuisance
from glmwidgets.glm.permutation.p_values import check_forming, height_at, uncorrected_p
from glmwidgets.glm.permutation.result import PermutationResult
from glmwidgets.glm.permutation.tfce import tfce as enhance
from glmwidgets.glm.permutation.true_discoveries import largest_line

# Rearrangements that are computed together. Fixed, so that neither the number of processes nor the speed of the
# machine decides how sums are rounded; small enough that a cancelled test stops at once.
CHUNK = 64
CHUNK_TFCE = 16

# Of a voxel's variance, what an effect that explains everything seems to leave, by rounding of R. In others of the
# rearrangements, such as all signs turned over, it explains everything again: a tie.
LEAST_REST = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}


def permutation_test(
    data: ArrayLike,
    design: ArrayLike,
    contrast: ArrayLike,
    *,
    progress: Callable[[int, int], None] | None = None,
    **options: object,
) -> PermutationResult:
    """Test a contrast of a group design by rearranging the data.

    Parameters
    ----------
    data, design, contrast
        See `iter_permutations`.
    progress : callable, optional
        Called with (rearrangements done, rearrangements in all) now and then.
    **options
        The other arguments of `iter_permutations`.

    Returns
    -------
    PermutationResult
        With ``complete`` False if it was cancelled.

    Examples
    --------
    Ten maps of three voxels, all ``2^10`` sign flips:

    >>> maps = np.random.default_rng(0).standard_normal((10, 3)) + [0, 0, 2]
    >>> result = permutation_test(maps, np.ones((10, 1)), [1], n_perm=5000)
    >>> result.exact, result.n_perm + 1
    (True, 1024)
    >>> result.p_value("t") < 0.05
    array([False, False,  True])
    """
    for result in iter_permutations(data, design, contrast, **options):  # type: ignore[arg-type]
        if progress is not None:
            progress(result.n_done, result.n_perm)
    return result


def iter_permutations(
    data: ArrayLike,
    design: ArrayLike,
    contrast: ArrayLike,
    *,
    stat_type: str | None = None,
    n_perm: int = 10_000,
    two_sided: bool = False,
    mask: ArrayLike | None = None,
    threshold: float | None = None,
    tfce: bool = False,
    true_discoveries: bool = False,
    connectivity: int = 1,
    scheme: str = "auto",
    blocks: Iterable[object] | None = None,
    exchange: str = "within",
    seed: int | np.random.SeedSequence | None = None,
    rearrangements: Rearrangements | None = None,
    n_jobs: int = 1,
    cancel: threading.Event | None = None,
) -> Iterator[PermutationResult]:
    """Test a contrast of a group design by rearranging the data, giving the result again and again as it sharpens.

    Parameters
    ----------
    data : array of shape (n, n_voxels)
        One row a map.
    design : array of shape (n, p)
    contrast : array of shape (p,) or (q, p)
    stat_type : {"t", "F"}, optional
        Default: t for one row of weights, F for several.
    n_perm : int
        Rearrangements; if there are no more than this, all are listed and the test is exact.
    two_sided : bool
        Test both signs of t; maxima are then of absolute values, clusters are formed of each sign. An F has none.
    mask : bool array of shape (x, y, z), optional
        Where the voxels lie; needed for clusters and TFCE.
    threshold : float, optional
        Cluster-forming threshold as an uncorrected p value, one- or two-sided like the test. Adds "size" and "mass".
    tfce : bool
        Add "tfce".
    true_discoveries : bool
        Learn what `PermutationResult.true_discoveries` needs.
    connectivity : {1, 2, 3}
        Clusters are of voxels that share a face, an edge or a corner.
    scheme, blocks, exchange, seed
        See `glmwidgets.glm.permutation.exchangeability.draw_rearrangements`.
    rearrangements : Rearrangements, optional
        Instead of drawing them.
    n_jobs : int
        Processes that compute TFCE (-1: one a core). The rest is matrix products, which use all cores by themselves.
        The null distribution does not depend on it.
    cancel : threading.Event, optional
        Once it is set the iteration ends after the chunk in hand (some 16 to 64 rearrangements a process).

    Yields
    ------
    PermutationResult
        First with no rearrangement done, then after every few, in the end with all.

    Raises
    ------
    ValueError
        If shapes disagree, data are not finite, the contrast cannot be tested, or a mask is missing.

    Examples
    --------
    >>> maps = np.random.default_rng(0).standard_normal((12, 4)) + [2, 0, 0, 0]
    >>> results = list(iter_permutations(maps, np.ones((12, 1)), [1], n_perm=200, seed=0))
    >>> results[0].n_done, results[-1].n_done, bool(results[-1].p_value("t")[0] < 0.05)
    (0, 200, True)
    """
    y = np.ascontiguousarray(data)  # one layout, in this process and in others, so that sums are rounded alike
    hypothesis = partition(design, contrast, stat_type)
    _check(y, hypothesis, mask, threshold, tfce)
    two_sided = two_sided and hypothesis.stat_type == "t"
    if rearrangements is None:
        labels = None if blocks is None else list(blocks)
        rearrangements = draw_rearrangements(
            hypothesis, n_perm, scheme=scheme, blocks=labels, exchange=exchange, seed=seed
        )
    residuals = _unit_residuals(y, hypothesis)
    task = _Task(
        data=y,
        residuals=residuals.astype(np.float32),
        hypothesis=hypothesis,
        moved=moved_nuisance(hypothesis, rearrangements),
        two_sided=two_sided,
        height=None if threshold is None else height_at(threshold, hypothesis, two_sided),
        lattice=None if mask is None else make_lattice(mask, connectivity),
        tfce=tfce,
        discoveries=true_discoveries,
    )
    result = PermutationResult(
        observed=(maps := task.observed(residuals)),
        null={name: np.empty(0) for name in task.names},
        n_perm=len(rearrangements),
        scheme=rearrangements.scheme,
        exact=rearrangements.exact,
        two_sided=two_sided,
        dof=hypothesis.dof,
        height=task.height,
        lines=np.empty(0) if true_discoveries else None,
        observed_line=task.line(maps[task.names[0]]) if true_discoveries else math.inf,
        n_tested=hypothesis.tested.shape[1],
    )
    del residuals
    yield result
    size = CHUNK_TFCE if tfce else CHUNK
    chunks = [rearrangements[start : start + size] for start in range(0, len(rearrangements), size)]
    for maxima in _map(task.maxima, chunks, n_jobs if tfce else 1):
        null = {name: np.append(result.null[name], maxima[name]) for name in task.names}
        lines = np.append(result.lines, maxima["line"]) if true_discoveries else None
        result = replace(result, null=null, lines=lines)
        yield result
        if cancel is not None and cancel.is_set():
            return


@dataclass(frozen=True)
class _Task:
    """All that is needed to compute the maxima of some rearrangements, in this process or another."""

    data: np.ndarray  # (n, n_voxels)
    residuals: np.ndarray  # (n, n_voxels) float32, unit length or zero
    hypothesis: Hypothesis
    moved: np.ndarray  # (n, k) nuisance columns that the rearrangements change
    two_sided: bool
    height: float | None
    lattice: Lattice | None
    tfce: bool
    discoveries: bool = False

    @property
    def names(self) -> list[str]:
        clusters = ["size", "mass"] if self.height is not None else []
        return [self.hypothesis.stat_type.lower(), *clusters, *(["tfce"] if self.tfce else [])]

    def observed(self, residuals: np.ndarray) -> dict[str, np.ndarray]:
        """Maps of all statistics of the data as they are, from residuals in double precision."""
        share = _share(self.hypothesis.tested.T @ residuals, self.hypothesis.stat_type)
        maps = {self.names[0]: self._statistic(share)}
        stat = self._statistic(share, np.float32)  # clusters and their null reach one height where nothing is left
        if self.height is not None:
            maps["size"], maps["mass"] = cluster_values(stat, self.height, self.lattice, self.two_sided)
        if self.tfce:
            maps["tfce"] = enhance(stat, self.lattice, two_sided=self.two_sided)
        return maps

    def maxima(self, rearrangements: Rearrangements) -> dict[str, np.ndarray]:
        """Maximum of every statistic for each rearrangement, arrays of shape (n_rearrangements,)."""
        share = self._shares(rearrangements)
        out = {self.names[0]: self._largest(share, rearrangements)}
        if self.height is not None:
            out["size"], out["mass"] = self._largest_clusters(share)
        if self.tfce:
            enhanced = (enhance(self._statistic(one), self.lattice, two_sided=self.two_sided) for one in share)
            out["tfce"] = np.array([np.abs(one).max() for one in enhanced])
        if self.discoveries:
            out["line"] = np.array([self.line(self._statistic(one.astype(np.float64))) for one in share])
        return out

    def line(self, stat: np.ndarray) -> float:
        """Line of the p values of a map; see `glmwidgets.glm.permutation.true_discoveries`."""
        stat = np.sort(-np.abs(stat) if self.two_sided else -stat)
        dof, q = self.hypothesis.dof, self.hypothesis.tested.shape[1]
        return largest_line(
            stat.size, lambda ranks: uncorrected_p(-stat[ranks], dof, q, self._kind == "t", self.two_sided)
        )

    def _shares(self, rearrangements: Rearrangements) -> np.ndarray:
        """R (of t) or R^2 (of F) for all voxels; shape (n_rearrangements, n_voxels), float32."""
        tested = rearrangements.apply(self.hypothesis.tested.astype(np.float32))
        rows, q, n = tested.shape
        share = _share((tested.swapaxes(0, 1).reshape(q * rows, n) @ self.residuals).reshape(q, rows, -1), self._kind)
        if not self.moved.shape[1]:
            return share
        left = np.ones_like(share)
        for column in rearrangements.apply(self.moved.astype(np.float32)).swapaxes(0, 1):
            left -= (column @ self.residuals) ** 2
        return _divide_by_rest(share, left, self._kind)

    def _largest(self, share: np.ndarray, rearrangements: Rearrangements) -> np.ndarray:
        """Largest statistic of each map, found in single precision and computed in double."""
        every = np.arange(len(share))
        voxels = share.argmax(axis=1)
        if self.two_sided:
            lowest = share.argmin(axis=1)
            voxels = np.where(-share[every, lowest] > share[every, voxels], lowest, voxels)
        chosen, back = np.unique(voxels, return_inverse=True)
        residuals = _unit_residuals(self.data[:, chosen], self.hypothesis)[:, back]
        residuals = np.ascontiguousarray(residuals.T)[:, None, :]
        exact = _share((rearrangements.apply(self.hypothesis.tested) * residuals).sum(axis=2).T, self._kind)
        if self.moved.shape[1]:
            nuisance = (rearrangements.apply(self.moved) * residuals).sum(axis=2)
            exact = _divide_by_rest(exact, 1 - (nuisance**2).sum(axis=1), self._kind)
        stat = self._statistic(exact)
        return np.abs(stat) if self.two_sided else stat

    def _largest_clusters(self, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Largest cluster size and mass of each map; negative clusters count as those of a second list of maps."""
        n_maps, n_voxels = share.shape
        limit = self._share_at(self.height)
        points = np.flatnonzero(share > limit)
        excess = self._statistic(share.ravel()[points]) - self.height
        sides = 1
        if self.two_sided:
            negative = np.flatnonzero(share < -limit)
            excess = np.append(excess, -self._statistic(share.ravel()[negative]) - self.height)
            points = np.append(points, negative + share.size)
            sides = 2
        maps, voxels = np.divmod(points, n_voxels)
        size, mass = cluster_maxima(maps, voxels, excess, sides * n_maps, self.lattice)
        return size.reshape(sides, n_maps).max(axis=0), mass.reshape(sides, n_maps).max(axis=0)

    @property
    def _kind(self) -> str:
        return self.hypothesis.stat_type

    def _statistic(self, share: np.ndarray, precision: type | None = None) -> np.ndarray:
        """Turn R into t or R^2 into F; huge, but finite and one value, where the effect explains all but rounding."""
        dof, q = self.hypothesis.dof, self.hypothesis.tested.shape[1]
        least = LEAST_REST[np.dtype(precision or share.dtype)]
        rest = np.maximum(1 - (share * share if self._kind == "t" else share), share.dtype.type(least))
        return share * np.sqrt(dof / rest) if self._kind == "t" else share / rest * (dof / q)

    def _share_at(self, stat: float) -> np.float32:
        """Invert `_statistic`."""
        dof, q = self.hypothesis.dof, self.hypothesis.tested.shape[1]
        return np.float32(stat / math.sqrt(dof + stat**2) if self._kind == "t" else q * stat / (q * stat + dof))


def _share(projections: np.ndarray, stat_type: str) -> np.ndarray:
    """Of the projections on the tested directions (first axis): the one itself, or the sum of squares."""
    if stat_type == "t":
        return projections[0]
    return np.einsum("q...,q...->...", projections, projections)


def _divide_by_rest(share: np.ndarray, left: np.ndarray, stat_type: str) -> np.ndarray:
    """Refer a share to what the rearranged nuisance part leaves; 0 where it leaves nothing but rounding."""
    some = left > 1e-6
    return np.where(some, share / np.where(some, np.sqrt(left) if stat_type == "t" else left, 1), 0)


def _unit_residuals(data: np.ndarray, hypothesis: Hypothesis) -> np.ndarray:
    """Residuals of the nuisance part, each voxel's of unit length.

    Zero where the nuisance part leaves nothing but rounding: of such voxels nothing is said. Of a voxel in which the
    effect explains everything, maps that all agree, something is: it is as rare among rearrangements as any can be.
    """
    y = data.astype(float)
    length = size = np.linalg.norm(y, axis=0)
    if hypothesis.nuisance.shape[1]:
        y -= hypothesis.nuisance @ (hypothesis.nuisance.T @ y)
        length = np.linalg.norm(y, axis=0)
    some = length > 1e-12 * size
    y *= np.divide(1, length, out=np.zeros_like(length), where=some)
    return y


def _check(data: np.ndarray, hypothesis: Hypothesis, mask: ArrayLike | None, threshold: float | None, tfce: bool):
    """Refuse what cannot be tested, in words."""
    if data.ndim != 2 or len(data) != len(hypothesis.tested):
        raise ValueError(f"data of shape {data.shape} do not have one row for each of {len(hypothesis.tested)} maps")
    finite = np.isfinite(data).all(axis=1)
    if not finite.all():
        raise ValueError(f"the map in row {int(np.argmin(finite))} holds NaN or infinity")
    check_forming(threshold)
    if mask is None and (tfce or threshold is not None):
        raise ValueError("clusters and TFCE need the mask that the voxels come from")
    if mask is not None and np.count_nonzero(mask) != data.shape[1]:
        raise ValueError(f"the mask has {np.count_nonzero(mask)} voxels and the data {data.shape[1]}")


def _map(
    function: Callable[[Rearrangements], dict[str, np.ndarray]], chunks: list[Rearrangements], n_jobs: int
) -> Iterator[dict[str, np.ndarray]]:
    """Apply a function to every chunk, in order, in this process or in several."""
    if n_jobs == 1 or len(chunks) == 1:
        yield from map(function, chunks)
        return
    from joblib import Parallel, delayed

    stop = threading.Event()
    feed = (delayed(function)(chunk) for chunk in itertools.takewhile(lambda _: not stop.is_set(), chunks))
    results = Parallel(n_jobs=n_jobs, return_as="generator", pre_dispatch="n_jobs")(feed)
    try:
        # Not "yield from", which would close the results before the last line below can drain them.
        for maxima in results:  # noqa: UP028
            yield maxima
    finally:
        stop.set()
        for _ in results:  # of a cancelled test: what the processes have in hand
            pass
