"""A session that computes on demand: it takes settings, and begins nothing until somebody looks."""

from __future__ import annotations


class OnDemand:
    """To be inherited before `glmwidgets.session.core.live.LiveSession`.

    Attributes
    ----------
    asleep : bool
        A new session is.
    """

    asleep = True

    def begin(self) -> None:
        """Compute ahead what will be asked for, unless nobody looks."""
        if not self.asleep:
            super().begin()

    def refresh(self) -> None:
        """Ask for the result of the present settings, or leave it until the session is looked at."""
        if not self.asleep:
            super().refresh()

    def rest(self) -> None:
        """Begin nothing from here on; what runs may end."""
        with self.lock:
            self.asleep = True

    def wake(self) -> None:
        """Compute what is out of date, and whatever is asked for from here on."""
        with self.lock:
            self.asleep = False
            if not self.is_current:
                self.refresh()
