"""Warnings that are meant for a person, collected where they are to be told again: on a status line, in a report."""

from __future__ import annotations

import threading
import warnings
from typing import Any

# All that are entered now, the newest last, each with the thread that entered it; and what stood in their place before.
_entered: list[tuple[int, Heard]] = []
_lock = threading.Lock()
_before: warnings.catch_warnings | None = None
_show: Any = None


class Heard:
    """Collects what is warned of within it.

    Warnings of other categories than UserWarning are meant for programmers, and go their usual way. Several may be
    entered at the same time, on different threads: each collects what its own thread warns of, and the newest what is
    warned of by threads that entered none, such as those that compute a stage block by block. Only the main thread, on
    which a person's own code runs, is never listened to by others.

    Parameters
    ----------
    pass_on : bool
        Whether what is collected goes its usual way at the end, past the filters of those who asked.

    Examples
    --------
    >>> with Heard() as heard:
    ...     warnings.warn("the mask is small", stacklevel=1)
    ...     warnings.warn("the mask is small", stacklevel=1)
    >>> heard.said
    ('the mask is small',)
    """

    def __init__(self, pass_on: bool = False):
        self.pass_on = pass_on
        self._caught: list[tuple[Warning, type[Warning], str, int]] = []

    @property
    def said(self) -> tuple[str, ...]:
        """Each text once, in the order of the first time; also where what was done ended in an error."""
        return tuple(dict.fromkeys(str(message) for message, *_ in self._caught))

    def __enter__(self) -> Heard:
        global _before, _show
        with _lock:
            if not _entered:
                # The list of filters belongs to the whole process: it is changed by the first and put back by the last.
                _before = warnings.catch_warnings()
                _before.__enter__()
                warnings.simplefilter("always", UserWarning)
                # A `catch_warnings` that was entered meanwhile on another thread puts this back when all have left.
                if warnings.showwarning is not _hear:
                    _show, warnings.showwarning = warnings.showwarning, _hear
            _entered.append((threading.get_ident(), self))
        return self

    def __exit__(self, *raised: object) -> None:
        with _lock:
            _entered[:] = [each for each in _entered if each[1] is not self]
            if not _entered:
                _before.__exit__(*raised)
        for each in self._caught if self.pass_on else ():
            warnings.warn_explicit(*each)


def _hear(message: Any, category: type[Warning], filename: str, lineno: int, *where: Any, **more: Any) -> None:
    if issubclass(category, UserWarning):
        thread = threading.current_thread()
        with _lock:
            theirs = [] if thread is threading.main_thread() else [heard for _, heard in _entered]
            heard = ([heard for ident, heard in _entered if ident == thread.ident] or theirs or [None])[-1]
        if heard is not None:
            heard._caught.append((message, category, filename, lineno))
            return
    _show(message, category, filename, lineno, *where, **more)
