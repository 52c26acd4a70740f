"""What every live analysis is: settings go in from any thread, results come out when they are ready.

A `LiveSession` knows nothing of what is analysed: its analysis says where the data lie, and its answers what they are
in and what effects there are to be contrasted.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import traitlets

from glmwidgets.analysis.verdicts import ContrastVerdict
from glmwidgets.analysis.voxels import Here
from glmwidgets.glm.errors import told
from glmwidgets.glm.parallel import giving_way
from glmwidgets.runs.domain import Domain
from glmwidgets.session.core.analysis import LiveAnalysis
from glmwidgets.session.core.crosshair import Crosshair
from glmwidgets.session.core.drawing import DrawsNoise
from glmwidgets.session.core.graph import StageError
from glmwidgets.session.core.mishaps import Mishaps
from glmwidgets.session.core.observers import Observed
from glmwidgets.session.core.scheduler import PATIENCE, LatestWins, Superseded, Ticket
from glmwidgets.session.core.steps import Steps
from glmwidgets.session.core.waiting import Awaited
from glmwidgets.specification.effects import without_effect
from glmwidgets.specification.field import SettingsError
from glmwidgets.specification.tree import SettingsTree

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


def first_settings(analysis: LiveAnalysis, given: SettingsTree | Mapping[str, Any] | None) -> SettingsTree:
    """The settings that an analysis is first looked at with: a whole tree, or its usual ones with some changed.

    Warns
    -----
    UserWarning
        If a change has no effect under the other settings.
    """
    if isinstance(given, SettingsTree):
        return given
    usual = analysis.default_settings()
    _check_paths(usual, given or {})
    settings = usual.updated(given or {})
    # A state gives every setting: what is as usual is no news.
    changed = settings.changes_from(usual)
    for error in without_effect(settings, [path for path in given or {} if path in changed]):
        warnings.warn(str(error), stacklevel=3)
    return settings


def _check_paths(settings: SettingsTree, changes: Mapping[str, Any]) -> None:
    """Refuse what there is no setting of, and inputs: they say which data are open, and no fit would follow them."""
    for path, value in changes.items():
        if settings.get(path) != value and path.startswith("inputs."):
            raise SettingsError(path, "belongs to the data that are open", "open the data again with the new value")


class LiveSession(Awaited, Crosshair, DrawsNoise, Mishaps, Observed):
    """An analysis that is looked at while its settings change.

    Settings are written with `update`; views observe `result`, `clusters`, `status`, `cursor` and `settings`.
    Everything that changes a trait holds `lock`, so an observer may come on any thread but never two at once.

    Parameters
    ----------
    analysis : LiveAnalysis
    settings : SettingsTree
        What to begin with.
    synchronous : bool
        Compute in the caller's thread: for scripts and tests.

    Attributes
    ----------
    steps : Steps
        What can be undone.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> isinstance(session, LiveSession), session.status.state, session.is_current
    (True, 'idle', True)
    """

    #: Traits that hold results.
    results: ClassVar[tuple[str, ...]] = ("result", "preview", "clusters")

    settings = traitlets.Instance(SettingsTree)
    result = traitlets.Any(None, allow_none=True, help="The last good result.")
    preview = traitlets.Any(None, allow_none=True, help="The visible slices, ahead of a large `result`.")
    clusters = traitlets.Any(None, allow_none=True, help="Clusters of `result`; None while they are being found.")
    status = traitlets.Instance(Status, args=())
    verdicts = traitlets.Dict(help="Verdict on each listed contrast under `result`, by expression.")
    reading = traitlets.Unicode(help="What is read beside the analysis, in words; empty for nothing.")
    looks = traitlets.Int(0, help="Grows whenever the ledger or what can be undone changes.")

    def __init__(self, analysis: LiveAnalysis, settings: SettingsTree, synchronous: bool = False):
        self.lock = threading.RLock()
        self.analysis = analysis
        self._lane = LatestWins(synchronous, on_error=self._fail)
        self._aside = LatestWins(synchronous, on_error=self.show_error)
        self._drawer = LatestWins(synchronous, on_error=self.show_error)
        self._seconds: dict[str, float] = {}
        self._shown_at = -math.inf  # when the last result was shown, on the clock of time.monotonic
        self._failed: Mapping[str, tuple[str, ...]] = {}
        self._ahead: Mapping[str, float] = {}  # seconds by stage of what `begin` computed
        self.steps = Steps(settings)
        nothing = Status(message="nothing is computed yet")
        super().__init__(synchronous, settings=settings, cursor=tuple(n // 2 for n in self.shape), status=nothing)
        self._began_at = self.cursor

    @property
    def domain(self) -> Domain:
        """Where the data lie."""
        return self.analysis.domain

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along the axes of the image."""
        return self.domain.shape

    @property
    def affine(self) -> np.ndarray:
        """Voxel to mm, shape (4, 4)."""
        return self.domain.affine

    @property
    def unit(self) -> str:
        """Unit of effects, such as ``"% × regressor"``; empty where there is none, and before the first result."""
        return "" if self.result is None else self.result.unit

    def effects(self) -> dict[str, tuple[str, ...]]:
        """Columns of the design that model each effect one may contrast; empty before the first result."""
        return {} if self.result is None else dict(self.result.effects)

    @property
    def is_synchronous(self) -> bool:
        """Whether everything is computed in the caller's thread."""
        return self._lane.synchronous

    def stay_here(self, why: str) -> None:
        """Compute in the caller's thread from now on, as where no other may speak to the page.

        Parameters
        ----------
        why : str
            A sentence, which is among the warnings.
        """
        for lane in vars(self).values():
            if isinstance(lane, LatestWins) and not lane.synchronous:
                lane.stay_here(why)

    @property
    def warned(self) -> Mapping[str, tuple[str, ...]]:
        """What was warned of, by stage: on the way to the result, or to the error that stands in its place."""
        here = {"host": (self._lane.why,)} if self._lane.why else {}
        if self.status.state == "error":
            return {**here, **self.analysis.warned, **self._failed}
        return here if self.result is None else {**here, **self.result.warnings}

    def update(self, changes: Mapping[str, Any]) -> bool:
        """Change settings and have the analysis answer.

        Parameters
        ----------
        changes : mapping from path to value
            Such as ``{"design.hrf_model": "glover"}``.

        Returns
        -------
        bool
            False if a value was refused; the settings are then as before and ``status.message`` says why. True does not
            say that there is a result: a contrast of no column fails later. `current_result` waits for the result
            and raises the error; ``status.state`` is then ``"error"``.

        Raises
        ------
        SettingsError
            If there is no setting of a name, or it belongs to the data that are open: that is a slip of the pen in a
            program, and no value that a person typed.

        Warns
        -----
        UserWarning
            If a value has no effect under the other settings.
        """
        _check_paths(self.settings, changes)
        with self.lock:
            try:
                settings = self.settings.updated(changes)
            except ValueError as error:
                self.show_error(error)
                return False
            for error in without_effect(settings, changes):
                warnings.warn(str(error), stacklevel=2)
            if not any(path.startswith("contrast.") for path in changes):
                settings = settings.updated(self._carried(settings))
            if settings != self.settings or self.status.state == "error":
                self.steps.add(settings)
                self._take(settings)
            return True

    def _update_by(self, make: Callable[[], Mapping[str, Any]], path: str = "") -> bool:
        """`update` with the changes that are made; an error in making them is of the setting at ``path``."""
        with self.lock:
            try:
                changes = make()
            except ValueError as error:
                self.show_error(SettingsError.of(path, error) if path else error)
                return False
            return self.update(changes)

    def undo(self) -> bool:
        """Go back to the settings before the last step; False if there are none."""
        with self.lock:
            return self._take(self.steps.undo())

    def redo(self) -> bool:
        """Take back the last undo; False if there is none."""
        with self.lock:
            return self._take(self.steps.redo())

    def _take(self, settings: SettingsTree | None) -> bool:
        if settings is None:
            return False
        # What fails in a view that follows the new settings is told, and not computed away.
        failed = self.status.state == "error"
        # Another way of looking at a result asks for nothing to be computed.
        is_other = not settings.same_analysis(self.settings) or failed
        if is_other:
            self._await_map()
            self._error = None
        self.settings = settings
        self.looks += 1
        if is_other or self._is_open(settings):
            self.refresh()
        return True

    def _carried(self, settings: SettingsTree) -> Mapping[str, Any]:
        """Changes of the contrasts that make them ask the same of other columns than those of the present settings."""
        return {}

    def _is_open(self, settings: SettingsTree) -> bool:
        """Whether something is left to be settled once there is a result, see `_settled`."""
        return False

    def begin(self) -> None:
        """Compute what `refresh` will ask for, and show nothing of it: while the views of a first result are made."""
        settings = self.settings

        def ahead(ticket: Ticket) -> None:
            with contextlib.suppress(StageError):  # told when it is asked for
                self._ahead = self.analysis.result(settings, lambda _stage: ticket.checkpoint()).timings

        if not self.is_synchronous:
            self._lane.submit(ahead)

    def refresh(self) -> None:
        """Ask for the result of the present settings."""
        self._ask()

    def _ask(self) -> None:
        with self.lock:
            self._was_asked, self._error = True, None
            settings, movement = self.settings, self.steps.movement
            self.status = Status("busy", timings=self.status.timings)
            self._lane.submit(lambda ticket: self._compute(settings, movement, ticket))

    def _compute(self, settings: SettingsTree, movement: int, ticket: Ticket) -> None:
        pending = self.analysis.pending(settings)

        def checkpoint(stage: str) -> None:
            ticket.checkpoint()
            self._announce(stage, pending)

        try:
            way = contextlib.nullcontext()
            if self._prepare(settings, ticket):
                is_quick = sum(self._seconds.get(stage, 0.0) for stage in pending) < PATIENCE
                ticket.leave_to_hand(self._shown_at if is_quick else math.inf, is_seen=self._has_map)
                way = giving_way(ticket.checkpoint)
            with way:
                result = self.analysis.result(settings, checkpoint)
            # In order and never an older one over a newer: what a drag shows on its way is the last that is ready.
            self._show(result, movement)
            ticket.wait_for_rest()
            result = self._settled(result, movement) if ticket.is_newest else None
            if result is None:
                return
            timings, self._ahead = {**self._ahead, **result.timings}, {}
            ticket.patience = 0  # a hand that moves again asks for others
            with giving_way(ticket.checkpoint):
                clusters = self.analysis.clusters(result.settings, timings, checkpoint)
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
        if clusters.judged.needs_table and ticket.is_newest:
            self.draw_noise()

    def _announce(self, stage: str, pending: tuple[str, ...]) -> None:
        if stage in pending and self._seconds.get(stage, ANNOUNCED) >= ANNOUNCED:
            step = pending.index(stage) + 1
            state = Status("busy", timings=self.status.timings, running=stage, step=step, n_steps=len(pending))
            self._publish(status=state)

    def _show(self, result: Any, movement: int) -> None:
        with self._with_map():
            if self.result is None and self._is_new and self.cursor == self._began_at:
                self.cursor = self._peak(result)
            self.clusters = None
            self.result = result
            self._shown_at = time.monotonic()
            self._count(result, movement)
            self.looks += 1

    def _prepare(self, settings: SettingsTree, ticket: Ticket) -> bool:
        """Do what has to come before a result; runs on the worker.

        Returns
        -------
        bool
            Whether what is looked at of the result is on screen already.
        """
        return False

    def _settled(self, result: Any, movement: int) -> Any:
        """What is left open until a first result is there; None where another is asked for in its place."""
        return result

    @property
    def _is_new(self) -> bool:
        """Whether the crosshair is put at the peak of the first result, unless somebody moved it before."""
        return True

    def _count(self, result: Any, movement: int) -> None:
        """Take note of a result that is shown."""

    def _judge(self, result: Any, ticket: Ticket) -> dict[str, ContrastVerdict]:
        verdicts = {}
        for _, expression in result.settings.contrast.listed:
            ticket.checkpoint()
            verdicts[expression] = result.book.verdict(expression)
        return verdicts

    def _peak(self, result: Any) -> tuple[int, int, int]:
        """Voxel of the largest |z|, where a person will want to look first."""
        where = np.argwhere(result.mask)[np.argmax(np.abs(result.z))]
        return tuple(int(i) for i in where)

    def _show_failure(self, settings: SettingsTree, error: StageError) -> None:
        """Show what a stage failed of, with a contrast to use instead if that is what is wrong."""
        suggestion = self.analysis.suggestion(settings, error.cause) if error.stage == "contrast" else None
        self._fail(error, suggestion or "")

    def _fail(self, error: Exception, suggestion: str = "") -> None:
        """Show why what is set has no result."""
        with self.lock:
            self._error = error
            self.show_error(error, suggestion)

    def _publish(self, **traits: Any) -> None:
        with self.lock, self.together():
            for name, value in traits.items():
                setattr(self, name, value)

    def show_error(self, error: Exception, suggestion: str = "") -> None:
        """Put an error on the status, with the stage or setting that it belongs to; the last good result stays."""
        cause = getattr(error, "cause", error)
        stage = cause.path if isinstance(cause, SettingsError) else getattr(error, "stage", None)
        # The place stands on the status by itself.
        message = told(error, "notebook", place=getattr(cause, "where", "") != stage)
        details = "".join(traceback.format_exception(error))
        self._failed = getattr(error, "warnings", {})
        log.info("%s: %s", stage, message)
        self._publish(status=Status("error", stage, message, details, self.status.timings, suggestion))

    def series(self, ijk: tuple[int, int, int] | None = None) -> Here | None:
        """What is said of a voxel.

        Parameters
        ----------
        ijk : tuple of int, optional
            The crosshair's voxel by default.

        Returns
        -------
        Here or None
            Statistics, and what an analysis of this kind has beside them; None before the first result and outside
            the mask.
        """
        with self.lock:
            result, ijk = self.result, tuple(ijk or self.cursor)
        return None if result is None else result.at(ijk)

    def aside(self, job: Callable[[Ticket], None]) -> None:
        """Have something made that only one view asks for, beside the analysis; a newer request replaces an older.

        Parameters
        ----------
        job : callable
            Called with its `glmwidgets.session.core.scheduler.Ticket` on a thread of its own, without the lock.
        """
        self._aside.submit(job)

    def cancel(self) -> None:
        """Stop what runs at its next checkpoint; the last good result stays."""
        with self.lock:
            self.stop_drawing()
            if not self._lane.cancel() and self.status.state == "busy":
                self.status = Status("idle", message="cancelled", timings=self.status.timings)

    def close(self) -> None:
        """End the worker threads and let go of every result: a cell's output may hold the session for hours yet."""
        with self.lock:
            self._lane.close()
            self._teller.close()
            self._sent.set()  # no map is awaited any more
            self._aside.close()
            self._drawer.close()
            self.unobserve_all()
            self._put_off.clear()
            for name in self.results:
                setattr(self, name, None)
        self.analysis.forget()
