"""The live analysis: settings go in from any thread, results come out when they are ready. No widget in it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import traitlets

from glmwidgets.analysis import steps
from glmwidgets.analysis.answers import RunAnswer
from glmwidgets.analysis.event_edits import EventEdits
from glmwidgets.analysis.events import types_of
from glmwidgets.analysis.proposals import carried_contrasts, named_weights
from glmwidgets.glm.errors import KindError
from glmwidgets.glm.fit.typed_weights import are_weights
from glmwidgets.glm.noise.evidence import Evidence
from glmwidgets.regions.interest import RegionOfInterest
from glmwidgets.runs.run import Run
from glmwidgets.session.core.ledger import Ledger
from glmwidgets.session.core.live import LiveSession, first_settings
from glmwidgets.session.core.scheduler import Ticket
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.session.single.preview import Preview, Previewer
from glmwidgets.session.single.regions import changes_of_regions, regions_of, text_of_region
from glmwidgets.specification.field import SettingsError
from glmwidgets.specification.noise import ASKED
from glmwidgets.specification.settings import Settings


class Session(LiveSession):
    """One run being looked at; see `glmwidgets.session.core.live.LiveSession`.

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

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> session.update({"contrast.expression": "faces - houses", "design.hrf_model": "glover"})
    True
    >>> session.result.settings.design.hrf_model
    'glover'
    >>> session.undo(), session.settings.design.hrf_model
    (True, 'spm')
    """

    results = (*LiveSession.results, "pinned")

    settings = traitlets.Instance(Settings)
    result = traitlets.Instance(RunAnswer, allow_none=True, help="The last good result.")
    preview = traitlets.Instance(Preview, allow_none=True, help="The visible slices, ahead of a large `result`.")
    scan = traitlets.Int(None, allow_none=True, help="Scan that the map is laid over, counted from 0; None for none.")
    pinned = traitlets.Instance(RunAnswer, allow_none=True, help="Result that others are compared with.")
    evidence = traitlets.Instance(Evidence, allow_none=True, help="What this session chose its noise model by.")

    def __init__(self, run: Run, settings: Settings | Mapping[str, Any] | None = None, synchronous: bool = False):
        if not isinstance(run, Run):
            raise KindError(
                f"a session is of a run that was opened, not of {type(run).__name__}: open_run(...) opens it"
            )
        self._run: tuple[Run, Run] | None = None
        analysis = Analysis(run)
        self._previewer = Previewer(analysis)
        self._to_pin: Settings | None = None
        self._events = run.events
        self.ledger = Ledger()
        self.regions_found: tuple[Any, dict[str, np.ndarray]] = (None, {})
        super().__init__(analysis, first_settings(analysis, settings), synchronous)

    @property
    def run(self) -> Run:
        """The run, its scans at the times that are asked for."""
        opened = self.analysis.run
        asked = steps.timed(opened, self.settings)
        # The same object for the same times: who looks at it again need not look for what has changed.
        same = self._run is not None and self._run[0] is opened and self._run[1].inputs == asked.inputs
        if not same:
            self._run = opened, asked
        return self._run[1]

    @property
    def events(self) -> pd.DataFrame | None:
        """Events as edited; where those of the settings cannot be made, the last that could. To be read only."""
        with contextlib.suppress(ValueError):
            self._events = self.analysis.events(self.settings)
        return self._events

    @property
    def conditions(self) -> tuple[str, ...]:
        """Event types, sorted, those without a tick and modulators too."""
        return types_of(self.events)

    @property
    def event_edits(self) -> EventEdits:
        """What can be done to the events of the present settings."""
        settings = self.settings.updated(self._named())
        return EventEdits(self.analysis.event_source, settings, self.run.window)

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
            settings = found[0].seen_as(self.settings)
            self.steps.add(settings)
            self._take(settings)

    def choose_noise(self) -> Evidence:
        """Take the noise model that the run asks for; that is a step as any other, and keeps the model's name.

        Returns
        -------
        Evidence
            What it was chosen by, in words, too.
        """
        found = self.analysis.noise_by_evidence(self.settings)
        with self.lock:
            self.evidence = found
            self.update(found.as_settings())
        return found

    def take_evidence(self, found: Evidence) -> None:
        """Have the settings name the noise model that the run was to be asked for; that is no step of its own."""

        def named(settings: Settings) -> Settings:
            return settings.updated(found.as_settings()) if settings.noise.choice == ASKED else settings

        with self.lock:
            if self.settings.noise.choice == ASKED:
                self.evidence = found
                self.steps.rewrite(named)
                self.settings = named(self.settings)
                self.looks += 1

    def _carried(self, settings: Settings) -> Mapping[str, Any]:
        if all(getattr(settings, part) == getattr(self.settings, part) for part in ("inputs", "events", "design")):
            return {}
        named = self._named()
        contrast = settings.updated(named).contrast
        names = ("conditions", "hrf_model", "fir_delays")
        if all(getattr(settings.design, name) == getattr(self.settings.design, name) for name in names):
            return named
        columns = self.analysis.columns_of_conditions
        return named | carried_contrasts(contrast, columns(self.settings), columns(settings))

    def _named(self) -> dict[str, Any]:
        """Contrasts that are typed as bare weights, by the names of the present design."""
        if not any(are_weights(text) for _, text in self.settings.contrast.listed):
            return {}
        with contextlib.suppress(ValueError):
            return named_weights(self.settings.contrast, list(self.analysis.design(self.settings).columns))
        return {}

    def _is_open(self, settings: Settings) -> bool:
        return settings.noise.choice == ASKED

    def _settled(self, result: RunAnswer, movement: int) -> RunAnswer | None:
        if not self._is_open(result.settings):
            return result
        found = self.analysis.noise_by_evidence(result.settings)
        with self.lock:
            self.take_evidence(found)
            if not self.is_current:
                self.refresh()
                return None
            self.result = dataclasses.replace(result, settings=self.settings)
            self._count(self.result, movement)
            self.looks += 1
            return self.result

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

    def _prepare(self, settings: Settings, ticket: Ticket) -> bool:
        self._pin_wanted(ticket)
        preview = self._previewer.look(settings, self.cursor)
        if preview is not None:
            with self._with_map():
                self.preview = preview
        return preview is not None

    @property
    def _is_new(self) -> bool:
        # A session that goes on where one left off stays where that was.
        return not self.ledger.entries

    def _count(self, result: RunAnswer, movement: int) -> None:
        # A first map that waits for the run's own noise model is no model that anybody chose to look at.
        if not self._is_open(result.settings):
            self.ledger.add(result.settings, result.design, result.timings, movement)

    def _pin_wanted(self, ticket: Ticket) -> None:
        wanted, self._to_pin = self._to_pin, None
        if wanted is not None:
            self._publish(pinned=self.analysis.result(wanted, lambda _stage: ticket.checkpoint()))

    def show_scan(self, scan: int | None) -> None:
        """Lay the map over one scan, or over its background again.

        Parameters
        ----------
        scan : int or None
            Counted from 0 among the scans that are analysed; brought into their range.
        """
        with self.lock:
            if scan is not None:
                scan = None if self.result is None else int(np.clip(scan, 0, len(self.result.design) - 1))
            self.scan = scan

    def scan_image(self, scan: int) -> np.ndarray:
        """One of the scans that are analysed, 3-D, as it was measured."""
        dropped = self.run.n_scans - len(self.result.design)
        return self.run.reader.scan(dropped + scan)

    @traitlets.observe("result")
    def _keep_scan_inside(self, _change: object) -> None:
        if self.scan is not None and self.scan >= len(self.result.design):
            self.scan = None

    # ---- regions of interest

    @property
    def regions(self) -> tuple[RegionOfInterest, ...]:
        """Regions of interest that are set, over the voxels that are analysed."""
        return regions_of(self)

    def region_of_interest(self, name: str, how: Any) -> RegionOfInterest:
        """Add a region of interest, or put another in the place of the one of that name; a step as any other.

        Parameters
        ----------
        name : str
        how : str, bool array of shape (nx, ny, nz), or image
            ``"sphere X Y Z RADIUS"`` in mm, ``"label NAME"`` of the atlas that is set, ``'label "NAME" ATLAS'`` of
            another, ``"cluster NUMBER"`` of the table on screen, ``"mask PATH"``, or a mask.

        Returns
        -------
        RegionOfInterest
            Its ``circular`` says if it was found in the same map.

        Raises
        ------
        SettingsError
            If there is no such region; nothing has changed then.

        Examples
        --------
        >>> from glmwidgets.datasets import simulate_run
        >>> from glmwidgets.runs import open_run
        >>> made = simulate_run(seed=1)
        >>> session = Session(open_run(made.img, made.events, made.t_r), synchronous=True)
        >>> session.refresh()
        >>> region = session.region_of_interest("middle", "sphere 0 0 0 9")
        >>> session.signal_change().columns[:5].tolist()
        ['region', 'how', 'n_voxels', 'condition', 'percent_change']
        >>> session.close()
        """
        with self.lock:
            chosen = self.settings.regions
            changes = chosen.relisted({**chosen.listed, name: text_of_region(self, how)}, name)
            after = self.settings.updated(changes)
            region = regions_of(self, after.regions)[list(after.regions.names).index(name)]
            if not region.n_voxels and not region.how.startswith("drawn"):
                raise SettingsError("regions.found", f"{name}: no analysed voxel lies in {region.how}")
            self.steps.let_go()
            self.update(changes)
            return region

    def remove_region(self, name: str) -> None:
        """Take a region of interest off the list; a step as any other."""
        with self.lock:
            chosen = self.settings.regions
            self.steps.let_go()
            self.update(chosen.relisted({key: text for key, text in chosen.listed.items() if key != name}))

    def signal_change(self) -> pd.DataFrame:
        """Percent signal change of every condition in every region of interest, with 95 % intervals.

        Returns
        -------
        DataFrame
            See `glmwidgets.analysis.change_table`, whose head names the convention.
        """
        return changes_of_regions(self)

    def close(self) -> None:
        """End the worker threads, and let go of every result and of the run's images."""
        super().close()
        self._previewer.forget()
        self._run = None
        self.regions_found = (None, {})
