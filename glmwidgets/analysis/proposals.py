"""Contrasts that can be had at a click: of interest as a whole, of all pairs, and in place of one that is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations

import numpy as np

from glmwidgets.glm.fit.expression_names import bare_name
from glmwidgets.glm.fit.expressions import contrast_vector, expression_from_vector, parse_expression
from glmwidgets.glm.fit.grammar import ExpressionError, quote_name
from glmwidgets.glm.response.models import resolve_hrf
from glmwidgets.specification.settings import DesignSettings

__all__ = [
    "adapted_expression",
    "all_pairs",
    "condition_columns",
    "effects_of_interest",
    "is_contrast",
    "mended_expression",
    "simple_contrasts",
    "weights_of",
    "written_contrast",
]


def condition_columns(
    conditions: Sequence[str], design: DesignSettings, columns: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Columns of the design that model each condition.

    Parameters
    ----------
    conditions : sequence of str
        Event types of the run.
    design : DesignSettings
    columns : sequence of str
        Of the design matrix.

    Returns
    -------
    dict
        Only of the conditions that are in the design, in their order.

    Examples
    --------
    >>> design = DesignSettings(hrf_model="spm + derivative")
    >>> condition_columns(["face", "house"], design, ["face", "face_derivative", "constant"])
    {'face': ('face', 'face_derivative')}
    """
    response = resolve_hrf(design.hrf_model, design.fir_delays)
    there = set(columns)
    found = {c: tuple(name for name in response.column_names(c) if name in there) for c in conditions}
    return {condition: names for condition, names in found.items() if names}


def effects_of_interest(by_condition: Mapping[str, Sequence[str]]) -> str:
    """F contrast with a row for each column of each condition: does any of them explain anything.

    Examples
    --------
    >>> effects_of_interest({"face": ["face", "face_derivative"], "left hand": ["left hand"]})
    'face; face_derivative; "left hand"'
    """
    return "; ".join(quote_name(name) for names in by_condition.values() for name in names)


def all_pairs(by_condition: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Name and expression of the difference of every two conditions.

    Where one column is the condition's amplitude, it is compared. Where a condition is spread over columns of equal
    standing (FIR, tents), all of them are, as an F contrast.

    Examples
    --------
    >>> all_pairs({"a": ["a", "a_derivative"], "b": ["b", "b_derivative"]})
    [('a - b', 'a - b')]
    >>> all_pairs({"a": ["a_delay_0", "a_delay_1"], "b": ["b_delay_0", "b_delay_1"]})
    [('a - b', 'a_delay_0 - b_delay_0; a_delay_1 - b_delay_1')]
    """
    names = list(by_condition)
    pairs = []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            one, two = ((c,) if c in by_condition[c] else tuple(by_condition[c]) for c in (first, second))
            rows = (f"{quote_name(a)} - {quote_name(b)}" for a, b in zip(one, two, strict=False))
            pairs.append((f"{first} - {second}", "; ".join(rows)))
    return pairs


def simple_contrasts(by_condition: Mapping[str, Sequence[str]], most: int) -> list[tuple[str, str]]:
    """Name and expression of the contrasts that are asked first: all effects, each, and every difference of two.

    Where an effect is spread over columns of equal standing (FIR, tents), it has no one amplitude to compare.

    Parameters
    ----------
    by_condition : mapping from condition to columns
    most : int
        Of effects whose differences are given.

    Examples
    --------
    >>> simple_contrasts({"a": ["a", "a_derivative"], "b": ["b"]}, 12)
    [('effects of interest', 'a; a_derivative; b'), ('a', 'a'), ('b', 'b'), ('a - b', 'a - b'), ('b - a', 'b - a')]
    """
    names = [name for name, columns in by_condition.items() if name in columns][:most]
    differences = [(f"{a} - {b}", f"{quote_name(a)} - {quote_name(b)}") for a, b in permutations(names, 2)]
    interest = ("effects of interest", effects_of_interest(by_condition))
    return [interest, *((name, quote_name(name)) for name in names), *differences]


def is_contrast(expression: str, columns: Sequence[str]) -> bool:
    """Whether a text is a contrast of some columns.

    Examples
    --------
    >>> is_contrast("face - house", ["face", "house"]), is_contrast("smooth more", ["face", "house"])
    (True, False)
    """
    try:
        contrast_vector(expression, list(columns))
    except ValueError:
        return False
    return True


def adapted_expression(
    expression: str, by_condition: Mapping[str, Sequence[str]], columns: Sequence[str]
) -> str | None:
    """What a contrast could be called after the response changed and with it the names of the columns.

    A condition that is now spread over several columns is replaced by their mean; columns of a condition that is now
    one column are replaced by it.

    Parameters
    ----------
    expression : str
        Names columns that are no longer there.
    by_condition : mapping from condition to columns
        See `condition_columns`.
    columns : sequence of str
        Of the design matrix.

    Returns
    -------
    str or None
        None if nothing sensible can be said, or nothing is wrong.

    Examples
    --------
    >>> fir = {"face": ["face_delay_0", "face_delay_1"], "house": ["house_delay_0", "house_delay_1"]}
    >>> adapted_expression("face - house", fir, [*fir["face"], *fir["house"], "constant"])
    '0.5*face_delay_0 + 0.5*face_delay_1 - 0.5*house_delay_0 - 0.5*house_delay_1'
    >>> adapted_expression("face_delay_0 + face_delay_1", {"face": ["face"]}, ["face", "constant"])
    'face'
    """
    columns = list(columns)
    stand_ins: dict[str, np.ndarray] = {}
    while True:
        try:
            weights = np.atleast_2d(contrast_vector(expression, [*columns, *stand_ins]))
            break
        except ExpressionError as error:
            name = bare_name(error.token)
            if name in stand_ins or name in columns:
                return None
            stand_in = _stand_in(name, by_condition, columns)
            if stand_in is None:
                return None
            stand_ins[name] = stand_in
        except ValueError:
            return None
    if not stand_ins:
        return None
    n = len(columns)
    gathered = any(name not in by_condition for name in stand_ins)
    adapted = weights[:, :n] + weights[:, n:] @ np.stack(list(stand_ins.values()))
    rows: list[np.ndarray] = []
    for row in adapted:
        size = np.abs(row).max()
        if size == 0:
            return None
        # Two delays of one condition both become that condition: the size of their sum means nothing.
        row = row / size if gathered else row
        if not any(np.array_equal(row, other) for other in rows):
            rows.append(row)
    return written_contrast(np.stack(rows), columns)


def weights_of(expression: str, columns: Sequence[str]) -> dict[str, float] | None:
    """Weight of each column; None for several rows, and for what cannot be read.

    Examples
    --------
    >>> weights_of("face - 0.5*house", ["face", "house"]), weights_of("face; house", ["face", "house"])
    ({'face': 1.0, 'house': -0.5}, None)
    """
    columns = [str(name) for name in columns]
    try:
        weights = contrast_vector(expression, columns)
    except ValueError:
        return None
    return dict(zip(columns, weights.tolist(), strict=True)) if weights.ndim == 1 else None


def written_contrast(weights: np.ndarray, columns: Sequence[str]) -> str:
    """Weights as a person would type them.

    Parameters
    ----------
    weights : array of shape (n_columns,) or (n_rows, n_columns)
    columns : sequence of str

    Examples
    --------
    >>> written_contrast([1, -1, 0], ["face", "house", "constant"])
    'face - house'
    >>> written_contrast([[0, 1, 0]], ["face", "left hand", "constant"])
    '"left hand"'
    """
    rows = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    if len(rows) == 1:
        used = np.flatnonzero(rows[0])
        if used.size == 1 and rows[0, used[0]] == 1:
            return quote_name(columns[used[0]])
        rows = rows[0]
    return expression_from_vector(rows, columns)


def mended_expression(expression: str, error: BaseException) -> str | None:
    """Put what was probably meant in the place of what could not be read.

    Parameters
    ----------
    expression : str
    error : Exception
        What reading it raised.

    Returns
    -------
    str or None
        None if the error has no suggestion.

    Examples
    --------
    >>> try:
    ...     parse_expression("face - huose", ["face", "house"])
    ... except ExpressionError as error:
    ...     mended_expression("face - huose", error)
    'face - house'
    """
    suggestion, place = getattr(error, "suggestion", None), getattr(error, "position", None)
    if suggestion is None or place is None:
        return None
    return expression[:place] + suggestion + expression[place + len(error.token) :]


def _stand_in(name: str, by_condition: Mapping[str, Sequence[str]], columns: list[str]) -> np.ndarray | None:
    """Weights over the columns in place of a name that is none of them."""
    owner = name if name in by_condition else None
    if owner is None:
        longest_first = sorted(by_condition, key=len, reverse=True)
        owner = next((c for c in longest_first if name.startswith(f"{c}_")), None)
    if owner is None:
        return None
    own = [owner] if owner in columns else [c for c in by_condition[owner] if c in columns]
    weights = np.sum([parse_expression(quote_name(c), columns) for c in own], axis=0)
    return weights / len(own)
