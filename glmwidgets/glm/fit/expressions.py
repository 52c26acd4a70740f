"""Contrast definitions: what a person types or passes, turned into weights on the design's columns, and back.

The language of texts is in `glmwidgets.glm.fit.grammar`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glmwidgets.glm.fit.grammar import ExpressionError, check_weights, quote_name, read_rows, unknown_name
from glmwidgets.glm.fit.typed_weights import are_weights, read_weights
from glmwidgets.plural import count

#: A contrast has no more rows, unless there are more columns.
MOST_ROWS = 1_000


def _count_rows(definition: object) -> int:
    if isinstance(definition, str):
        return 1 + sum(map(definition.count, ";,\n"))
    if isinstance(definition, list | tuple) and any(isinstance(row, str | Mapping) for row in definition):
        return len(definition)
    return len(definition) if isinstance(definition, np.ndarray) and definition.ndim == 2 else 1


def contrast_vector(definition: object, columns: Iterable[object], pad: bool = True) -> NDArray[np.float64]:
    """Turn any way of writing a contrast into weights on the design's columns.

    Parameters
    ----------
    definition : str, array-like, mapping or sequence of these
        - text: an expression such as ``"face - (house + object) / 2"``; rows separated by ``;``, ``,`` or a
          new line make an F contrast;
        - weights as text: ``"[1 -1 0]"``, ``"1, -1, 0"``, ``"[[1, 0, 0], [0, 1, 0]]"``, a number for each column;
        - a vector of weights, in the order of the columns, or a matrix with one for each row of an F contrast;
        - a mapping from column name to weight;
        - a list of expressions or mappings: the rows of an F contrast.
    columns : iterable of str, length p
        Names of the design's columns.
    pad : bool
        Complete vectors that are too short with zeros, with a warning. If False they are an error.

    Returns
    -------
    ndarray, float64, shape (p,) or (q, p)
        One row of weights, or the q rows of an F contrast.

    Raises
    ------
    ExpressionError
        If a text or a name cannot be read; says where, and what may have been meant.
    ValueError
        If the numbers do not fit the columns, are not finite, or a row holds only zeros.
    TypeError
        If the definition is none of the above.

    Examples
    --------
    >>> columns = ["face", "house", "1back", "left hand", "constant"]
    >>> contrast_vector("face - 1back / 2", columns)
    array([ 1. ,  0. , -0.5,  0. ,  0. ])
    >>> contrast_vector("[1 -1 0 0 0]", columns)
    array([ 1., -1.,  0.,  0.,  0.])
    >>> contrast_vector({"left hand": 1, "face": -1}, columns)
    array([-1.,  0.,  0.,  1.,  0.])
    >>> contrast_vector(["face", "house"], columns)
    array([[1., 0., 0., 0., 0.],
           [0., 1., 0., 0., 0.]])
    """
    names = _column_names(columns)
    if (n_rows := _count_rows(definition)) > max(MOST_ROWS, len(names)):
        raise ValueError(f"the contrast has {count(n_rows, 'row')}, and the design {count(len(names), 'column')}")
    if isinstance(definition, str):
        if are_weights(definition) and definition.strip() not in names:
            return read_weights(definition, names)
        rows = read_rows(definition, names)
        return rows[0] if len(rows) == 1 else np.stack(rows)
    if isinstance(definition, Mapping):
        return _from_mapping(definition, names)
    if isinstance(definition, (list, tuple)) and any(isinstance(row, (str, Mapping)) for row in definition):
        rows = [contrast_vector(row, names, pad) for row in definition]
        for number, row in enumerate(rows, start=1):
            if row.ndim != 1:
                raise ValueError(f"row {number} of the contrast must be one expression, but it holds {len(row)}")
        return np.stack(rows)
    return _from_numbers(definition, names, pad)


def parse_expression(text: str, columns: Iterable[object]) -> NDArray[np.float64]:
    """Read one contrast expression.

    Parameters
    ----------
    text : str
        For instance ``"face - house"``, ``"0.5 * (face + 'left hand')"``, ``"1back"``. The grammar is at the
        head of `glmwidgets.glm.fit.grammar`.
    columns : iterable of str, length p
        Names of the design's columns.

    Returns
    -------
    ndarray, float64, shape (p,)
        Weight of each column.

    Raises
    ------
    ExpressionError
        If the text is empty, names no column, is not linear in the columns, or has several rows.

    Examples
    --------
    >>> parse_expression("face - house", ["face", "house", "constant"])
    array([ 1., -1.,  0.])
    >>> parse_expression("face - huose", ["face", "house", "constant"])
    Traceback (most recent call last):
        ...
    glmwidgets.glm.fit.grammar.ExpressionError: no column named 'huose'; did you mean 'house'? The columns
    are: face, house
    """
    rows = read_rows(text, _column_names(columns))
    if len(rows) > 1:
        raise ExpressionError(f"one expression was expected, but the text holds {len(rows)} rows: {text!r}")
    return rows[0]


def expression_from_vector(vector: ArrayLike, columns: Iterable[object]) -> str:
    """Write weights as an expression; the inverse of `contrast_vector`.

    Parameters
    ----------
    vector : array-like, shape (p,) or (q, p)
        Finite weights, with something other than zero in every row.
    columns : iterable of str, length p
        Names of the design's columns.

    Returns
    -------
    str
        Reading it gives back exactly the same weights. Rows are joined by ``"; "``.

    Raises
    ------
    ValueError
        If the weights are not a contrast on these columns.

    Examples
    --------
    >>> expression_from_vector([1, -0.5, -0.5, 0], ["face", "house", "left hand", "constant"])
    'face - 0.5*house - 0.5*"left hand"'
    >>> expression_from_vector([1 / 3, 1 / 3, 1 / 3, -1], ["a", "b", "c", "rest"])
    'a/3 + b/3 + c/3 - rest'
    """
    names = _column_names(columns)
    rows = np.atleast_2d(_from_numbers(vector, names, pad=False))
    text = "; ".join(_write_row(row, names) for row in rows)
    # A text that happens to be a column's name would be read as that column.
    while text in names:
        text = f"({text})"
    return text


def _column_names(columns: Iterable[object]) -> list[str]:
    names = [str(column) for column in columns]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"column names must be unique, but these come more than once: {', '.join(twice)}")
    return names


def _from_mapping(weights: Mapping[object, object], names: Sequence[str]) -> NDArray[np.float64]:
    vector = np.zeros(len(names))
    for key, weight in weights.items():
        name = str(key)
        if name not in names:
            raise unknown_name(name, names, position=None)
        try:
            vector[names.index(name)] = weight
        except (TypeError, ValueError):
            raise TypeError(f"the weight of column {name!r} must be a number, not {weight!r}") from None
    check_weights(vector)
    return vector


def _from_numbers(definition: object, names: Sequence[str], pad: bool) -> NDArray[np.float64]:
    try:
        weights = np.array(definition, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            "a contrast is an expression, a vector or matrix of numbers, a mapping from column name to weight, "
            f"or a list of expressions; this is none of them: {definition!r}"
        ) from None
    if weights.ndim not in (1, 2) or weights.size == 0:
        raise ValueError(f"a contrast must be a vector (t) or a matrix (F) of weights, not of shape {weights.shape}")
    check_weights(weights)
    n_columns, length = len(names), weights.shape[-1]
    if length == n_columns:
        return weights
    mismatch = f"the contrast should be of length P={n_columns} (a weight for each column) but has length {length}"
    if length > n_columns:
        raise ValueError(f"{mismatch}: take out the last {length - n_columns}")
    if not pad:
        raise ValueError(f"{mismatch}: give the missing weights")
    warnings.warn(f"{mismatch}: zeros were added for the rest", UserWarning, stacklevel=3)
    missing = [(0, 0)] * (weights.ndim - 1) + [(0, n_columns - length)]
    return np.pad(weights, missing)


def _write_row(row: NDArray[np.float64], names: Sequence[str]) -> str:
    text = ""
    for weight, name in zip(row, names, strict=True):
        if weight == 0:
            continue
        sign = "-" if weight < 0 else "+"
        text += f" {sign} " if text else sign.replace("+", "")
        text += _write_term(abs(float(weight)), quote_name(name))
    return text


def _write_term(weight: float, name: str) -> str:
    """Positive weight times name: a decimal if that is short, a fraction such as 2/3 if that is exact."""
    if weight == 1:
        return name
    decimal = repr(weight).removesuffix(".0")
    if len(decimal) > 5 and weight < 1000:
        for denominator in range(2, 13):
            numerator = round(weight * denominator)
            if numerator / denominator == weight:
                return f"{name}/{denominator}" if numerator == 1 else f"{numerator}*{name}/{denominator}"
    return f"{decimal}*{name}"
