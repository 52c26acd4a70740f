"""A worker of this machine: ``python -m glmwidgets.execution.worker`` reads a task a line, and writes an answer a line.

It has a process group of its own, so that an interrupt of the session does not reach it, and one thread of linear
algebra. Nor does a polite kill end it: a scheduler sends one to every process of a job, and the session, which hears it
too, waits for what is in hand. It leaves at once when its input is closed, which is what happens when the session that
began it is gone, however that went.
"""

from __future__ import annotations

import gc
import json
import os
import queue
import signal
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import TextIO


def _read(lines: TextIO, tasks: queue.Queue) -> None:
    for line in lines:
        tasks.put(line)
    os._exit(0)  # nobody is left to hear of what is being done


def _imported(module: str) -> None:
    """Import what a task needs. Python looks for garbage neither meanwhile nor, later on, among what was imported."""
    if module in sys.modules:
        return
    gc.disable()
    with suppress(Exception):  # the task will say it
        import_module(module)
    gc.freeze()
    gc.enable()


def main() -> None:
    """Work until the input ends."""
    for of_the_session in (signal.SIGINT, signal.SIGTERM):
        signal.signal(of_the_session, signal.SIG_IGN)
    # Whatever a library prints must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    import numpy  # noqa: F401 - before the threads of its library can be counted
    from threadpoolctl import threadpool_limits

    from glmwidgets.execution.n_workers import WORKER_BYTES
    from glmwidgets.execution.task import do
    from glmwidgets.files.scratch import keep_in_memory

    threadpool_limits(1)
    keep_in_memory(WORKER_BYTES // 8)
    tasks: queue.Queue = queue.Queue()
    threading.Thread(target=_read, args=(sys.stdin, tasks), daemon=True).start()
    answers.write('"ready"\n')
    answers.flush()
    while True:
        function, arguments = json.loads(tasks.get())
        _imported(function.partition(":")[0])
        answers.write(json.dumps(do(function, arguments)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
