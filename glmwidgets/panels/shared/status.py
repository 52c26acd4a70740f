"""The status line: what ran and for how long, what was warned of, what runs and can be stopped, or what went wrong."""

from __future__ import annotations

from html import escape

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.paint_time import PaintTime
from glmwidgets.panels.shared.base import text
from glmwidgets.plural import count
from glmwidgets.session.core.live import Status
from glmwidgets.session.single.session import Session

# What takes less is not worth a word.
WORTH_SAYING = 0.5e-3


def _seconds(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


class StatusLine:
    """One line of small type that never hides an error.

    The cancel button is there whenever something runs, but the stylesheet shows it only after a second, so that quick
    work moves nothing and costs no message.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    widget : Box
    cancel : Button
        Stops what runs; where something was stopped, asks for it again.
    """

    def __init__(self, session: Session):
        self.session = session
        self.words = text("glmw-words")
        self.warned = text()
        self.note = text("glmw-note")
        self.cancel = W.Button(description="cancel", tooltip="stop at the next step; the last map stays")
        self.cancel.on_click(self._press)
        W.show(self.cancel, False)
        self.widget = W.row("glmw-status", self.words, PaintTime(), self.warned, self.cancel, self.note)
        session.observe_at_once(self._show, ["status", "result", "reading"], last=True)

    def say(self, words: str) -> None:
        """Write a few words at the right of the line; they stay until others come."""
        self.note.value = escape(words)

    def _press(self, _button: object) -> None:
        if self.session.status.state == "busy":
            self.session.cancel()
        else:
            self.session.refresh()

    def _show(self, _change: object = None) -> None:
        status = self.session.status
        failed = status.state == "error"
        words, warned = (self._error(status), "") if failed else (self._work(status), self._warnings())
        (self.widget.add_class if failed else self.widget.remove_class)("glmw-stopped")
        for line, said in ((self.words, words), (self.warned, warned)):
            line.value = said
        stopped = status.state == "idle" and status.message == "cancelled"
        label, shown = ("run again" if stopped else "cancel"), stopped or status.state == "busy"
        self.cancel.description = label
        W.show(self.cancel, shown)

    def _error(self, status: Status) -> str:
        place = f"{escape(status.stage)}: " if status.stage else ""
        message = escape(status.message)
        return (
            f'<span class="glmw-failed" title="{place}{message}"><span class="glmw-dot"></span>{place}{message}</span>'
            f"<details><summary>details</summary><pre>{escape(status.details)}</pre></details>"
        )

    def _work(self, status: Status) -> str:
        busy = status.state == "busy"
        words = "working" if busy else (status.message or "up to date")
        if status.running:
            words = f"{status.running}, step {status.step} of {status.n_steps}"
        elif words == "cancelled":
            words = "cancelled: the map shows the previous settings"
        if self.session.reading:
            words = f"{words}; {self.session.reading}"
        timed = status.timings.items()
        ran = " · ".join(f"{name} {_seconds(seconds)}" for name, seconds in timed if seconds >= WORTH_SAYING)
        done = (status.step - 1) / status.n_steps if status.n_steps else 0
        bar = f'<progress value="{done:.2f}" max="1"></progress>' if status.running else ""
        return (
            f'<span class="glmw-{"busy" if busy else "idle"}"><span class="glmw-dot"></span>{escape(words)}</span>{bar}'
            f'<span class="glmw-ran">{escape(ran)}</span>'
        )

    def _warnings(self) -> str:
        warned = self.session.warned.items()
        told = [f"{escape(stage)}: {escape(said)}" for stage, messages in warned for said in messages]
        if not told:
            return ""
        many = count(len(told), "warning")
        items = "".join(f"<li>{one}</li>" for one in told)
        return f'<details><summary class="glmw-warn">{many}</summary><ul>{items}</ul></details>'
