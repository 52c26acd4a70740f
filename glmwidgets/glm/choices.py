"""Tables of choices: rows by name, which tell those of the package from those that a person added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

__all__ = ["Choices"]

Row = TypeVar("Row")


class Choices(dict[str, Row]):
    """Rows of one kind of choice by name; whoever adds one has it everywhere.

    Examples
    --------
    >>> table = Choices({"round": 1})
    >>> table["square"] = 2
    >>> table.is_added("round"), table.is_added("square")
    (False, True)
    """

    def __init__(self, rows: Mapping[str, Row] | Iterable[tuple[str, Row]]):
        super().__init__(rows)
        self._own = dict(self)

    def is_added(self, name: str) -> bool:
        """Whether a name means another row than one of the package, so that a script has to bring it along."""
        return self.get(name) is not self._own.get(name)
