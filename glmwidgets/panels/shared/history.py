"""The viewed models: their count, and a list that returns to any of them."""

from __future__ import annotations

from datetime import datetime

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.table import RowTable
from glmwidgets.panels.shared.base import Panel
from glmwidgets.plural import count
from glmwidgets.session.core.ledger import Entry
from glmwidgets.session.single.session import Session

COLUMNS = [
    {"label": "#", "digits": 0, "help": "step of looking; click to return to its settings"},
    {"label": "at", "help": "time of its last map"},
    {"label": "change", "help": "what changed from the step before"},
    {"label": "maps", "digits": 0, "help": "maps shown in this step, including those passed during a drag"},
    {"label": "", "help": "confirmatory, or exploratory after a model was locked"},
]


class HistoryPanel(Panel):
    """The ledger as a list, newest first.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    count : ToggleButton
        Counts the models, in the head of the explorer; opens and closes the list there.
    lock : Button
    table : RowTable

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> panel = HistoryPanel(session)
    >>> session.update({"noise.model": "ols"}), panel.count.description
    (True, '2 models viewed')
    """

    also = ("history", "models viewed", "ledger", "lock the model")
    reason = "viewed_models"

    def __init__(self, session: Session):
        super().__init__(session, "Looked at")
        self.count = W.ToggleButton(description="", tooltip="every model that was looked at")
        self.lock = self.button(
            "", self._ask, tooltip="mark this model as planned: models that you view later count as exploratory"
        )
        self._sure = self.button("lock it for good", self._lock, button_style="warning")
        self.table = RowTable(columns=COLUMNS, empty="Nothing yet.")
        self.table.add_class("glmw-history")
        self.table.on_pick(self.guarded(self._return))
        tools = W.row("glmw-bar", self.lock, self._sure)
        self._asked = False
        self.fill(self.table, tools)
        self._shown: tuple[Entry, ...] = ()
        session.observe_at_once(self._show, ["looks", "status"])

    def unfold(self) -> None:
        """Open the list below the explorer's head."""
        self.count.value = True

    def _ask(self, _button: object) -> None:
        self._asked = not self._asked
        self._show_lock()

    def _lock(self, _button: object) -> None:
        self._asked = False
        self.session.lock_model()

    def _return(self, row: int) -> None:
        self.session.return_to(self._shown[row].number)

    def _show(self, _change: object = None) -> None:
        ledger = self.session.ledger
        models = f"{count(ledger.n_models, 'model')} viewed"
        self.count.description = models
        exploring = " · now exploratory" if ledger.is_exploratory else ""
        contrasts = count(ledger.n_contrasts, "contrast")
        self.set_verdict(f"{models} · {contrasts}{exploring}", "warn" if exploring else "quiet")
        self._show_lock()
        # While a hand is moving only the counts follow; the list would be a message for every map on the way.
        if self.session.status.state == "busy":
            return
        newest_first = ledger.entries[::-1]
        if newest_first != self._shown:
            self._shown = newest_first
            self.table.rows = [_row(entry) for entry in newest_first]
        self.table.here = next(
            (i for i, e in enumerate(self._shown) if e.settings.same_analysis(self.session.settings)), -1
        )

    def _show_lock(self) -> None:
        locked = self.session.ledger.locked
        if locked is not None:
            label = f"step {locked} is confirmatory"
        else:
            label = "not now" if self._asked else "lock as confirmatory …"
        self.lock.description = label
        self.lock.disabled = locked is not None
        W.show(self._sure, self._asked and locked is None)


def _row(entry: Entry) -> dict:
    at = datetime.fromisoformat(entry.time).astimezone().strftime("%H:%M:%S")
    return {"cells": [entry.number, at, entry.words, entry.maps if entry.maps > 1 else None, entry.role]}
