"""What a worker does of a study: one run. By name in `glmwidgets.study.study`, so that workers import it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glmwidgets.glm.errors import InputError
from glmwidgets.study.study import Study
from glmwidgets.study.whole import fill, made_of


def fit_whole(folder: str, tree: Mapping[str, Any]) -> dict[str, Any]:
    """Fit a run and put what is found into the study's store, if it is not there.

    Parameters
    ----------
    folder : str
        Of the study.
    tree : mapping
        What `glmwidgets.study.study.Study.tree` gives of that run alone.

    Returns
    -------
    dict
        ``key``, whether it was ``there``, and the ``warnings`` of a run that was not.

    Raises
    ------
    Exception
        If the run cannot be opened or fitted.
    """
    study = Study.from_tree(folder, tree)
    (row,) = study.runs
    if row.why_not:
        raise InputError(row.why_not)
    key = study.key(0)
    there = study.store.manifest(key) is not None
    if not there:
        study.store.write(key, lambda to: fill(study, 0, to), {"name": row.name, "made_of": made_of(study, 0)})
    kept = None if there else study.store.manifest(key)
    return {"key": key, "there": there, "warnings": [] if kept is None else kept["warnings"]}


def make_preview(folder: str, tree: Mapping[str, Any]) -> None:
    """Make the preview of a run; arguments and errors as of `fit_whole`."""
    why_not = Study.from_tree(folder, tree).build_preview(0)
    if why_not:
        raise InputError(why_not)
