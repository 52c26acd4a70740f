"""The live analysis: settings go in from any thread, results come out when they are ready. No widget in it."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import traitlets

from glmwidgets.session.analysis import Analysis, Result
from glmwidgets.session.ledger import Ledger
from glmwidgets.session.preview import Preview, Previewer
from glmwidgets.session.run import Run
from glmwidgets.session.scheduler import LatestWins, Superseded, Ticket
from glmwidgets.session.settings import Settings
from glmwidgets.session.stages import StageError
from glmwidgets.session.steps import Steps
from glmwidgets.session.verdicts import ContrastVerdict

__all__ = ["Session", "Status", "VoxelSeries"]

log = logging.getLogger(__name__)

# A stage that took less than this the last time is not announced: the message would cost more than the news is worth.
ANNOUNCED = 0.25


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
    suggestion : str
        Contrast that could stand in the place of one that cannot be read.
    running : str
        Stage that is being computed, where it may take long.
    step, n_steps : int
        Its number among the stages that have to be computed, from 1, and their number.
    """

    state: str = "idle"
    stage: str | None = None
    message: str = ""
    details: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)
    suggestion: str = ""
    running: str = ""
    step: int = 0
    n_steps: int = 0


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
    settings : Settings or mapping, optional
        What to begin with, or what to change of the conventional model that is the default.
    synchronous : bool
        Compute in the caller's thread: for scripts and tests.

    Attributes
    ----------
    ledger : Ledger
        What was looked at.
    steps : Steps
        What can be undone.
    """

    settings = traitlets.Instance(Settings)
    result = traitlets.Instance(Result, allow_none=True, help="The last good result.")
    preview = traitlets.Instance(Preview, allow_none=True, help="The visible slices, ahead of a large `result`.")
    clusters = traitlets.Any(None, allow_none=True, help="Clusters of `result`; None while they are being found.")
    status = traitlets.Instance(Status, args=())
    cursor = traitlets.Tuple(traitlets.Int(), traitlets.Int(), traitlets.Int(), help="Voxel (i, j, k).")
    verdicts = traitlets.Dict(help="Verdict on each listed contrast under `result`, by expression.")
    pinned = traitlets.Instance(Result, allow_none=True, help="Result that others are compared with.")
    looks = traitlets.Int(0, help="Grows whenever the ledger or what can be undone changes.")

    def __init__(self, run: Run, settings: Settings | Mapping[str, Any] | None = None, synchronous: bool = False):
        self.lock = threading.RLock()
        self.run = run
        self.analysis = Analysis(run)
        self._previewer = Previewer(self.analysis)
        self._lane = LatestWins(synchronous, on_error=self.show_error)
        self._seconds: dict[str, float] = {}
        self._to_pin: Settings | None = None
        if not isinstance(settings, Settings):
            settings = self.analysis.default_settings().updated(settings or {})
        self.steps = Steps(settings)
        self.ledger = Ledger()
        centre = tuple(n // 2 for n in run.img.shape[:3])
        super().__init__(settings=settings, cursor=centre)

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
                self.steps.add(settings)
                self._take(settings)
            return True

    def undo(self) -> bool:
        """Go back to the settings before the last step; False if there are none."""
        with self.lock:
            return self._take(self.steps.undo())

    def redo(self) -> bool:
        """Take back the last undo; False if there is none."""
        with self.lock:
            return self._take(self.steps.redo())

    def return_to(self, number: int) -> None:
        """Go to the settings of an entry of the ledger; that is a step as any other.

        Raises
        ------
        ValueError
            If there is no such entry.
        """
        with self.lock:
            found = [entry.settings for entry in self.ledger.entries if entry.number == number]
            if not found:
                raise ValueError(f"the ledger has no entry {number}; it holds {len(self.ledger.entries)}")
            self.steps.add(found[0])
            self._take(found[0])

    def _take(self, settings: Settings | None) -> bool:
        if settings is None:
            return False
        self.settings = settings
        self.looks += 1
        self.refresh()
        return True

    def lock_model(self) -> None:
        """Declare the model and the contrasts that are being looked at as the confirmatory ones.

        Raises
        ------
        ValueError
            If the result on screen is not that of the settings, or a model is locked already.
        """
        with self.lock:
            if not self.is_current:
                raise ValueError("what is on screen is not what is set: wait for the result before locking the model")
            readable = [v.expression for v in self.verdicts.values() if v.estimable]
            self.ledger.lock(tuple(readable), self.result.design.columns)
            self.looks += 1

    def pin(self, settings: Settings | None = None) -> None:
        """Keep a result to compare others with.

        Parameters
        ----------
        settings : Settings, optional
            Of the result; by default the one on screen is kept.
        """
        with self.lock:
            if settings is None:
                self.pinned = self.result
            else:
                self.pin_later(settings)
                self.refresh()

    def pin_later(self, settings: Settings) -> None:
        """Pin the result of these settings as soon as anything is computed."""
        self._to_pin = settings

    def unpin(self) -> None:
        """Compare with nothing."""
        with self.lock:
            self.pinned = None

    def refresh(self) -> None:
        """Ask for the result of the present settings."""
        with self.lock:
            settings, movement = self.settings, self.steps.movement
            self.status = Status("busy", timings=self.status.timings)
            self._lane.submit(lambda ticket: self._compute(settings, movement, ticket))

    def _compute(self, settings: Settings, movement: int, ticket: Ticket) -> None:
        pending = self.analysis.pending(settings)

        def checkpoint(stage: str) -> None:
            ticket.checkpoint()
            self._announce(stage, pending)

        try:
            self._pin_wanted(ticket)
            preview = self._previewer.look(settings, self.cursor)
            if preview is not None:
                self._publish(preview=preview)
            result = self.analysis.result(settings, checkpoint)
            # In order and never an older one over a newer: what a drag shows on its way is the last that is ready.
            self._show(result, movement)
            if not ticket.is_newest:
                return
            timings = dict(result.timings)
            clusters = self.analysis.clusters(settings, timings, checkpoint)
            verdicts = self._judge(result, ticket)
        except Superseded:
            if ticket.is_newest:
                self._publish(status=Status("idle", message="cancelled", timings=self.status.timings))
            return
        except StageError as error:
            if ticket.is_newest:
                self._show_failure(settings, error)
            return
        self._seconds |= timings
        state = Status("idle", timings=timings) if ticket.is_newest else self.status
        self._publish(clusters=clusters, verdicts=verdicts, status=state)

    def _announce(self, stage: str, pending: tuple[str, ...]) -> None:
        if stage in pending and self._seconds.get(stage, ANNOUNCED) >= ANNOUNCED:
            step = pending.index(stage) + 1
            state = Status("busy", timings=self.status.timings, running=stage, step=step, n_steps=len(pending))
            self._publish(status=state)

    def _show(self, result: Result, movement: int) -> None:
        with self.lock:
            # A session that goes on where one left off stays where that was.
            if self.result is None and not self.ledger.entries:
                self.cursor = _peak(result)
            self.clusters = None
            self.result = result
            self.ledger.add(result, movement)
            self.looks += 1

    def _judge(self, result: Result, ticket: Ticket) -> dict[str, ContrastVerdict]:
        verdicts = {}
        for _, expression in result.settings.contrast.listed:
            ticket.checkpoint()
            verdicts[expression] = result.book.verdict(expression)
        return verdicts

    def _pin_wanted(self, ticket: Ticket) -> None:
        wanted, self._to_pin = self._to_pin, None
        if wanted is not None:
            self._publish(pinned=self.analysis.result(wanted, lambda _stage: ticket.checkpoint()))

    def _show_failure(self, settings: Settings, error: StageError) -> None:
        """Show what a stage failed of, with a contrast to use instead if that is what is wrong."""
        suggestion = self.analysis.suggestion(settings, error.cause) if error.stage == "contrast" else None
        self.show_error(error, suggestion or "")

    def _publish(self, **traits: Any) -> None:
        with self.lock:
            for name, value in traits.items():
                setattr(self, name, value)

    def show_error(self, error: Exception, suggestion: str = "") -> None:
        """Put an error on the status, with the stage or setting that it belongs to; the last good result stays."""
        stage = getattr(error, "stage", getattr(error, "path", None))
        message = str(error) or type(error).__name__
        details = "".join(traceback.format_exception(error))
        log.info("%s: %s", stage, message)
        self._publish(status=Status("error", stage, message, details, self.status.timings, suggestion))

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
        with self.lock:
            if not self._lane.cancel() and self.status.state == "busy":
                self.status = Status("idle", message="cancelled", timings=self.status.timings)

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
