"""A permutation test in the background: start, progress, cancel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import traitlets
from scipy.special import ndtri_exp, stdtr

from glmwidgets.analysis.answers import Answer
from glmwidgets.analysis.thresholding import Clusters, sure_percent
from glmwidgets.glm.permutation.result import PermutationResult
from glmwidgets.session.core.analysis import LiveAnalysis
from glmwidgets.session.core.live import LiveSession
from glmwidgets.session.core.scheduler import LatestWins, Ticket
from glmwidgets.specification.group import PermutationSettings
from glmwidgets.specification.tree import SettingsTree

#: What is tested, as a menu and a table call it.
TESTED = {"t": "largest t", "f": "largest F", "size": "cluster size", "mass": "cluster mass", "tfce": "TFCE"}

# Clusters of which the share is said in a line.
MOST_SHARES = 10

# Tests that one may come back to without running them again.
MOST_KEPT = 6

# Seconds between two pictures of a test that runs.
EVERY = 0.3


def permutation_key(analysis: LiveAnalysis, settings: SettingsTree) -> tuple:
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
    of : Answer
        The parametric result of the same hypothesis.
    state : {"running", "done", "cancelled"}
    seconds : float
        Since it began.
    """

    key: tuple
    result: PermutationResult
    of: Answer
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


def sure_shares(permuted: Permuted, clusters: Clusters | None, alpha: float) -> list[tuple[str, str, str]]:
    """How much of each cluster is surely active: its number, by permutation, and what p values alone say.

    Parameters
    ----------
    permuted : Permuted
    clusters : Clusters or None
        Over the threshold of the map, with their bounds; None while they are being found.
    alpha : float

    Returns
    -------
    list of (str, str, str)
        Of the first clusters; empty if that was not asked for.
    """
    shares = None if clusters is None else permuted.surely_active(clusters.labels, alpha)
    if shares is None:
        return []
    found = zip(clusters.found[:MOST_SHARES], clusters.bounds, strict=False)
    return [(str(one.label), sure_percent(shares[one.label - 1]), sure_percent(bound)) for one, bound in found]


def sure_shares_in_words(permuted: Permuted, clusters: Clusters | None, alpha: float) -> str:
    """The same in a sentence; empty if not asked."""
    rows = sure_shares(permuted, clusters, alpha)
    if not rows:
        return ""
    listed = ", ".join(f"{label}: {share} ({bound})" for label, share, bound in rows)
    more = f", of the first {MOST_SHARES}" if len(clusters.found) > MOST_SHARES else ""
    return (
        f"Surely active share of each cluster by permutation (by p values alone){more}: {listed}; all at "
        f"once with confidence {100 * (1 - alpha):g} %"
    )


def run_permutations(
    analysis: LiveAnalysis,
    settings: SettingsTree,
    cancel: threading.Event,
    publish: Callable[[Permuted], None],
    every: float = EVERY,
) -> None:
    """Run a test and publish how far it has come, at its beginning, now and then, and at its end.

    The rearrangements and their statistics are those of `glmwidgets.models.non_parametric_inference` with the same
    maps, design, contrast and seed, whatever is published on the way.

    Parameters
    ----------
    analysis : LiveAnalysis
        Its ``permutations(settings, of, cancel)`` iterates over a test of the result `of`, as it sharpens.
    settings : SettingsTree
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
    for result in analysis.permutations(settings, of, cancel):
        now = time.monotonic()
        if not result.complete and not cancel.is_set() and now - last >= every:
            last = now
            publish(Permuted(key, result, of, "running", now - start))
    state = "done" if result.complete else "cancelled"
    publish(Permuted(key, result, of, state, time.monotonic() - start))


class PermutingSession(LiveSession):
    """A live analysis of a group's map that can be tested by permutation, beside what is looked at.

    Parameters
    ----------
    analysis : LiveAnalysis
        See `run_permutations`.
    settings : SettingsTree
    synchronous : bool
    """

    results = (*LiveSession.results, "permuted")

    permuted = traitlets.Instance(Permuted, allow_none=True, help="The permutation test of the model, if it was run.")

    def __init__(self, analysis: LiveAnalysis, settings: SettingsTree, synchronous: bool = False):
        self._permuting = LatestWins(synchronous, on_error=self.show_error)
        self._stop = threading.Event()
        self._running: tuple[tuple, threading.Event] | None = None
        self._tests: dict[tuple, Permuted] = {}
        self.every = EVERY
        super().__init__(analysis, settings, synchronous)

    def permute(self) -> None:
        """Run the permutation test of the present model; `permuted` is replaced as it sharpens."""
        with self.lock:
            settings, key = self.settings, permutation_key(self.analysis, self.settings)
            self._stop.set()
            self._stop = stop = threading.Event()
            self._running = running = (key, stop)

            def publish(permuted: Permuted) -> None:
                with self.lock:
                    if self._stop is not stop and permuted.state != "cancelled":
                        return
                    if permuted.state != "running" and self._running is running:
                        self._running = None
                    if permuted.state == "done":
                        self._keep(permuted)
                    if key == permutation_key(self.analysis, self.settings):
                        self.permuted = permuted

            def job(_ticket: Ticket) -> None:
                try:
                    run_permutations(self.analysis, settings, stop, publish, self.every)
                finally:
                    with self.lock:
                        if self._running is running:
                            self._running = None

            self._permuting.submit(job)

    @property
    def is_permuting(self) -> bool:
        """Whether a test runs or waits."""
        return self._running is not None

    def stop_permuting(self) -> None:
        """Stop the test that runs; p values are then of the rearrangements done so far."""
        with self.lock:
            self._stop.set()

    def _keep(self, permuted: Permuted) -> None:
        self._tests[permuted.key] = permuted
        while len(self._tests) > MOST_KEPT:
            del self._tests[next(iter(self._tests))]

    def _take(self, settings: SettingsTree | None) -> bool:
        taken = super()._take(settings)
        if taken:
            key = permutation_key(self.analysis, self.settings)
            if self._running is not None and self._running[0] != key:
                # What runs is of a model that is no longer looked at.
                self.stop_permuting()
            if self.permuted is None or self.permuted.key != key:
                self.permuted = self._tests.get(key)
        return taken

    def wait_until_idle(self, timeout: float | None = None) -> bool:
        """Block until nothing is computed, permutations included; False if `timeout` seconds were not enough."""
        return super().wait_until_idle(timeout) and self._permuting.wait_until_idle(timeout)

    def close(self) -> None:
        """End the worker threads."""
        self._stop.set()
        self._permuting.close()
        self._tests.clear()
        super().close()
