"""Simulation of noise in the background, for the p values of clusters that need it."""

from __future__ import annotations

from typing import Any, NamedTuple

import traitlets

from glmwidgets.analysis.noise_tables import find_table
from glmwidgets.session.core.scheduler import LatestWins, Ticket


class Drawing(NamedTuple):
    """How far the drawing of noise has come.

    Attributes
    ----------
    done, total : int
        Volumes; 0 of 0 while it is found how the noise correlates.
    state : {"running", "done", "cancelled"}
    """

    done: int = 0
    total: int = 0
    state: str = "running"


class DrawsNoise(traitlets.HasTraits):
    """What a live session does about noise; to be inherited by `glmwidgets.session.core.live.LiveSession`.

    A table that is drawn once is kept, in memory and on disk: whatever height the slider comes to reads it.
    """

    drawing = traitlets.Any(None, allow_none=True, help="How far noise is drawn; None where none is wanted.")

    _drawer: LatestWins
    _drawn_for: Any = None

    def draw_noise(self) -> None:
        """Draw the noise of the present result, unless that is under way; the clusters then get their p values."""
        with self.lock:
            if self.result is None:
                return
            settings = self.result.settings
            searched, key = self.result.searched, self.analysis.table_key(settings)
            if self._drawn_for == key and self.drawing is not None and self.drawing.state == "running":
                return
            self._drawn_for, self.drawing = key, Drawing()

        def is_wanted(ticket: Ticket) -> bool:
            return self._drawn_for == key and not ticket.cancelled and self._wants(key)

        def job(ticket: Ticket) -> None:
            def progress(done: int, total: int) -> bool:
                wanted = is_wanted(ticket)
                if wanted:
                    self._publish(drawing=Drawing(done, total))
                return wanted

            table = find_table(searched.noise, searched.region, progress)
            if table is None:
                if self._drawn_for == key:
                    self._publish(drawing=Drawing(state="cancelled"))
                return
            self.analysis.tables[key] = table
            with self.lock:
                self.drawing = Drawing(table.n_draws, table.n_draws, "done")
                result = self.result
            if result is not None and self.analysis.table_key(result.settings) == key:
                self._publish(clusters=self.analysis.clusters(result.settings))

        self._drawer.submit(job)

    def _wants(self, key: Any) -> bool:
        """Whether the settings of now ask for the table of this noise."""
        return self.analysis.wants_table(self.settings) and self.analysis.table_key(self.settings) == key

    def stop_drawing(self) -> None:
        """Draw no more; the clusters then have no p values until noise is drawn again."""
        self._drawer.cancel()
