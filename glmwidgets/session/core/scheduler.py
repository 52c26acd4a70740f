"""The slow lane: one worker thread and one waiting place, in which a newer request replaces an older one."""

from __future__ import annotations

import atexit
import logging
import math
import threading
import time
import weakref
from collections.abc import Callable

from glmwidgets.glm.parallel import one_arena_a_processor

log = logging.getLogger(__name__)

# A job that has already taken this long gives way to a newer request at its next checkpoint. Shorter jobs run to
# their end, for giving up on every new event of a drag would leave the screen still until the drag is over.
PATIENCE = 0.4

NO_THREAD = "no thread can be started here: each change is computed before the next is accepted"

# Seconds that a program which ends waits for the job in hand.
FAREWELL = 10.0

# Seconds after which a hand that goes on dragging is shown more than what it looks at.
NOW_AND_THEN = 1.0

# Seconds in which a page paints a map that was sent to it.
PAINTED = 0.03

# A hand has come to rest once nothing has been asked for in so many seconds.
REST = 0.1


# Before the first thread of a session: else each explorer that was closed leaves some megabytes in arenas of its own.
one_arena_a_processor()


class Superseded(Exception):
    """Raised inside a job at a checkpoint when it should give way, or was cancelled."""


class Ticket:
    """What a running job knows of its place in the queue.

    Attributes
    ----------
    patience : float
        Seconds from its start after which it gives way to a newer request.
    begun : float
        When the first request of the row was made that it is one of, on the clock of time.monotonic: each came soon
        after the one before it, as from a hand that drags.
    """

    def __init__(self, lane: LatestWins, number: int, asked: float, begun: float):
        self._lane = lane
        self.number = number
        self.begun = begun
        self._asked = self._started = asked
        self.cancelled = False
        self.patience = PATIENCE

    @property
    def in_a_row(self) -> bool:
        """Whether it was asked for soon after the request before it."""
        return self.begun < self._asked

    @property
    def is_newest(self) -> bool:
        """Whether nothing was asked for since."""
        return self.number == self._lane.newest

    def begin(self) -> None:
        """Note that the job starts."""
        self._started = time.monotonic()

    def cancel(self) -> None:
        """Ask the job to stop at its next checkpoint."""
        self.cancelled = True

    def wait_for_rest(self) -> None:
        """Wait for the hand's rest, or for the next request: what only a resting hand asks for would be in its way.

        A hand that drags looks at what has come before it goes on. One that asked once rests from then on, and need not
        wait for longer than its answer took.
        """
        gone = 0.0 if self.in_a_row else time.monotonic() - self._asked
        self._lane.wait_for_newer(self.number, max(0.0, REST - gone))

    def leave_to_hand(self, shown_at: float, is_seen: bool = True) -> None:
        """Wait for the hand's rest, and from then on give way to it at once: what it looks at is on its way already.

        A hand that has not moved before waits for the page alone, which needs a processor to paint. Of one that drags
        for long, a job has its turn now and then, so that the rest follows as well.

        Parameters
        ----------
        shown_at : float
            When the rest was shown last, on the clock of time.monotonic; infinite for a job that is too long for that.
        is_seen : bool
            Whether a page paints what is on its way.

        Raises
        ------
        Superseded
        """
        if time.monotonic() - max(shown_at, self.begun) > NOW_AND_THEN:
            return
        self.patience = 0
        if self.in_a_row:
            self.wait_for_rest()
        elif is_seen:
            self._lane.wait_for_newer(self.number, PAINTED)
        self.checkpoint()

    def checkpoint(self) -> None:
        """Stop here if the job was cancelled, or is no longer the newest and its patience is at an end.

        Raises
        ------
        Superseded
        """
        late = not self.is_newest and time.monotonic() - self._started > self.patience
        if self.cancelled or late:
            raise Superseded


class LatestWins:
    """Runs jobs one at a time on a thread; of those that wait only the newest is kept.

    Parameters
    ----------
    synchronous : bool
        Run each job at once in the caller's thread: for scripts and tests.
    on_error : callable
        Told of any exception that a job lets out; nothing vanishes.

    Attributes
    ----------
    why : str
        Why jobs run in the caller's thread, where nobody asked for that.

    Examples
    --------
    >>> done = []
    >>> jobs = LatestWins(synchronous=True)
    >>> jobs.submit(lambda ticket: done.append("fit")), done
    (1, ['fit'])
    """

    def __init__(self, synchronous: bool = False, on_error: Callable[[Exception], None] | None = None):
        self.synchronous = synchronous
        self.why = ""
        self.newest = 0
        self._on_error = on_error
        self._condition = threading.Condition()
        self._waiting: tuple[Ticket, Callable[[Ticket], None]] | None = None
        self._running: Ticket | None = None
        self._asked = self._begun = -math.inf  # when the last request came, and the first of its row
        self._closed = False
        self._thread: threading.Thread | None = None
        _lanes.add(self)

    def submit(self, job: Callable[[Ticket], None]) -> int:
        """Ask for a job; one that waits is dropped for it.

        Parameters
        ----------
        job : callable
            Called with its `Ticket`.

        Returns
        -------
        int
            Number of the request, growing.
        """
        with self._condition:
            if self._closed:
                raise RuntimeError("this session is closed")
            self.newest += 1
            asked, before = time.monotonic(), self._asked
            self._asked = asked
            if asked - before >= PATIENCE:
                self._begun = asked
            ticket = Ticket(self, self.newest, asked, self._begun)
            if not self.synchronous and self._has_thread():
                self._waiting = (ticket, job)
                self._condition.notify_all()
                return ticket.number
        self._run(ticket, job)
        return ticket.number

    def _has_thread(self) -> bool:
        """Whether there is a thread to work on, which is started when it is first asked for."""
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="glmwidgets-worker", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                self.stay_here(NO_THREAD)
                return False
            self._thread = thread
        return True

    def stay_here(self, why: str) -> None:
        """Run every job in its caller's thread from now on.

        Parameters
        ----------
        why : str
            A sentence for who looks at the results.
        """
        self.synchronous, self.why = True, why

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more jobs."""
        return self._closed

    def wait_for_newer(self, number: int, seconds: float) -> None:
        """Block until something newer than a request was asked for or the lane is told to stop, or so many seconds."""
        if self.synchronous:
            return
        with self._condition:
            self._condition.wait_for(lambda: self.newest > number or self._closed or self._running.cancelled, seconds)

    def cancel(self) -> bool:
        """Drop the job that waits and ask the one that runs to stop.

        Returns
        -------
        bool
            Whether one runs, and will say itself how it ended.
        """
        with self._condition:
            if self._waiting is not None:
                # What was dropped counts as never asked for, so that a job that runs is the newest again.
                self.newest = self._waiting[0].number - 1 if self._running is None else self._running.number
                self._waiting = None
            if self._running is not None:
                self._running.cancel()
                self._condition.notify_all()
            return self._running is not None

    def wait_until_idle(self, timeout: float | None = None) -> bool:
        """Block until nothing runs or waits.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Returns
        -------
        bool
            False if the time ran out first.
        """
        with self._condition:
            return self._condition.wait_for(lambda: self._waiting is None and self._running is None, timeout)

    def close(self) -> None:
        """Cancel everything and let the thread end."""
        self.cancel()
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def join(self, timeout: float) -> None:
        """Wait for the thread of a lane that was closed."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _work(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting is not None or self._closed)
                if self._closed:
                    return
                ticket, job = self._waiting
                self._waiting = None
                # In the same breath, so that wait_until_idle never sees a gap between waiting and running.
                self._running = ticket
            self._run(ticket, job)

    def _run(self, ticket: Ticket, job: Callable[[Ticket], None]) -> None:
        self._running = ticket
        ticket.begin()
        try:
            job(ticket)
        except Superseded:
            pass
        except Exception as error:
            if not threading.main_thread().is_alive():
                return  # The program ends, and takes what the job works with.
            log.exception("a job of the live analysis failed")
            self._report(error)
        finally:
            with self._condition:
                self._running = None
                self._condition.notify_all()

    def _report(self, error: Exception) -> None:
        if self._on_error is None:
            return
        try:
            self._on_error(error)
        except Exception:
            # The thread must outlive a screen that cannot show the message; the log has both.
            log.exception("the error could not be shown")


#: Lanes that a program may leave open when it ends.
_lanes: weakref.WeakSet[LatestWins] = weakref.WeakSet()


@atexit.register
def _end() -> None:
    """End all threads while Python still stands: one that comes back from compiled code later aborts the process."""
    left, until = list(_lanes), time.monotonic() + FAREWELL
    for lane in left:
        lane.close()
    for lane in left:
        lane.join(max(0.0, until - time.monotonic()))
