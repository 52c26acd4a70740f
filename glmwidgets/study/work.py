"""What a worker does of a study: one run. It is named by `glmwidgets.study.study.WORK`, and imported by workers."""

from __future__ import annotations

from typing import Any

from glmwidgets.study.study import Study
from glmwidgets.study.whole import fill, made_of

__all__ = ["fit_whole"]


def fit_whole(folder: str, i: int) -> dict[str, Any]:
    """Fit a run of a saved study and put what is found into its store, if it is not there.

    Parameters
    ----------
    folder : str
        Of the study.
    i : int
        Row of the run.

    Returns
    -------
    dict
        ``row``, ``key``, and whether it was ``there``.

    Raises
    ------
    Exception
        If the run cannot be opened or fitted.
    """
    study = Study.open(folder)
    row = study.runs[i]
    if row.why_not:
        raise ValueError(row.why_not)
    key = study.key(i)
    there = study.store.manifest(key) is not None
    if not there:
        study.store.write(key, lambda to: fill(study, i, to), {"name": row.name, "made_of": made_of(study, i)})
    return {"row": i, "key": key, "there": there}
