"""Many runs under one model: which there are, what each looks like, how unusual it is, and what all say together.

``Study.of(dataset, folder)`` finds the runs; `Study.build_previews` makes each some 5,000 cells; `Study.refit` fits all
of these under a model within seconds and answers contrasts of it at once; `Study.group` is their map as a group.
"""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "CellGrid": "glmwidgets.study.cells",
    "FIGURES": "glmwidgets.study.figures",
    "Figure": "glmwidgets.study.figure",
    "GroupMap": "glmwidgets.study.group",
    "Preview": "glmwidgets.study.preview",
    "QCTable": "glmwidgets.study.table",
    "RunRefit": "glmwidgets.study.refit",
    "Study": "glmwidgets.study.study",
    "StudyAnswer": "glmwidgets.study.refit",
    "StudyFit": "glmwidgets.study.refit",
    "StudyRun": "glmwidgets.study.index",
    "runs_of_dataset": "glmwidgets.study.index",
    "runs_of_table": "glmwidgets.study.index",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
