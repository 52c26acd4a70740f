"""The way in: one call that opens the explorer which a run, or several, ask for."""

from __future__ import annotations

from os import PathLike
from typing import Any

from glmwidgets.files.envelope import read_session
from glmwidgets.glm.errors import KindError
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.runs.explorer import RunsExplorer
from glmwidgets.panels.shared.notebook import close_earlier
from glmwidgets.panels.shared.reading import reading_shown
from glmwidgets.runs.arguments import check_arguments
from glmwidgets.runs.bids import find_run
from glmwidgets.runs.bids_confounds import load_confounds
from glmwidgets.runs.opening import open_runs
from glmwidgets.session.several.runs import RunSet
from glmwidgets.session.several.store import load_runs
from glmwidgets.session.single.session import Session
from glmwidgets.session.single.store import load_session
from glmwidgets.specification.encoding import begun_with
from glmwidgets.specification.settings import Settings

_WHOLE = {"data.whole_field": True}


def explore(
    bold: Any,
    events: Any = None,
    t_r: float | None = None,
    *,
    confounds: Any = None,
    mask: Any = None,
    anatomical: Any = None,
    slice_time_ref: float | None = None,
    frame_times: Any = None,
    missing_duration: float | None = None,
    design_matrices: Any = None,
    target_affine: Any = None,
    settings: Settings | dict[str, Any] | None = None,
    state: str | None = None,
    dataset: str | PathLike[str] | None = None,
    **which: Any,
) -> Explorer | RunsExplorer:
    """Look at a run: a widget in which every change of the model is answered by the map.

    Parameters
    ----------
    bold : image, path, list of 3-D images, or simulated run
        The series. A `glmwidgets.datasets.SimulatedRun` brings its own events, confounds and t_r. With `dataset`,
        the participant, such as ``"sub-01"``. A list of several runs opens them as tabs, with fixed effects over them;
        events and confounds are then lists, too.
    events : DataFrame or path, optional
        onset and duration in seconds, trial_type.
    t_r : float, optional
        Time between scans in seconds; the image's header by default.
    confounds : DataFrame, array or path, optional
        One row a scan.
    mask : image, path or False, optional
        Voxels to analyse; found from the run by default. False takes every voxel that has a signal.
    anatomical : image or path, optional
        3-D image in register with the run, to lay the maps over; it is brought to the run's grid.
    slice_time_ref : float, optional
        Time within a scan that the series are referred to, as a fraction of t_r; what the dataset says, or 0.
    frame_times : sequence of float, optional
        When each scan was taken, in seconds, where they are not in even steps.
    missing_duration : float, optional
        Seconds that events without a duration (``n/a``) last; by default these are left out.
    design_matrices : DataFrame, array, path, or list of these, optional
        Design matrices that were made elsewhere, one for each run with one row a scan, in the place of events and
        confounds. Columns are left out, shifted and made orthogonal in the panel of the design. Where events are given
        too, ``design.source`` says which of the two makes the model.
    target_affine : number, three numbers, or array of shape (3, 3) or (4, 4), optional
        Grid that series and mask are brought to when they are opened, in memory, as `glmwidgets.FirstLevelModel` does:
        the edge of a voxel in mm, its three edges, or a matrix.
    settings : Settings or dict, optional
        What to begin with, such as ``{"contrast.expression": "face - house"}``.
    state : str, optional
        What another explorer's ``state`` gave: to begin with all that was set there. Beside it `settings` can only be
        a dict, which goes before it.
    dataset : str or path, optional
        Root of a BIDS dataset, raw or of fMRIPrep, in which the run and what belongs to it are found.
    **which
        Which run of the dataset, as in `glmwidgets.datasets.find_run`: ``task=``, ``run=``, ``session=``,
        ``space=``, ``motion=`` ... ``run="all"`` opens all runs of the task, a list of numbers some of them.

    Returns
    -------
    Explorer, or RunsExplorer for several runs
        Shown as the last value of a cell.

    Raises
    ------
    FileNotFoundError, ValueError
        If an input is missing or does not fit; the message names it.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> explorer = explore(simulate_run(), settings={"design.hrf_model": "glover"})
    >>> explorer.session.wait_until_idle(timeout=60)
    True
    >>> explorer.close()
    """
    try:
        check_arguments(explore, which, find_run, load_confounds)
    except KindError:
        for name, value in which.items():
            _check_no_setting(name, value)
        raise
    close_earlier()
    if state is not None:
        settings = begun_with(state, settings)
    if mask is False:
        settings = settings.updated(_WHOLE) if isinstance(settings, Settings) else {**(settings or {}), **_WHOLE}
        mask = None
    with reading_shown():
        runs = open_runs(
            bold,
            events,
            t_r,
            confounds=confounds,
            mask=mask,
            anatomical=anatomical,
            slice_time_ref=slice_time_ref,
            frame_times=frame_times,
            missing_duration=missing_duration,
            design=design_matrices,
            target_affine=target_affine,
            dataset=dataset,
            # Settings that are given whole know which confounds they are of; otherwise all can be looked at.
            whole_table=not isinstance(settings, Settings),
            **which,
        )
    if len(runs) == 1:
        return Explorer(Session(runs[0], settings))
    return RunsExplorer(RunSet(runs, settings))


def _check_no_setting(name: str, value: Any) -> None:
    """Refuse the name of a setting among the arguments, and say where it goes."""
    usual = {"contrast": "contrast.expression", "threshold": "threshold.value"}
    found = [usual[name]] if name in usual else [p for p in Settings.paths() if p.rpartition(".")[2] == name]
    if found:
        raise KindError(f"{name}= is a setting: give settings={{{found[0]!r}: {value!r}}}")


def load(
    path: str | PathLike[str],
    bold: Any = None,
    events: Any = None,
    *,
    confounds: Any = None,
    mask: Any = None,
    anatomical: Any = None,
    design_matrices: Any = None,
) -> Explorer | RunsExplorer:
    """Open an explorer that was saved, as ``glmwidgets.explore.load``.

    Parameters
    ----------
    path : str or path
        What `Explorer.save` or `RunsExplorer.save` wrote.
    bold, events, confounds, mask, anatomical, design_matrices : optional
        Inputs in the place of the files that the session names; lists for several runs. Images that were given
        in memory are not in the file and must be given again.

    Returns
    -------
    Explorer or RunsExplorer

    Raises
    ------
    FileNotFoundError, ValueError
        If something is missing or does not fit; the message names it.
    """
    close_earlier()
    holds, _ = read_session(path, "run", "runs")
    inputs = {"confounds": confounds, "mask": mask, "anatomical": anatomical, "design": design_matrices}
    if holds == "runs":
        return RunsExplorer(load_runs(path, bold=bold, events=events, **inputs))
    return Explorer(load_session(path, bold, events, **inputs))


explore.load = load
