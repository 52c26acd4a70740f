"""Designs and contrasts in the files of FSL and AFNI.

Numbers are written so that they are read back to the last bit, and so are the names of columns: FSL's files have no
place for them, and skip the keywords that carry them here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd

from glmwidgets.files.writing import check_outputs, noted, remove, write_text
from glmwidgets.glm.fit.contrasts import chosen_stat_type
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.fit.partition import holds_constant
from glmwidgets.plural import count

PathLike = str | os.PathLike[str]

#: A list of a header is not longer.
MOST_VALUES = 10_000_000


def _row(values: Sequence[float]) -> str:
    # The shortest text that is read back as the same number.
    return "\t".join(repr(float(value)) for value in values)


def _lines(path: PathLike, what: str) -> list[str]:
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"no {what} at {path}")
    try:
        return noted(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file") from None


# FSL ------------------------------------------------------------------------------------------------------------------


def write_fsl_mat(path: PathLike, design: pd.DataFrame, *, overwrite: bool = False) -> Path:
    """Write a design matrix as FSL's ``.mat``.

    Parameters
    ----------
    path : str or path
    design : DataFrame of shape (n_scans, n_columns)
        Indexed by frame times.
    overwrite : bool
        Whether a file that exists may be replaced; one that was read as an input never is.

    Returns
    -------
    Path

    Raises
    ------
    FileExistsError
        If the file was read as an input, or exists and may not be replaced.

    Notes
    -----
    The format is that of FEAT's design files (``/NumWaves``, ``/NumPoints``, ``/PPheights``, ``/Matrix``). The lines
    ``/ColumnName`` and ``/FrameTimes`` are ours; FSL skips keywords that it does not know.

    Examples
    --------
    >>> import tempfile
    >>> design = pd.DataFrame({"a b": [0.1, 0.2], "constant": 1.0}, index=[0.0, 2.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = read_fsl_mat(write_fsl_mat(Path(folder) / "design.mat", design))
    >>> again.equals(design)
    True
    """
    x = design.to_numpy(dtype=np.float64)
    head = [f"/NumWaves\t{x.shape[1]}", f"/NumPoints\t{x.shape[0]}", f"/PPheights\t{_row(np.ptp(x, axis=0))}"]
    # One token without slashes: nothing in a name can be taken for a keyword.
    head += [f"/ColumnName{j}\t{quote(str(name), safe='')}" for j, name in enumerate(design.columns, 1)]
    head += [f"/FrameTimes\t{_row(design.index)}"]
    return write_text(path, "\n".join([*head, "", "/Matrix", *map(_row, x), ""]), "FSL design", overwrite=overwrite)


def read_fsl_mat(path: PathLike, constant: bool = False) -> pd.DataFrame:
    """Read a design matrix from FSL's ``.mat``.

    Parameters
    ----------
    path : str or path
    constant : bool
        Add a column ``constant``, where the columns make none. FEAT takes the mean out of data and columns of a first
        level and writes no constant; data that keep their mean need one.

    Returns
    -------
    DataFrame of shape (n_scans, n_columns)
        Columns are called ``ev1``, ``ev2`` ... where the file names none.

    Raises
    ------
    FileNotFoundError, ValueError
        If it is missing, or is no such file.
    """
    fields, x = _vest(path, "FSL design (.mat)")
    names = [unquote(fields.get(f"ColumnName{j}", f"ev{j}")) for j in range(1, x.shape[1] + 1)]
    times = [float(value) for value in fields["FrameTimes"].split()] if "FrameTimes" in fields else None
    _check_count(path, "NumPoints", fields, x.shape[0])
    design = pd.DataFrame(x, columns=names, index=times)
    return design.assign(constant=1.0) if constant and not holds_constant(x) else design


def write_fsl_con(
    path: PathLike, contrasts: Mapping[str, Any], design: pd.DataFrame, *, overwrite: bool = False
) -> Path:
    """Write contrasts as FSL's ``.con``; F tests in an ``.fts`` beside it.

    Parameters
    ----------
    path : str or path
        Ends in ``.con``.
    contrasts : mapping from name to definition
        As `glmwidgets.glm.fit.expressions.contrast_vector` reads them.
    design : DataFrame
        Gives the columns.
    overwrite : bool
        Whether files that exist may be replaced; one that was read as an input never is.
        An ``.fts`` that would be taken as belonging to this ``.con`` is removed then.

    Returns
    -------
    Path
        Of the ``.con``.

    Raises
    ------
    ValueError
        If there is no contrast.
    FileExistsError
        If a file was read as an input, or exists and may not be replaced.
    """
    names, rows, tests = [], [], []
    for name, definition in contrasts.items():
        weights = np.atleast_2d(contrast_vector(definition, design.columns))
        is_f = chosen_stat_type(None, len(weights), definition, design.columns) == "F"
        if is_f:
            tests.append((name, range(len(rows), len(rows) + len(weights))))
        for number, row in enumerate(weights, 1):
            names.append(f"{name} row {number}" if is_f else name)
            rows.append(row)
    if not rows:
        raise ValueError("there is no contrast to write")
    heights = " ".join("1" for _ in rows)
    head = [f"/ContrastName{j}\t{quote(name, safe='')}" for j, name in enumerate(names, 1)]
    head += [f"/NumWaves\t{design.shape[1]}", f"/NumContrasts\t{len(rows)}"]
    head += [f"/PPheights\t{heights}", f"/RequiredEffect\t{heights}"]
    text = "\n".join([*head, "", "/Matrix", *map(_row, rows), ""])
    other = Path(path).with_suffix(".fts")
    check_outputs([("contrasts", path), ("F tests", other)], overwrite)
    if tests:
        lines = [f"/FTestName{j}\t{quote(name, safe='')}" for j, (name, _) in enumerate(tests, 1)]
        lines += [f"/NumWaves\t{len(rows)}", f"/NumContrasts\t{len(tests)}", "", "/Matrix"]
        lines += [" ".join("1" if j in held else "0" for j in range(len(rows))) for _, held in tests]
        write_text(other, "\n".join([*lines, ""]), "F tests", overwrite=overwrite)
    else:
        # One of an earlier export would be taken as belonging to this one.
        remove(other, "F tests", overwrite=overwrite)
    return write_text(path, text, "contrasts", overwrite=overwrite)


def read_fsl_con(path: PathLike) -> dict[str, np.ndarray]:
    """Read contrasts from FSL's ``.con``, and F tests from the ``.fts`` beside it.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    dict from name to array of shape (n_columns,) or (n_rows, n_columns)
        A row that belongs to an F test and was written for it is not repeated as a contrast of its own. Where two have
        one name, the second is called ``name (2)``.

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing, or is no such file.
    """
    fields, weights = _vest(path, "FSL contrasts (.con)")
    _check_count(path, "NumContrasts", fields, len(weights))
    names = [unquote(fields.get(f"ContrastName{j}", f"contrast{j}")) for j in range(1, len(weights) + 1)]
    tests = Path(path).with_suffix(".fts")
    # Of each F test: its first row, name and rows. A row may belong to several, and several may begin with it.
    held: list[tuple[int, str, np.ndarray]] = []
    used: set[int] = set()
    if tests.is_file():
        fields, rows = _vest(tests, "FSL F tests (.fts)")
        if rows.shape[1] != len(weights):
            raise ValueError(f"{tests} is of {rows.shape[1]} contrasts, but {path} has {len(weights)}")
        for j, row in enumerate(rows, 1):
            name, own = unquote(fields.get(f"FTestName{j}", f"F{j}")), np.flatnonzero(row)
            if not own.size:
                raise ValueError(f"{tests}: F test {j} holds no contrast")
            held.append((int(own[0]), name, weights[own]))
            if all(names[i].startswith(f"{name} row ") for i in own):
                used.update(own.tolist())
    found: dict[str, np.ndarray] = {}
    for i, (name, row) in enumerate(zip(names, weights, strict=True)):
        for first, test, tested in held:
            if first == i:
                found[_unlike(test, found)] = tested
        if i not in used:
            found[_unlike(name, found)] = row
    return found


def _unlike(name: str, taken: Container[str]) -> str:
    """The name, or with a number where another is called so, too."""
    number, unlike = 1, name
    while unlike in taken:
        number += 1
        unlike = f"{name} ({number})"
    return unlike


def _vest(path: PathLike, what: str) -> tuple[dict[str, str], np.ndarray]:
    """Keywords and matrix of a file in FSL's text format."""
    fields: dict[str, str] = {}
    lines = iter(_lines(path, what))
    for line in lines:
        if line.strip() == "/Matrix":
            break
        if line.startswith("/"):
            key, _, value = line[1:].partition("\t") if "\t" in line else line[1:].partition(" ")
            fields[key] = value.strip()
    else:
        raise ValueError(f"{path} is not an {what}: it has no line /Matrix")
    try:
        matrix = np.array([[float(word) for word in line.split()] for line in lines if line.strip()])
    except ValueError as error:
        raise ValueError(f"{path}: the matrix cannot be read: {error}") from None
    if matrix.ndim != 2:
        raise ValueError(f"{path}: the matrix is empty")
    _check_count(path, "NumWaves", fields, matrix.shape[1])
    return fields, matrix


def _check_count(path: PathLike, key: str, fields: Mapping[str, str], found: int) -> None:
    if key in fields and int(fields[key]) != found:
        raise ValueError(f"{path}: /{key} is {fields[key]}, but the matrix has {found}")


# AFNI -----------------------------------------------------------------------------------------------------------------


def write_afni_xmat(
    path: PathLike,
    design: pd.DataFrame,
    contrasts: Mapping[str, Any] | None = None,
    t_r: float | None = None,
    interest: Sequence[str] = (),
    *,
    overwrite: bool = False,
) -> Path:
    """Write a design matrix, and contrasts of it, as AFNI's ``.xmat.1D``.

    Parameters
    ----------
    path : str or path
    design : DataFrame of shape (n_scans, n_columns)
        Indexed by frame times in seconds.
    contrasts : mapping from name to definition, optional
        General linear tests.
    t_r : float, optional
        Seconds between scans; the step of the index by default.
    interest : sequence of str
        Columns of the task; the others are AFNI's baseline.
    overwrite : bool
        Whether a file that exists may be replaced; one that was read as an input never is.

    Returns
    -------
    Path

    Raises
    ------
    FileExistsError
        If the file was read as an input, or exists and may not be replaced.

    Notes
    -----
    The header is that of ``3dDeconvolve``: comment lines that make one NIML element, with the attributes that
    ``3dREMLfit`` reads. AFNI takes lists of labels apart at semicolons and blanks: these are written as underscores.
    ``FrameTimes``, and ``ColumnNames`` and ``GltNames`` that hold names as they were, are ours; AFNI leaves them alone.

    Examples
    --------
    >>> import tempfile
    >>> design = pd.DataFrame({"face": [0.1, 0.2], "constant": 1.0}, index=[0.0, 2.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_afni_xmat(Path(folder) / "X.xmat.1D", design, {"Face": "face"})
    ...     again, contrasts = read_afni_xmat(path)
    >>> again.equals(design), contrasts["Face"].tolist()
    (True, [1.0, 0.0])
    """
    x, contrasts = design.to_numpy(dtype=np.float64), dict(contrasts or {})
    names = [str(name) for name in design.columns]
    labels = _labels(names)
    n_scans, n_columns = x.shape
    if t_r is None:
        t_r = float(np.median(np.diff(np.asarray(design.index, dtype=float)))) if n_scans > 1 else 1.0
    task = [j for j, name in enumerate(names) if name in set(interest)]
    groups = [-1] * n_columns
    for number, j in enumerate(task, 1):
        groups[j] = number
    attributes = {
        "ni_type": f"{n_columns}*double",
        "ni_dimen": str(n_scans),
        "ColumnLabels": " ; ".join(labels),
        "ColumnGroups": ",".join(map(str, groups)),
        "RowTR": repr(float(t_r)),
        "GoodList": f"0..{n_scans - 1}",
        "NRowFull": str(n_scans),
        "RunStart": "0",
        "Nstim": str(len(task)),
        "StimBots": ",".join(map(str, task)),
        "StimTops": ",".join(map(str, task)),
        "StimLabels": " ; ".join(labels[j] for j in task),
        "FrameTimes": ",".join(repr(float(time)) for time in design.index),
    }
    if labels != names:
        attributes["ColumnNames"] = _exactly(names)
    if contrasts:
        attributes["Nglt"] = str(len(contrasts))
        attributes["GltLabels"] = " ; ".join(_labels(list(contrasts)))
        if _labels(list(contrasts)) != list(contrasts):
            attributes["GltNames"] = _exactly(contrasts)
        for number, definition in enumerate(contrasts.values()):
            weights = np.atleast_2d(contrast_vector(definition, names))
            values = ",".join(repr(float(value)) for value in weights.ravel())
            attributes[f"GltMatrix_{number:06d}"] = f"{weights.shape[0]},{weights.shape[1]},{values}"
    attributes["CommandLine"] = "glmwidgets"
    head = ["# <matrix", *(f'#  {key} = "{_quoted(value)}"' for key, value in attributes.items()), "# >"]
    rows = (" " + " ".join(repr(float(value)) for value in row) for row in x)
    return write_text(path, "\n".join([*head, *rows, "# </matrix>", ""]), "AFNI design", overwrite=overwrite)


def _labels(names: Sequence[str]) -> list[str]:
    """Names that AFNI's lists can hold, all different if they were."""
    labels: list[str] = []
    for name in names:
        labels.append(_unlike(re.sub(r"[;\s]+", "_", name) or "_", labels).replace(" ", "_"))
    return labels


def _exactly(names: Iterable[str]) -> str:
    return " ".join(quote(name, safe="", errors="surrogatepass") for name in names)


def _named(attributes: Mapping[str, str], what: str) -> list[str]:
    """Names of columns or tests: as they were, or else as AFNI calls them."""
    if f"{what}Names" in attributes:
        return [unquote(name, errors="surrogatepass") for name in attributes[f"{what}Names"].split(" ")]
    return [name.strip() for name in attributes.get(f"{what}Labels", "").split(";")]


def _expanded(text: str) -> list[str]:
    """The values of a list in which ``12@0`` stands for twelve zeros."""
    values: list[str] = []
    for part in text.strip(", ").split(","):
        times, at, value = part.strip().partition("@")
        if at and int(times) + len(values) > MOST_VALUES:
            raise ValueError(f"a list in it is of more than {MOST_VALUES:,} values")
        values += [value] * int(times) if at else [times]
    return values


def _quoted(text: str) -> str:
    """An attribute's value: no quote, angle bracket or line end can leave it."""
    return escape(text).replace("\n", "&#10;").replace("\r", "&#13;")


def read_afni_xmat(path: PathLike) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Read a design matrix and its contrasts from AFNI's ``.xmat.1D``.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    design : DataFrame of shape (n_scans, n_columns)
        The scans of ``GoodList``, indexed by their times in seconds.
    contrasts : dict from name to array of shape (n_columns,) or (n_rows, n_columns)

    Raises
    ------
    FileNotFoundError, ValueError
        If it is missing, or is no such file.
    """
    lines = _lines(path, "AFNI design (.xmat.1D)")
    head = "\n".join(line.lstrip()[1:] for line in lines if line.lstrip().startswith("#"))
    attributes = {key: unescape(value) for key, value in re.findall(r'(\w+)\s*=\s*"([^"]*)"', head)}
    if "ni_type" not in attributes:
        raise ValueError(f"{path} is not an AFNI design (.xmat.1D): it has no header with ni_type")
    try:
        return _read_xmat(attributes, [line for line in lines if line.strip() and not line.lstrip().startswith("#")])
    except KeyError as error:
        raise ValueError(f"{path}: the header of this AFNI design has no {error.args[0]}") from None
    except (ValueError, OverflowError, MemoryError) as error:
        raise ValueError(f"{path}: this AFNI design cannot be read: {error}") from None


def _read_xmat(attributes: Mapping[str, str], body: Sequence[str]) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    x = np.array([[float(word) for word in line.split()] for line in body])
    n_columns = int(attributes["ni_type"].partition("*")[0])
    if x.ndim != 2 or x.shape[1] != n_columns:
        raise ValueError(f"the header names {count(n_columns, 'column')}, but the rows have another number of cells")
    names = _named(attributes, "Column")
    if len(names) != n_columns:
        names = [f"x{j}" for j in range(n_columns)]
    if "FrameTimes" in attributes:
        times = np.array([float(word) for word in attributes["FrameTimes"].split(",")])
    else:
        kept = _good_scans(attributes.get("GoodList", f"0..{len(x) - 1}"))
        times = float(attributes.get("RowTR", 1)) * np.asarray(kept, dtype=float)
    if len(times) != len(x):
        raise ValueError(f"the header names {count(len(times), 'scan')}, but the table has {count(len(x), 'row')}")
    contrasts: dict[str, np.ndarray] = {}
    for number, label in enumerate(_named(attributes, "Glt")[: int(attributes.get("Nglt", 0))]):
        rows, columns, *values = _expanded(attributes[f"GltMatrix_{number:06d}"])
        weights = np.array([float(value) for value in values]).reshape(int(float(rows)), int(float(columns)))
        contrasts[_unlike(label, contrasts)] = weights[0] if len(weights) == 1 else weights
    return pd.DataFrame(x, columns=names, index=times), contrasts


def _good_scans(text: str) -> list[int]:
    """Numbers of scans from a list such as ``0..9,12,14..20``."""
    scans: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("..")
        if int(last or first) - int(first) > MOST_VALUES:
            raise ValueError(f"a list in it is of more than {MOST_VALUES:,} values")
        scans += range(int(first), int(last or first) + 1)
    return scans
