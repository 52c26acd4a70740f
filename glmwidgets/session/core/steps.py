"""Undo and redo of settings, one step for each movement of a control."""

from __future__ import annotations

import time
from collections.abc import Callable

from glmwidgets.specification.settings import Settings

# Changes of the same settings with no longer pause between them are one movement: a drag, or a word being typed.
PAUSE = 1.0


class Steps:
    """A line of settings with a place on it.

    Parameters
    ----------
    first : Settings
    clock : callable
        Seconds, growing.

    Attributes
    ----------
    movement : int
        Number of the movement that led to the present settings; grows with each that begins.

    Examples
    --------
    >>> steps = Steps(Settings())
    >>> steps.add(Settings().updated({"noise.model": "ols"}))
    >>> steps.undo() == Settings(), steps.undo() is None
    (True, True)
    >>> steps.redo().noise.model
    'ols'
    """

    def __init__(self, first: Settings, clock: Callable[[], float] = time.monotonic):
        self.movement = 0
        self._line = [first]
        self._place = 0
        self._clock = clock
        self._last = -PAUSE
        self._moved: frozenset[str] = frozenset()

    @property
    def can_undo(self) -> bool:
        """Whether there is a step before this one."""
        return self._place > 0

    @property
    def can_redo(self) -> bool:
        """Whether a step was undone and nothing was changed since."""
        return self._place < len(self._line) - 1

    @property
    def taken(self) -> tuple[Settings, ...]:
        """Settings from the first to the present ones, a step each; what was undone is not among them."""
        return tuple(self._line[: self._place + 1])

    def add(self, settings: Settings) -> None:
        """Take a step, or go on with the one that is being taken; what was undone is forgotten."""
        now, present = self._clock(), self._line[self._place]
        if settings == present:
            return
        moved = frozenset(settings.changes_from(present))
        goes_on = moved <= self._moved and now - self._last < PAUSE and self._place > 0
        del self._line[self._place + 1 :]
        if goes_on:
            self._line[self._place] = settings
        else:
            self._line.append(settings)
            self._place += 1
            self._moved = moved
            self.movement += 1
        self._last = now

    def let_go(self) -> None:
        """The hand was lifted: whatever comes next is a movement of its own, however soon it comes."""
        self._moved = frozenset()

    def rewrite(self, said_again: Callable[[Settings], Settings]) -> None:
        """Have every step say what it means in other words; that is no step."""
        self._line = [said_again(settings) for settings in self._line]

    def undo(self) -> Settings | None:
        """Go a step back; None at the beginning."""
        return self._go(-1) if self.can_undo else None

    def redo(self) -> Settings | None:
        """Go a step forward again; None at the end."""
        return self._go(1) if self.can_redo else None

    def _go(self, by: int) -> Settings:
        self._place += by
        self.movement += 1
        self.let_go()
        return self._line[self._place]
