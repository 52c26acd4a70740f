"""The status line: what ran and for how long, or what went wrong."""

from __future__ import annotations

from html import escape

from glmwidgets.panels.base import text
from glmwidgets.session.session import Session

__all__ = ["StatusLine"]


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


class StatusLine:
    """One line of small type that never hides an error.

    Attributes
    ----------
    widget : HTML
    """

    def __init__(self, session: Session):
        self.session = session
        self.widget = text("glmw-status")
        session.observe_locked(self._show, "status")
        self._show()

    def _show(self, _change: object = None) -> None:
        status = self.session.status
        if status.state == "error":
            place = f"{escape(status.stage)}: " if status.stage else ""
            message = escape(status.message.removeprefix(f"{status.stage}: "))
            self.widget.value = (
                f'<span class="glmw-failed"><span class="glmw-dot"></span>{place}{message}</span>'
                f"<details><summary>details</summary><pre>{escape(status.details)}</pre></details>"
            )
            return
        ran = " · ".join(f"{name} {_milliseconds(seconds)}" for name, seconds in status.timings.items())
        kind = "busy" if status.state == "busy" else "idle"
        words = "working" if status.state == "busy" else (status.message or "up to date")
        self.widget.value = (
            f'<span class="glmw-{kind}"><span class="glmw-dot"></span>{escape(words)}</span>&ensp;&ensp;{escape(ran)}'
        )
