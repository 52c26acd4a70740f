"""The ledger: every model that was looked at, so that a map found by searching can say so.

What counts as looked at is what was on screen: each map that was published is counted, those passed on the way of a
drag too. The entries are steps: maps of one movement of the hand make one entry, whose ``maps`` says how many they
were. Entries are only ever added; undo goes back in the settings, not in the ledger.
"""

from __future__ import annotations

import hashlib
import json
import time
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from glmwidgets.files.json_tree import JsonTree
from glmwidgets.glm.fit.expressions import contrast_vector, expression_from_vector
from glmwidgets.glm.fit.grammar import as_f_test, is_f_test
from glmwidgets.plural import count
from glmwidgets.specification.field import UNSAID, SettingsError
from glmwidgets.specification.settings import Settings
from glmwidgets.specification.tree import SettingsTree
from glmwidgets.specification.words import ASIDE, describe_changes

if TYPE_CHECKING:
    import pandas as pd


#: Entries of a file beyond these are not read: a second's work for the machine, a month's for a person.
MOST_ENTRIES = 10_000

#: Roles of an entry, of which the first is that of all until a model is locked.
ROLES = ("", "confirmatory", "exploratory")


@dataclass(frozen=True)
class Entry:
    """One step of looking.

    Attributes
    ----------
    number : int
        From 1.
    time : str
        When its last map was published, ISO 8601 in UTC.
    seconds : float
        Computing time of that map.
    settings : SettingsTree
        Of that map.
    words : str
        What changed from the entry before.
    model, contrast : str
        Digests of the model, and of the contrast under it: equal if and only if nothing that matters differs.
    maps : int
        Maps that were shown in this step.
    role : str
        One of `ROLES`.
    """

    number: int
    time: str
    seconds: float
    settings: SettingsTree
    words: str
    model: str
    contrast: str
    maps: int = 1
    role: str = ""


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def model_digest(settings: Settings, design: pd.DataFrame) -> str:
    """Digest of a model of a run: its data and noise settings, and the design matrix that the others led to.

    The matrix stands for the design's settings, for two that give the same columns are the same model: the order
    of a polynomial does not matter to a cosine drift. Its values count to six digits.
    """
    tree = settings.to_dict(origins=False)
    for path, known in settings.known().items():
        group, _, name = path.partition(".")
        # What means the same as its absence was not told before it could be said.
        if group in ("data", "noise") and known.absent is not UNSAID and tree[group].get(name, UNSAID) == known.absent:
            del tree[group][name]
    chosen = json.dumps([tree[group] for group in ("data", "noise")], sort_keys=True)
    x = design.to_numpy(dtype=float)
    size = np.abs(x).max(axis=0)
    rounded = np.round(x / np.where(size > 0, size, 1), 6) + 0.0
    return _digest(chosen.encode(), json.dumps([str(c) for c in design.columns]).encode(), rounded.tobytes())


def contrast_digest(model: str, expression: str, columns: Any, among: str = "") -> str:
    """Digest of a contrast under a model: two ways of writing the same weights are one contrast.

    Of a group, `among` says who is in: the same contrast among others is another.
    """
    canonical = expression_from_vector(contrast_vector(expression, columns), columns)
    if is_f_test(expression, columns):
        canonical = as_f_test(canonical)
    return _digest(model.encode(), canonical.encode(), *([among.encode()] if among else []))


class Ledger:
    """What was looked at, in order.

    Parameters
    ----------
    clock : callable
        Seconds since 1970.

    Attributes
    ----------
    entries : tuple of Entry
    locked : int or None
        Number of the entry whose model was locked as the confirmatory one.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> session.update({"noise.model": "ols"}), session.ledger.n_models
    (True, 2)
    """

    def __init__(self, clock: Callable[[], float] = time.time):
        self.entries: tuple[Entry, ...] = ()
        self.locked: int | None = None
        self._clock = clock
        self._models: set[str] = set()
        self._contrasts: set[str] = set()
        self._confirmatory: set[str] = set()
        self._movement: int | None = None
        # What the present movement has counted and nothing before it.
        self._passed: tuple[set[str], set[str]] = (set(), set())

    @property
    def models(self) -> frozenset[str]:
        """Digests of the models that a hand came to rest on."""
        return frozenset(self._models)

    @property
    def contrasts(self) -> frozenset[str]:
        """Digests of the contrasts, each under its model, of which a map was shown."""
        return frozenset(self._contrasts)

    @property
    def n_models(self) -> int:
        """Number of different models of which a map was shown."""
        return len(self._models)

    @property
    def n_contrasts(self) -> int:
        """Number of different contrasts, each under its model, of which a map was shown."""
        return len(self._contrasts)

    @property
    def is_exploratory(self) -> bool:
        """Whether what is being looked at came after a model was locked, and is another."""
        return bool(self.entries) and self.entries[-1].role == "exploratory"

    def add(
        self,
        settings: SettingsTree,
        design: pd.DataFrame,
        timings: Mapping[str, float],
        movement: int | None = None,
        among: str = "",
    ) -> None:
        """Count a map that was published, as an entry or as part of the last one.

        Parameters
        ----------
        settings : SettingsTree
            Of the map.
        design : DataFrame
            Of the model.
        timings : mapping
            Seconds by stage.
        movement : int, optional
            Number of the movement that led to it (see `glmwidgets.session.core.steps.Steps`); maps of one movement make
            one entry.
        among : str
            Who is in, of a group's map.
        """
        now = self._clock()
        last = self.entries[-1] if self.entries else None
        model = model_digest(settings, design)
        contrast = contrast_digest(model, settings.contrast.expression, design.columns, among)
        role = self._role(contrast)
        same_movement = last is not None and movement is not None and movement == self._movement
        # An entry that was locked is a record by itself and is never written over.
        goes_on = same_movement and last.number != self.locked and last.role == role
        if goes_on:
            # What a hand passed on its way to a rest was not looked at.
            self._models -= self._passed[0]
            self._contrasts -= self._passed[1]
        self._passed = ({model} - self._models, {contrast} - self._contrasts)
        self._models.add(model)
        self._contrasts.add(contrast)
        moved = frozenset() if last is None else frozenset(settings.changes_from(last.settings)) - ASIDE
        if last is not None and not any(map(settings.matters, moved)):
            return
        entry = Entry(
            number=len(self.entries) + 1,
            time=datetime.fromtimestamp(now, timezone.utc).isoformat(timespec="seconds"),
            seconds=round(sum(timings.values()), 4),
            settings=settings,
            words="first look" if last is None else describe_changes(settings, last.settings),
            model=model,
            contrast=contrast,
            role=role,
        )
        if goes_on:
            before = self.entries[-2].settings if len(self.entries) > 1 else settings
            words = describe_changes(settings, before)
            merged = replace(entry, number=last.number, words=words, maps=last.maps + 1)
            self.entries = (*self.entries[:-1], merged)
        else:
            self.entries = (*self.entries, entry)
        self._movement = movement

    def _role(self, contrast: str) -> str:
        if self.locked is None:
            return ""
        return "confirmatory" if contrast in self._confirmatory else "exploratory"

    def lock(self, expressions: tuple[str, ...] = (), columns: Any = ()) -> Entry:
        """Declare the model that is being looked at as the confirmatory one; looks at any other are exploratory.

        There is no way back: that is what it is for.

        Parameters
        ----------
        expressions : tuple of str
            Further contrasts of that model that belong to the plan.
        columns : sequence of str
            Columns of the design, which those expressions weigh.

        Returns
        -------
        Entry
            The one that was locked.

        Raises
        ------
        ValueError
            If nothing was looked at yet, a model is locked already, or an expression cannot be read.
        """
        if not self.entries:
            raise ValueError("there is no model to lock yet")
        if self.locked is not None:
            raise ValueError(f"the model of entry {self.locked} is locked already; only one can be confirmatory")
        entry = self.entries[-1]
        planned = {contrast_digest(entry.model, expression, columns) for expression in expressions}
        self._confirmatory = {entry.contrast, *planned}
        self.locked = entry.number
        entry = replace(entry, role="confirmatory")
        self.entries = (*self.entries[:-1], entry)
        return entry

    def summary(self) -> str:
        """The counts in words, as they go into an export.

        Examples
        --------
        >>> Ledger().summary()
        '0 models and 0 contrasts viewed'
        """
        models = count(self.n_models, "model")
        contrasts = count(self.n_contrasts, "contrast")
        words = f"{models} and {contrasts} viewed"
        if self.locked is not None:
            words += f"; entry {self.locked} was locked as confirmatory"
        return words

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, ready for JSON; settings are given whole once, then as what changed."""
        out: list[dict[str, Any]] = []
        before: Settings | None = None
        for entry in self.entries:
            row: dict[str, Any] = {"number": entry.number, "time": entry.time, "seconds": entry.seconds}
            row |= {"words": entry.words, "maps": entry.maps, "role": entry.role}
            row |= {"model": entry.model, "contrast": entry.contrast}
            if before is None:
                row["settings"] = entry.settings.to_dict()
            else:
                changed = entry.settings.changes_from(before)
                row["changed"] = {path: _jsonable(after) for path, (_, after) in changed.items()}
            before = entry.settings
            out.append(row)
        return {
            "locked": self.locked,
            "confirmatory": sorted(self._confirmatory),
            "models": sorted(self._models),
            "contrasts": sorted(self._contrasts),
            "entries": out,
        }

    @classmethod
    def read(cls, tree: JsonTree, clock: Callable[[], float] = time.time) -> Ledger:
        """Read what `to_dict` gave; the file keeps what in it cannot be used."""
        ledger, entries = cls(clock), []
        settings = Settings()
        rows = tree.branches("entries")
        if len(rows) > MOST_ENTRIES:
            tree.drop("entries", len(rows), f"there are {len(rows):,}, of which the first {MOST_ENTRIES:,} are read")
        for row in rows[:MOST_ENTRIES]:
            settings = Settings.read(row.branch("settings")) if "settings" in row else _after(settings, row)
            before = len(tree.dropped)
            facts = {name: row.leaf(name, kind) for name, kind in _KEPT.items()}
            if facts["role"] not in (*ROLES, None):
                row.drop("role", facts["role"], f"must be one of {', '.join(map(repr, ROLES))}")
            if len(tree.dropped) == before:
                entries.append(Entry(settings=settings, **facts))
        ledger.entries = tuple(entries)
        ledger.locked = tree.leaf("locked", int | None)
        if ledger.locked not in (None, *(entry.number for entry in entries)):
            tree.drop("locked", ledger.locked, "there is no entry of that number")
            ledger.locked = None
        for name in ("confirmatory", "models", "contrasts"):
            setattr(ledger, f"_{name}", set(tree.leaf(name, tuple[str, ...], ())))
        return ledger


def _after(settings: Settings, row: JsonTree) -> Settings:
    """Settings after what a row says that changed."""
    changed = row.branch("changed")
    try:
        return settings.updated(dict(changed.items()))
    except SettingsError:  # one by one, then
        pass
    for path, value in changed.items():
        try:
            settings = settings.updated({path: value})
        except SettingsError as error:
            changed.drop(path, value, error)
    return settings


_KEPT = {name: kind for name, kind in typing.get_type_hints(Entry).items() if name != "settings"}


def _jsonable(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
