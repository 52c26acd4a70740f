"""Tables from text files, whatever wrote them, and as the text of one.

Every table that the package reads comes through here: events, confounds, designs, covariates. What a cell is follows
from its column as a whole; a cell that does not fit its column stays the text it is, and is refused where it is used.
"""

from __future__ import annotations

import gzip
import io
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from glmwidgets.files.placeholders import not_its_content
from glmwidgets.files.writing import ENDINGS, noted
from glmwidgets.glm.cells import COMMA, MOST_BYTES, NAMELESS, decoded, number_of, table_cells, too_large
from glmwidgets.glm.errors import InputError, MissingFileError

# BIDS writes n/a. Words such as "null", "None" and "NA" stay words where a column holds words: they may well be a name.
_MISSING = frozenset({"", "n/a", "N/A", "NaN", "nan"})
_MISSING_NUMBER = _MISSING | {"NA"}
# Columns whose cells are names, whatever these look like.
_LABELS = re.compile(r"trial_type|subject|participant|sub|.*_(id|label)", re.IGNORECASE)
# 1,234 may be a thousand and more.
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")
_PADDED = re.compile(r"0\d+")

MOST_SHOWN = 5

#: How the name of a table ends; and what is asked where an image is given in its place, or it in an image's.
TABLES = (".tsv", ".csv", ".txt", ".tsv.gz", ".csv.gz", ".xlsx")
SWAPPED = "are the image and the table swapped?"


def swapped_image(given: object) -> str:
    """What is added to the refusal of something that was given as a table, where it is an image.

    Examples
    --------
    >>> swapped_image([1, 2])
    ''
    """
    return f"; {SWAPPED}" if hasattr(given, "dataobj") else ""


def refuse_table(path: str | os.PathLike[str]) -> None:
    """Refuse the path of a table that was given as that of an image; what is no file is told elsewhere."""
    if str(path).lower().endswith(TABLES) and Path(path).expanduser().is_file():
        raise InputError(f"{path} is a table, not an image: {SWAPPED}")


def read_table(path: str | os.PathLike[str], what: str) -> pd.DataFrame:
    r"""Read a table from a text file.

    The separator is the one that the header line holds: tab, comma, semicolon, or else blanks. The text may be UTF-8
    with or without a byte-order mark, UTF-16 with one, or Latin-1, and compressed by gzip. Files of numbers only have
    no header: motion parameters of SPM (``rp_*.txt``), FSL (``.par``) and AFNI (``.1D``) have their usual names, three
    columns of events are FSL's (onset, duration, modulation, one file a type).

    Parameters
    ----------
    path : str or path
        A ``.tsv``, ``.csv`` or ``.txt`` file.
    what : str
        What the table is, for messages: ``"events"``, ``"confounds"``.

    Returns
    -------
    DataFrame
        Empty cells and ``n/a`` are NaN; lines without any value are left out. A column is of numbers if all its cells
        are; decimals may be written with a comma where cells are not separated by one. Columns of types and subjects,
        and numbers that begin with a zero (``01``), stay text.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a table of text, or a line has more cells than there are names.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "events.tsv"
    ...     _ = path.write_text("onset\tduration\n1,5\t2\n")
    ...     print(read_table(path, "events"))
       onset  duration
    0    1.5         2
    """
    return read_numbered_table(path, what)[0]


def read_numbered_table(path: str | os.PathLike[str], what: str) -> tuple[pd.DataFrame, np.ndarray]:
    """`read_table`, and the line of the file on which each row stands, counted from 1.

    Parameters
    ----------
    path, what
        See `read_table`.

    Returns
    -------
    table : DataFrame
    lines : int array of shape (n_rows,)
    """
    path = Path(path)
    if not path.is_file():
        reason = "it is a folder" if path.is_dir() else "there is no such file"
        raise MissingFileError(f"cannot read {what} from {path}: {not_its_content(path) or reason}")
    if (instead := not_its_content(path)) is not None:
        raise InputError(f"cannot read {what}: {instead}")
    if path.name.endswith(ENDINGS["image"]):
        raise InputError(f"cannot read {what} from {path}: it is an image, not a table; {SWAPPED}")
    if (size := path.stat().st_size) > MOST_BYTES:
        raise too_large(what, str(path), f"it has {size / 1e6:,.0f} MB")
    return parse_table(noted(path).read_bytes(), what, str(path))


def parse_table(raw: bytes, what: str, name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """`read_numbered_table` of what a file holds.

    Parameters
    ----------
    raw : bytes
    what : str
        See `read_table`.
    name : str
        Of the file, for messages.

    Returns
    -------
    table : DataFrame
        Columns may have one name: see `refuse_repeated`.
    lines : int array of shape (n_rows,)
    """
    found = table_cells(decoded(_unzipped(raw, what, name)), what, name)
    return _typed(found.names, found.columns, found.separator), found.lines


def tsv(table: pd.DataFrame) -> str:
    """A table as BIDS writes it: tabs between the cells, ``n/a`` for no value, no index.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    str
    """
    return table.to_csv(sep="\t", index=False, lineterminator="\n", na_rep="n/a")


# What doors ask of a table --------------------------------------------------------------------------------------------


def numbers_of(column: pd.Series) -> np.ndarray:
    """A column as float64, NaN where there is no finite number.

    Parameters
    ----------
    column : Series

    Returns
    -------
    array of shape (n_rows,)
    """
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiub":
        values = column.to_numpy(dtype=np.float64)
    else:
        try:
            values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError, OverflowError):  # such as an integer of 400 digits
            values = np.array([number_of(cell) for cell in column.tolist()], dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def odd_words(cell: object, where: str = "") -> str:
    """Why a cell is no number, in words.

    Examples
    --------
    >>> odd_words("89+", "in line 3")
    "'89+' in line 3 is not a finite number"
    >>> odd_words("1,234")
    "'1,234' is not a finite number; if it has a decimal comma, write a point"
    """
    comma = "; if it has a decimal comma, write a point" if COMMA.fullmatch(str(cell).strip()) else ""
    return f"{some([cell], repr)}{where and f' {where}'} is not a finite number{comma}"


def refuse_repeated(names: Sequence[object], source: str) -> None:
    """Refuse columns that have one name.

    Parameters
    ----------
    names : sequence
        Of those columns that are used.
    source : str
        Whose columns they are, for messages.

    Raises
    ------
    InputError
    """
    names = [str(name) for name in names]
    if len(set(names)) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1}) if len(names) < 10_000 else ["a name"]
        raise InputError(f"{source}: more than one column is called {some(repeated, repr)}")


def without_row_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """A table without a first column that has no name and rises evenly: pandas writes the numbers of rows so.

    Examples
    --------
    >>> without_row_numbers(pd.DataFrame({"Unnamed: 0": [0, 1, 2], "x": [5.0, 3.0, 1.0]})).columns.tolist()
    ['x']
    >>> without_row_numbers(pd.DataFrame({"trend": [0, 1, 2], "x": [5.0, 3.0, 1.0]})).columns.tolist()
    ['trend', 'x']
    """
    if len(table.columns) < 2 or not str(table.columns[0]).startswith(NAMELESS):
        return table
    steps = np.diff(numbers_of(table.iloc[:, 0]))
    is_even = steps.size > 0 and steps[0] > 0 and np.ptp(steps) <= 1e-6 * steps[0]
    return table.iloc[:, 1:] if is_even else table


def some(values: Sequence[object], how: Callable[[str], str] = str, most: int = MOST_SHOWN) -> str:
    """The first of some values, and how many more there are.

    Examples
    --------
    >>> some(range(9)), some(["x" * 100], repr)
    ('0, 1, 2, 3, 4 and 4 more', "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ...'")
    """
    texts = [_text(value) for value in values[:most]]
    shown = [how(text if len(text) <= 60 else f"{text[:59]} ...") for text in texts]
    return ", ".join(shown) + (f" and {len(values) - most} more" if len(values) > most else "")


def _text(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # an integer of many thousand digits
        return "a very long number"


def refuse_unwritable(names: Sequence[object], source: str) -> None:
    """Refuse names that no file can hold: those with half a character (a lone surrogate)."""
    for name in names:
        try:
            str(name).encode("utf-8")
        except UnicodeEncodeError:
            raise InputError(f"{source}: the name {name!a} holds half a character: write it anew") from None


# Bytes ----------------------------------------------------------------------------------------------------------------


def _unzipped(raw: bytes, what: str, name: str) -> bytes:
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        opened = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(MOST_BYTES + 1)
    except (OSError, EOFError) as error:
        raise InputError(f"cannot read {what} from {name}: its compression is broken ({error})") from None
    if len(opened) > MOST_BYTES:
        raise too_large(what, name, f"decompressed it has more than {MOST_BYTES / 1e6:,.0f} MB")
    return opened


# Columns --------------------------------------------------------------------------------------------------------------


def _typed(names: Sequence[str], columns: Sequence[tuple[str, ...]], separator: str | None) -> pd.DataFrame:
    stripped = [tuple(map(str.strip, cells)) for cells in columns]
    comma = separator != "," and _decimal_commas(stripped)
    kept = [j for j, cells in enumerate(stripped) if any(cells) or not names[j].startswith(NAMELESS)]
    series = {j: _column(names[j], stripped[j], comma) for j in kept}
    table = pd.DataFrame(series, index=range(len(stripped[0]) if stripped else 0))
    table.columns = [names[j] for j in kept]
    return table


def _decimal_commas(columns: Sequence[tuple[str, ...]]) -> bool:
    """Whether decimals are written with a comma: somewhere it can mean nothing else, and no column has points."""
    sure = False
    for cells in columns:
        with_comma = [cell for cell in cells if "," in cell and COMMA.fullmatch(cell)]
        filled = [cell for cell in cells if cell not in _MISSING_NUMBER] if with_comma else []
        if with_comma and all(COMMA.fullmatch(cell) or number_of(cell) is not None for cell in filled):
            if any("." in cell for cell in filled):
                return False
            sure |= any(not _THOUSANDS.fullmatch(cell) for cell in with_comma)
    return sure


def _column(name: str, cells: tuple[str, ...], comma: bool) -> np.ndarray:
    if not _LABELS.fullmatch(name) and (values := _as_numbers(cells, comma)) is not None:
        return values
    texts = np.empty(len(cells), dtype=object)
    texts[:] = [np.nan if cell in _MISSING else cell for cell in cells]
    return texts


def _as_numbers(cells: tuple[str, ...], comma: bool) -> np.ndarray | None:
    """The column as integers, floats or truth values; None if a cell is something else."""
    filled = [cell for cell in cells if cell not in _MISSING_NUMBER]
    if not filled:
        return np.full(len(cells), np.nan)
    if len(filled) == len(cells) and set(filled) <= {"True", "False"}:
        return np.array([cell == "True" for cell in cells])
    if comma:
        cells = tuple(cell.replace(",", ".", 1) if COMMA.fullmatch(cell) else cell for cell in cells)
        filled = [cell for cell in cells if cell not in _MISSING_NUMBER]
    # 01 is a name. Python reads 1_000 as a number, and a long integer as infinity.
    if any("_" in cell or _PADDED.fullmatch(cell) for cell in filled):
        return None
    try:
        if len(filled) == len(cells) and all(len(cell) < 19 and cell.lstrip("+-").isdecimal() for cell in cells):
            return np.array([int(cell) for cell in cells], dtype=np.int64)
        return np.array([np.nan if cell in _MISSING_NUMBER else float(cell) for cell in cells], dtype=np.float64)
    except (ValueError, OverflowError):
        return None
