"""Proposed contrasts: effects of interest, all pairs, and a substitute for one whose columns are gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from glmwidgets.glm.fit.expression_names import names_in, rewritten_expression
from glmwidgets.glm.fit.expressions import contrast_vector, expression_from_vector
from glmwidgets.glm.fit.grammar import as_f_test, is_f_test, quote_name, spread_columns
from glmwidgets.glm.fit.typed_weights import are_weights
from glmwidgets.glm.response.models import resolve_hrf
from glmwidgets.specification.settings import ContrastSettings, DesignSettings

#: What the F test of all conditions is called.
INTEREST = "effects of interest"


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

    Parameters
    ----------
    by_condition : mapping from str to sequence of str
        Columns of the design that model each condition.

    Returns
    -------
    str
        An expression with a row for each column.

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

    Parameters
    ----------
    by_condition : mapping from str to sequence of str
        Columns of the design that model each condition.

    Returns
    -------
    list of (name, expression)

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

    Of an effect that is spread over columns of equal standing (FIR, tents) its mean over them is compared.

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
    there = [name for name, columns in by_condition.items() if name in columns or spread_columns(name, columns)]
    names = there[:most]
    differences = [(f"{a} - {b}", f"{quote_name(a)} - {quote_name(b)}") for a, b in permutations(names, 2)]
    interest = (INTEREST, effects_of_interest(by_condition))
    return [interest, *((name, quote_name(name)) for name in names), *differences]


def example_contrast(conditions: Sequence[str]) -> str:
    """A contrast of these event types, to show how one is typed.

    Examples
    --------
    >>> example_contrast(["left hand", "rest", "right hand"]), example_contrast(["tone"]), example_contrast([])
    ('"left hand" - rest', 'tone', 'face - house')
    """
    return " - ".join(map(quote_name, conditions[:2])) or "face - house"


def spread_in_words(expression: str, columns: Sequence[str]) -> str:
    """What the names of an expression mean that are no columns; empty where all are.

    Examples
    --------
    >>> spread_in_words("face - house", [f"{name}_delay_{i}" for name in ("face", "house") for i in range(4)])
    'face: mean of its 4 columns, house: mean of its 4 columns'
    >>> spread_in_words("face", ["face", "house"])
    ''
    """
    try:
        spread = {name: spread_columns(name, columns) for name in names_in(expression, columns)}
    except ValueError:
        return ""
    return ", ".join(f"{name}: mean of its {len(found)} columns" for name, found in spread.items() if found)


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

    A delay or a knot of a condition that is no column any more is replaced by the condition; a derivative that is gone
    is left out.

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
    >>> one = {"face": ["face"], "house": ["house"]}
    >>> adapted_expression("face_delay_2 - house_delay_2", one, ["face", "house", "constant"])
    'face - house'
    >>> adapted_expression("face; face_derivative; house; house_derivative", one, ["face", "house", "constant"])
    'face; house'
    """
    if is_f_test(expression, columns):
        rows = adapted_expression(as_f_test(expression, False), by_condition, columns)
        return None if rows is None else as_f_test(rows)
    try:
        used = names_in(expression, columns)
        became = {name: _heir(name, by_condition, columns) for name in used}
        if None in became.values() or all(heir == name for name, heir in became.items()):
            return None
        weights = np.atleast_2d(contrast_vector(expression, used))
    except ValueError:
        return None
    heirs = list(dict.fromkeys(heir for heir in became.values() if heir))
    rows: list[np.ndarray] = []
    for row in weights:
        sums = [sum(w for w, name in zip(row, used, strict=True) if became[name] == heir) for heir in heirs]
        carried = np.round(sums, 12)
        # Several delays all become their condition: the size of their sum means nothing.
        carried = carried / max(1.0, np.abs(carried).max(initial=0.0))
        if carried.any() and not any(np.array_equal(carried, other) for other in rows):
            rows.append(carried)
    return written_contrast(np.stack(rows), heirs) if rows else None


def _heir(name: str, by_condition: Mapping[str, Sequence[str]], columns: Sequence[str]) -> str | None:
    """What became of a name: itself, its condition, ``""`` for nothing, or None where that is not known."""
    if name in columns or name in by_condition or spread_columns(name, columns):
        return name
    owner = next((c for c in sorted(by_condition, key=len, reverse=True) if name.startswith(f"{c}_")), None)
    if owner is None:
        return None
    return owner if spread_columns(owner, [name]) else ""


def _amplitude(condition: str, by_condition: Mapping[str, Sequence[str]]) -> str:
    """The name that stands for a condition's response: its own, or its first column's, as of a function's."""
    columns = by_condition[condition]
    return condition if condition in columns or spread_columns(condition, columns) else columns[0]


def carried_contrasts(
    contrast: ContrastSettings, before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The contrasts as they are asked of a model whose conditions have other columns than before.

    Those that `effects_of_interest` and `all_pairs` wrote are written anew; of the others, columns that are gone are
    replaced as `adapted_expression` does it.

    Parameters
    ----------
    contrast : ContrastSettings
    before, after : mapping from condition to columns
        See `condition_columns`.

    Returns
    -------
    dict from path to value
        Changes of settings; empty where none is needed.

    Examples
    --------
    >>> fir = {"face": ["face_delay_0", "face_delay_1"], "house": ["house_delay_0", "house_delay_1"]}
    >>> one = {"face": ["face"], "house": ["house"]}
    >>> carried_contrasts(ContrastSettings("face_delay_1 - house_delay_1"), fir, one)
    {'contrast.expression': 'face - house'}
    >>> carried_contrasts(ContrastSettings("face - house"), one, fir)  # the mean over delays
    {}
    """
    were, are = ({name for names in each.values() for name in names} for each in (before, after))
    first = {name: (_amplitude(name, before), _amplitude(name, after)) for name in before if name in after}
    renamed = {old: (new,) for old, new in first.values() if old != new}
    written = {(INTEREST, effects_of_interest(before)): effects_of_interest(after)} if before and after else {}
    pairs = dict(all_pairs(after))
    written |= {(name, text): pairs.get(name, text) for name, text in all_pairs(before)}

    def carried(name: str, text: str) -> str:
        if (name, text) in written:
            return written[name, text]
        text = rewritten_expression(text, renamed) or text
        try:
            others = set(names_in(text)) - were
        except ValueError:
            return text
        return adapted_expression(text, after, [*are, *others]) or text

    listed = [(name, carried(name, text)) for name, text in contrast.listed]
    return {} if tuple(listed) == contrast.listed else contrast.relisted(listed, contrast.active)


def named_weights(contrast: ContrastSettings, columns: Sequence[str]) -> dict[str, Any]:
    """Contrasts that were typed as bare weights, by the names of the columns: they mean these in any other design.

    Parameters
    ----------
    contrast : ContrastSettings
    columns : sequence of str
        Of the design that the weights are of.

    Returns
    -------
    dict from path to value
        Changes of settings; empty where none is needed.

    Examples
    --------
    >>> named_weights(ContrastSettings("[1 -1 0]"), ["face", "house", "constant"])
    {'contrast.expression': 'face - house'}
    """

    def named(text: str) -> str:
        if not are_weights(text) or not is_contrast(text, columns):
            return text
        written = written_contrast(contrast_vector(text, columns), columns)
        return as_f_test(written) if is_f_test(text, columns) else written

    listed = [(name, named(text)) for name, text in contrast.listed]
    return {} if tuple(listed) == contrast.listed else contrast.relisted(listed, contrast.active)


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

    Returns
    -------
    str

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
    ...     contrast_vector("face - huose", ["face", "house"])
    ... except ValueError as error:
    ...     mended_expression("face - huose", error)
    'face - house'
    """
    suggestion, place = getattr(error, "suggestion", None), getattr(error, "position", None)
    if suggestion is None or place is None:
        return None
    return expression[:place] + suggestion + expression[place + len(error.token) :]
