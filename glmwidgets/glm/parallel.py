"""Blocks of voxels, on as many threads as matrix products are allowed."""

from __future__ import annotations

import ctypes
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")

# Bytes: the largest block that is kept when it is freed, the most that mallopt(3) takes; and those at the heap's end.
LARGEST_KEPT, MOST_KEPT = 32 * 2**20, 256 * 2**20

#: Environment variable that says how many processors a process is to use at most: of those that workers share.
PROCESSORS = "GLMWIDGETS_PROCESSORS"

# What malloc.h of glibc calls them.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8

# Seconds after which a thread hands the interpreter on to one that waits: Python's own 5 ms are as long as a third of a
# small fit, each step of which gives the interpreter away.
TURN = 2e-4

# Called before each block; what it raises ends the work.
_checked: ContextVar[Callable[[], None] | None] = ContextVar("_checked", default=None)

# The number of a library's threads belongs to the whole process: two that change and restore it must not cross.
_one_at_a_time = threading.Lock()


@cache
def threads_start() -> bool:
    """Whether a thread can be started: none in a browser's Python, nor where a process has as many as it may."""
    thread = threading.Thread(target=int, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return False
    thread.join()
    return True


@contextmanager
def workers(n_threads: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """What `map` is, with calls on so many threads; Python's own where there is one or none can be started.

    Examples
    --------
    >>> with workers(2) as each:
    ...     list(each(abs, [-1, 2]))
    [1, 2]
    """
    if n_threads < 2 or not threads_start():
        yield map
        return
    with ThreadPoolExecutor(n_threads) as pool:
        yield pool.map


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep the linear algebra library to one thread.

    For products that take no time: a library's threads go on waiting for work, each on a processor of its own, for
    longer than such a product takes, and what comes next has to share with them. Where another program has one of the
    processors, they wait for each other as well: a millisecond's work can take a hundred. Within `side_by_side` there
    is one anyway.
    """
    if _threads() < 2:
        yield
        return
    with _one_at_a_time, _libraries().limit(limits=1):
        yield


def processors() -> int:
    """Processors that this process may run on, no more than `PROCESSORS` says, if it is set."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = os.environ.get(PROCESSORS, "")
    return min(there, max(1, int(most))) if most.isdecimal() else there


@cache
def keep_freed_memory() -> None:
    """Let the C library keep what is freed for what is asked for next, where it is Linux's (glibc).

    It gives a large block back to the system when it is freed, and what is free at the end of the heap; pages that are
    taken anew are zeroed one by one: for arrays of some hundred kilobytes that takes as long as the arithmetic. Both
    limits are said to it: those that it finds by itself stay low where a block of theirs was never freed (mallopt(3)).
    """
    _mallopt(_M_MMAP_THRESHOLD, LARGEST_KEPT)
    _mallopt(_M_TRIM_THRESHOLD, MOST_KEPT)


def one_arena_a_processor() -> None:
    """Let threads share as many arenas of the C library as there are processors, where it is Linux's (glibc).

    It takes eight times as many by default, and gives back what is free at an arena's end only when a thread frees
    something there: each arena that a thread of a closed session has used keeps some megabytes. What is said here
    counts for arenas that are not there yet, so it is to be said before threads are started.
    """
    _mallopt(_M_ARENA_MAX, max(2, processors()))


def _mallopt(parameter: int, value: int) -> None:
    """Set a parameter of the C library's memory (mallopt(3)), where it is Linux's; nothing elsewhere."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(parameter, value)


def _threads() -> int:
    """Threads that the linear algebra library may use now."""
    return max((library["num_threads"] for library in _libraries().info()), default=1)


@contextmanager
def _short_turns() -> Iterator[None]:
    """Let a thread that has done its arithmetic wait no longer than `TURN` for one that runs Python's own code."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, TURN))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def giving_way(check: Callable[[], None]) -> Iterator[None]:
    """Have `side_by_side` call a function before each block, which raises an error to end the work there.

    Parameters
    ----------
    check : callable
        Called on whichever thread works on the block.

    Examples
    --------
    >>> def enough():
    ...     raise InterruptedError("something more urgent came")
    >>> with giving_way(enough):
    ...     side_by_side(print, [slice(0, 3), slice(3, 5)])
    Traceback (most recent call last):
    InterruptedError: something more urgent came
    """
    before = _checked.set(check)
    try:
        yield
    finally:
        _checked.reset(before)


def _after(check: Callable[[], None], work: Callable[..., Any]) -> Callable[..., Any]:
    def checked(block: Any) -> Any:
        check()
        return work(block)

    return checked


def side_by_side(work: Callable[..., Any], blocks: Sequence[Any]) -> list[Any]:
    """Call a function with every block, as many at a time as there are threads.

    Small matrix products gain nothing from threads of their own, and the steps between them have none. So the threads
    are given to the blocks: as many as the linear algebra library may use, which `OPENBLAS_NUM_THREADS` and
    `threadpoolctl` limit as ever.

    Parameters
    ----------
    work : callable
        ``work(block)``; calls must not write to the same memory. One that comes back here goes on by itself.
    blocks : sequence
        Slices of voxels, or whatever else the work can be cut into.

    Returns
    -------
    list
        What each call returned, in the order of the blocks.

    Examples
    --------
    >>> side_by_side(lambda block: block.stop - block.start, [slice(0, 3), slice(3, 5)])
    [3, 2]
    """
    if (check := _checked.get()) is not None:
        work = _after(check, work)
    n_threads = _threads()
    if n_threads < 2 or len(blocks) < 2:
        return [work(block) for block in blocks]
    with _one_at_a_time, _short_turns(), _libraries().limit(limits=1), workers(n_threads) as each:
        return list(each(work, blocks))


def ahead(items: Iterable[Item], most: int = 4) -> Iterator[Item]:
    """The same items, made on another thread while the last ones are worked on, if there is a processor for it.

    Parameters
    ----------
    items : iterable
    most : int
        How many may wait.

    Examples
    --------
    >>> list(ahead(range(3)))
    [0, 1, 2]
    """
    if processors() < 2 or not threads_start():
        yield from items
        return
    waiting: queue.Queue[tuple[bool, Any]] = queue.Queue(most)
    stopped = threading.Event()

    def hand_over(is_item: bool, what: Any) -> None:
        while not stopped.is_set():
            try:
                waiting.put((is_item, what), timeout=0.1)
                return
            except queue.Full:
                continue

    def make() -> None:
        try:
            for item in items:
                hand_over(True, item)
                if stopped.is_set():
                    return
            hand_over(False, None)
        except BaseException as error:
            hand_over(False, error)

    maker = threading.Thread(target=make, daemon=True)
    maker.start()
    try:
        while True:
            is_item, what = waiting.get()
            if is_item:
                yield what
            elif what is None:
                return
            else:
                raise what
    finally:
        stopped.set()
        maker.join()


def begun(work: Callable[..., Item], *args: Any) -> Callable[[], Item]:
    """Begin a call on a thread of its own.

    Parameters
    ----------
    work : callable
    *args
        What it is called with.

    Returns
    -------
    callable
        Waits for the call, and returns what it returned or raises what it raised, as often as it is asked.

    Examples
    --------
    >>> total = begun(sum, [1, 2, 3])
    >>> total(), total()
    (6, 6)
    """
    if not threads_start():
        made = work(*args)
        return lambda: made
    pool = ThreadPoolExecutor(1)
    call = pool.submit(work, *args)
    pool.shutdown(wait=False)
    return call.result


def even_blocks(n: int, most: int) -> list[slice]:
    """Cut a range into as few blocks of at most `most` as there can be, all nearly equal.

    Parameters
    ----------
    n, most : int

    Returns
    -------
    list of slice

    Examples
    --------
    >>> even_blocks(10, 4)
    [slice(0, 3, None), slice(3, 6, None), slice(6, 10, None)]
    """
    number = -(-n // most)
    return [slice(n * k // number, n * (k + 1) // number) for k in range(number)]
