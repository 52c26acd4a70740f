"""Order of notification: the map first, all other views together once its pixels are sent.

What a page has to do before it paints is what a person waits for, and it does it in order: a panel's words cost it a
layout of the whole page. So while a map is awaited the other views' handlers are put off, and each is then called once:
those last that say that all is done.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import traitlets

from glmwidgets.session.core.scheduler import PAINTED, LatestWins, Ticket
from glmwidgets.specification.field import SettingsError

log = logging.getLogger(__name__)

#: Seconds that the other views wait for maps: what takes longer is said to be under way, and a hand that drags on
#: is followed.
AWAITED = 0.1


class Observed(traitlets.HasTraits):
    """What a live session does about its views; to be inherited by `glmwidgets.session.core.live.LiveSession`."""

    #: Gives the context in which views hear of a change together, such as one that makes few messages of theirs.
    together: Callable[[], contextlib.AbstractContextManager] = staticmethod(contextlib.nullcontext)

    lock: threading.RLock
    show_error: Callable[[Exception], None]

    def __init__(self, synchronous: bool, **traits: Any):
        self._teller = LatestWins(synchronous, on_error=self.show_error)
        self._has_map = self._puts_off = False
        self._since = -math.inf  # when views were first put off, on the clock of time.monotonic
        self._put_off: dict[Callable[[Any], None], tuple[bool, Any]] = {}
        self._sent = threading.Event()
        super().__init__(**traits)

    def observe_locked(
        self, handler: Callable[[Any], Any], names: str | list[str], first: bool = False, last: bool = False
    ) -> None:
        """Observe traits with a handler whose exceptions reach the status line and the log.

        Parameters
        ----------
        handler : callable
            Called with the change. While a map is awaited it is put off, and then called with the last one.
        names : str or list of str
            Traits.
        first : bool
            Whether it is never put off: it paints the map.
        last : bool
            Whether it is called after all others that were put off.
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
                self._put_off[guarded] = last, change
            else:
                guarded(change)

        self._has_map |= first
        self.observe(heard, names)

    def observe_at_once(self, handler: Callable[..., None], names: str | list[str], last: bool = False) -> None:
        """Call a handler now, without an argument, and whenever traits change; see `observe_locked`."""
        self.observe_locked(handler, names, last=last)
        handler()

    def _await_map(self) -> None:
        """Put off whoever need not hear before the map that is being asked for."""
        if self._has_map and not self._teller.synchronous and not self._teller.is_closed:
            self._sent.clear()
            if not self._puts_off:
                self._puts_off, self._since = True, time.monotonic()
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
        try:
            while self._puts_off:
                self._let_paint()
                with self.lock:
                    put_off, self._put_off = self._put_off, {}
                with self.together():
                    for guarded, (_, change) in sorted(put_off.items(), key=lambda item: item[1][0]):
                        guarded(change)
                with self.lock:
                    # What has changed meanwhile is told after this: that all is done would else come ahead of it.
                    self._puts_off, self._since = bool(self._put_off), time.monotonic()
        except BaseException:
            self._puts_off = False
            raise

    def _let_paint(self) -> None:
        """Wait until the newest map is painted, or for as long as the other views wait."""
        is_painted = False
        while not is_painted and (left := self._since + AWAITED - time.monotonic()) > 0:
            if self._sent.wait(left):
                time.sleep(PAINTED)
            is_painted = self._sent.is_set()  # and no other was asked for
        if not is_painted:
            self._sent.wait(PAINTED)  # one that is nearly there goes ahead
