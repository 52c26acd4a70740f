"""A small graph of cached stages: what has to be computed again when a setting changes, and nothing else.

Each stage names the stages it needs and the settings it reads. Its key is the values of those settings and the keys
of what it needs; a stage runs only for a key that it has not kept. Downstream of a change everything gets a new key,
upstream nothing does.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from glmwidgets.session.settings import Settings

__all__ = ["Graph", "Stage", "StageError"]


class StageError(Exception):
    """A stage could not be computed.

    Attributes
    ----------
    stage : str
        Name of the stage, from which a panel knows whether the message is for it.
    cause : Exception
        What went wrong.
    """

    def __init__(self, stage: str, cause: Exception):
        super().__init__(str(cause))
        self.stage = stage
        self.cause = cause


@dataclass(frozen=True)
class Stage:
    """One step of the analysis.

    Attributes
    ----------
    name : str
    compute : callable
        ``compute(settings, *results of the stages it needs)``.
    needs : tuple of str
        Stages whose results it takes, in the order of its arguments.
    reads : tuple of str
        Paths of the settings that it reads; no other may influence its result.
    keep : int
        How many results are kept, the last used longest.
    """

    name: str
    compute: Callable[..., Any]
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    keep: int = 4


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
        self._kept: dict[str, OrderedDict[tuple, Any]] = {name: OrderedDict() for name in self._stages}
        # One evaluation at a time: two threads that miss the same key would both do the work.
        self._lock = threading.RLock()

    def key(self, name: str, settings: Settings) -> tuple:
        """What the result of a stage depends on."""
        stage = self._stages[name]
        own = tuple(settings.get(path) for path in stage.reads)
        return (name, own, *(self.key(need, settings) for need in stage.needs))

    def is_kept(self, name: str, settings: Settings) -> bool:
        """Whether a stage's result is at hand."""
        return self.key(name, settings) in self._kept[name]

    def get(
        self,
        name: str,
        settings: Settings,
        timings: dict[str, float] | None = None,
        checkpoint: Callable[[], None] | None = None,
    ) -> Any:
        """Result of a stage, computed where it is not kept.

        Parameters
        ----------
        name : str
        settings : Settings
        timings : dict, optional
            Gets the seconds that each stage computed now took.
        checkpoint : callable, optional
            Called before a stage is computed; may raise to stop.

        Raises
        ------
        StageError
            Names the stage that failed.
        """
        with self._lock:
            stage, kept, key = self._stages[name], self._kept[name], self.key(name, settings)
            if key in kept:
                kept.move_to_end(key)
                return kept[key]
            needed = [self.get(need, settings, timings, checkpoint) for need in stage.needs]
            if checkpoint is not None:
                checkpoint()
            start = time.perf_counter()
            try:
                result = stage.compute(settings, *needed)
            except (ValueError, TypeError, OSError, ArithmeticError, LookupError, MemoryError) as error:
                raise StageError(name, error) from error
            if timings is not None:
                timings[name] = time.perf_counter() - start
            kept[key] = result
            while len(kept) > stage.keep:
                kept.popitem(last=False)
            return result
