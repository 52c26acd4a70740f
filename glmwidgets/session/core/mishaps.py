"""Errors of what a person did beside the settings, such as a report that could not be written."""

from __future__ import annotations

import threading
from typing import Any


class Mishaps:
    """How such an error is told and goes again; to be inherited by `glmwidgets.session.core.live.LiveSession`.

    An error of a stage or a setting stands until the settings are other ones. One that belongs to none of these stands
    until something else that a person does succeeds.
    """

    lock: threading.RLock
    status: Any
    _told: tuple[Any, Any] = (None, None)  # the status that tells it, and the one that it took the place of

    def show_mishap(self, error: Exception) -> None:
        """Put an error on the status until something succeeds, or, if it is of a setting, until that is another."""
        with self.lock:
            under = self._told[1] if self.status is self._told[0] else self.status
            self.show_error(error)
            self._told = (None, None) if self.status.stage else (self.status, under)

    def succeeded(self) -> None:
        """Something that a person did went well: the status is again as it was before the last mishap."""
        with self.lock:
            told, under = self._told
            self._told = None, None
            if told is not None and self.status is told:
                self.status = under
