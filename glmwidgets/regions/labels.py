"""Names of regions: a number, a name, a side and a colour each, and what is odd about a table of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from glmwidgets.glm.errors import InputError
from glmwidgets.glm.tables import some

#: Names of what is no region.
BACKGROUND = frozenset({"", "*", "???", "background", "unknown", "none", "clear label"})

# How many of what is odd are named.
FEW = 4

# Sides as names and files write them: a word of its own, or a letter set off by a sign.
_SIDES = (
    ("left", re.compile(r"(?:^|[^A-Za-z])(?:left|lh|l)(?:[^A-Za-z]|$)|(?<=[a-z])Left(?![a-z])", re.IGNORECASE)),
    ("right", re.compile(r"(?:^|[^A-Za-z])(?:right|rh|r)(?:[^A-Za-z]|$)|(?<=[a-z])Right(?![a-z])", re.IGNORECASE)),
)


@dataclass(frozen=True)
class Label:
    """A region of a table.

    Attributes
    ----------
    value : int
        What voxels of the region hold; of a probabilistic atlas the number of the volume, from 0.
    name : str
        As the table writes it, without quotes and outer blanks.
    side : {"left", "right", ""}
        As the table, the name or the file says; empty where none of them does.
    colour : tuple of 3 ints or None
        Red, green and blue, 0 to 255. It tells no regions apart: tables give one colour to several.

    Examples
    --------
    >>> Label(7, "lh_mill").is_region, Label(0, "Background").is_region
    (True, False)
    """

    value: int
    name: str
    side: str = ""
    colour: tuple[int, int, int] | None = None

    @property
    def is_region(self) -> bool:
        """Whether it names a region, or what lies outside of all."""
        return self.name.strip().lower() not in BACKGROUND


def side_in_name(name: str) -> str:
    """Side that a name says: ``"left"``, ``"right"``, or empty where it says none or both.

    Examples
    --------
    >>> [side_in_name(name) for name in ("mill_L", "7Networks_RH_Pond_1", "Left-Mill", "Lingual gyrus", "L/R border")]
    ['left', 'right', 'left', '', '']
    """
    found = [side for side, pattern in _SIDES if pattern.search(name)]
    return found[0] if len(found) == 1 else ""


@dataclass(frozen=True)
class LabelTable:
    """Regions by number.

    Attributes
    ----------
    labels : tuple of Label
        In the order of the file.
    source : str
        File that they stand in.
    format : str
        A key of `glmwidgets.regions.tables.FORMATS`, or what a caller says.

    Raises
    ------
    InputError
        If two rows have one number.

    Examples
    --------
    >>> table = LabelTable((Label(3, "pond"), Label(7, "mill")), "made.tsv", "BIDS")
    >>> table[7].name, 5 in table, len(table)
    ('mill', False, 2)
    """

    labels: tuple[Label, ...]
    source: str = "the table"
    format: str = ""

    def __post_init__(self):
        seen: dict[int, Label] = {}
        for label in self.labels:
            if label.value in seen:
                raise InputError(
                    f"{self.source} has two regions of number {label.value}: {seen[label.value].name!r} and "
                    f"{label.name!r}",
                    advice="take one of the two rows out, or give the later one its own number",
                )
            seen[label.value] = label
        object.__setattr__(self, "_by_value", seen)
        # Counted once: every name that is said asks for it.
        counts = Counter(label.name for label in self.labels if label.is_region)
        object.__setattr__(self, "_repeated", frozenset(name for name, n in counts.items() if n > 1))

    def __getitem__(self, value: int) -> Label:
        return self._by_value[value]

    def __contains__(self, value: object) -> bool:
        return value in self._by_value

    def __iter__(self) -> Iterator[Label]:
        return iter(self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def get(self, value: int) -> Label | None:
        """The label of a number; None if the table has none."""
        return self._by_value.get(value)

    def repeated(self) -> tuple[str, ...]:
        """Names that more than one number has, sorted."""
        return tuple(sorted(self._repeated))

    def named(self, value: int) -> str:
        """Name of a number, with the number where another region has that name; of a number without a row, that."""
        label = self.get(value)
        if label is None:
            return f"value {value} (no name)"
        return f"{label.name} (value {value})" if label.name in self._repeated else label.name

    def beside(self, values: ArrayLike) -> list[str]:
        """What is odd about the table beside the values of its image, a sentence each.

        Parameters
        ----------
        values : array-like of int
            Values that the image holds, zero left out.

        Examples
        --------
        >>> table = LabelTable((Label(0, "none"), Label(3, "pond"), Label(9, "moor")), "made.tsv")
        >>> for sentence in table.beside([3, 7]):
        ...     print(sentence)
        1 value of the image has no row in made.tsv (7) and is called by its number
        1 row of made.tsv is of no voxel (9 moor)
        """
        there = {int(v) for v in np.asarray(values).ravel() if v != 0}
        listed = {label.value for label in self.labels if label.is_region}
        said = []
        if missing := sorted(there - set(self._by_value)):
            verb = "value of the image has" if len(missing) == 1 else "values of the image have"
            call = "is called by its number" if len(missing) == 1 else "are called by their numbers"
            said.append(f"{len(missing)} {verb} no row in {self.source} ({some(missing, most=FEW)}) and {call}")
        if absent := sorted(listed - there):
            verb = f"row of {self.source} is" if len(absent) == 1 else f"rows of {self.source} are"
            said.append(f"{len(absent)} {verb} of no voxel ({some([f'{v} {self[v].name}' for v in absent], most=FEW)})")
        if repeated := self.repeated():
            said.append(
                f"several regions of {self.source} are called {some(repeated, most=FEW)}; their numbers tell them apart"
            )
        return said
