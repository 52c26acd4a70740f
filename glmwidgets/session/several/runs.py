"""Several runs of one participant: a live session for each, one for their fixed effects, and one model for all.

The model and what is asked of it (`LINKED`) are shared: a change in one run is one of all, and of the fixed effects.
What belongs to a run alone, its events above all, stays with it. A run can be given a model of its own. Where the runs
are to be asked for their noise model, the one that is looked at first answers for all: runs of one participant have the
scanner, the repetition time and the sequence in common, on which the kind of noise depends.

Only what is shown computes. The others take what has changed when it is their turn: for undo there, that is one step.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import traitlets

from glmwidgets.glm.noise.evidence import Evidence
from glmwidgets.images.grids import grid_difference
from glmwidgets.plural import count
from glmwidgets.runs.run import Run, run_name
from glmwidgets.session.core.ledger import Ledger
from glmwidgets.session.core.live import LiveSession
from glmwidgets.session.core.on_demand import OnDemand
from glmwidgets.session.core.steps import Steps
from glmwidgets.session.several.session import FixedSession
from glmwidgets.session.single.session import Session
from glmwidgets.specification.fixed import FixedSettings, written_model
from glmwidgets.specification.noise import ASKED
from glmwidgets.specification.settings import InputSettings, Settings

#: Groups of settings that runs share.
LINKED = ("data", "design", "noise", "contrast", "threshold", "map")

# Settings that name things which one run may have and another lack.
_NAMED = ("design.conditions", "design.confounds")


class RunSession(OnDemand, Session):
    """A run among others."""

    first_look = True

    @property
    def _is_new(self) -> bool:
        # Only the run that is looked at first takes the crosshair to its peak.
        return self.first_look and not self.ledger.entries


def check_same_grid(runs: Sequence[Run]) -> None:
    """Refuse runs whose voxels are not at the same places.

    Raises
    ------
    ValueError
        Names the runs and their files.
    """
    for i, run in enumerate(runs[1:], 1):
        if (difference := grid_difference(runs[0].domain, run.domain)) is not None:
            raise ValueError(
                f"{run_name(0)} ({_file(runs[0])}) and {run_name(i)} ({_file(run)}) lie on different grids: "
                f"{difference}\nresample one to the other, for example with "
                "glmwidgets.images.resample.resample_to_img"
            )


def _file(run: Run) -> str:
    return run.inputs.bold or run.name


class RunSet(traitlets.HasTraits):
    """Runs under one model, and their fixed effects.

    Parameters
    ----------
    runs : sequence of Run
        At least two, on one grid.
    settings : Settings or mapping, optional
        What to begin with, as for `glmwidgets.session.single.session.Session`; for all runs.
    synchronous : bool
        Compute in the caller's thread: for scripts and tests.

    Attributes
    ----------
    sessions : tuple of RunSession
    fixed : FixedSession
    names : tuple of str
        Of the tabs: the runs, and the fixed effects.
    shared : Settings
        The model of all. Event types and confounds are those of all runs together.
    lock : RLock
        Of all sessions: a change goes through them in one piece.

    Raises
    ------
    ValueError
        If the runs lie on different grids, or are fewer than two.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session.several.runs import RunSet
    >>> runs = [open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60, seed=seed)) for seed in (1, 2)]
    >>> of = RunSet(runs, synchronous=True)
    >>> of.show(2)
    >>> of.names, of.fixed.is_current
    (('run 1', 'run 2', 'fixed effects'), True)
    """

    shown = traitlets.Int(0, help="Which session is looked at; the last are the fixed effects.")
    own = traitlets.Tuple(help="Runs that have a model of their own, by index.")

    def __init__(
        self, runs: Sequence[Run], settings: Settings | Mapping[str, Any] | None = None, synchronous: bool = False
    ):
        super().__init__()
        if len(runs) < 2:
            raise ValueError("fixed effects are over two runs or more")
        check_same_grid(runs)
        self.lock = threading.RLock()
        self._quiet = False
        self.sessions = tuple(self._opened(run, settings, synchronous) for run in runs)
        self.shared = self._union()
        self.fixed = FixedSession(self, synchronous)
        self.fixed.lock = self.lock
        for i, session in enumerate(self.sessions):
            session.observe(lambda change, i=i: self._run_changed(i, change), "settings")
            session.observe(lambda change, i=i: self._evidence_found(i, change["new"]), "evidence")
        self.fixed.observe(self._fixed_changed, "settings")
        self.bring_all()
        for session in self.sessions:
            # What a run would have begun with by itself is nothing to go back to.
            session.steps = Steps(session.settings)

    @property
    def names(self) -> tuple[str, ...]:
        """What the sessions are called."""
        return (*(run_name(i) for i in range(len(self.sessions))), "fixed effects")

    @property
    def every(self) -> tuple[LiveSession, ...]:
        """The runs' sessions, and that of the fixed effects."""
        return (*self.sessions, self.fixed)

    @property
    def current(self) -> LiveSession:
        """The session that is looked at."""
        return self.every[self.shown]

    def _opened(self, run: Run, settings: Settings | Mapping[str, Any] | None, synchronous: bool) -> RunSession:
        if isinstance(settings, Settings):
            settings = replace(settings, inputs=InputSettings.of(run))
        session = RunSession(run, settings, synchronous)
        session.lock = self.lock
        return session

    # What is shown ----------------------------------------------------------------------------------------------------

    def show(self, index: int) -> None:
        """Look at another session: it takes what has changed elsewhere and computes; the one before rests.

        Parameters
        ----------
        index : int
            Of a run, or the number of runs for the fixed effects.
        """
        with self.lock:
            if not 0 <= index <= len(self.sessions):
                raise ValueError(
                    f"the session {index} is neither one of {count(len(self.sessions), 'run')} nor their fixed effects"
                )
            if index == self.shown:
                return
            before = self.current
            before.rest()
            if before.result is not None:
                for session in self.sessions:
                    session.first_look = False
            self._bring(index)
            self.every[index].cursor = before.cursor
            self.shown = index
            self.current.wake()

    def _bring(self, index: int) -> None:
        """Give a session what it shares with the others."""
        with self._quietly():
            if index == len(self.sessions):
                self.fixed.follow()
            elif index not in self.own:
                target = self.projected(index)
                changes = target.changes_from(self.sessions[index].settings)
                linked = {path: after for path, (_, after) in changes.items() if path.partition(".")[0] in LINKED}
                if linked:
                    self.sessions[index].update(linked)

    def bring_all(self) -> None:
        """Give every session what it shares with the others, computing nothing but for the one that is shown."""
        with self.lock:
            for index in range(len(self.every)):
                self._bring(index)

    def take(self, shared: Settings, settings: Sequence[Settings], own: Sequence[int], fixed: FixedSettings) -> None:
        """Begin with what another set of the same runs had come to.

        Parameters
        ----------
        shared : Settings
        settings : sequence of Settings
            Of each run.
        own : sequence of int
            Runs that have a model of their own.
        fixed : FixedSettings
        """
        with self.lock, self._quietly():
            self.own, self.shared = tuple(own), shared
            for session, chosen in zip(self.sessions, settings, strict=True):
                session.settings = chosen
            self.fixed.settings = fixed
            self.bring_all()
            for session in self.every:
                session.steps = Steps(session.settings)

    def begin_at(self, shown: int, cursor: tuple[int, int, int]) -> None:
        """Have a session shown, and the crosshair at a voxel, before anything is computed."""
        with self.lock:
            for session in self.sessions:
                session.first_look = False
            for session in self.every:
                session.cursor = cursor
            self.shown = shown

    @contextmanager
    def _quietly(self):
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    # One model --------------------------------------------------------------------------------------------------------

    def projected(self, index: int) -> Settings:
        """Settings of a run: its own, or the shared ones with the event types and confounds that it has."""
        settings = self.sessions[index].settings
        if index in self.own:
            return settings
        settings = replace(settings, **{group: getattr(self.shared, group) for group in LINKED})
        chosen = {path: self._part(path, self._there(path, index)) for path in _NAMED}
        return settings.updated(chosen)

    def _part(self, path: str, there: Sequence[str] | None) -> tuple[str, ...] | None:
        """What of the shared names a run has; None where that is all of them and the run is to take all."""
        shared = self.shared.get(path)
        if shared is None or there is None:
            return None
        part = tuple(name for name in shared if name in there)
        return None if path == "design.conditions" and set(part) == set(there) else part

    def _there(self, path: str, index: int) -> tuple[str, ...] | None:
        """Names that a run has: its event types, or the confounds that can be made of its table."""
        session = self.sessions[index]
        if path == "design.conditions":
            return session.conditions
        table = session.run.confounds
        if table is None:
            return None
        names = [str(name) for name in table.columns]
        stems = [name for name in names if name.startswith(("trans_", "rot_"))]
        made = [f"{stem}{more}" for stem in stems for more in ("_derivative1", "_power2", "_derivative1_power2")]
        return tuple(dict.fromkeys([*names, *made]))

    def _union(self) -> Settings:
        """The first run's settings, with the confounds that any run begins with."""
        shared = self.sessions[0].settings
        if shared.design.confounds is None:
            return shared
        chosen = [session.settings.design.confounds or () for session in self.sessions]
        return shared.updated({"design.confounds": tuple(dict.fromkeys(name for names in chosen for name in names))})

    def _run_changed(self, index: int, change: Any) -> None:
        with self.lock:
            if self._quiet:
                return
            if index not in self.own:
                moved = change["new"].changes_from(change["old"])
                self._share({path: after for path, (_, after) in moved.items()}, index)
            if self.shown != index:
                self._bring(self.shown)

    def _evidence_found(self, index: int, found: Evidence | None) -> None:
        with self.lock:
            if found is None or self._quiet or index in self.own:
                return
            whose = f"All runs have the noise model that {run_name(index)} asks for."
            for_all = found._replace(said=f"{whose} {found.said}")
            with self._quietly():
                for i, session in enumerate(self.sessions):
                    if i != index and i not in self.own:
                        session.take_evidence(for_all)

    def settle_noise(self) -> bool:
        """Ask the first run for the noise model of all, where that is open; whether it was."""
        open_ones = [session for session in self.sessions if session.settings.noise.choice == ASKED]
        for session in open_ones:
            if session.settings.noise.choice == ASKED:
                session.take_evidence(session.analysis.noise_by_evidence(session.settings))
        return bool(open_ones)

    def _fixed_changed(self, change: Any) -> None:
        with self.lock:
            if not self._quiet:
                moved = change["new"].changes_from(change["old"])
                self._share({path: after for path, (_, after) in moved.items()})
                if self.shown != len(self.sessions):
                    self._bring(self.shown)

    def _share(self, changes: Mapping[str, Any], index: int | None = None) -> None:
        changes = {path: value for path, value in changes.items() if path.partition(".")[0] in LINKED}
        for path in _NAMED:
            if path in changes and index is not None:
                changes[path] = self._with_part(path, changes[path], index)
        if changes:
            self.shared = self.shared.updated(changes)

    def _with_part(self, path: str, chosen: tuple[str, ...] | None, index: int) -> tuple[str, ...] | None:
        """The shared names, with those of one run as chosen there."""
        theirs = [self._there(path, i) or () for i in range(len(self.sessions))]
        every = dict.fromkeys(name for names in theirs for name in names)
        before = self.shared.get(path)
        kept = [name for name in (every if before is None else before) if name not in theirs[index]]
        mine = theirs[index] if chosen is None else chosen
        if chosen is None and (before is None or set(every) <= {*kept, *mine}):
            return None
        names = tuple(dict.fromkeys([*kept, *mine]))
        return None if path == "design.conditions" and set(every) <= set(names) else names

    def unlink(self, index: int) -> None:
        """Let a run have a model of its own; it begins as the shared one."""
        with self.lock:
            if not 0 <= index < len(self.sessions):
                raise ValueError("only a run can have a model of its own")
            self._bring(index)
            self.own = tuple(sorted({*self.own, index}))

    def link(self, index: int) -> None:
        """Give a run the shared model again; its own is one undo away."""
        with self.lock:
            self.own = tuple(i for i in self.own if i != index)
            self._bring(index)
            if self.shown == len(self.sessions):
                self._bring(self.shown)

    # All of them ------------------------------------------------------------------------------------------------------

    def models(self) -> tuple[str, ...]:
        """Model of each run, written as `glmwidgets.specification.fixed.written_model` does."""
        return tuple(written_model(self.projected(i)) for i in range(len(self.sessions)))

    @property
    def ledgers(self) -> tuple[Ledger, ...]:
        """What was looked at: in each run, and in the fixed effects."""
        return tuple(session.ledger for session in self.every)

    @property
    def n_models(self) -> int:
        """Number of different models of which a map was shown, in all sessions; a run and all runs count each."""
        return len(set().union(*(ledger.models for ledger in self.ledgers)))

    @property
    def n_contrasts(self) -> int:
        """Number of different contrasts, each under its model, of which a map was shown."""
        return len(set().union(*(ledger.contrasts for ledger in self.ledgers)))

    def summary(self) -> str:
        """The counts in words, as they go into an export."""
        models, contrasts = self.n_models, self.n_contrasts
        return (
            f"{count(models, 'model')} and {count(contrasts, 'contrast')} viewed, over "
            f"{count(len(self.sessions), 'run')} and their fixed effects"
        )

    def current_result(self, timeout: float | None = None) -> Any:
        """The result of the session that is looked at; see `glmwidgets.session.core.waiting.Awaited.current_result`."""
        return self.current.current_result(timeout)

    def wait_until_idle(self, timeout: float | None = None) -> bool:
        """Block until nothing is computed; False if `timeout` seconds were not enough for one of the sessions.

        Where nothing was asked for yet, the first result of the session that is looked at is.
        """
        if self.current.asleep:
            self.current.wake()
        return all([session.wait_until_idle(timeout) for session in self.every])

    def close(self) -> None:
        """End the worker threads."""
        for session in self.every:
            session.close()
