"""Contrast definitions: what a person types or passes, turned into weights on the design's columns.

The language is small and safe: it is read by the grammar below and nothing is ever evaluated as code.

.. code-block:: text

    rows       = expression { (";" | "," | newline) expression }      more than one row is an F contrast
    expression = term { ("+" | "-") term }
    term       = factor { ("*" | "/") factor }
    factor     = { "+" | "-" } ( number | name | "(" expression ")" )
    name       = word | '"' text '"' | "'" text "'"

A word is a run of letters, digits, underscores and dots that is not a number: ``face``, ``1back``, ``a.2``.
Every other name is written in quotes (``"left hand"``, ``'go/nogo'``; a quote inside its own kind is doubled).
A text that is, as a whole, the name of a column means that column: one called ``a-b`` can be typed as it is.

A value is either a number or a weighted sum of columns. Only what is linear and homogeneous in the columns is
a contrast: no column is multiplied with or divided by a column, and no number is added to one.
"""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glmwidgets.glm.errors import InputError

__all__ = ["ExpressionError", "contrast_vector", "expression_from_vector", "parse_expression", "quote_name"]

MAX_DEPTH = 50  # brackets within brackets; keeps a pasted "((((..." a message instead of a stack overflow

_TOKEN = re.compile(
    r"""
      (?P<blank>  [^\S\n]+ )
    | (?P<row>    [;,\n] )
    | (?P<symbol> [-+*/()] )
    | (?P<number> (?: [0-9]+ \.? [0-9]* | \. [0-9]+ ) (?: [eE] [+-]? [0-9]+ )? (?! [\w.] ) )
    | (?P<word>   [\w.]+ )
    | (?P<quoted> "(?: [^"] | "" )*" | '(?: [^'] | '' )*' )
    """,
    re.VERBOSE,
)
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
_NUISANCE = re.compile(r"drift_\d+|constant|intercept", re.IGNORECASE)
_LOOKALIKES = dict(zip("−–—×·÷“”‘’", "---**/\"\"''", strict=True))


class ExpressionError(InputError):
    """A contrast that cannot be read.

    Attributes
    ----------
    position : int or None
        Where in the text the trouble starts, counted from 0. None if it has no place of its own.
    token : str
        The piece of the text at `position` that is meant; may be empty.
    suggestion : str or None
        What could stand there instead of `token`, ready to be pasted (quoted if it must be).
    """

    def __init__(
        self,
        message: str,
        *,
        position: int | None = None,
        token: str = "",
        suggestion: str | None = None,
        advice: str = "",
    ) -> None:
        super().__init__(message, advice=advice)
        self.position = position
        self.token = token
        self.suggestion = suggestion


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
    >>> contrast_vector({"left hand": 1, "face": -1}, columns)
    array([-1.,  0.,  0.,  1.,  0.])
    >>> contrast_vector(["face", "house"], columns)
    array([[1., 0., 0., 0., 0.],
           [0., 1., 0., 0., 0.]])
    """
    names = _column_names(columns)
    if (n_rows := _count_rows(definition)) > max(MOST_ROWS, len(names)):
        raise ValueError(f"the contrast has {n_rows:,} rows, and the design {len(names):,} columns")
    if isinstance(definition, str):
        rows = _parse(definition, names)
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
        head of this module.
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
    glmwidgets.glm.fit.expressions.ExpressionError: no column named 'huose'; did you mean 'house'? The columns
    are: face, house
    """
    rows = _parse(text, _column_names(columns))
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


def quote_name(name: str) -> str:
    """Write a column's name so that it can stand in an expression.

    Parameters
    ----------
    name : str
        Any text.

    Returns
    -------
    str
        The name itself if it is a plain word, otherwise the name in double quotes, those inside it doubled.

    Examples
    --------
    >>> quote_name("face"), quote_name("left hand"), quote_name("1back")
    ('face', '"left hand"', '"1back"')
    """
    return name if _PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'


# Numbers and mappings --------------------------------------------------------------------------------


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
            raise _unknown_name(name, names, position=None)
        try:
            vector[names.index(name)] = weight
        except (TypeError, ValueError):
            raise TypeError(f"the weight of column {name!r} must be a number, not {weight!r}") from None
    _check_weights(vector)
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
    _check_weights(weights)
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


def _check_weights(weights: NDArray[np.float64]) -> None:
    for number, row in enumerate(np.atleast_2d(weights), start=1):
        which = f"row {number} of the contrast" if weights.ndim == 2 else "the contrast"
        if not np.isfinite(row).all():
            raise ValueError(f"{which} holds a weight that is not finite")
        if not row.any():
            raise ValueError(f"every weight of {which} is zero: there is nothing to test")


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


# Text ------------------------------------------------------------------------------------------------


class Token(NamedTuple):
    """A piece of an expression and where it stands."""

    kind: str  # "number", "name", "row" (ends a row), "end", or the operator or bracket itself
    text: str
    position: int


def _parse(text: str, names: Sequence[str]) -> list[NDArray[np.float64]]:
    """All rows of a text, each of shape (p,)."""
    whole = text if text in names else text.strip()
    if whole in names:
        return [_unit_vector(whole, names)]
    return _Reader(text, names).rows()


def _unit_vector(name: str, names: Sequence[str]) -> NDArray[np.float64]:
    vector = np.zeros(len(names))
    vector[names.index(name)] = 1.0
    return vector


def tokens(text: str) -> Iterable[Token]:
    """Pieces of an expression, blanks left out; the last is of kind ``"end"``.

    Raises
    ------
    ExpressionError
        At a character that cannot stand in an expression.
    """
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            raise _stray_character(text, position)
        kind, piece = match.lastgroup, match.group()
        if kind in ("word", "quoted"):
            yield Token("name", piece, position)
        elif kind != "blank":
            yield Token(piece if kind == "symbol" else kind, piece, position)
        position = match.end()
    yield Token("end", "", position)


def _stray_character(text: str, position: int) -> ExpressionError:
    character = text[position]
    if character in "\"'":
        message = f"the quote that opens at character {position + 1} is never closed"
        return ExpressionError(message, position=position, token=text[position:])
    suggestion = _LOOKALIKES.get(character)
    advice = f"; write {suggestion} instead" if suggestion else "; a name that contains it must be in quotes"
    message = f"{character!r} at character {position + 1} is not part of a contrast expression{advice}"
    return ExpressionError(message, position=position, token=character, suggestion=suggestion)


_Value = float | np.ndarray  # a number, or a weighted sum of columns as its weights, shape (p,)


class _Reader:
    """Recursive descent over the tokens of one text: a method for each rule of the grammar."""

    def __init__(self, text: str, names: Sequence[str]) -> None:
        self.text = text
        self.names = names
        self.tokens = list(tokens(text))
        self.index = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def take(self, *kinds: str) -> Token | None:
        """The present token if it is of one of these kinds, and move on; otherwise None, and stay."""
        token = self.token
        if token.kind not in kinds:
            return None
        self.index += 1
        return token

    def rows(self) -> list[NDArray[np.float64]]:
        found = []
        while True:
            while self.take("row"):  # blank rows say nothing
                pass
            if self.take("end"):
                break
            start = self.token.position
            value = self.expression()
            if self.token.kind not in ("row", "end"):
                raise self.unexpected()
            found.append(self.as_weights(value, start))
        if not found:
            raise ExpressionError("the contrast is empty: write for instance 'a' or 'a - b'", position=0)
        return found

    def as_weights(self, value: _Value, start: int) -> NDArray[np.float64]:
        """The weights of a finished row, whose text began at `start`."""
        token = self.text[start : self.token.position].strip()
        if not isinstance(value, np.ndarray):
            message = f"{token!r} names no column: it is a number"
            numbers = [known.text for known in self.tokens if known.kind == "number" and known.position >= start]
            if named := [number for number in numbers if number in self.names]:
                message += f"; the column {named[0]!r} must be in quotes: {quote_name(named[0])}"
            raise ExpressionError(message, position=start, token=token)
        try:
            _check_weights(value)
        except ValueError as error:
            raise ExpressionError(f"{error} ({token})", position=start, token=token) from None
        return value + 0.0  # no negative zeros

    def expression(self) -> _Value:
        value = self.term()
        while operator := self.take("+", "-"):
            right = self.term()
            if isinstance(value, np.ndarray) != isinstance(right, np.ndarray):
                raise self.error(operator, "a number cannot be added to a column, only multiplied with it")
            value = _quietly(np.add if operator.kind == "+" else np.subtract, value, right)
        return value

    def term(self) -> _Value:
        value = self.factor()
        while operator := self.take("*", "/"):
            right = self.factor()
            if operator.kind == "*":
                if isinstance(value, np.ndarray) and isinstance(right, np.ndarray):
                    raise self.error(operator, "a column cannot be multiplied with a column")
                value = _quietly(np.multiply, value, right)
            else:
                if isinstance(right, np.ndarray):
                    raise self.error(operator, "nothing can be divided by a column")
                if right == 0:
                    raise self.error(operator, "division by zero")
                value = _quietly(np.divide, value, right)
        return value

    def factor(self) -> _Value:
        negative = False
        while sign := self.take("+", "-"):
            negative ^= sign.kind == "-"
        value = self.atom()
        return -value if negative else value

    def atom(self) -> _Value:
        if number := self.take("number"):
            return float(number.text)
        if name := self.take("name"):
            return self.column(name)
        if bracket := self.take("("):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.error(bracket, f"more than {MAX_DEPTH} brackets are open")
            value = self.expression()
            if not self.take(")"):
                if self.token.kind in ("row", "end"):
                    raise self.error(bracket, "the bracket is never closed")
                raise self.unexpected()
            self.depth -= 1
            return value
        raise self.unexpected()

    def column(self, token: Token) -> NDArray[np.float64]:
        name, quote = token.text, token.text[0]
        if quote in "\"'":
            name = name[1:-1].replace(2 * quote, quote)
        if name in self.names:
            return _unit_vector(name, self.names)
        if hint := self.unquoted_name(token):
            raise hint
        raise _unknown_name(name, self.names, token.position, token.text)

    def unexpected(self) -> ExpressionError:
        """The present token cannot stand where it stands: say why."""
        token = self.token
        before = self.tokens[self.index - 1] if self.index else None
        follows_value = before is not None and before.kind in ("number", "name", ")")
        if token.kind in ("row", "end"):
            return self.error(token, f"a name or a number is missing after {before.text!r}")
        if follows_value and token.kind == ")":
            return self.error(token, "the bracket was never opened")
        if follows_value:
            hint = self.unquoted_name(before)
            return hint or self.error(token, f"an operator (+ - * /) is missing before {token.text!r}")
        return self.error(token, f"a name or a number is missing before {token.text!r}")

    def unquoted_name(self, token: Token) -> ExpressionError | None:
        """An error that asks for quotes, if the text from this token on starts with a longer column name."""
        fitting = [name for name in self.names if self.text.startswith(name, token.position)]
        name = max(fitting, key=len, default="")
        if len(name) <= len(token.text):
            return None
        message = f"the column {name!r} must be in quotes: {quote_name(name)}"
        return ExpressionError(message, position=token.position, token=name, suggestion=quote_name(name))

    def error(self, token: Token, message: str) -> ExpressionError:
        place = f" (character {token.position + 1})"
        return ExpressionError(message + place, position=token.position, token=token.text)


def _quietly(operation: np.ufunc, left: _Value, right: _Value) -> _Value:
    """Arithmetic whose overflow is reported with the finished contrast, not by numpy in the middle of it."""
    with np.errstate(all="ignore"):
        value = operation(left, right)
    return value if np.ndim(value) else float(value)


def _unknown_name(name: str, names: Sequence[str], position: int | None, token: str | None = None) -> ExpressionError:
    message = f"no column named {name!r}"
    folded = {known.casefold(): known for known in names}
    close = [folded[key] for key in difflib.get_close_matches(name.casefold(), folded, n=3)]
    suggestion = quote_name(close[0]) if close else None
    factor = re.match(r"\d+", name)
    if factor and name[factor.end() :] in names:
        suggestion = f"{factor.group()}*{quote_name(name[factor.end() :])}"
        message += f"; did you mean {suggestion}?"
    elif close:
        message += f"; did you mean {' or '.join(map(repr, close))}?"
    task = [known for known in names if not _NUISANCE.fullmatch(known)]
    listed = ", ".join(task[:12]) + (f" and {len(task) - 12} more" if len(task) > 12 else "")
    advice = f"The columns are: {listed}" if listed else ""
    return ExpressionError(message, position=position, token=token or name, suggestion=suggestion, advice=advice)
