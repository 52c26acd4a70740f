"""What a study begins with: its model, and how many cells a preview has; and what no study can have."""

from __future__ import annotations

from collections.abc import Sequence

from glmwidgets.glm.design.confound_groups import first_choice
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.noise.models import LIVE_NOISE_MODEL
from glmwidgets.glm.response.held import HELD
from glmwidgets.glm.tables import read_table
from glmwidgets.specification.model import Model
from glmwidgets.specification.noise import ASKED
from glmwidgets.study.index import StudyRun
from glmwidgets.study.preview import cells_for

__all__ = ["cells_of_spaces", "first_model", "refuse_edited", "refuse_held"]


def cells_of_spaces(runs: Sequence[StudyRun]) -> dict[str, int]:
    """Cells that the grid of each space aims at: what the longest of its runs may have."""
    longest: dict[str, int] = {}
    for run in runs:
        longest[run.space] = max(run.n_scans, longest.get(run.space, 0))
    return {space: cells_for(n) for space, n in longest.items() if space}


def first_model(runs: Sequence[StudyRun]) -> Model:
    """What a study begins with: exact regressors, motion parameters where there are any, AR(1) of each voxel."""
    model = Model().updated({"noise.model": LIVE_NOISE_MODEL})
    for run in runs:
        if run.why_not or run.inputs.confounds is None:
            continue
        try:
            columns = [str(name) for name in read_table(run.inputs.confounds, "confounds").columns]
        except (OSError, ValueError):
            continue
        return model.updated({"design.confounds": first_choice(columns)})
    return model


def refuse_edited(model: Model) -> None:
    """Refuse events that were edited: they are of one run, and would be given to all.

    Raises
    ------
    InputError
    """
    if model.events.table is not None:
        raise InputError(
            "events that were edited are of one run, and a study's model is of all: leave events.table at None",
            where="events.table",
        )


def refuse_held(model: Model) -> None:
    """Refuse what no other process knows: a response that is a Python function, and a noise model still to be chosen.

    Raises
    ------
    InputError
    """
    refuse_edited(model)
    if model.design.hrf_model in HELD:
        raise InputError(
            "a response that is a Python function cannot be taken to other processes: choose one by name",
            where="design.hrf_model",
        )
    if model.noise.choice == ASKED:
        raise InputError(
            "a study has one noise model for all runs, and it is not chosen yet: name one, such as ar1-reml",
            where="noise.model",
        )
