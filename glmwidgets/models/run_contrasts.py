"""One contrast over several runs: what it means in each, and which runs can answer it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError, NotEstimableError
from glmwidgets.glm.fit.contrasts import STAT_TYPES, Contrast, compute_contrast, unanswered
from glmwidgets.glm.fit.expressions import contrast_vector, expression_from_vector
from glmwidgets.glm.fit.grammar import ExpressionError
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.fit.typed_weights import are_weights

MISSING = ("error", "skip")


def is_named_contrasts(definition: Any) -> bool:
    """Whether a mapping names contrasts, and not the weights of columns.

    Parameters
    ----------
    definition : object

    Returns
    -------
    bool

    Examples
    --------
    >>> is_named_contrasts({"face": 1, "house": -1}), is_named_contrasts({"faces": "face - house"})
    (False, True)
    """
    return isinstance(definition, Mapping) and not all(isinstance(v, Real | np.number) for v in definition.values())


def named_contrasts(contrasts: Any, columns: Sequence[Any]) -> dict[str, Any]:
    """Contrasts by name.

    Parameters
    ----------
    contrasts : str, array, mapping or list of these, or None
        A mapping from names to definitions; one definition; or a list of several. A list of numbers is one vector.
        Definitions without a name are called by their text.
    columns : sequence of str
        Of the design.

    Returns
    -------
    dict

    Examples
    --------
    >>> named_contrasts(["a", [1, -1]], ["a", "b"])
    {'a': 'a', 'a - b': [1, -1]}
    """
    if contrasts is None:
        return {}
    if is_named_contrasts(contrasts):
        return {str(name): definition for name, definition in contrasts.items()}
    several = isinstance(contrasts, list | tuple) and not all(isinstance(c, Real | np.number) for c in contrasts)
    named: dict[str, Any] = {}
    for definition in contrasts if several else [contrasts]:
        if isinstance(definition, str) and not are_weights(definition):
            name = definition
        else:
            name = expression_from_vector(contrast_vector(definition, columns), columns)
        named[name] = definition
    return named


def definitions_by_run(definition: Any, n_runs: int) -> tuple[list[Any], bool]:
    """Tell a contrast for all runs from a list with one for each.

    Parameters
    ----------
    definition : str, array, mapping, or list of these
    n_runs : int

    Returns
    -------
    definitions : list of length n_runs
    own : bool
        Whether each run was given its own.

    Raises
    ------
    ValueError
        If a list for several runs holds another number of contrasts than there are runs.
    """
    if not isinstance(definition, list | tuple) or all(isinstance(entry, Real | np.number) for entry in definition):
        return [definition] * n_runs, False
    if len(definition) == n_runs:
        return list(definition), True
    if n_runs > 1 and len(definition) == 1:
        return list(definition) * n_runs, False
    if n_runs > 1:
        raise InputError(
            f"{len(definition)} contrasts were given for {n_runs} runs: a list holds one for all runs, or one for each",
            advice="For an F test write one text with semicolons between the rows, or an array with a row for each",
        )
    return [definition] * n_runs, False


def contrasts_of_runs(
    fits: Sequence[Fit],
    names: Sequence[str],
    definition: Any,
    stat_type: str | None = None,
    missing: str = "error",
) -> list[Contrast]:
    """Estimate a contrast in every run that can answer it.

    Parameters
    ----------
    fits : sequence of Fit
        One a run.
    names : sequence of str
        What messages call the runs.
    definition : str, array, mapping, or list of these
        One contrast for all runs, or a list of as many as there are runs. A run whose own contrast is all zeros is
        left out.
    stat_type : {"t", "F"}, optional
    missing : {"error", "skip"}
        What to do about runs that have no column of a name, or cannot estimate the contrast.

    Returns
    -------
    list of Contrast
        Not empty.

    Raises
    ------
    ValueError
        If the contrast cannot be read, or a run or all runs cannot answer it.
    """
    check_choice("missing", missing, MISSING)
    check_choice("stat_type", stat_type, (*STAT_TYPES, None))
    definitions, own = definitions_by_run(definition, len(fits))
    if own and len(fits) > 1:
        _warn_if_probably_rows(definitions, fits)
    elif len({fit.columns for fit in fits}) > 1 and _is_numeric(definition):
        warnings.warn(
            "the runs' designs have different columns, and one vector of weights is used for all of them by position; "
            "write the contrast with the names of the columns, or give a vector for each run",
            stacklevel=3,
        )

    contrasts: list[Contrast] = []
    failures: dict[int, ValueError] = {}
    for i, (fit, own_definition) in enumerate(zip(fits, definitions, strict=True)):
        if own and len(fits) > 1 and _is_numeric(own_definition) and not np.any(np.asarray(own_definition)):
            warnings.warn(f"the contrast of {names[i]} is all zeros: the run is left out", stacklevel=3)
            continue
        try:
            contrasts.append(compute_contrast(fit, own_definition, stat_type))
        except ValueError as error:
            failures[i] = error
    if failures:
        _settle(failures, bool(contrasts), names, missing)
    if not contrasts:
        raise ValueError("the contrast is all zeros in every run")
    return contrasts


def _settle(failures: dict[int, ValueError], answered: bool, names: Sequence[str], missing: str) -> None:
    """Raise what must be raised of the runs' errors, and say which runs are left out."""
    failed = {names[i]: error for i, error in failures.items()}
    first = failures[min(failures)]
    if not answered:
        raise unanswered(failed) from first
    said = "; ".join(f"{name}: {error}" for name, error in failed.items())
    other = [error for error in failures.values() if not isinstance(error, ExpressionError | NotEstimableError)]
    if missing == "error" or other:
        way = "Pass missing='skip' to leave runs out of the contrasts that they cannot answer"
        raise InputError(said, advice={} if other else {"function": way}) from first
    warnings.warn(f"runs are left out of the contrast. {said}", stacklevel=4)


def _is_numeric(definition: Any) -> bool:
    if isinstance(definition, str | Mapping):
        return False
    try:
        return np.asarray(definition).dtype.kind in "fiub"
    except ValueError:
        return False


def _warn_if_probably_rows(definitions: Sequence[Any], fits: Sequence[Fit]) -> None:
    """Say that a list was taken run by run, where it would also make sense as the rows of an F test."""
    if len({fit.columns for fit in fits}) == 1 and len({repr(entry) for entry in definitions}) > 1:
        warnings.warn(
            "a list of as many contrasts as there are runs is taken as one for each run. For an F test of all of them "
            "in every run, write one text with semicolons between the expressions, or an array with a row for each",
            stacklevel=4,
        )
