"""The maps of a group as small pictures, with what stands out said in words."""

from __future__ import annotations

import numpy as np

from glmwidgets.panels.parts.tiles import MapTiles
from glmwidgets.panels.shared.base import Panel
from glmwidgets.session.group.session import GroupSession


class MapsPanel(Panel):
    """A picture of each map, seen from above; a picked one is looked at by itself.

    Attributes
    ----------
    tiles : MapTiles
    """

    also = ("outliers", "maps of the subjects", "thumbnails")

    def __init__(self, session: GroupSession):
        super().__init__(session, "Maps", ("maps",))
        self.tiles = MapTiles()
        self.tiles.on_pick(self.guarded(self._pick))
        self._painted: np.ndarray | None = None
        self.fill(self.tiles)
        session.observe_locked(self._mark, "shown")
        session.observe_at_once(self._turn, "settings")
        session.observe_at_once(self._show, "result")

    def _pick(self, row: int) -> None:
        name = self.session.settings.table.maps[row]
        self.session.show_map(None if self.session.shown == name else name)

    def _show(self, _change: object = None) -> None:
        result = self.session.result
        if result is None:
            return
        words = [""] * len(result.values)
        for place, row in enumerate(result.rows):
            words[row] = result.influence.words(place)
        self.tiles.name(result.settings.table.maps, words, [i in result.rows for i in range(len(words))])
        if result.thumbnails is not self._painted:
            self._painted = result.thumbnails
            size = np.abs(result.thumbnails[np.isfinite(result.thumbnails)])
            self.tiles.show(result.thumbnails, float(np.quantile(size, 0.99)) if size.size else 1.0)
        flagged = sum(map(bool, words))
        stands = f"{flagged} stand{'s' * (flagged == 1)} out" if flagged else "none stands out"
        self.set_verdict(f"{len(result.rows)} used · {stands}", "warn" if flagged else "quiet")
        self._mark()

    def _mark(self, _change: object = None) -> None:
        maps, shown = self.session.settings.table.maps, self.session.shown
        self.tiles.here = maps.index(shown) if shown in maps else -1

    def _turn(self, _change: object = None) -> None:
        self.tiles.mirrored = self.session.settings.map.convention == "radiological"
