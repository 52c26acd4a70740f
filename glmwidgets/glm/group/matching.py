"""Which row of a table belongs to which map: found by what their names say, in their order where that is asked for.

A map is known by a label, or by the file that it is in: then by its whole path, as many programs give the maps of all
subjects one name and tell them apart by folder. An id may be spelled in another way (``sub-01``, ``01``, ``1``) where
no other id could be meant.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import pandas as pd

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError
from glmwidgets.plural import count

#: Ways to find the row of a map.
MATCHES = ("names", "order")

#: Names of columns that tell whose a row is, the likeliest first; case, blanks and underscores do not count.
SUBJECT_COLUMNS = (
    "subject_label",
    "participant_id",
    "subject_id",
    "participant_label",
    "subject",
    "participant",
    "sub",
)

MOST_SHOWN = 5

# Entities of BIDS that do not name a subject: their values are no ids.
_OTHER_ENTITIES = re.compile(
    "ses|sample|task|tracksys|acq|nuc|voi|ce|trc|stain|rec|dir|run|mod|echo|flip|inv|mt|part|proc|hemi|space|split|"
    "recording|chunk|seg|res|den|label|desc|stat|contrast|node|name|model|from|to|mode|scale|atlas|tpl"
)
# Names that SPM gives to maps: con_0001 is the first contrast, not the first subject.
_NUMBERED_MAP = re.compile(r"(?:^|[^A-Za-z0-9])(?:con|ess|beta|spmT|spmF|rp)_$", re.IGNORECASE)
_ENTITY = re.compile(r"(?<![A-Za-z0-9])([a-z]+)-([A-Za-z0-9]+)")
_WORD = re.compile(r"[A-Za-z0-9]+")
_SUBJECT = re.compile(r"(?<![A-Za-z0-9])sub-[A-Za-z0-9]+")
LONGEST_SPAN = 6  # words


@dataclass(frozen=True)
class Matching:
    """What was matched to what.

    Attributes
    ----------
    rows : tuple of int
        Row of the table for each map.
    column : str or None
        The column that names the maps; None if rows were taken in their order.
    maps, ids : tuple of str
        Each map, and what its row calls it, as they are written.
    left_out : tuple of str
        Rows without a map.
    asked : bool
        Whether their order was asked for.
    """

    rows: tuple[int, ...]
    column: str | None
    maps: tuple[str, ...]
    ids: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    asked: bool = False

    def pairs(self) -> tuple[str, ...]:
        """Each map and its row, where they are called differently."""
        both = zip(self.maps, self.ids, strict=True)
        return tuple(one if one == own else f"{one} = {own}" for one, own in both)

    def sentence(self) -> str:
        """What was done, for people."""
        if self.column is None:
            return "rows are in the order of the maps" + (", as asked" if self.asked else "")
        said = f"rows are matched by {self.column}"
        if self.left_out:
            n = len(self.left_out)
            said += f"; {count(n, 'row')} without a map {'are' if n > 1 else 'is'} left out: {_some(self.left_out)}"
        return said


def match_table(
    maps: Sequence[str | PurePath | None],
    table: pd.DataFrame,
    what: str,
    match: str = "names",
    *,
    shared: bool = False,
    needed: bool = False,
) -> Matching:
    """Find the row of a table for every map.

    Parameters
    ----------
    maps : sequence of str, path or None
        Label of each map, or the path of its file; None where nothing is known.
    table : DataFrame
        With a column (or index) that names the maps, such as ``participant_id``. Rows of others are left out. Where a
        subject has several rows, another column tells which map is which (``session``: a map in ``ses-pre``).
    what : str
        What the table is, for messages.
    match : {"names", "order"}
        ``"order"``: the first row is of the first map, whatever they are called.
    shared : bool
        Whether several maps may have one row: all maps of a subject the subject's.
    needed : bool
        Whether a table that names no map is refused, instead of being taken as one row a map in their order.

    Returns
    -------
    Matching

    Raises
    ------
    ValueError
        If a map has no row, or it cannot be told which; the message shows how both are spelled.

    Warns
    -----
    UserWarning
        If rows are left out.

    Examples
    --------
    >>> table = pd.DataFrame({"participant_id": ["sub-1", "sub-2"], "age": [31, 24]})
    >>> match_table([PurePath("/data/sub-02/con_0001.nii"), PurePath("/data/sub-01/con_0001.nii")], table, "table").rows
    (1, 0)
    >>> match_table(["01", "03"], table, "the table")
    Traceback (most recent call last):
    glmwidgets.glm.errors.InputError: the table has no row for '03': its participant_id is 'sub-1', 'sub-2'; write ids \
alike in both, or give match="order" if the rows are in the order of the maps
    """
    check_choice("match", match, MATCHES)
    table = with_index(table)
    named = _Maps(maps)
    candidates = [] if match == "order" else _id_columns(table, named)
    if not candidates:
        if needed and match != "order":
            raise InputError(
                f"{what} has no column that names the maps, such as {SUBJECT_COLUMNS[0]!r}; there are "
                f"{_some(list(map(str, table.columns)))}"
            )
        return _in_order(named, table, what, match)
    refused = None
    for column in candidates:
        try:
            found = _by_column(named, table, column, what, shared)
        except InputError as error:
            refused = refused or error
            continue
        if found.left_out:
            warnings.warn(f"{what}: {found.sentence()}", stacklevel=3)
        return found
    raise refused


def subject_of(paths: Sequence[PurePath]) -> list[str | None]:
    """The ``sub-`` entity of each of some paths: in the file's name or the folder nearest to it that differs.

    Parameters
    ----------
    paths : sequence of path

    Returns
    -------
    list of str or None

    Raises
    ------
    ValueError
        If a path names two subjects.

    Examples
    --------
    >>> subject_of([PurePath("/sub-all/sub-1.feat/cope1.nii.gz"), PurePath("/sub-all/sub-2.feat/cope1.nii.gz")])
    ['sub-1', 'sub-2']
    """
    every = [list(dict.fromkeys(reversed(_SUBJECT.findall(str(path))))) for path in paths]
    common = set.intersection(*map(set, every)) if every else set()
    subjects = []
    for path, found in zip(paths, every, strict=True):
        own = [one for one in found if one not in common] or found[:1]
        if len({_loose(one) for one in own}) > 1:
            raise InputError(f"the path {path} names two subjects, {own[0]} and {own[1]}")
        subjects.append(own[0] if own else None)
    return subjects


def cell_text(value: Any) -> str:
    """A cell as text: whole numbers without a point, nothing for a missing value.

    Examples
    --------
    >>> cell_text(3.0), cell_text("01"), cell_text(float("nan")), cell_text(0.1)
    ('3', '01', '', '0.1')
    """
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    return repr(float(value)).removesuffix(".0") if isinstance(value, float) else str(value)


def with_index(table: pd.DataFrame) -> pd.DataFrame:
    """The table, its index a column where it names rows."""
    if _plain(table.index.name) in {_plain(one) for one in SUBJECT_COLUMNS}:
        return table.reset_index()
    if table.index.name is None and pd.api.types.is_string_dtype(table.index) and "index" not in table.columns:
        return table.rename_axis(index="index").reset_index()
    return table.reset_index(drop=True)


# How an id may be spelled ---------------------------------------------------------------------------------------------


def _exact(text: str) -> str:
    return text.strip()


def _bare(text: str) -> str:
    return text.strip().removeprefix("sub-")


def _loose(text: str) -> str:
    text = re.sub(r"^(?:subject|subj|sub)(?:[-_ ](?=.)|(?=\d))", "", text.strip().casefold())
    # Spreadsheets and tables of floats write 1 as 1.0.
    text = re.sub(r"^(\d+)[.,]0$", r"\1", text)
    return re.sub(r"(?<!\d)0+(?=\d)", "", text)


#: From the strictest.
_SPELLINGS: tuple[Callable[[str], str], ...] = (_exact, _bare, _loose)


class _Maps:
    """What the maps say of themselves."""

    def __init__(self, maps: Sequence[str | PurePath | None]):
        self.given = list(maps)
        paths = [one for one in self.given if isinstance(one, PurePath)]
        subjects = subject_of(paths) if len(paths) == len(self.given) else [None]
        self._subjects = subjects if all(subjects) else None
        # A folder that all lie in says of none whose it is.
        shared = len(PurePath(os.path.commonpath([one.parent for one in paths])).parts) if len(paths) > 1 else 0
        self._below = ["/".join(one.parts[shared:]) if isinstance(one, PurePath) else "" for one in self.given]
        self._spans = [list(_spans(one.parts[shared:])) if isinstance(one, PurePath) else [] for one in self.given]

    def __len__(self) -> int:
        return len(self.given)

    @property
    def nameless(self) -> bool:
        return all(one is None for one in self.given)

    def said(self, i: int) -> str:
        """What messages call a map."""
        one = self.given[i]
        if one is None:
            return f"map {i + 1}"
        if isinstance(one, str):
            return one
        return self._subjects[i] if self._subjects is not None else self._below[i]

    def readings(self) -> Iterator[list[list[str]]]:
        """Words of each map that may be its id, the surest reading first."""
        if self._subjects is not None:
            yield [[one] for one in self._subjects]
        yield [[one] if isinstance(one, str) else own for one, own in zip(self.given, self._spans, strict=True)]

    def holds(self, i: int, column: str, cell: str) -> bool:
        """Whether the path of a map holds a cell: as a word, or as the value of an entity that is called alike."""
        one = self.given[i]
        if not isinstance(one, PurePath) or not cell:
            return False
        asked, wanted = _ENTITY.fullmatch(cell.strip()).groups() if _ENTITY.fullmatch(cell.strip()) else ("", cell)
        for key, value in _ENTITY.findall(str(one)):
            # A number may be that of anything; it counts where the entity is called as the column is.
            alike = key == asked if asked else column.casefold().startswith(key) or not cell.strip().isdigit()
            if alike and _loose(value) == _loose(wanted):
                return True
        return not cell.strip().isdigit() and _loose(cell) in {_loose(span) for span in self._spans[i]}


def _spans(parts: Sequence[str]) -> Iterator[str]:
    """Words of the parts of a path, and what stands from one of them to another of the same folder or file."""
    for part in parts:
        words = list(_WORD.finditer(part))
        for i, first in enumerate(words):
            before = part[: first.start()]
            entity = re.search(r"(?<![A-Za-z0-9])([a-z]+)-$", before)
            foreign = entity is not None and _OTHER_ENTITIES.fullmatch(entity[1])
            number = len(first[0]) == 4 and _NUMBERED_MAP.search(before)
            for last in words[i : i + LONGEST_SPAN]:
                if not foreign and not (number and last is first):
                    yield part[first.start() : last.end()]


# By names -------------------------------------------------------------------------------------------------------------


def _plain(name: Any) -> str:
    return re.sub("[^a-z]", "", str(name).casefold())


def subject_columns(table: pd.DataFrame) -> Iterator[Any]:
    """Columns that are called as those are that tell whose a row is, the likeliest first."""
    order = [_plain(one) for one in SUBJECT_COLUMNS]
    return iter(sorted((c for c in table.columns if _plain(c) in order), key=lambda c: order.index(_plain(c))))


def _id_columns(table: pd.DataFrame, maps: _Maps) -> list[Any]:
    """Columns that may name the maps, the likeliest first."""
    known = list(subject_columns(table))
    if known or maps.nameless:
        return known
    texts = [c for c in table.columns if pd.api.types.is_string_dtype(table[c]) and table[c].nunique() > 1]
    # An index that names some of the maps is meant to name all; of another column it may be chance.
    enough = {c: any if c == "index" else all for c in texts}
    return [c for c in texts if enough[c](_rows_named(maps, [cell_text(v) for v in table[c]]))]


def _rows_named(maps: _Maps, ids: Sequence[str]) -> list[list[int]]:
    """Rows whose id names each map, in the strictest spelling in which there are any."""
    tables = _by_spelling(ids)
    for reading in maps.readings():
        found = [_named_by(words, tables) for words in reading]
        if any(found):
            # What is in all their names says of none whose it is, where something else does.
            everywhere = set.intersection(*map(set, found))
            return [[row for row in own if row not in everywhere] or own for own in found]
    return [[] for _ in maps.given]


def _by_spelling(ids: Sequence[str]) -> list[dict[str, list[int]]]:
    tables = []
    for spelling in _SPELLINGS:
        table: dict[str, list[int]] = {}
        for row, text in enumerate(ids):
            if text.strip():
                table.setdefault(spelling(text), []).append(row)
        tables.append(table)
    return tables


def _named_by(words: Sequence[str], tables: list[dict[str, list[int]]]) -> list[int]:
    for spelling, table in zip(_SPELLINGS, tables, strict=True):
        hits = [word for word in words if spelling(word) in table]
        # "A_1" names A_1, not A.
        hits = [word for word in hits if not any(word != other and word in other for other in hits)]
        if hits:
            return sorted({row for word in hits for row in table[spelling(word)]})
    return []


def _by_column(maps: _Maps, table: pd.DataFrame, column: Any, what: str, shared: bool) -> Matching:
    ids = [cell_text(value) for value in table[column]]
    advice = 'write ids alike in both, or give match="order" if the rows are in the order of the maps'
    if maps.nameless:
        raise InputError(
            f"{what} names subjects in its column {str(column)!r}, and the maps have no names to match them with",
            advice='say which maps these are with subjects= or by giving files, or give match="order" if the rows are '
            "in the order of the maps",
        )
    rows = _rows_named(maps, ids)
    missing = [maps.said(i) for i, own in enumerate(rows) if not own]
    if missing:
        raise InputError(
            f"{what} has no row for {_some(missing, repr)}: its {column} is {_some(_distinct(ids), repr)}",
            advice=advice,
        )
    chosen = _told_apart(maps, rows, table, column, ids)
    for i, own in enumerate(chosen):
        spelled = _distinct([ids[row] for row in own])
        if len(spelled) > 1:
            either = " or ".join(map(repr, spelled[:MOST_SHOWN]))
            raise InputError(f"{what}: {maps.said(i)!r} may be {either} of its column {column}", advice=advice)
        if len(own) > 1:
            raise InputError(
                f"{what} holds {spelled[0]!r} more than once, and no column of it tells which row is of "
                f"{maps.given[i] if isinstance(maps.given[i], PurePath) else maps.said(i)}",
                advice="name each map's session or condition in its path as the table does, or give "
                'match="order" if the rows are in the order of the maps',
            )
    rows_of_maps = tuple(own[0] for own in chosen)
    for row in set(rows_of_maps):
        mine = [i for i, other in enumerate(rows_of_maps) if other == row]
        said = _distinct([maps.said(i) for i in mine])
        if len(mine) > 1 and (not shared or len({_loose(one) for one in said}) < len(said)):
            either = _some([maps.said(i) for i in mine], repr)
            raise InputError(f"{what} has one row for {len(mine)} maps: {ids[row]!r} may be {either}", advice=advice)
    used = set(rows_of_maps)
    left = tuple(text or f"row {row} (counted from 0)" for row, text in enumerate(ids) if row not in used)
    said = tuple(maps.said(i) for i in range(len(maps)))
    return Matching(rows_of_maps, str(column), said, tuple(ids[row] for row in rows_of_maps), left)


def _told_apart(
    maps: _Maps, rows: list[list[int]], table: pd.DataFrame, column: Any, ids: Sequence[str]
) -> list[list[int]]:
    """Rows of each map, where there are several of its subject: those whose other cells its path holds."""
    several = [i for i, own in enumerate(rows) if len(own) > 1 and len({ids[row] for row in own}) == 1]
    if not several:
        return rows
    rows = list(rows)
    for other in table.columns:
        if other == column:
            continue
        cells = [cell_text(value) for value in table[other]]
        narrowed = {i: [row for row in rows[i] if maps.holds(i, str(other), cells[row])] for i in several}
        if all(narrowed.values()):
            for i in several:
                rows[i] = narrowed[i]
    return rows


def _in_order(maps: _Maps, table: pd.DataFrame, what: str, match: str) -> Matching:
    if len(table) != len(maps):
        raise InputError(
            f"{what} has {count(len(table), 'row')} and there are {len(maps)} maps: it needs one row a map, or a "
            f"column such as "
            f"{SUBJECT_COLUMNS[0]!r} that names them"
        )
    said = tuple(maps.said(i) for i in range(len(maps)))
    ids = tuple(f"row {i}" for i in range(len(maps)))
    return Matching(tuple(range(len(maps))), None, said, ids, asked=match == "order")


def _distinct(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _some(texts: Sequence[str], how: Callable[[str], str] = str) -> str:
    more = len(texts) - MOST_SHOWN
    return ", ".join(map(how, texts[:MOST_SHOWN])) + (f" and {more} more" if more > 0 else "")
