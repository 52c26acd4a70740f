"""One map of a group by itself, in the place of the group's."""

from __future__ import annotations

from html import escape

import numpy as np

from glmwidgets.panels.group.viewer import group_viewer
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.panels.parts.slices_state import COLOURS
from glmwidgets.panels.shared.base import Panel, text
from glmwidgets.session.group.session import GroupSession


class OneMapPanel(Panel):
    """The map that was picked, and the way back.

    Attributes
    ----------
    viewer : SliceViewer or None
        Made when it is first needed.
    back, keep : Button
        Back to the group's map; leave this map out of the group, or take it back.
    """

    also = ("One map", "map of one subject")

    def __init__(self, session: GroupSession):
        super().__init__(session)
        self.add_class("glmw-bare")
        self.viewer: SliceViewer | None = None
        self.back = self.button(
            "← group map", lambda _: session.show_map(None), tooltip="back to the map of the whole group"
        )
        self.keep = self.button("leave out", self._press, tooltip="fit the group without this map")
        self._words = text("glmw-note")
        self._bar = W.row("glmw-bar", self.back, self._words, self.keep)
        self._painted: np.ndarray | None = None
        self.fill(self._bar)
        session.observe_locked(self._show, ["shown", "result", "settings"])

    def _press(self, _button: object) -> None:
        name, left_out = self.session.shown, self.session.settings.data.left_out
        changed = [other for other in left_out if other != name]
        self.session.update({"data.left_out": tuple(changed if name in left_out else [*left_out, name])})

    def _show(self, _change: object = None) -> None:
        result, name = self.session.result, self.session.shown
        if result is None or name not in self.session.settings.table.maps:
            return
        if self.viewer is None:
            self.viewer = group_viewer(self, "value")
            self.add_class("glmw-map-panel")
            self.fill(self._bar, self.viewer)
        row = self.session.settings.table.maps.index(name)
        values = result.values[row]
        if self._painted is None or not np.shares_memory(values, self._painted):
            self._painted = values
            # One end of the colours for all maps, so that going from one to the next compares them.
            limit = float(np.quantile(np.abs(result.values[list(result.rows)]), 0.999)) or 1.0
            with self.viewer.hold_sync():
                self.viewer.set_map(values)
                self.viewer.vmax = limit
        self.viewer.look(self.session.settings.map, COLOURS)
        self._say(name, row)

    def _say(self, name: str, row: int) -> None:
        result = self.session.result
        out = name in self.session.settings.data.left_out
        words = result.influence.words(result.rows.index(row)) if row in result.rows else "left out"
        warned = f' · <span class="glmw-warn">{escape(words)}</span>' if words else ""
        self._words.value = f"<b>{escape(name)}</b> by itself{warned}"
        self.keep.description = "take it back" if out else "leave out"
