"""Many runs under one model: which there are, what each looks like, how unusual it is, and what all say together.

``Study.of(dataset, folder)`` finds the runs; `Study.build_previews` makes each some 5,000 cells; `Study.refit` fits all
of these under a model within seconds and answers contrasts of it at once; `Study.group` is their map as a group.
"""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "cells": "CellGrid",
    "exclusions": "Decision Exclusions parse_rule",
    "figure": "Figure",
    "figures": "FIGURES",
    "group": "GroupMap",
    "index": "StudyRun runs_of_dataset runs_of_table",
    "preview": "Preview",
    "refit": "RunRefit StudyAnswer StudyFit",
    "study": "Study",
    "table": "QCTable",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
