"""Names in contrast expressions: which are used, and others in their place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from glmwidgets.glm.fit.expressions import contrast_vector, expression_from_vector
from glmwidgets.glm.fit.grammar import QUOTES, ExpressionError, as_f_test, is_f_test, quote_name, tokens


def bare_name(token: str) -> str:
    """A name without the quotes it was written in.

    Parameters
    ----------
    token : str
        As it stands in an expression.

    Returns
    -------
    str

    Examples
    --------
    >>> bare_name('"left hand"')
    'left hand'
    >>> bare_name("`left hand`")
    'left hand'
    """
    if len(token) > 1 and token[0] == token[-1] and token[0] in QUOTES:
        return token[1:-1].replace(token[0] * 2, token[0])
    return token


def names_in(text: str, known: Collection[str] = ()) -> tuple[str, ...]:
    """Names that an expression uses, each once, in their order.

    Parameters
    ----------
    text : str
    known : collection of str
        Names of columns: a text that is one of them as a whole means that column.

    Raises
    ------
    ExpressionError
        If the text holds a character that cannot stand in an expression.

    Examples
    --------
    >>> names_in("(face + 'left hand') / 2 - face")
    ('face', 'left hand')
    >>> names_in("a-b", known=["a-b"])
    ('a-b',)
    """
    if text.strip() in known:
        return (text.strip(),)
    return tuple(
        dict.fromkeys(bare_name(token.text) for token in tokens(as_f_test(text, False)) if token.kind == "name")
    )


def rewritten_expression(text: str, names: Mapping[str, Sequence[str]]) -> str | None:
    """An expression after its columns were renamed, united or divided.

    Parameters
    ----------
    text : str
        A contrast.
    names : mapping from str to sequence of str
        What became of each column: one name, several that share its place, or none.

    Returns
    -------
    str or None
        As it was typed, other names in the place of old ones; where columns were united, written anew. None if
        nothing is left of it to ask.

    Examples
    --------
    >>> rewritten_expression("face - house", {"face": ["faces"]})
    'faces - house'
    >>> rewritten_expression("2*face - house", {"face": ["left face", "right face"]})
    '2*(("left face" + "right face") / 2) - house'
    >>> rewritten_expression("(face + body) / 2 - house", {"face": ["live"], "body": ["live"]})
    'live - house'
    >>> rewritten_expression("face - body", {"face": ["live"], "body": ["live"]}) is None
    True
    """
    if is_f_test(text, list(names)):
        rows = rewritten_expression(as_f_test(text, False), names)
        return None if rows is None else as_f_test(rows)
    try:
        used = names_in(text, names)
    except ExpressionError:
        return text
    changed = {name: tuple(names[name]) for name in used if name in names and tuple(names[name]) != (name,)}
    if not changed:
        return text
    if any(not new for new in changed.values()):
        return None
    becoming = [new for name in used for new in changed.get(name, (name,))]
    if len(set(becoming)) < len(becoming):
        return _united(text, used, changed)
    if text.strip() in changed:
        new = changed[text.strip()]
        return quote_name(new[0]) if len(new) == 1 else f"({' + '.join(map(quote_name, new))}) / {len(new)}"
    pieces, place = [], 0
    for token in tokens(text):
        if token.kind == "name" and bare_name(token.text) in changed:
            pieces += [text[place : token.position], _written(changed[bare_name(token.text)])]
            place = token.position + len(token.text)
    return "".join([*pieces, text[place:]])


def _written(names: Sequence[str]) -> str:
    """One name, or the mean of several."""
    if len(names) == 1:
        return quote_name(names[0])
    return f"(({' + '.join(map(quote_name, names))}) / {len(names)})"


def _united(text: str, used: Sequence[str], changed: Mapping[str, Sequence[str]]) -> str | None:
    """Weights carried over to the new columns; the size of a row in which several became one means nothing."""
    try:
        weights = np.atleast_2d(contrast_vector(text, used))
    except ValueError:
        return None
    new = list(dict.fromkeys(name for old in used for name in changed.get(old, (old,))))
    carried = np.zeros((len(weights), len(new)))
    for column, old in zip(weights.T, used, strict=True):
        targets = changed.get(old, (old,))
        for name in targets:
            carried[:, new.index(name)] += column / len(targets)
    rows: list[np.ndarray] = []
    for row in np.round(carried, 12):
        size = np.abs(row).max()
        if size > 0 and not any(np.array_equal(row / size, other) for other in rows):
            rows.append(row / size)
    return expression_from_vector(rows[0] if len(rows) == 1 else np.stack(rows), new) if rows else None
