"""The pinned result on the map, beside the present one."""

from __future__ import annotations

import math
from typing import Any

from glmwidgets.analysis.compare import DIFFERENCES, Comparison
from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.session.core.live import LiveSession

# Stands for a threshold that nothing can reach; JSON has no infinity.
UNREACHABLE = 1e6


class Beside:
    """Keeps a pinned result's map in the viewer, or what the present one differs from it by.

    Parameters
    ----------
    session : Session
        With results that are pinned.
    viewer : SliceViewer
        Of the present result.
    """

    def __init__(self, session: LiveSession, viewer: SliceViewer):
        self._session, self._viewer = session, viewer
        self._sent: tuple[Any, ...] = ()
        session.observe_at_once(self._show, ["pinned", "result", "settings"])

    def forget(self) -> None:
        """Let go of both results."""
        self._sent = ()

    def _show(self, _change: object = None) -> None:
        a, b, look = self._session.pinned, self._session.result, self._session.settings.map
        if a is None or b is None:
            if self._sent:
                self.forget()
                self._viewer.set_beside(None)
            return
        if look.compare == "difference":
            wanted = ("difference", look.difference, a, b.z)
        else:
            wanted = ("a", look.statistic, a, None)
        if len(wanted) == len(self._sent) and all(one is other for one, other in zip(wanted, self._sent, strict=True)):
            return
        self._sent = wanted
        if look.compare == "difference":
            self._send_difference(Comparison(a, b), look.difference)
        else:
            self._send_a(a, look.statistic)

    def _send_a(self, a: Any, name: str) -> None:
        chosen, shown = a.thresholding, a.statistics.show(name)
        plain = shown.is_z and a.searched.z is a.z
        tints = None if plain else a.volume(shown.values, fill=math.nan)
        self._viewer.set_beside(
            a.volume(a.searched.z, fill=math.nan).astype("float32"),
            "A",
            tints,
            threshold=a.threshold if math.isfinite(a.threshold) else UNREACHABLE,
            sign="two-sided" if chosen.two_sided else "positive",
            cluster_threshold=chosen.cluster_size,
            stale=False,
        )

    def _send_difference(self, both: Comparison, name: str) -> None:
        row = DIFFERENCES[name]
        values = row.values(both)
        if values is None:
            self._viewer.set_beside(None)
            return
        self._viewer.set_beside(
            both.volume(values),
            "B − A",
            threshold=row.notable,
            sign="two-sided",
            cluster_threshold=0,
            vmax=row.limit(values),
            show_outline=False,  # it is no test, and has no border
            shown_label="",
            shown_unit="",
            label=f"Δ {row.label}",
            warm=row.warm,
            cold=row.cold,
        )
