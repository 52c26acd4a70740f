"""The language that contrasts are written in: small and safe, read by the grammar below and never run as code.

.. code-block:: text

    contrast   = rows | "F" "(" rows ")"                              an F test, of one row too
    rows       = expression { (";" | "," | newline) expression }      more than one row is an F test
    expression = term { ("+" | "-") term }
    term       = factor { ("*" | "/") factor }
    factor     = { "+" | "-" } ( number | name | "(" expression ")" )
    name       = word | '"' text '"' | "'" text "'" | "`" text "`"

A word is a run of letters, digits, underscores and dots that is not a number: ``face``, ``1back``, ``a.2``.
Every other name is written in quotes (``"left hand"``, ``'go/nogo'``, or in the
backticks of pandas; a quote inside its own kind is doubled).
A text that is, as a whole, the name of a column means that column: one called ``a-b`` can be typed as it is.
An event type that is spread over columns of equal standing (``face_delay_0``, ``face_delay_1`` ... of an FIR model)
and has none of its own name is their mean: ``face - house`` asks the same of every response.

Numbers alone are no expression, but weights of the columns in their order: see `glmwidgets.glm.fit.typed_weights`.

A value is either a number or a weighted sum of columns. Only what is linear and homogeneous in the columns is
a contrast: no column is multiplied with or divided by a column, and no number is added to one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glmwidgets.glm.errors import InputError
from glmwidgets.glm.response.table import HRFS

MAX_DEPTH = 50  # brackets within brackets; keeps a pasted "((((..." a message instead of a stack overflow

_TOKEN = re.compile(
    r"""
      (?P<blank>  [^\S\n]+ )
    | (?P<row>    [;,\n] )
    | (?P<symbol> [-+*/()] )
    | (?P<number> (?: [0-9]+ \.? [0-9]* | \. [0-9]+ ) (?: [eE] [+-]? [0-9]+ )? (?! [\w.] ) )
    | (?P<word>   [\w.]+ )
    | (?P<quoted> "(?: [^"] | "" )*" | '(?: [^'] | '' )*' | `(?: [^`] | `` )*` )
    """,
    re.VERBOSE,
)
QUOTES = "\"'`"
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
_NUISANCE = re.compile(r"drift_\d+|constant", re.IGNORECASE)
_LOOKALIKES = dict(zip(">−–—×·÷“”‘’", "----**/\"\"''", strict=True))
# What people write between two conditions that they compare.
_AGAINST = frozenset({"vs", "vs.", "versus", "minus", "against"})


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
        advice: str | Mapping[str, str] = "",
    ) -> None:
        super().__init__(message, advice=advice)
        self.position = position
        self.token = token
        self.suggestion = suggestion


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


def read_rows(text: str, names: Sequence[str]) -> list[NDArray[np.float64]]:
    """All rows of a text, each of shape (p,)."""
    whole = text if text in names else text.strip()
    if whole in names:
        return [_unit_vector(whole, names)]
    return _Reader(text, names).rows()


def _begins_f_test(pieces: Sequence[Token]) -> bool:
    return len(pieces) > 1 and pieces[0].kind == "name" and (pieces[0].text, pieces[1].kind) == ("F", "(")


def is_f_test(text: str, names: Sequence[str] = ()) -> bool:
    """Whether a text asks for an F test by name, whatever its number of rows.

    Parameters
    ----------
    text : str
    names : sequence of str
        Of the columns: a text that is one of them as a whole means that column.

    Examples
    --------
    >>> is_f_test("F(face - house)"), is_f_test("face; house"), is_f_test("face -")
    (True, False, False)
    """
    if text in names or text.strip() in names:
        return False
    try:
        return _begins_f_test(list(islice(tokens(text), 2)))
    except ExpressionError:
        return False


def as_f_test(text: str, on: bool = True) -> str:
    """The same rows as an F test, or as what their number makes of them: a t test of one.

    Examples
    --------
    >>> as_f_test("face - house"), as_f_test("F(face - house)"), as_f_test("F(face)", False)
    ('F(face - house)', 'F(face - house)', 'face')
    """
    if is_f_test(text) == on:
        return text
    if on:
        return f"F({text.strip()})"
    inside = text.strip()[1:].strip()[1:]
    return inside.strip().removesuffix(")").strip()


def spread_columns(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """Columns of equal standing that an event type without a column of its own name is spread over.

    Parameters
    ----------
    name : str
    names : sequence of str
        Of the columns.

    Returns
    -------
    tuple of str
        Empty for the name of a column, and where there are none.

    Examples
    --------
    >>> spread_columns("face", ["face_delay_0", "face_delay_1", "house_delay_0"])
    ('face_delay_0', 'face_delay_1')
    """
    if name in names:
        return ()
    for counted in {row.spread for row in HRFS.values() if row.spread}:
        ends = re.compile(rf"{re.escape(name)}_{re.escape(counted)}_\d+")
        found = tuple(column for column in names if ends.fullmatch(column))
        if found:
            return found
    return ()


def check_weights(weights: NDArray[np.float64]) -> None:
    """Refuse weights, shape (p,) or (q, p), that are not finite, or a row of zeros."""
    for number, row in enumerate(np.atleast_2d(weights), start=1):
        which = f"row {number} of the contrast" if weights.ndim == 2 else "the contrast"
        if not np.isfinite(row).all():
            raise ValueError(f"{which} holds a weight that is not finite")
        if not row.any():
            raise ValueError(f"every weight of {which} is zero: there is nothing to test")


class Token(NamedTuple):
    """A piece of an expression and where it stands."""

    kind: str  # "number", "name", "row" (ends a row), "end", or the operator or bracket itself
    text: str
    position: int


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
        found, last = [], "end"
        if _begins_f_test(self.tokens):
            bracket = self.tokens[1]
            self.index, last = 2, ")"
        while True:
            while self.take("row"):  # blank rows say nothing
                pass
            if self.take(last):
                break
            start = self.token.position
            value = None if self.token.kind == "end" else self.expression()
            if last == ")" and self.token.kind == "end":
                raise self.error(bracket, "the bracket is never closed")
            if self.token.kind not in ("row", last):
                raise self.unexpected()
            found.append(self.as_weights(value, start))
        if last == ")" and self.token.kind != "end":
            raise self.error(self.token, "nothing can follow the bracket of F( )")
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
            check_weights(value)
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
        if quote in QUOTES:
            name = name[1:-1].replace(2 * quote, quote)
        if name in self.names:
            return _unit_vector(name, self.names)
        if spread := spread_columns(name, self.names):
            return np.mean([_unit_vector(each, self.names) for each in spread], axis=0)
        if hint := self.unquoted_name(token):
            raise hint
        raise unknown_name(name, self.names, token.position, token.text)

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
            if (hint := self.unquoted_name(before)) is None and token.text.lower() in _AGAINST:
                said = f"{token.text!r} at character {token.position + 1} is no operator; write - instead"
                return ExpressionError(said, position=token.position, token=token.text, suggestion="-")
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


def unknown_name(name: str, names: Sequence[str], position: int | None, token: str | None = None) -> ExpressionError:
    """The error of a name that no column has, with the ones that may be meant."""
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
