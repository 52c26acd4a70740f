"""A permutation test that runs while one looks on: started, watched as it sharpens, cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy.special import ndtri_exp, stdtr

from glmwidgets.analysis.answers import GroupAnswer
from glmwidgets.analysis.group import permutations_of
from glmwidgets.analysis.thresholding import Clusters, sure_percent
from glmwidgets.glm.group.fit import group_weights
from glmwidgets.glm.permutation.tests import PermutationResult
from glmwidgets.session.group.analysis import GroupAnalysis
from glmwidgets.specification.group import GroupSettings, PermutationSettings

#: What is tested, as a menu and a table call it.
TESTED = {"t": "largest t", "f": "largest F", "size": "cluster size", "mass": "cluster mass", "tfce": "TFCE"}

# Clusters of which the share is said in a line.
MOST_SHARES = 10

# Seconds between two pictures of a test that runs.
EVERY = 0.3


def permutation_key(analysis: GroupAnalysis, settings: GroupSettings) -> tuple:
    """What a permutation test depends on."""
    chosen = replace(settings.permutation, alpha=PermutationSettings.alpha)
    return (analysis.graph.key("contrast", settings), settings.threshold.two_sided, chosen)


@dataclass(frozen=True, eq=False)
class Permuted:
    """A permutation test, as far as it has come.

    Attributes
    ----------
    key : tuple
        What it depends on; see `permutation_key`.
    result : PermutationResult
    of : GroupAnswer
        The parametric result of the same hypothesis.
    state : {"running", "done", "cancelled"}
    seconds : float
        Since it began.
    """

    key: tuple
    result: PermutationResult
    of: GroupAnswer
    state: str
    seconds: float
    _logp: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Statistics that are tested: t (or f), and perhaps size, mass and tfce."""
        return tuple(self.result.null)

    def logp(self, name: str) -> np.ndarray:
        """Minus log10 of the corrected p of every voxel, shape (n_voxels,)."""
        if name not in self._logp:
            self._logp[name] = self.result.logp(name)
        return self._logp[name]

    def n_significant(self, name: str, alpha: float) -> int:
        """Voxels with a corrected p of alpha at most."""
        return int(np.count_nonzero(self.logp(name) >= -np.log10(alpha) - 1e-12))

    def surely_active(self, labels: np.ndarray, alpha: float) -> np.ndarray | None:
        """Lower bound on the active share of each cluster of a label volume; None where that was not asked for."""
        if self.result.lines is None:
            return None
        return self.result.true_discoveries(labels[self.of.domain.mask], alpha)

    def height_in_z(self, alpha: float) -> float:
        """Cut-off of the largest statistic as a z score; infinite while there are too few rearrangements."""
        name = self.names[0]
        cutoff = self.result.cutoff(name, alpha)
        if not np.isfinite(cutoff):
            return np.inf
        if name == "f":
            from scipy.special import fdtrc, ndtri

            return float(-ndtri(fdtrc(self.of.contrast.dim, self.result.dof, cutoff)))
        return float(-ndtri_exp(np.log(stdtr(self.result.dof, -cutoff))))

    @cached_property
    def best(self) -> dict[str, float]:
        """Smallest corrected p of each statistic."""
        return {name: float(10 ** -self.logp(name).max()) for name in self.names}


def sure_shares(permuted: Permuted, clusters: Clusters, alpha: float) -> str:
    """How much of each cluster is surely active by permutation, beside what p values alone say; empty if not asked.

    Parameters
    ----------
    permuted : Permuted
    clusters : Clusters
        Over the threshold of the map, with their bounds.
    alpha : float
    """
    shares = permuted.surely_active(clusters.labels, alpha)
    if shares is None or not clusters.found:
        return ""
    listed = (
        f"{cluster.label}: {sure_percent(shares[cluster.label - 1])} ({sure_percent(bound)})"
        for cluster, bound in zip(clusters.found[:MOST_SHARES], clusters.bounds, strict=False)
    )
    more = f", of the first {MOST_SHARES}" if len(clusters.found) > MOST_SHARES else ""
    return (
        f"Surely active share of each cluster by permutation (by p values alone){more}: {', '.join(listed)}; all at "
        f"once with confidence {100 * (1 - alpha):g} %"
    )


def run_permutations(
    analysis: GroupAnalysis,
    settings: GroupSettings,
    cancel: threading.Event,
    publish: Callable[[Permuted], None],
    every: float = EVERY,
) -> None:
    """Run a test and publish how far it has come, at its beginning, now and then, and at its end.

    The rearrangements and their statistics are those of `glmwidgets.models.non_parametric_inference` with the same
    maps, design, contrast and seed, whatever is published on the way.

    Parameters
    ----------
    analysis : GroupAnalysis
    settings : GroupSettings
    cancel : threading.Event
        Once it is set the test stops after the chunk in hand.
    publish : callable
        Given a `Permuted`.
    every : float
        Seconds between two.
    """
    of = analysis.result(settings)
    key, start = permutation_key(analysis, settings), time.monotonic()
    last = -np.inf
    for result in permutations_of(
        settings,
        of.fitted.values,
        of.design.to_numpy(),
        group_weights(of.design, settings.contrast.expression),
        mask=analysis.domain.mask,
        blocks=_blocks(settings, of),
        cancel=cancel,
    ):
        now = time.monotonic()
        if not result.complete and not cancel.is_set() and now - last >= every:
            last = now
            publish(Permuted(key, result, of, "running", now - start))
    state = "done" if result.complete else "cancelled"
    publish(Permuted(key, result, of, state, time.monotonic() - start))


def _blocks(settings: GroupSettings, of: GroupAnswer) -> list[str] | None:
    """Maps of one subject change places with each other only, where the model knows subjects."""
    subjects = settings.table.subjects
    if subjects is None or subjects not in settings.design.terms:
        return None
    cells = settings.table.column(subjects).cells
    return [cells[i] for i in of.rows]
