"""Lanes: one worker each, with one task in hand. A worker that dies costs that task alone, which is tried once more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from glmwidgets.execution.n_workers import WORKER_BYTES
from glmwidgets.execution.task import Outcome, Task, do, outcome_of
from glmwidgets.glm.errors import GlmwidgetsError
from glmwidgets.glm.parallel import PROCESSORS

# How often a task is begun whose worker dies.
TRIES = 2

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

# To the C library of Linux: what a step frees a worker keeps for the next, which asks for as much again. Pages that
# come anew are zeroed. So none comes by itself (mmap), as those of a large table would, to go back when it is freed.
KEPT_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(WORKER_BYTES)}


class LaneDied(GlmwidgetsError):
    """The worker of a lane is gone, and nobody knows what became of its task."""

    def __init__(self, message: str = "the worker ended before it answered"):
        super().__init__(message)


class Lane(Protocol):
    """One worker.

    Examples
    --------
    >>> import math
    >>> from glmwidgets.execution.task import task_of
    >>> lane: Lane = HereLane()
    >>> lane.do(task_of("root", math.sqrt, 9.0))["value"]
    3.0
    """

    def do(self, task: Task) -> dict[str, Any]:
        """What `glmwidgets.execution.task.do` gives; blocks. Raises `LaneDied`; the next call begins a new worker."""

    def close(self) -> None:
        """End the worker, whatever it does. From any thread."""


class HereLane:
    """Tasks are done in this process.

    Examples
    --------
    >>> import math
    >>> from glmwidgets.execution.task import task_of
    >>> HereLane().do(task_of("root", math.sqrt, 9.0))["value"]
    3.0
    """

    def do(self, task: Task) -> dict[str, Any]:
        """See `Lane.do`."""
        return do(task.function, task.arguments)

    def close(self) -> None:
        """Nothing to end."""


class LocalLane:
    """A process of this machine: see `glmwidgets.execution.worker`. It begins with the first task.

    Parameters
    ----------
    processors : int
        How many it may count on: with a second one a file is read while what was read is worked on.

    Examples
    --------
    >>> import math
    >>> from glmwidgets.execution.task import task_of
    >>> lane = LocalLane()
    >>> lane.do(task_of("root", math.sqrt, 9.0))["value"]
    3.0
    >>> lane.close()
    """

    def __init__(self, processors: int = 1) -> None:
        self._processors = processors
        self._process: subprocess.Popen[str] | None = None
        self._closed = False
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Number of the process, while there is one."""
        return None if self._process is None else self._process.pid

    def do(self, task: Task) -> dict[str, Any]:
        """See `Lane.do`."""
        process = self._running()
        try:
            process.stdin.write(json.dumps([task.function, task.arguments]) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line.endswith("\n"):
                raise LaneDied
        except (OSError, ValueError, LaneDied):
            with self._lock:
                self._end()
            raise LaneDied from None
        return json.loads(line)

    def _running(self) -> subprocess.Popen[str]:
        with self._lock:
            if self._closed:
                raise LaneDied
            if self._process is None:
                package = str(Path(__file__).parents[2])
                beside = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
                env = {**KEPT_MEMORY, **os.environ, **dict.fromkeys(ONE_THREAD, "1")}
                env |= {"PYTHONPATH": os.pathsep.join(beside), PROCESSORS: str(self._processors)}
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "glmwidgets.execution.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=env,
                    encoding="utf-8",
                    start_new_session=True,
                )
            process = self._process
        if not hasattr(process, "is_ready"):
            process.is_ready = process.stdout.readline() == '"ready"\n'
        return process

    def close(self) -> None:
        """See `Lane.close`."""
        with self._lock:
            self._closed = True
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with suppress(OSError, ValueError):
                    stream.close()


def work_through(
    tasks: Sequence[Task],
    lanes: Sequence[Lane],
    heard: Callable[[Outcome], None] | None = None,
    stop: threading.Event | None = None,
) -> list[Outcome]:
    """Do tasks, each lane one after the other, and end the lanes.

    An interrupt, or `stop`, means that no further task is begun: it is over when those in hand are done. A second
    interrupt ends these as well.

    Parameters
    ----------
    tasks : sequence of Task
    lanes : sequence of Lane
    heard : callable, optional
        ``heard(outcome)`` for each, one at a time, on a thread of its lane.
    stop : threading.Event, optional

    Returns
    -------
    list of Outcome
        In the order of the tasks, without those that were not begun.

    Raises
    ------
    KeyboardInterrupt
        If it was interrupted.
    Exception
        Whatever `heard` raised, once the lanes are closed.

    Examples
    --------
    >>> import math
    >>> from glmwidgets.execution.task import task_of
    >>> tasks = [task_of(f"root of {number}", math.sqrt, number) for number in (4.0, 9.0)]
    >>> [outcome.value for outcome in work_through(tasks, [HereLane()])]
    [2.0, 3.0]
    """
    left, done = deque((i, task, 1) for i, task in enumerate(tasks)), {}
    stop = threading.Event() if stop is None else stop
    telling, raised = threading.Lock(), []

    def work(lane: Lane, ended: threading.Event) -> None:
        try:
            work_on(lane)
        finally:
            ended.set()

    def work_on(lane: Lane) -> None:
        while not stop.is_set():
            try:
                i, task, tries = left.popleft()
            except IndexError:
                return
            try:
                outcome = outcome_of(task, lane.do(task), tries)
            except LaneDied as error:
                if stop.is_set():
                    return
                if tries < TRIES:
                    left.append((i, task, tries + 1))
                    continue
                died = str(error) or "as it does where memory runs out"
                died = f"its worker died {tries} times: {died}"
                outcome = Outcome(task.name, None, died, tries)
            with telling:
                done[i] = outcome
                try:
                    if heard is not None:
                        heard(outcome)
                except BaseException as error:
                    raised.append(error)
                    stop.set()

    ends = [threading.Event() for _ in lanes]
    threads = [threading.Thread(target=work, args=each, daemon=True) for each in zip(lanes, ends, strict=True)]
    try:
        for thread in threads:
            thread.start()
        try:
            _wait(ends)
        except KeyboardInterrupt:
            stop.set()
            _wait(ends)
            raise
    finally:
        stop.set()
        for lane in lanes:
            lane.close()
    if raised:
        raise raised[0]
    return [done[i] for i in sorted(done)]


def _wait(ends: Sequence[threading.Event]) -> None:
    """Until all threads have ended.

    `Thread.join` would not do: interrupted, it takes the thread for dead until Python 3.12, though it goes on
    (python/cpython#90882).
    """
    for ended in ends:
        while not ended.wait(0.2):  # so that an interrupt is heard
            pass
