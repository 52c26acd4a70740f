"""Tables from text files, whatever wrote them, and as the text of one."""

from __future__ import annotations

import os
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from glmwidgets.files.placeholders import not_its_content
from glmwidgets.files.writing import noted
from glmwidgets.glm.errors import InputError, MissingFileError

__all__ = ["parse_table", "read_numbered_table", "read_table", "tsv"]

# BIDS writes n/a. Words such as "null" or "None" stay words: they may well be the name of an event type.
_MISSING = ["", "n/a", "N/A", "NaN", "nan", "NA"]
_SEPARATORS = ("\t", ",", ";")


def read_table(path: str | os.PathLike[str], what: str) -> pd.DataFrame:
    r"""Read a table with a header line from a text file.

    The separator is the one that the header line holds: tab, comma, semicolon, or else blanks. The text may
    be UTF-8 with or without a byte-order mark, UTF-16 with one, or Latin-1.

    Parameters
    ----------
    path : str or path
        A ``.tsv``, ``.csv`` or ``.txt`` file.
    what : str
        What the table is, for messages: ``"events"``, ``"confounds"``.

    Returns
    -------
    DataFrame
        Empty cells and ``n/a`` are NaN; lines without any value are left out.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a table of text.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "events.tsv"
    ...     _ = path.write_text("onset\tduration\n1.5\t2\n")
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
    lines : int array of shape (n_rows,)
    """
    text = _decode(raw)
    if "\0" in text:
        raise InputError(f"cannot read {what} from {name}: it is not a text file")
    lines = {number: line for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1) if line.strip()}
    if not lines:
        raise InputError(f"cannot read {what} from {name}: the file is empty")
    header = next(iter(lines.values()))
    separator = max(_SEPARATORS, key=header.count)
    try:
        table = pd.read_csv(
            StringIO("\n".join(lines.values())),
            sep=separator if separator in header else r"\s+",
            keep_default_na=False,
            na_values=_MISSING,
            skipinitialspace=True,
            index_col=False,
        )
    except pd.errors.ParserError as error:
        raise InputError(f"cannot read {what} from {name}: {error}") from error
    if len(table) != len(lines) - 1:
        raise InputError(f"cannot read {what} from {name}: a quotation mark is opened and not closed on its line")
    return table, np.array(list(lines)[1:], dtype=int)


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


def _decode(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
