"""Waiting for the result of the current settings, for scripts and exports."""

from __future__ import annotations

import threading
from typing import Any

import traitlets

from glmwidgets.glm.errors import InputError, told
from glmwidgets.session.core.scheduler import LatestWins


class NoResult(InputError):
    """What is set has no result: a stage failed, or it is still being computed.

    Attributes
    ----------
    stage : str or None
        As in `glmwidgets.session.core.live.Status`.

    Examples
    --------
    >>> print(NoResult("the current settings have no result: the mask is empty", "mask", "correct or undo it first"))
    the current settings have no result: the mask is empty; correct or undo it first
    """

    def __init__(self, message: str, stage: str | None = None, advice: str = ""):
        super().__init__(message, advice=advice)
        self.stage = stage


def _is_mine(lock: threading.RLock) -> bool:
    """Whether this thread holds a lock: only then Python lets it wake those who wait on it, of whom there are none."""
    try:
        threading.Condition(lock).notify()
    except RuntimeError:
        return False
    return True


class Awaited(traitlets.HasTraits):
    """How one waits for a live session; to be inherited by `glmwidgets.session.core.live.LiveSession`."""

    lock: threading.RLock
    _lane: LatestWins
    _error: Exception | None = None  # why what is set has no result
    _was_asked = False  # for any result

    @property
    def is_current(self) -> bool:
        """Whether the result on screen is of the newest settings."""
        return self.result is not None and self.result.settings.same_analysis(self.settings)

    def current_result(self, timeout: float | None = None) -> Any:
        """The result of what is set, waited for; `clusters` are then its clusters.

        `result` is the last good one, of whatever settings: a script, and all that is written, asks here.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Returns
        -------
        Answer

        Raises
        ------
        NoResult
            If what is set cannot be computed, with the error of the stage that failed as its cause; or if it is still
            being computed after `timeout`, or who asks holds `lock` and so cannot wait.

        Examples
        --------
        >>> from glmwidgets.datasets import simulate_run
        >>> from glmwidgets.runs import open_run
        >>> from glmwidgets.session import Session
        >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)))
        >>> session.current_result(60) is session.result
        True
        >>> session.update({"contrast.expression": "tones - hoses"})
        True
        >>> try:
        ...     session.current_result(60)
        ... except ValueError as error:
        ...     print(str(error).partition(";")[0])
        the current settings have no result: no column named 'hoses'
        >>> session.close()
        """
        if not _is_mine(self.lock):  # a worker needs it to show what it has computed
            with self.lock:
                if not self._is_whole and self._error is None and self._lane.wait_until_idle(0):
                    self._ask()
            self._lane.wait_until_idle(timeout)
        with self.lock:
            if self._is_whole:
                return self.result
            if self._error is None:
                raise NoResult("the result is still being computed: wait until the explorer is up to date")
            why = f"the current settings have no result: {told(self._error, 'notebook')}"
            raise NoResult(why, getattr(self._error, "stage", None), "correct or undo it first") from self._error

    @property
    def _is_whole(self) -> bool:
        return self.is_current and self.clusters is not None

    def wait_until_idle(self, timeout: float | None = None) -> bool:
        """Block until nothing is computed any more; False if `timeout` seconds were not enough.

        Where nothing was asked for yet, the first result is.
        """
        if not self._was_asked and not self._lane.is_closed:
            self.refresh()
        lanes = (self._lane, self._teller, self._aside, self._drawer)
        return all(lane.wait_until_idle(timeout) for lane in lanes)
