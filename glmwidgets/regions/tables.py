"""Label tables of other tools. A format is a row of `FORMATS`, which knows how it is recognised and read.

Numbers and names are paired as the file pairs them, never by the order of rows or volumes, unless the format itself
says that a name's place is its number.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from glmwidgets.files.json_text import parse_json
from glmwidgets.files.placeholders import not_its_content
from glmwidgets.files.writing import noted
from glmwidgets.glm.cells import decoded, header_cells, table_cells
from glmwidgets.glm.choices import Choices
from glmwidgets.glm.errors import InputError, MissingFileError
from glmwidgets.glm.tables import refuse_repeated
from glmwidgets.regions.labels import Label, LabelTable, side_in_name

# A table of names is small; a larger file is something else.
MOST_BYTES = 2**25

_NUMBER = re.compile(r"[-+]?\d+(?:\.0*)?")
_COLOUR = re.compile(r"#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})(?:[0-9a-fA-F]{2})?")


class LabelFormat(NamedTuple):
    """A way to write label tables: a row of `FORMATS`.

    Attributes
    ----------
    label : str
        What it is called.
    is_it : callable
        ``is_it(text) -> bool``, of the whole text.
    read : callable
        ``read(text, name) -> list of Label``; raises ValueError with what is wrong.
    by_volume : bool or None
        Whether numbers are those of volumes from 0; None where the text itself says (see `numbered_by_volume`).
    """

    label: str
    is_it: Callable[[str], bool]
    read: Callable[[str, str], list[Label]]
    by_volume: bool | None = False


def read_labels(path: str | os.PathLike[str]) -> LabelTable:
    r"""Read a table of region names, whatever tool wrote it.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    LabelTable

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If its format is not one of `FORMATS`, or a row cannot be read; the message names file and row.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "atlas-made_dseg.tsv"
    ...     _ = path.write_text('index\tname\n3\tpond\n7\t"mill"\n')
    ...     [(label.value, label.name) for label in read_labels(path)]
    [(3, 'pond'), (7, 'mill')]
    """
    return parse_labels(label_text(path), str(Path(path).expanduser()))


def label_text(path: str | os.PathLike[str]) -> str:
    """Text of a table of names; the errors are those of `read_labels`."""
    path = Path(path).expanduser()
    if (why := not_its_content(path)) is not None:
        raise InputError(why)
    if not path.is_file():
        raise MissingFileError(f"there is no file {path}", advice="give the table that names the atlas's values")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path} is too large for a table of names ({path.stat().st_size / 1e6:.0f} MB)")
    raw = noted(path).read_bytes()
    if b"\x00" in raw[:1024] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path} is not a text table", advice="give the table that names the atlas's values")
    return decoded(raw)


def parse_labels(text: str, name: str = "the table") -> LabelTable:
    """Read a table of region names from its text; see `read_labels`.

    Parameters
    ----------
    text : str
    name : str
        What messages call it.

    Returns
    -------
    LabelTable

    Raises
    ------
    InputError
        If it is in no format that is known, cannot be read, or names no region.

    Examples
    --------
    >>> table = parse_labels('7 255 0 0 1 1 1 "mill, upper"', "made.label")
    >>> table[7].name, table[7].colour, table.format
    ('mill, upper', (255, 0, 0), 'itksnap')
    """
    for key, row in FORMATS.items():
        if row.is_it(text):
            try:
                labels = row.read(text, name)
            except InputError:
                raise
            except ValueError as error:
                raise InputError(f"{name} looks like {row.label}, but {error}") from None
            if not labels:
                raise InputError(f"{name} ({row.label}) names no region")
            return LabelTable(tuple(labels), name, key)
    known = ", ".join(row.label for row in FORMATS.values())
    raise InputError(f"{name} is not a known kind of table of names", advice=f"known are: {known}")


def numbered_by_volume(table: LabelTable, text: str) -> bool:
    """Whether the numbers of a table are those of volumes from 0."""
    by_volume = FORMATS[table.format].by_volume
    return _is_probabilistic(text) if by_volume is None else by_volume


# Cells ----------------------------------------------------------------------------------------------------------------


def _value(cell: str, row: int) -> int:
    """A whole number; "49.0" is one."""
    cell = cell.strip()
    if not _NUMBER.fullmatch(cell) or len(cell) > 20:
        raise ValueError(f"{cell[:40]!r} in row {row} is not a whole number")
    return int(cell.partition(".")[0])


def _name(cell: str) -> str:
    cell = cell.strip()
    # A pair around the whole is a matter of writing, others are part of the name.
    is_quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in cell[1:-1]
    return cell[1:-1].strip() if is_quoted else cell


def _label(value: int, name: str, colour: tuple[int, int, int] | None = None, side: str = "") -> Label:
    return Label(value, _name(name), side or side_in_name(name), colour)


def _colour(red: str, green: str, blue: str) -> tuple[int, int, int] | None:
    try:
        colour = tuple(int(float(part)) for part in (red, green, blue))
    except ValueError:
        return None
    return colour if all(0 <= part <= 255 for part in colour) else None


def _lines(text: str) -> list[tuple[int, str]]:
    """Lines that say something, with their numbers."""
    lines = enumerate(text.splitlines(), start=1)
    return [(i, line) for i, line in lines if line.strip() and not line.lstrip().startswith("#")]


# Text of columns ------------------------------------------------------------------------------------------------------


def _has_columns(text: str) -> bool:
    names = [cell.lower() for cell in header_cells(_uncommented(text))]
    return "index" in names and ("name" in names or "label" in names)


def _uncommented(text: str) -> str:
    """The text, its comments empty lines."""
    return "\n".join("" if line.lstrip().startswith("#") else line for line in text.splitlines())


def _read_columns(text: str, name: str) -> list[Label]:
    table = table_cells(_uncommented(text), "names of regions", name)
    refuse_repeated([each.lower() for each in table.names if each.lower() in ("index", "name", "label")], name)
    columns = {called.lower(): cells for called, cells in zip(table.names, table.columns, strict=True)}
    called = columns.get("name", columns.get("label"))
    sides = columns.get("hemisphere", columns.get("hemi", columns.get("side", itertools.repeat(""))))
    colours = columns.get("color", itertools.repeat(""))
    labels = []
    for line, value, words, side, shade in zip(table.lines, columns["index"], called, sides, colours, strict=False):
        if value.strip().lower() == "n/a":
            continue
        if not words.strip():
            raise ValueError(f"row {line} has no name; write one, or take the row out")
        match = _COLOUR.fullmatch(shade.strip())
        colour = tuple(int(part, 16) for part in match.groups()) if match else None
        labels.append(_label(_value(value, line), words, colour, _side_of_word(side)))
    return labels


def _side_of_word(cell: str) -> str:
    return {"l": "left", "lh": "left", "left": "left", "r": "right", "rh": "right", "right": "right"}.get(
        cell.strip().lower(), ""
    )


_ITKSNAP = re.compile(r'^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+[\d.]+\s+[\d.]+\s+[\d.]+\s+"(.*)"\s*$')


def _is_itksnap(text: str) -> bool:
    lines = _lines(text)
    return bool(lines) and all(_ITKSNAP.match(line) for _, line in lines)


def _read_itksnap(text: str, name: str) -> list[Label]:
    found = [_ITKSNAP.match(line).groups() for _, line in _lines(text)]
    return [_label(int(value), called, _colour(*rgb)) for value, *rgb, called in found]


# Some leave the opacity out.
_FREESURFER = re.compile(r"^\s*(\d+)\s+(\S+)\s+(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})(?:\s+\d+)?\s*$")


def _is_freesurfer(text: str) -> bool:
    lines = _lines(text)
    return bool(lines) and all(_FREESURFER.match(line) for _, line in lines)


def _read_freesurfer(text: str, name: str) -> list[Label]:
    found = [_FREESURFER.match(line).groups() for _, line in _lines(text)]
    return [_label(int(value), called, _colour(*rgb)) for value, called, *rgb in found]


def _is_schaefer(text: str) -> bool:
    cells = [line.split("\t") for _, line in _lines(text)]
    return bool(cells) and all(
        len(row) >= 5 and _NUMBER.fullmatch(row[0].strip()) and all(c.strip().isdigit() for c in row[2:5])
        for row in cells
    )


def _read_schaefer(text: str, name: str) -> list[Label]:
    rows = [(i, line.split("\t")) for i, line in _lines(text)]
    return [_label(_value(cells[0], i), cells[1], _colour(*cells[2:5])) for i, cells in rows]


def _is_aal(text: str) -> bool:
    cells = [line.split("\t") if "\t" in line else line.split() for _, line in _lines(text)]
    return bool(cells) and all(
        len(row) == 3 and _NUMBER.fullmatch(row[2].strip()) and not _NUMBER.fullmatch(row[0].strip()) for row in cells
    )


def _read_aal(text: str, name: str) -> list[Label]:
    rows = [(i, line.split("\t") if "\t" in line else line.split()) for i, line in _lines(text)]
    return [_label(_value(cells[2], i), cells[1]) for i, cells in rows]


_PLAIN = re.compile(r"^\s*(\d+)[\s,;:]+(\S.*?)\s*$")


def _is_plain(text: str) -> bool:
    lines = _lines(text)
    return bool(lines) and all(_PLAIN.match(line) for _, line in lines)


def _read_plain(text: str, name: str) -> list[Label]:
    found = [_PLAIN.match(line).groups() for _, line in _lines(text)]
    return [_label(int(value), called) for value, called in found]


# XML and JSON ---------------------------------------------------------------------------------------------------------


def xml_root(text: str) -> ElementTree.Element | None:
    """Root of a text of XML; None if it is none, or brings entities of its own."""
    if not text.lstrip().startswith("<") or "<!ENTITY" in text:
        return None
    try:
        return ElementTree.fromstring(text.lstrip())
    except ElementTree.ParseError:
        return None


def _is_fsl(text: str) -> bool:
    root = xml_root(text)
    return root is not None and root.tag == "atlas" and root.find(".//label[@index]") is not None


def _is_probabilistic(text: str) -> bool:
    """Whether an atlas of FSL is of probabilities: anything that is not of labels."""
    root = xml_root(text)
    kind = None if root is None else root.findtext("header/type")
    return kind is not None and kind.strip().lower() != "label"


def _read_fsl(text: str, name: str) -> list[Label]:
    rows = enumerate(xml_root(text).iterfind(".//label[@index]"), start=1)
    return [_label(_value(row.get("index"), i), "".join(row.itertext())) for i, row in rows]


def _is_spm(text: str) -> bool:
    root = xml_root(text)
    return root is not None and root.find(".//label/index") is not None and root.find(".//label/name") is not None


def _read_spm(text: str, name: str) -> list[Label]:
    rows = enumerate(xml_root(text).iterfind(".//label"), start=1)
    return [_label(_value(row.findtext("index", ""), i), row.findtext("name", "")) for i, row in rows]


_AFNI_PAIR = re.compile(r'"([^"]*)"\s+"([^"]*)"')
_AFNI_POINT = re.compile(r'STRUCT="([^"]*)"[^>]*?VAL="([^"]*)"', re.DOTALL)


def _afni_text(text: str) -> str:
    """What AFNI's attributes hold, with the entities that XML puts into strings taken back."""
    for entity, sign in (("&quot;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&apos;", "'"), ("&amp;", "&")):
        text = text.replace(entity, sign)
    return text


def _is_afni(text: str) -> bool:
    return "VALUE_LABEL_DTABLE" in text or "ATLAS_POINT" in _afni_text(text)


def _read_afni(text: str, name: str) -> list[Label]:
    text = _afni_text(text)
    if points := _AFNI_POINT.findall(text):
        return [_label(_value(value, i), called) for i, (called, value) in enumerate(points, start=1)]
    table = text[text.index("VALUE_LABEL_DTABLE") :]
    begin = table.find("<VALUE_LABEL_DTABLE")
    table = table[begin:] if begin >= 0 else table
    table = table.partition(">")[2] if begin >= 0 else table
    pairs = [pair for pair in _AFNI_PAIR.findall(table.partition("</VALUE_LABEL_DTABLE")[0]) if pair[0].isdigit()]
    return [_label(_value(value, i), called) for i, (value, called) in enumerate(pairs, start=1)]


def _is_niivue(text: str) -> bool:
    return text.lstrip().startswith("{") and '"labels"' in text


def _read_niivue(text: str, name: str) -> list[Label]:
    content = parse_json(text, name)
    names = content.get("labels")
    values = content.get("I", list(range(len(names)))) if isinstance(names, list) else None
    if values is None or not isinstance(values, list) or len(values) != len(names):
        raise ValueError("its labels and their numbers I are not two lists of one length")
    channels = [content.get(key, []) for key in "RGB"]
    colours: Iterable = zip(*channels, strict=False) if all(len(c) == len(names) for c in channels) else ()
    colours = list(colours) or [None] * len(names)
    rows = enumerate(zip(values, names, colours, strict=True), start=1)
    return [
        _label(_value(str(value), i), str(called), rgb and _colour(*map(str, rgb))) for i, (value, called, rgb) in rows
    ]


#: Every format by its name, in the order in which they are tried.
FORMATS: Choices[LabelFormat] = Choices(
    {
        "fsl": LabelFormat("an atlas description of FSL (XML)", _is_fsl, _read_fsl, None),
        "spm": LabelFormat("labels of SPM (XML)", _is_spm, _read_spm),
        "afni": LabelFormat("an atlas of AFNI", _is_afni, _read_afni),
        "niivue": LabelFormat("a colour table of niivue or MRIcroGL (JSON)", _is_niivue, _read_niivue),
        "bids": LabelFormat("a table with the columns index and name (BIDS)", _has_columns, _read_columns),
        "itksnap": LabelFormat("label descriptions of ITK-SNAP", _is_itksnap, _read_itksnap),
        "schaefer": LabelFormat("a table as of Schaefer's and Yeo's atlases", _is_schaefer, _read_schaefer),
        "freesurfer": LabelFormat("a colour table of FreeSurfer", _is_freesurfer, _read_freesurfer),
        "aal": LabelFormat("a table as of AAL (short name, name, number)", _is_aal, _read_aal),
        "plain": LabelFormat("lines of a number and a name", _is_plain, _read_plain),
    }
)
