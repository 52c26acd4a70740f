"""What a study begins with: its model, and how many cells a preview has; and what no study can have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from glmwidgets.analysis import steps
from glmwidgets.analysis.events import EventSource
from glmwidgets.analysis.left_out import left_out_types, naming_left_out
from glmwidgets.execution.time_left import Pace
from glmwidgets.glm.collected_warnings import Heard
from glmwidgets.glm.design.confound_groups import first_choice
from glmwidgets.glm.errors import InputError, about
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.noise.models import LIVE_NOISE_MODEL
from glmwidgets.glm.response.given_functions import HELD
from glmwidgets.glm.tables import read_table, without_row_numbers
from glmwidgets.runs.opening import open_unread
from glmwidgets.specification.model import Model
from glmwidgets.specification.noise import ASKED
from glmwidgets.study.index import StudyRun, holds_participants
from glmwidgets.study.preview import cells_for
from glmwidgets.study.refit import design_for

if TYPE_CHECKING:
    from glmwidgets.study.study import Study

#: Bytes of images from which it pays to begin workers for their previews.
MUCH = 100 * 2**20


def cells_of_spaces(runs: Sequence[StudyRun]) -> dict[str, int]:
    """Cells that the grid of each space aims at: what the longest of its runs may have."""
    longest: dict[str, int] = {}
    for run in runs:
        longest[run.space] = max(run.n_scans, longest.get(run.space, 0))
    return {space: cells_for(n) for space, n in longest.items() if space}


def conditions_of(runs: Sequence[StudyRun]) -> tuple[str, ...]:
    """Event types of the tables of events of some runs, sorted; those that cannot be read say nothing."""
    found: set[str] = set()
    for path in dict.fromkeys(run.inputs.events for run in runs if not run.why_not):
        try:
            table = read_table(path, "events")
        except (OSError, ValueError):
            continue
        found |= set(table["trial_type"].dropna().astype(str)) if "trial_type" in table else set()
    return tuple(sorted(found))


def first_model(runs: Sequence[StudyRun]) -> Model:
    """What a study begins with: exact regressors, motion parameters where there are any, AR(1) of each voxel."""
    model = Model().updated({"noise.model": LIVE_NOISE_MODEL})
    for run in runs:
        if run.why_not or run.inputs.confounds is None:
            continue
        try:
            table = without_row_numbers(read_table(run.inputs.confounds, "confounds"))
        except (OSError, ValueError):
            continue
        return model.updated({"design.confounds": first_choice(list(map(str, table.columns)))})
    return model


def pairs_of(contrasts: Sequence[tuple[str, str] | str]) -> list[tuple[str, str]]:
    """Name and expression of contrasts; one that has no name is called by its expression.

    Examples
    --------
    >>> pairs_of(["faces", ("difference", "faces - houses")])
    [('faces', 'faces'), ('difference', 'faces - houses')]
    """
    pairs = [("", each) if isinstance(each, str) else tuple(map(str, each)) for each in contrasts]
    return [(name or expression, expression) for name, expression in pairs]


def refuse_names(contrasts: Sequence[tuple[str, str]]) -> None:
    """Refuse two contrasts of one name: results are kept by their names.

    Raises
    ------
    InputError
    """
    names = [name for name, _ in contrasts]
    if len(set(names)) < len(names):
        raise InputError(f"two contrasts are called {max(names, key=names.count)!r}: each needs its own name")


def place_to_read(images: Sequence[str]) -> str:
    """Where previews of some images are made: workers where there is much to read, or else here."""
    paths = [Path(image) for image in images]
    return "processes" if sum(path.stat().st_size for path in paths if path.is_file()) > MUCH else "here"


def build_aloud(study: Study) -> None:
    """Make the previews that are not there yet, and print how far one is where that takes long."""
    todo = [i for i, run in enumerate(study.runs) if not run.why_not and study.preview(i) is None]
    if place_to_read([study.runs[i].inputs.bold for i in todo]) == "here":
        study.build_previews()
        return
    pace = Pace(len(todo))

    def heard(i: int, _why_not: str) -> None:
        if i in todo:
            print(f"\rpreviews: {pace.count()}          ", end="", flush=True)

    study.build_previews(heard)
    print()


def refuse_folder(folder: Path, origin: str) -> None:
    """Refuse a study's folder that is a dataset, or lies in a participant's: a study would be mixed with its data.

    Parameters
    ----------
    folder : Path
        Of the study.
    origin : str
        Dataset of its runs.

    Raises
    ------
    InputError
    """
    advice = "give a folder of its own, such as one beside the dataset or in its derivatives"
    if holds_participants(folder) or str(folder) == origin:
        raise InputError(f"{folder} is a dataset, but a study needs a folder of its own", advice=advice)
    within = [place for place in (folder, *folder.parents) if place.name.startswith("sub-")]
    for place in within:
        if holds_participants(place.parent) and (Path(origin) in place.parents or _is_dataset(place.parent)):
            raise InputError(f"{folder} lies in the folder of a participant of a dataset, {place}", advice=advice)


def _is_dataset(folder: Path) -> bool:
    return (folder / "dataset_description.json").is_file()


def refuse_edited(model: Model) -> None:
    """Refuse events that were edited: they are of one run, and would be given to all.

    Raises
    ------
    InputError
    """
    if model.events.table is not None:
        raise InputError(
            "edited events belong to one run, but a study's model is for all runs: leave events.table at None",
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
            "a response that is a Python function cannot be sent to other processes: choose one by name",
            where="design.hrf_model",
        )
    if model.noise.choice == ASKED:
        raise InputError(
            "a study has one noise model for all runs, and it is not chosen yet: name one, such as ar1-reml",
            where="noise.model",
        )


def refuse_contrasts(runs: Sequence[StudyRun], model: Model, contrasts: Sequence[tuple[str, str]]) -> None:
    """Refuse a contrast that the design of no run can answer, before anything is fitted.

    Runs are opened one after the other until one can answer; no series is read. Runs whose design cannot be made say
    nothing of contrasts: they are told of when they are fitted. If that is all of them, the model is refused.

    Parameters
    ----------
    runs : sequence of StudyRun
    model : Model
    contrasts : sequence of (str, str)
        Name and expression.

    Raises
    ------
    InputError
        With what the first run says to it.
    """
    refuse_names(contrasts)
    left, why, failed = dict(contrasts), {}, {}
    for columns, left_out in _columns_of(runs, model, failed):
        for name, expression in list(left.items()):
            try:
                with naming_left_out(expression, left_out):
                    contrast_vector(expression, columns)
                del left[name]
            except ValueError as error:
                why.setdefault(name, error)
        if not left:
            return
    for name in left:
        if name in why:
            raise about(f"no run can estimate the contrast {name!r}", why[name])
    if failed and not why and len(failed) == sum(not row.why_not for row in runs):
        name, error = next(iter(failed.items()))
        raise about("no run can be fitted under this model", about(name, error))


def _columns_of(
    runs: Sequence[StudyRun], model: Model, failed: dict[str, Exception]
) -> Iterator[tuple[list[str], tuple[str, ...]]]:
    """Columns of each run's design, and the event types that it leaves out; `failed` gets why others have no design."""
    seen = set()
    for row in runs:
        if row.why_not:
            continue
        try:
            with Heard():
                run = open_unread(row.inputs)
                events = EventSource(run.events, run.unlasting).events(model.events)
                scans = steps.scans_of(run, model)
                design = design_for(run, model, events, steps.confounds_of(run, model, scans), scans)
                columns, left_out = list(map(str, design.columns)), left_out_types(model.design, events)
        except OSError:
            continue
        except ValueError as error:
            failed[row.name] = error
            continue
        if tuple(columns) not in seen:
            seen.add(tuple(columns))
            yield columns, left_out
