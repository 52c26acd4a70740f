"""Lines and cells of tables of text, as they are written: what separates them, and what the columns are called."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np

from glmwidgets.glm.errors import InputError

#: What columns without a name are called, by their place.
NAMELESS = "Unnamed: "

MOST_BYTES = 256 * 2**20
MOST_CELLS = 20_000_000

#: How the file of a spreadsheet's program ends.
_SHEETS = (".xlsx", ".xls", ".ods", ".numbers")

#: A number with a decimal comma.
COMMA = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")

_SEPARATORS = ("\t", ",", ";")
# Excel writes, and reads, a first line that names the separator.
_TOLD = re.compile(r"sep=(.)", re.IGNORECASE)
_WORDS = re.compile(r'"((?:[^"]|"")*)"|(\S+)')

# Names of the columns of files that hold numbers only, by what they are and how they end. Motion in mm and radians;
# AFNI writes degrees, and names of its own.
_MOTION = {
    ".txt": ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"),
    ".par": ("rot_x", "rot_y", "rot_z", "trans_x", "trans_y", "trans_z"),
    ".1D": ("roll", "pitch", "yaw", "dS", "dL", "dP"),
}
_STEMS = {"confounds": "reg", "design matrix": "x"}


class Cells(NamedTuple):
    """What stands in a table of text.

    Attributes
    ----------
    names : list of str
        Of the columns.
    columns : list of tuple of str
        Cells of each column, as they are written.
    lines : int array of shape (n_rows,)
        The line on which each row stands, counted from 1.
    separator : str or None
        What stands between cells; None for blanks.
    """

    names: list[str]
    columns: list[tuple[str, ...]]
    lines: np.ndarray
    separator: str | None


def table_cells(text: str, what: str, name: str) -> Cells:
    r"""The cells of a table as they are written, whatever separates them.

    Lines without any value are left out. A first line ``sep=;``, by which Excel is told what separates the cells, is
    obeyed.

    Parameters
    ----------
    text : str
    what, name : str
        See `parse_table`.

    Returns
    -------
    Cells

    Raises
    ------
    InputError
        As `read_table` does.

    Examples
    --------
    >>> table_cells("sep=;\nindex;name\n3;pond\n;;\n", "names", "made.csv").columns
    [('3',), ('pond',)]
    """
    if "\0" in text:
        advice = "save the sheet as CSV, or as text with tabs" if name.lower().endswith(_SHEETS) else ""
        raise InputError(f"cannot read {what} from {name}: it is not a text file", advice=advice)
    lines = {number: line for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1) if line.strip()}
    told = _told_separator(lines)
    first = next((line for line in lines.values() if not line.startswith("#")), "")
    separator = told or _separator(first)
    header = _cells(first, separator)
    names = None
    if _is_numbers(header):
        lines = {number: line for number, line in lines.items() if not line.startswith("#")}
        names = _usual_names(len(header), what, name)
    if not lines:
        raise InputError(f"cannot read {what} from {name}: the file is empty")
    if names is None:
        # A header may begin with the sign of a comment.
        number, line = next(iter(lines.items()))
        separator = told or _separator(line)
        names = _cells(line, separator)
        del lines[number]
    names = [cell.strip() or f"{NAMELESS}{j}" for j, cell in enumerate(names)]
    if len(lines) * len(names) > MOST_CELLS:
        raise too_large(what, name, f"it has {len(lines):,} lines of {len(names):,} cells")
    rows = _rows(lines, names, separator, what, name)
    numbers = np.array([number for number, _ in rows], dtype=int)
    columns = list(zip(*(cells for _, cells in rows), strict=True)) or [()] * len(names)
    return Cells(names, columns, numbers, separator)


def _told_separator(lines: dict[int, str]) -> str | None:
    """What Excel's own first line says of the separator; that line is taken out."""
    number, first = next(iter(lines.items()), (0, ""))
    told = _TOLD.fullmatch(first.strip("\ufeff \r"))
    if told is None:
        return None
    del lines[number]
    return told[1] if told[1] in _SEPARATORS else None


def header_cells(text: str) -> list[str]:
    r"""Cells of the first line of a table of text that says something.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        Empty where the text is.

    Examples
    --------
    >>> header_cells("index;name\n3;pond")
    ['index', 'name']
    """
    lines = {number: line for number, line in enumerate(text.splitlines()) if line.strip()}
    told = _told_separator(lines)
    first = next(iter(lines.values()), "")
    return [cell.strip() for cell in _cells(first, told or _separator(first))]


def number_of(text: str) -> float | None:
    """Read a finite number; None for anything else.

    Examples
    --------
    >>> number_of(" -1.5e2 "), number_of("1,5"), number_of("nan"), number_of("1_000")
    (-150.0, None, None, None)
    """
    try:
        value = float(text)
        # Python reads 1_000 as a number; a person who typed that meant something else.
        return value if np.isfinite(value) and "_" not in str(text) else None
    except (TypeError, ValueError, OverflowError):
        return None


def too_large(what: str, name: str, size: str) -> InputError:
    """The error that a table has more than can be read; `size` says how much."""
    return InputError(
        f"cannot read {what} from {name}: {size}, and a table may have {MOST_BYTES / 1e6:,.0f} MB and "
        f"{MOST_CELLS:,} cells"
    )


def decoded(raw: bytes) -> str:
    """Text of a file: UTF-8 with or without a byte-order mark, UTF-16 with one, else Latin-1."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _separator(line: str) -> str | None:
    """What stands between the cells of a line; None for blanks."""
    found = max(_SEPARATORS, key=line.count)
    return found if found in line else None


def _cells(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return [(quoted or plain).replace('""', '"') for quoted, plain in _WORDS.findall(line)]
    return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])


def _is_numbers(cells: Sequence[str]) -> bool:
    """Whether a first line is of values: all are numbers, and not those of columns without names (0, 1, 2 ...)."""
    filled = [cell for cell in cells if cell.strip()]
    if not filled or any(number_of(cell) is None and not COMMA.fullmatch(cell.strip()) for cell in filled):
        return False
    return len(cells) == 1 or [cell.strip() for cell in cells] != [str(j) for j in range(len(cells))]


def _usual_names(n: int, what: str, name: str) -> Sequence[str]:
    """Names of the columns of a file that has none."""
    ending = PurePath(name.removesuffix(".gz")).suffix
    # AFNI's files of times have a line a run, and no durations.
    if what == "events" and n == 3 and ending != ".1D":
        return ("onset", "duration", "modulation")
    if what == "confounds" and n == 6 and ending in _MOTION and (ending != ".txt" or _is_of_spm(name)):
        return _MOTION[ending]
    if what in _STEMS:
        return [f"{_STEMS[what]}{j}" for j in range(n)]
    raise InputError(
        f"cannot read {what} from {name}: its first line holds numbers, but must hold the names of the columns"
    )


def _is_of_spm(name: str) -> bool:
    return PurePath(name).name.startswith("rp_")


def _rows(
    lines: dict[int, str], names: Sequence[str], separator: str | None, what: str, name: str
) -> list[tuple[int, list[str]]]:
    """The cells of each line, as many as there are names, with the line's number."""
    place = f"cannot read {what} from {name}: line"
    if separator is None:
        parsed = ((number, _cells(line, None)) for number, line in lines.items())
    else:
        reader = csv.reader(lines.values(), delimiter=separator, skipinitialspace=True)
        parsed = _numbered(reader, list(lines), place)
    rows, n = [], len(names)
    for number, cells in parsed:
        while len(cells) > n and not cells[-1].strip():
            cells.pop()
        if len(cells) > n or (separator is None and len(cells) < n):
            raise InputError(
                f"{place} {number} has {len(cells)} cells, but there are {n} names of columns", advice=_HINTS[separator]
            )
        # Of a single column an empty cell in quotation marks is a gap; a line without anything was left out before.
        if n == 1 or any(cell.strip() for cell in cells):
            rows.append((number, cells + [""] * (n - len(cells))))
    return rows


_HINTS = {
    None: "put names with blanks into quotation marks, or tabs between the cells",
    ",": "a decimal comma, or a comma in a text, looks like one between cells: write points, and put texts into "
    "quotation marks",
    ";": "put cells that hold a semicolon into quotation marks",
    "\t": "give every column a name in the first line",
}


def _numbered(reader: Any, numbers: Sequence[int], place: str) -> Iterator[tuple[int, list[str]]]:
    seen = 0
    try:
        for cells in reader:
            if reader.line_num != seen + 1:
                raise InputError(f"{place} {numbers[seen]} opens a quotation mark that is not closed on it")
            yield numbers[seen], cells
            seen += 1
    except csv.Error as error:
        raise InputError(f"{place} {numbers[min(seen, len(numbers) - 1)]} cannot be read: {error}") from None
