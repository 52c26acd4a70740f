"""Who hears of a change first: the map. Everybody else hears once its pixels are on their way, and all together.

What a page has to do before it paints is what a person waits for, and it does it in order: a panel's words cost it a
layout of the whole page. So while a map is awaited the other views' handlers are put off, and each is then called once.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import traitlets

from glmwidgets.session.core.scheduler import LatestWins, Ticket
from glmwidgets.specification.field import SettingsError

log = logging.getLogger(__name__)

#: Seconds that the other views wait for a map: what takes longer is said to be under way.
AWAITED = 0.1

#: Seconds in which a page paints a map that was sent to it.
PAINTED = 0.03


class Observed(traitlets.HasTraits):
    """What a live session does about its views; to be inherited by `glmwidgets.session.core.live.LiveSession`."""

    #: Gives the context in which views hear of a change together, such as one that makes few messages of theirs.
    together: Callable[[], contextlib.AbstractContextManager] = staticmethod(contextlib.nullcontext)

    lock: threading.RLock
    show_error: Callable[[Exception], None]

    def __init__(self, synchronous: bool, **traits: Any):
        self._teller = LatestWins(synchronous, on_error=self.show_error)
        self._has_map = self._puts_off = False
        self._put_off: dict[Callable[[Any], None], Any] = {}
        self._sent = threading.Event()
        super().__init__(**traits)

    def observe_locked(self, handler: Callable[[Any], Any], names: str | list[str], first: bool = False) -> None:
        """Observe traits with a handler whose exceptions reach the status line and the log.

        Parameters
        ----------
        handler : callable
            Called with the change. While a map is awaited it is put off, and then called with the last one.
        names : str or list of str
            Traits.
        first : bool
            Whether it is never put off: it paints the map.
        """

        def guarded(change: Any) -> None:
            with self.lock:
                try:
                    handler(change)
                except SettingsError as error:  # what a person typed is told where it was typed, and is no fault to log
                    self.show_error(error)
                except Exception as error:
                    log.exception("a view of the session failed")
                    if self.status.state != "error":
                        self.show_error(error)

        def heard(change: Any) -> None:
            if self._puts_off and not first:
                self._put_off[guarded] = change
            else:
                guarded(change)

        self._has_map |= first
        self.observe(heard, names)

    def observe_at_once(self, handler: Callable[..., None], names: str | list[str]) -> None:
        """Call a handler now, without an argument, and whenever traits change; see `observe_locked`."""
        self.observe_locked(handler, names)
        handler()

    def _await_map(self) -> None:
        """Put off whoever need not hear before the map that is being asked for."""
        if self._has_map and not self._teller.synchronous and not self._teller.is_closed:
            self._sent.clear()
            self._puts_off = True
            self._teller.submit(self._tell)

    @contextlib.contextmanager
    def _with_map(self) -> Iterator[None]:
        """Change what the map is painted from: it is on its way at the end."""
        with self.lock:
            self._await_map()
            try:
                yield
            finally:
                self._sent.set()

    @traitlets.observe("status")
    def _end_waiting(self, change: Any) -> None:
        if change["new"].state != "busy":
            self._sent.set()  # with a map, or without one

    def _tell(self, _ticket: Ticket) -> None:
        if self._sent.wait(AWAITED):
            time.sleep(PAINTED)
        with self.lock:
            self._puts_off = False
            put_off, self._put_off = self._put_off, {}
        with self.together():
            for guarded, change in put_off.items():
                guarded(change)
