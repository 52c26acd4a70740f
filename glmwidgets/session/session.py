"""The live analysis: settings go in from any thread, results come out when they are ready. No widget in it."""

from __future__ import annotations

import dataclasses
import logging
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import traitlets

from glmwidgets.session.analysis import Analysis, Result
from glmwidgets.session.run import Run
from glmwidgets.session.scheduler import LatestWins, Superseded, Ticket
from glmwidgets.session.settings import Settings
from glmwidgets.session.stages import StageError

__all__ = ["Session", "Status", "VoxelSeries"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Status:
    """What the session is doing, for the status line.

    Attributes
    ----------
    state : {"idle", "busy", "error"}
    stage : str or None
        The stage that failed, or the setting's path where a value was refused.
    message : str
        An error in words.
    details : str
        Its traceback.
    timings : dict
        Seconds by stage of the last result.
    """

    state: str = "idle"
    stage: str | None = None
    message: str = ""
    details: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class VoxelSeries:
    """Series at one voxel, in the units that were modelled.

    Attributes
    ----------
    ijk : tuple of int
    times : array of shape (n_scans,)
        Seconds.
    data, predicted : array of shape (n_scans,)
    statistics : dict
        Values of the maps there: effect, sd of the effect, stat, z, R², and the noise model's parameters.
    """

    ijk: tuple[int, int, int]
    times: np.ndarray
    data: np.ndarray
    predicted: np.ndarray
    statistics: dict[str, float]


def _peak(result: Result) -> tuple[int, int, int]:
    """Voxel of the largest |z|, where a person will want to look first."""
    where = np.argwhere(result.mask)[np.argmax(np.abs(result.z))]
    return tuple(int(i) for i in where)


class Session(traitlets.HasTraits):
    """One run being looked at.

    Settings are written with `update`; views observe `result`, `clusters`, `status`, `cursor` and `settings`.
    Everything that changes a trait holds `lock`, so an observer may come on any thread but never two at once.

    Parameters
    ----------
    run : Run
    settings : Settings, optional
        What to begin with; a conventional model by default.
    synchronous : bool
        Compute in the caller's thread: for scripts and tests.
    """

    settings = traitlets.Instance(Settings)
    result = traitlets.Instance(Result, allow_none=True, help="The last good result.")
    clusters = traitlets.Any(None, allow_none=True, help="Clusters of `result`; None while they are being found.")
    status = traitlets.Instance(Status, args=())
    cursor = traitlets.Tuple(traitlets.Int(), traitlets.Int(), traitlets.Int(), help="Voxel (i, j, k).")

    def __init__(self, run: Run, settings: Settings | None = None, synchronous: bool = False):
        self.lock = threading.RLock()
        self.run = run
        self.analysis = Analysis(run)
        self._lane = LatestWins(synchronous, on_error=self.show_error)
        centre = tuple(n // 2 for n in run.img.shape[:3])
        super().__init__(settings=settings or self.analysis.default_settings(), cursor=centre)

    @property
    def affine(self) -> np.ndarray:
        """Voxel to mm, shape (4, 4)."""
        return self.run.img.affine

    @property
    def is_current(self) -> bool:
        """Whether the result on screen is of the newest settings."""
        return self.result is not None and self.result.settings == self.settings

    def update(self, changes: Mapping[str, Any]) -> bool:
        """Change settings and have the analysis answer.

        Parameters
        ----------
        changes : mapping from path to value
            Such as ``{"design.hrf_model": "glover"}``.

        Returns
        -------
        bool
            False if a value was refused; the settings are then as before and `status` says why.
        """
        with self.lock:
            try:
                settings = self.settings.updated(changes)
            except ValueError as error:
                self.show_error(error)
                return False
            if settings != self.settings or self.status.state == "error":
                self.settings = settings
                self.refresh()
            return True

    def refresh(self) -> None:
        """Ask for the result of the present settings."""
        with self.lock:
            settings = self.settings
            self.status = dataclasses.replace(self.status, state="busy")
            self._lane.submit(lambda ticket: self._compute(settings, ticket))

    def _compute(self, settings: Settings, ticket: Ticket) -> None:
        try:
            result = self.analysis.result(settings, ticket.checkpoint)
            # In order and never an older one over a newer: what a drag shows on its way is the last that is ready.
            first = {} if self.result is not None else {"cursor": _peak(result)}
            self._publish(result=result, clusters=None, **first)
            if not ticket.is_newest:
                return
            timings = dict(result.timings)
            clusters = self.analysis.clusters(settings, timings, ticket.checkpoint)
        except Superseded:
            if ticket.is_newest:
                self._publish(status=dataclasses.replace(self.status, state="idle", message="cancelled"))
            return
        except StageError as error:
            if ticket.is_newest:
                self.show_error(error)
            return
        state = Status("idle", timings=timings) if ticket.is_newest else self.status
        self._publish(clusters=clusters, status=state)

    def _publish(self, **traits: Any) -> None:
        with self.lock:
            for name, value in traits.items():
                setattr(self, name, value)

    def show_error(self, error: Exception) -> None:
        """Put an error on the status, with the stage or setting that it belongs to; the last good result stays."""
        stage = getattr(error, "stage", getattr(error, "path", None))
        message = str(error) or type(error).__name__
        details = "".join(traceback.format_exception(error))
        log.info("%s: %s", stage, message)
        self._publish(status=Status("error", stage, message, details, self.status.timings))

    def move_to(self, ijk: tuple[int, int, int]) -> None:
        """Put the crosshair at a voxel; outside the image it goes to the nearest one inside."""
        with self.lock:
            shape = self.run.img.shape[:3]
            self.cursor = tuple(int(np.clip(c, 0, n - 1)) for c, n in zip(ijk, shape, strict=True))

    def move_to_mm(self, xyz: tuple[float, float, float]) -> None:
        """Put the crosshair at the voxel nearest to a place in mm."""
        ijk = np.linalg.solve(self.affine, [*xyz, 1.0])[:3]
        self.move_to(tuple(np.rint(ijk).astype(int)))

    def mm(self, ijk: tuple[int, int, int] | None = None) -> np.ndarray:
        """Place of a voxel (the crosshair's by default) in mm, shape (3,)."""
        return (self.affine @ [*(ijk or self.cursor), 1.0])[:3]

    def series(self, ijk: tuple[int, int, int] | None = None) -> VoxelSeries | None:
        """Data, prediction and statistics at a voxel.

        Parameters
        ----------
        ijk : tuple of int, optional
            The crosshair's voxel by default.

        Returns
        -------
        VoxelSeries or None
            None before the first result and outside the mask.
        """
        with self.lock:
            result, ijk = self.result, tuple(ijk or self.cursor)
        voxel = None if result is None else result.voxel(ijk)
        if voxel is None:
            return None
        fit, one = result.fit, slice(voxel, voxel + 1)
        statistics = {
            "effect": float(result.contrast.effect[0, voxel]),
            "effect_sd": float(np.sqrt(result.contrast.covariance[0, 0, voxel])),
            "stat": float(result.contrast.stat()[voxel]),
            "z": float(result.z[voxel]),
            "r_square": float(fit.r_square[voxel]),
            **{name: float(values[voxel]) for name, values in fit.parameters.items()},
        }
        times = result.design.index.to_numpy(dtype=float)
        return VoxelSeries(ijk, times, fit.data(one)[:, 0], fit.predicted(one)[:, 0], statistics)

    def wait_until_idle(self, timeout: float | None = None) -> bool:
        """Block until the slow lane is empty; False if `timeout` seconds were not enough."""
        return self._lane.wait_until_idle(timeout)

    def cancel(self) -> None:
        """Stop what runs at its next checkpoint; the last good result stays."""
        self._lane.cancel()

    def close(self) -> None:
        """End the worker thread."""
        self._lane.close()

    def observe_locked(self, handler: Callable[[Any], None], names: str | list[str]) -> None:
        """Observe traits with a handler whose exceptions reach the status line and the log."""

        def guarded(change: Any) -> None:
            with self.lock:
                try:
                    handler(change)
                except Exception as error:
                    log.exception("a view of the session failed")
                    if self.status.state != "error":
                        self.show_error(error)

        self.observe(guarded, names)
