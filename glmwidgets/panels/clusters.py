"""The table of clusters; a picked row takes the crosshair to its peak."""

from __future__ import annotations

from collections.abc import Callable

from glmwidgets.glm.clusters import Cluster, Peak
from glmwidgets.panels.base import Panel
from glmwidgets.panels.table import RowTable
from glmwidgets.session.session import Session

__all__ = ["ClustersPanel"]

COLUMNS = [
    {"label": "#", "digits": 0, "help": "cluster; letters are further peaks in it"},
    {"label": "x", "digits": 0, "help": "mm, left to right"},
    {"label": "y", "digits": 0, "help": "mm, back to front"},
    {"label": "z", "digits": 0, "help": "mm, bottom to top"},
    {"label": "peak", "digits": 2, "help": "z score at the peak"},
    {"label": "mm³", "digits": 0, "help": "size of the cluster"},
]


class ClustersPanel(Panel):
    """Peaks and sub-peaks with place, height and size.

    Parameters
    ----------
    session : Session
    flash : callable, optional
        Given a volume of the cluster's voxels when its row is picked.
    """

    def __init__(self, session: Session, flash: Callable | None = None):
        super().__init__(session, "Clusters", ("clusters",))
        self.table = RowTable(columns=COLUMNS, empty="…")
        self.table.on_pick(self.guarded(self._jump))
        self._flash = flash
        self._peaks: list[tuple[Cluster, Peak]] = []
        self.fill(self.table)
        session.observe_locked(self._show, "clusters")
        session.observe_locked(self._mark, "cursor")
        self._show()

    def _show(self, _change: object = None) -> None:
        clusters = self.session.clusters
        if clusters is None:
            return
        self._peaks = [(cluster, peak) for cluster in clusters.found for peak in cluster.peaks]
        size = self.session.settings.threshold.cluster_size
        least = f"k ≥ {size} · " if size > 1 else ""
        found = len(clusters.found)
        self.set_verdict(f"{least}{found} cluster{'s' * (found != 1)}")
        with self.table.hold_sync():
            self.table.empty = "No cluster over the threshold."
            self.table.rows = [row for cluster in clusters.found for row in _rows(cluster)]
        self._mark()

    def _jump(self, index: int) -> None:
        cluster, peak = self._peaks[index]
        self.session.move_to(peak.ijk)
        if self._flash is not None:
            self._flash(self.session.clusters.labels == cluster.label)

    def _mark(self, _change: object = None) -> None:
        here = next((i for i, (_, peak) in enumerate(self._peaks) if peak.ijk == self.session.cursor), -1)
        if self.table.here != here:
            self.table.here = here


def _rows(cluster: Cluster) -> list[dict]:
    names = (f"{cluster.label}{letter}" for letter in ("", "a", "b", "c"))
    sizes = (float(cluster.volume), None, None, None)
    return [
        {"cells": [name, *peak.xyz, peak.stat, size], "sub": size is None}
        for name, peak, size in zip(names, cluster.peaks, sizes, strict=False)
    ]
