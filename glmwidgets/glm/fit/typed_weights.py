"""Weights that a person types as numbers, one for each column of the design: read as numbers, and never run as code."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glmwidgets.glm.fit.grammar import ExpressionError, as_f_test, check_weights
from glmwidgets.plural import count

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_WEIGHT = rf"{_NUMBER}(?:/{_NUMBER})?"
_BETWEEN = r"(?:\s*,\s*|[^\S\n]+)"
# Without brackets a row has two weights or more: a single number is taken for part of an expression.
_BARE_ROW = re.compile(rf"\s*{_WEIGHT}(?:{_BETWEEN}{_WEIGHT})+\s*")
_ROW = re.compile(rf"\s*{_WEIGHT}(?:{_BETWEEN}{_WEIGHT})*\s*")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
#: Columns that a message names.
SHOWN = 12


def are_weights(text: str) -> bool:
    """Whether a text is weights and no expression: it opens with a square bracket, or is rows of numbers.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> [are_weights(text) for text in ("[-1 -1 1 1]", "-1 -1 1 1", "1, 0; 0, 1", "F([1 0])")]
    [True, True, True, True]
    >>> [are_weights(text) for text in ("face - house", "1", "2 - 1")]
    [False, False, False]
    """
    text = as_f_test(text, False).strip()
    return text.startswith("[") or (bool(text) and all(map(_BARE_ROW.fullmatch, re.split(r"[;\n]", text))))


def read_weights(text: str, names: Sequence[str]) -> NDArray[np.float64]:
    """Read weights that were typed.

    Parameters
    ----------
    text : str
        Numbers or fractions, separated by blanks or commas. Rows of an F test are separated by ``;`` or new lines,
        or have a bracket each.
    names : sequence of str, length p
        Of the design's columns.

    Returns
    -------
    ndarray, float64, shape (p,) or (q, p)

    Raises
    ------
    ExpressionError
        If something is no number, a bracket is not closed, or a row has more or fewer weights than there are columns.

    Examples
    --------
    >>> read_weights("[1, -1/2, -1/2]", ["face", "house", "body"])
    array([ 1. , -0.5, -0.5])
    >>> read_weights("[[1, -1], [1, 1]]", ["face", "house"])
    array([[ 1., -1.],
           [ 1.,  1.]])
    >>> read_weights("1 -1", ["face", "house", "constant"])
    Traceback (most recent call last):
        ...
    glmwidgets.glm.fit.grammar.ExpressionError: 2 weights for 3 columns; give one for each of face, house, constant
    """
    inside = as_f_test(text, False).strip()
    rows = [_numbers(row, text) for row in _rows_of(inside)]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            said = f"{count(len(row), 'weight')} for {count(len(names), 'column')}"
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            raise ExpressionError(
                said if len(rows) == 1 else f"row {number}: {said}",
                position=0,
                token=text.strip(),
                advice=f"give one for each of {', '.join(names[:SHOWN])}{more}",
            )
    weights = np.array(rows) + 0.0  # no negative zeros
    weights = weights[0] if len(rows) == 1 else weights
    try:
        check_weights(weights)
    except ValueError as error:
        raise ExpressionError(str(error), position=0, token=text.strip()) from None
    return weights


def _rows_of(text: str) -> list[str]:
    if not text.startswith("["):
        return re.split(r"[;\n]", text)
    # A row for each bracket, whatever stands around and between them; a bracket may hold several rows.
    around = _BRACKETS.sub("", text)
    if not re.fullmatch(r"\[[\s,;]*\]|[\s,;]*", around):
        raise ExpressionError(
            f"square brackets hold the weights of the columns, as [1 -1 0] or [[1, 0], [0, 1]], and {text!r} does not "
            "close them or has more beside",
            position=0,
            token=text,
        )
    return [row for inner in _BRACKETS.findall(text) for row in re.split(r"[;\n]", inner) if row.strip()] or [""]


def _numbers(row: str, text: str) -> list[float]:
    if not _ROW.fullmatch(row):
        raise ExpressionError(
            f"weights are numbers, separated by blanks or commas, and {row.strip()!r} is something else",
            position=0,
            token=text.strip(),
            advice="names of columns need no brackets: face - house",
        )
    found = []
    for weight in re.findall(_WEIGHT, row):
        over, _, under = weight.partition("/")
        if under and float(under) == 0:
            raise ExpressionError(f"division by zero in {weight!r}", position=0, token=text.strip())
        found.append(float(over) / float(under or 1))
    return found
