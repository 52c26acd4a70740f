"""Workers of Dask as lanes: of a ``LocalCluster``, or of a cluster's scheduler by dask-jobqueue.

Each task is submitted as new (``pure=False``: Dask would give an old answer, or an old error, to the same call),
without keywords (it takes ``key=`` and others for itself) and without retries of its own: errors come back as text, and
deaths are counted here. Workers should be started with ``--preload glmwidgets.execution.dask``: an interrupt of the
session would end those of a ``LocalCluster``.
"""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from typing import Any

from glmwidgets.execution.lanes import LaneDied
from glmwidgets.execution.task import Task, do
from glmwidgets.glm.errors import InputError


def dask_setup(_worker: Any = None) -> None:
    """What a worker does when it begins: it does not hear an interrupt, which is meant for the session."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


class DaskLane:
    """One task at a time on any worker of a client.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Any):
        self._client = client
        self._future: Any = None
        self._closed = False

    def do(self, task: Task) -> dict[str, Any]:
        """See `glmwidgets.execution.lanes.Lane.do`."""
        if self._closed:
            raise LaneDied
        try:
            self._future = self._client.submit(do, task.function, task.arguments, pure=False, retries=0)
            return self._future.result()
        except Exception as error:  # a task raises nothing: this is of the way to it
            raise LaneDied(f"{type(error).__name__}: {error}") from error
        finally:
            # A future that is held is done again when its worker dies.
            self._future = None

    def close(self) -> None:
        """See `glmwidgets.execution.lanes.Lane.close`; the client is its owner's, and stays."""
        self._closed = True
        future = self._future
        if future is not None:
            with suppress(Exception):
                future.cancel()


def dask_lanes(client: Any, width: int | None = None) -> list[DaskLane]:
    """As many lanes as a client has workers.

    Parameters
    ----------
    client : distributed.Client or str
        Or the address of a scheduler, ``"tcp://..."``.
    width : int, optional

    Raises
    ------
    InputError
        If ``distributed`` is not installed, or there is no worker.
    """
    if isinstance(client, str):
        try:
            from distributed import Client
        except ImportError:
            raise InputError(
                f"{client} needs Dask", advice='get it with: python -m pip install "glmwidgets[study]"'
            ) from None
        client = Client(client)
    n = sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())
    if not n and width is None:
        client.wait_for_workers(1, timeout=60)
        n = 1
    return [DaskLane(client) for _ in range(width or n)]
