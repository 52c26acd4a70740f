"""A small graph of cached stages: what has to be computed again when a setting changes, and nothing else.

Each stage names the stages it needs and the settings it reads. Its key is the values of those settings and the keys
of what it needs; a stage runs only for a key that it has not kept. Downstream of a change everything gets a new key,
upstream nothing does. Of the settings a stage sees those that it names, and no other.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from glmwidgets.glm.collected_warnings import Heard
from glmwidgets.glm.errors import GlmwidgetsError, InputError, portable, told
from glmwidgets.session.core.declared import DeclaredSettings, by_group
from glmwidgets.specification.reading import read_by
from glmwidgets.specification.settings import Settings


class StageError(InputError):
    """A stage could not be computed.

    Attributes
    ----------
    stage : str
        Name of the stage, from which a panel knows whether the message is for it.
    cause : Exception
        What went wrong.
    warnings : dict
        What was warned of on the way, by stage.
    """

    def __init__(self, stage: str, cause: Exception, warnings: Mapping[str, tuple[str, ...]] | None = None):
        super().__init__(str(cause) if isinstance(cause, GlmwidgetsError) else told(cause))
        self.stage = stage
        self.cause = cause
        self.warnings = dict(warnings or {})

    def advice_at(self, door: str) -> str:
        """What its cause advises."""
        return self.cause.advice_at(door) if isinstance(self.cause, GlmwidgetsError) else ""

    def said(self, door: str = "function", place: bool = True) -> str:
        """What its cause says."""
        return told(self.cause, door, place)

    def __str__(self) -> str:
        # Whoever meets a stage changes settings, and no argument of the engine.
        return self.said("notebook")

    def _state(self) -> dict[str, Any]:
        # The cause may be of anybody's making, and not every exception survives the way to another process.
        return {**super()._state(), "cause": portable(self.cause)}


@dataclass(frozen=True)
class Stage:
    """One step of the analysis.

    Attributes
    ----------
    name : str
    compute : callable
        ``compute(settings, *results of the stages it needs)``; the settings are those that it `reads`, see
        `glmwidgets.session.core.declared`.
    needs : tuple of str
        Stages whose results it takes, in the order of its arguments.
    reads : tuple of str
        Paths of the settings that it reads; by default those that `compute` declares, see
        `glmwidgets.specification.reading.reads`.
    keep : int
        How many results are kept, the last used longest.
    budget : int or None
        Bytes that the kept results may take together, by their ``nbytes``; the newest is kept whatever it takes.
    """

    name: str
    compute: Callable[..., Any]
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] | None = None
    keep: int = 4
    budget: int | None = None

    def __post_init__(self) -> None:
        if self.reads is None:
            object.__setattr__(self, "reads", read_by(self.compute))

    @cached_property
    def _declared(self) -> dict[str, frozenset[str]]:
        return by_group(self.reads)

    def seen(self, settings: Settings) -> DeclaredSettings:
        """What the stage sees of some settings."""
        return DeclaredSettings(settings, self.name, self._declared)

    def overflows(self, results: Sequence[Any]) -> bool:
        """Whether the oldest of some results has to go."""
        size = 0 if self.budget is None else sum(getattr(result, "nbytes", 0) for result in results)
        return len(results) > self.keep or (self.budget is not None and len(results) > 1 and size > self.budget)


class _Kept(NamedTuple):
    result: Any
    warnings: tuple[str, ...]


class Graph:
    """Stages and their kept results.

    Parameters
    ----------
    stages : iterable of Stage
        Each after those that it needs.

    Examples
    --------
    >>> graph = Graph([
    ...     Stage("double", lambda s: s.get("threshold.value") * 2, reads=("threshold.value",)),
    ...     Stage("text", lambda s, d: f"{d:.1f}", needs=("double",)),
    ... ])
    >>> graph.get("text", Settings())
    '6.2'
    """

    def __init__(self, stages: Iterable[Stage]):
        self._stages = {stage.name: stage for stage in stages}
        self._keys: tuple[Settings | None, dict[str, tuple]] = (None, {})
        self._kept: dict[str, OrderedDict[tuple, _Kept]] = {name: OrderedDict() for name in self._stages}
        # One evaluation at a time: two threads that miss the same key would both do the work.
        self._lock = threading.RLock()

    def clear(self, name: str | None = None) -> None:
        """Let go of every result, or of those of one stage and of all that need it."""
        with self._lock:
            gone = set(self._stages) if name is None else {name}
            for stage in self._stages.values():  # each comes after those that it needs
                if stage.name in gone or gone & set(stage.needs):
                    gone.add(stage.name)
                    self._kept[stage.name].clear()

    def key(self, name: str, settings: Settings) -> tuple:
        """What the result of a stage depends on."""
        of, keys = self._keys
        if of is not settings:
            # Settings do not change, and those that were asked about last are mostly asked about again.
            keys = {}
            self._keys = (settings, keys)
        if name not in keys:
            stage = self._stages[name]
            own = tuple(settings.get(path) for path in stage.reads)
            keys[name] = (name, own, *(self.key(need, settings) for need in stage.needs))
        return keys[name]

    def is_kept(self, name: str, settings: Settings) -> bool:
        """Whether a stage's result is at hand."""
        return self.key(name, settings) in self._kept[name]

    def pending(self, name: str, settings: Settings) -> tuple[str, ...]:
        """Stages that have to be computed before a stage's result is at hand, in their order.

        Parameters
        ----------
        name : str
        settings : Settings
        """
        with self._lock:
            found: dict[str, None] = {}
            self._find_pending(name, settings, found)
            return tuple(found)

    def _find_pending(self, name: str, settings: Settings, found: dict[str, None]) -> None:
        if name not in found and not self.is_kept(name, settings):
            for need in self._stages[name].needs:
                self._find_pending(need, settings, found)
            found[name] = None

    def warnings(self, name: str, settings: Settings) -> dict[str, tuple[str, ...]]:
        """Warnings that were raised on the way to a result that is kept, by stage.

        Parameters
        ----------
        name : str
        settings : Settings
        """
        with self._lock:
            found: dict[str, tuple[str, ...]] = {}
            for need in self._stages[name].needs:
                found |= self.warnings(need, settings)
            kept = self._kept[name].get(self.key(name, settings))
            return {**found, name: kept.warnings} if kept is not None and kept.warnings else found

    def get(
        self,
        name: str,
        settings: Settings,
        timings: dict[str, float] | None = None,
        checkpoint: Callable[[str], None] | None = None,
    ) -> Any:
        """Result of a stage, computed where it is not kept.

        Parameters
        ----------
        name : str
        settings : Settings
        timings : dict, optional
            Gets the seconds that each stage computed now took.
        checkpoint : callable, optional
            Called with a stage's name before it is computed; may raise to stop.

        Raises
        ------
        StageError
            Names the stage that failed.
        glmwidgets.session.core.declared.UndeclaredRead
            If a stage reads a setting that it did not declare.
        """
        with self._lock:
            stage, kept, key = self._stages[name], self._kept[name], self.key(name, settings)
            if key in kept:
                kept.move_to_end(key)
                return kept[key].result
            needed = [self.get(need, settings, timings, checkpoint) for need in stage.needs]
            if checkpoint is not None:
                checkpoint(name)
            start, heard = time.perf_counter(), Heard()
            try:
                with heard:
                    result = stage.compute(stage.seen(settings), *needed)
            except StageError:
                raise
            except (ValueError, TypeError, OSError, ArithmeticError, LookupError, MemoryError) as error:
                on_the_way = self.warnings(name, settings) | ({name: heard.said} if heard.said else {})
                raise StageError(name, error, on_the_way) from error
            if timings is not None:
                timings[name] = time.perf_counter() - start
            kept[key] = _Kept(result, heard.said)
            while stage.overflows([each.result for each in kept.values()]):
                kept.popitem(last=False)
            return result
