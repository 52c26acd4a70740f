"""The table of clusters; a picked row takes the crosshair to its peak."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glmwidgets.analysis.cluster_table import cluster_columns, cluster_table, cluster_tsv, on_screen
from glmwidgets.analysis.thresholding import Clusters, sure_percent
from glmwidgets.files.writing import write_text
from glmwidgets.glm.inference.cluster_p import CLUSTER_TESTS
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.table import RowTable
from glmwidgets.panels.shared.base import Panel, labelled, text
from glmwidgets.plural import count
from glmwidgets.session.core.live import LiveSession
from glmwidgets.specification.field import SettingsError
from glmwidgets.specification.search import sphere_at

if TYPE_CHECKING:
    from glmwidgets.glm.inference.clusters import Cluster, Peak

# More clusters than a person reads, and than a page is quick with. A file has them all.
MOST_LISTED = 200

FILE = "clusters.tsv"

# Of the sphere that a button searches, in mm.
RADIUS = 8.0


class ClustersPanel(Panel):
    """Peaks and sub-peaks with place, height and size, and how much of each cluster is surely active.

    Parameters
    ----------
    session : LiveSession
    flash : callable, optional
        Given a volume of the cluster's voxels when its row is picked.

    Attributes
    ----------
    table : RowTable

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> len(ClustersPanel(session).table.rows) >= len(session.clusters.found)
    True
    """

    also = ("table of clusters", "peaks", "results table")
    reason = "clusters"

    def __init__(self, session: LiveSession, flash: Callable | None = None):
        super().__init__(session, "Clusters", ("clusters", "bounds"))
        self.table = RowTable(columns=cluster_columns(session.domain.cell_volume), empty="…")
        self._noise = text("glmw-note")
        self.table.add_class("glmw-clusters")
        self.table.on_pick(self.guarded(self._jump))
        self._flash = flash
        self._peaks: list[tuple[Cluster, Peak]] = []
        self.test = self.control("threshold.cluster_p")
        self.search = self.control("threshold.search")
        here = self.button("sphere here", self._search_here, tooltip=f"search {RADIUS:g} mm around the crosshair alone")
        choices = W.row("glmw-choices glmw-clusters-choices", labelled(self.test), labelled(self.search), here)
        # On a laptop's screen the table has the room of these choices until they are asked for.
        self.more = self.opener("p, search ▾", "how p values of clusters are found, and where clusters are searched")
        self.stop = self.button("stop", lambda _button: session.stop_drawing(), tooltip="draw no more noise")
        self.again = self.button("draw", lambda _button: session.draw_noise(), tooltip="draw noise for p values")
        said = W.row("glmw-bar glmw-clusters-said", self._noise, self.stop, self.again, self.more)
        self.fill(self.table, said, choices)
        session.observe_locked(self._say_noise, "drawing")
        session.observe_locked(self._mark, "cursor")
        session.observe_at_once(self._show, "clusters")

    def save_tsv(self, path: str | PathLike[str] = FILE, *, overwrite: bool = False) -> Path:
        """Write every cluster with its peaks, with the numbers of the table.

        Parameters
        ----------
        path : str or path
        overwrite : bool
            Whether a file that exists may be replaced. An earlier table of this session may.

        Returns
        -------
        Path

        Raises
        ------
        NoResult
            If what is set has no result; see `glmwidgets.session.core.waiting.Awaited.current_result`.
        FileNotFoundError, IsADirectoryError
            If the path is none for a file.
        FileExistsError
            If the file was read as an input, or exists and may not be replaced.
        """
        self.session.current_result()
        return write_text(path, cluster_tsv(self._found()), "clusters", overwrite=overwrite, by=self.session)

    @property
    def peaks(self) -> list[tuple[int, int, int]]:
        """Voxel of each row of the table."""
        return [peak.ijk for _, peak in self._peaks]

    def _found(self) -> Clusters:
        with self.session.lock:
            clusters = self.session.clusters
        if clusters is None:
            raise SettingsError("clusters", "they are still being found: wait until the explorer is up to date")
        return clusters

    def go_to(self, number: int) -> None:
        """Put the crosshair at the peak of a cluster, and let the cluster light up.

        Parameters
        ----------
        number : int
            As the table has it, from 1.
        """
        found = self._found().found
        self._light(found[number - 1], found[number - 1].peaks[0])

    def _show(self, _change: object = None) -> None:
        clusters = self.session.clusters
        if clusters is None:
            if self.session.result is None:
                self._show_none()
            return
        listed = clusters.found[:MOST_LISTED]
        self._peaks = [(cluster, peak) for cluster in listed for peak in cluster.peaks]
        size, found = self.session.settings.threshold.cluster_size, len(clusters.found)
        least = f"k ≥ {size} · " if size > 1 else ""
        most = f" · the first {MOST_LISTED} are listed" if found > MOST_LISTED else ""
        self.set_verdict(f"{least}{count(found, 'cluster')}{most}")
        table = cluster_table(clusters).iloc[: len(self._peaks)]
        self.test.tooltip = CLUSTER_TESTS[self.session.settings.threshold.cluster_p].hint
        self._say_noise()
        with self.table.hold_sync():
            self.table.columns = cluster_columns(self.session.domain.cell_volume, table)
            self.table.empty = "" if found else self._why_none()
            self.table.rows = [_row(values) for values in table.to_dict("records")]
        self._mark()

    def _show_none(self) -> None:
        """There is no map any more, and so nothing is found in it."""
        self._peaks, self._noise.value, self.table.rows = [], "", []
        self.set_verdict("")

    def _say_noise(self, _change: object = None) -> None:
        """How smooth the noise is, what is doubtful about p, and how far noise has been drawn."""
        clusters, drawing = self.session.clusters, self.session.drawing
        if clusters is None:
            return
        judged = clusters.judged
        waits = judged.needs_table and drawing is not None
        said = () if waits else judged.said
        if waits and drawing.state == "running":
            said = (
                f"drawing noise, {drawing.done:,} of {drawing.total:,}" if drawing.total else "measuring the noise",
            )
        told = [escape(text) for text in said]
        if noise := judged.words():
            told.insert(0, f'<span title="{escape(noise)}">{escape(judged.words(in_voxels=False))}</span>')
        self._noise.value = " · ".join([*told, *_of_names(clusters)])
        W.show(self.stop, waits and drawing.state == "running")
        W.show(self.again, judged.needs_table and not (waits and drawing.state == "running"))

    def _why_none(self) -> str:
        result = self.session.result
        chosen, threshold = result.thresholding, result.threshold
        if threshold == 0:
            return "No threshold is set: every voxel is shown, and there are no clusters."
        symbol, size = ("|z|", np.abs(result.searched.z)) if chosen.two_sided else ("z", result.searched.z)
        highest = f"the highest is {size.max():.2f}"
        if not math.isfinite(threshold):
            return f"No threshold keeps the chosen error rate; {highest}."
        if size.max() <= threshold:
            return f"No voxel passes {symbol} > {threshold:.2f}; {highest}."
        return f"No cluster of {chosen.cluster_size} voxels or more over {symbol} > {threshold:.2f}; {highest}."

    def _search_here(self, _button: object) -> None:
        self.session.update({"threshold.search": sphere_at(self.session.mm(), RADIUS)})

    def _jump(self, index: int) -> None:
        self._light(*self._peaks[index])

    def _light(self, cluster: Cluster, peak: Peak) -> None:
        self.session.move_to(peak.ijk)
        clusters = self.session.clusters
        # While the next ones are being found, the table is still of those before.
        if self._flash is not None and clusters is not None:
            self._flash(clusters.labels == cluster.label)

    def _mark(self, _change: object = None) -> None:
        self.table.here = next((i for i, ijk in enumerate(self.peaks) if ijk == self.session.cursor), -1)


def _of_names(clusters: Clusters) -> list[str]:
    """Why names may be wrong: in short, and whole where the pointer rests. Why there are none: whole."""
    names = clusters.names
    if names is None:
        return []
    short = (text if names.atlas is None else text.partition(":")[0] for text in names.said)
    return [f'<span title="{escape(text)}">{escape(few)}</span>' for few, text in zip(short, names.said, strict=True)]


def _row(values: dict[str, Any]) -> dict[str, Any]:
    cells = {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in values.items()}
    is_sub = cells["n_voxels"] is None
    if not is_sub:
        share = f"≥ {sure_percent(values['true_share'])}"
        cells |= {"n_voxels": int(values["n_voxels"]), "true_share": share}
    row = {"cells": [cells[name] for name in on_screen(cells)], "sub": is_sub}
    return row | ({"title": f"cluster {cells['cluster_id']}: {cells['regions']}"} if cells.get("regions") else {})
