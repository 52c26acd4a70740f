"""Event types that a model leaves out, and what is said of a contrast that names one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd

from glmwidgets.analysis.events import types_of
from glmwidgets.glm.fit.expression_names import bare_name, names_in
from glmwidgets.glm.fit.grammar import ExpressionError


def left_out_types(chosen: Any, events: pd.DataFrame | None) -> tuple[str, ...]:
    """Event types that have events and are not modelled.

    Parameters
    ----------
    chosen : DesignSettings
    events : DataFrame or None
        Of all types.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> from glmwidgets.specification.settings import DesignSettings
    >>> events = pd.DataFrame({"trial_type": ["house", "face", "body"]})
    >>> left_out_types(DesignSettings(conditions=("face",)), events), left_out_types(DesignSettings(), events)
    (('body', 'house'), ())
    """
    if chosen.source == "given" or chosen.conditions is None:
        return ()
    return tuple(name for name in types_of(events) if name not in chosen.conditions)


@contextmanager
def naming_left_out(expression: str, left_out: Sequence[str]) -> Iterator[None]:
    """Say of a contrast that cannot be read because its event types are left out, that they are, and what to do.

    Parameters
    ----------
    expression : str
        What is read within.
    left_out : sequence of str
        See `left_out_types`.

    Examples
    --------
    >>> from glmwidgets.glm.fit.expressions import contrast_vector
    >>> with naming_left_out("face - house", ["house"]):
    ...     contrast_vector("face - house", ["face", "constant"])
    Traceback (most recent call last):
    glmwidgets.glm.fit.grammar.ExpressionError: the event type 'house' is left out of the model; add it to \
design.conditions to bring it back
    """
    try:
        yield
    except ExpressionError as error:
        names = _named(expression, error, left_out)
        if not names:
            raise
        one = ("type", "is", "it", "it is")
        types, are, it, they_are = one if len(names) == 1 else ("types", "are", "them", "they are")
        options = " ".join(f"--condition {shlex.quote(name)}" for name in names)
        raise ExpressionError(
            f"the event {types} {', '.join(map(repr, names))} {are} left out of the model",
            position=error.position,
            token=error.token,
            advice={
                "function": f"add {it} to design.conditions to bring {it} back",
                "terminal": f"add {options} to bring {it} back",
                "notebook": f"{they_are} unticked under Events: tick {it} to bring {it} back",
            },
        ) from error


def _named(expression: str, error: ExpressionError, left_out: Sequence[str]) -> list[str]:
    """Types that are left out and that an expression names, by themselves or by a column; none if it lacks others."""
    if expression.strip() in left_out:
        return [expression.strip()]
    lacking = bare_name(error.token)
    longest_first = sorted(left_out, key=len, reverse=True)
    owner = next((name for name in longest_first if lacking == name or lacking.startswith(f"{name}_")), None)
    if owner is None:
        return []
    try:
        return list(dict.fromkeys([owner, *(name for name in names_in(expression) if name in left_out)]))
    except ExpressionError:
        return [owner]
