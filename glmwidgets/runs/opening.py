"""Every way to open a run, or several: images, paths, lists of volumes, simulated runs, runs of a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from nibabel.spatialimages import SpatialImage

from glmwidgets.datasets.run_files import FoundRun
from glmwidgets.glm.choices import meant
from glmwidgets.glm.collected_warnings import Heard
from glmwidgets.glm.design.given import checked_design
from glmwidgets.glm.design.matrix import frame_times
from glmwidgets.glm.design.times import evenly_spaced
from glmwidgets.glm.errors import about
from glmwidgets.images.load import header_t_r, load_image, open_run_image, sidecar_t_r
from glmwidgets.images.sidecar import sidecars_read_once
from glmwidgets.plural import count
from glmwidgets.runs.arguments import check_arguments
from glmwidgets.runs.bids import find_run, find_runs
from glmwidgets.runs.bids_confounds import load_confounds
from glmwidgets.runs.parts import (
    checked_slice_time_ref,
    open_anatomical,
    open_confounds,
    open_events,
    path_of,
    table_name,
    warn_of_repeats,
)
from glmwidgets.runs.reader import Reader
from glmwidgets.runs.regrid import as_rows, on_target_grid, target_matrix
from glmwidgets.runs.run import Provenance, Run, content_hash, run_name
from glmwidgets.runs.whole_confounds import whole_confounds

#: What belongs to a run beside its series.
PARTS = (
    "events",
    "t_r",
    "confounds",
    "mask",
    "slice_time_ref",
    "anatomical",
    "frame_times",
    "missing_duration",
    "design",
    "target_affine",
)

#: Who says a time between scans that is known to nobody, and that a given design matrix can do without.
COUNTED = "nobody: time is counted in scans, as if each took 1 s"


def open_run(
    bold: Any,
    events: Any = None,
    t_r: float | None = None,
    *,
    confounds: Any = None,
    mask: Any = None,
    slice_time_ref: float | None = None,
    anatomical: Any = None,
    frame_times: Sequence[float] | None = None,
    missing_duration: float | None = None,
    design: Any = None,
    target_affine: Any = None,
    dataset: str | PathLike[str] | None = None,
    whole_table: bool = False,
    **which: Any,
) -> Run:
    """Read a run and check that its parts fit together.

    Parameters
    ----------
    bold : image, path, list of 3-D images, found or simulated run
        The series. A run that was found in a dataset or simulated brings its own events, confounds and t_r; what is
        given here goes before. With `dataset`, the participant, such as ``"sub-01"``.
    events : DataFrame or path, optional
        onset and duration in seconds, trial_type, and perhaps modulation.
    t_r : float, optional
        Time between scans in seconds; the header's by default.
    confounds : DataFrame, array or path, optional
        One row a scan.
    mask : image or path, optional
        Voxels to analyse; found from the run by default.
    slice_time_ref : float, optional
        Time within a scan that the series are referred to, as a fraction of t_r; by default what the sidecars of a
        found run say, or 0, the beginning. Who repeats FEAT gives .5; who repeats SPM gives its (reference slice − 1) /
        (number of slices).
    anatomical : image or path, optional
        3-D image of the same head, in register with the run, to look at the maps on.
    frame_times : sequence of float, optional
        When each scan was taken, in seconds on the events' clock, for scans that are not in even steps of t_r (sparse
        and clustered acquisitions). A found run brings those of its sidecar's ``VolumeTiming``.
    missing_duration : float, optional
        Seconds that events without a duration (``n/a``) last; by default these are left out.
    design : DataFrame, array or path, optional
        A design matrix that was made elsewhere, one row a scan, in the place of events and confounds. Where nobody says
        the time between scans, time is counted in scans.
    target_affine : number, three numbers, array of shape (3, 3) or (4, 4), or text of such numbers, optional
        Grid that series and mask are brought to when the run is opened, as `glmwidgets.FirstLevelModel` does: the edge
        of a voxel in mm, its three edges, or a matrix; see `glmwidgets.images.resample_img`. The new series lie in
        memory.
    dataset : str or path, optional
        Root of a BIDS dataset, raw or of fMRIPrep, in which the run and what belongs to it are found.
    whole_table : bool
        Read the whole table that a found run's confounds come from, where it can be used as it is, and not only the
        columns that were chosen.
    **which
        Which run of the dataset, as in `glmwidgets.runs.bids.find_run`.

    Returns
    -------
    Run

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If one cannot be read or does not fit; the message names it.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> run = open_run(simulate_run("small", n_scans=40))
    >>> run.n_scans, run.t_r, len(run.events)
    (40, 2.0, 9)
    """
    others = (slice_time_ref, anatomical, frame_times, missing_duration, design)
    parts = (events, t_r, confounds, mask, *others, target_matrix(target_affine))
    given = dict(zip(PARTS, parts, strict=True))
    with Heard(pass_on=True) as heard, sidecars_read_once():
        if dataset is not None:
            check_arguments(open_run, which, find_run, load_confounds)
            bold = find_run(dataset, bold, **which)
        elif which:
            said = f"{(name := next(iter(which)))}= chooses a run of a dataset: name it with dataset="
            raise TypeError("; ".join(filter(None, (said, meant(name, PARTS)))))
        run = _opened(bold, given, whole_table)
    return replace(run, warnings=heard.said)


def open_again(inputs: Provenance, **given: Any) -> Run:
    """Open a run by what is known of where it came from.

    Parameters
    ----------
    inputs : Provenance
    **given
        Arguments of `open_run` that go before it; None for what is to come from `inputs`.

    Returns
    -------
    Run
        Who said what an input is, is who said it then.

    Raises
    ------
    FileNotFoundError, ValueError
        As `open_run` does.
    """
    anew = {name: value for name, value in given.items() if value is not None}
    run = open_run(**{name: getattr(inputs, name) for name in ("bold", *PARTS)} | anew)
    said_by = dict(inputs.said_by) | {name: who for name, who in run.inputs.said_by if name in anew}
    said_by = {**dict(run.inputs.said_by), **said_by}
    return replace(run, inputs=replace(run.inputs, said_by=tuple(sorted(said_by.items()))))


def open_unread(inputs: Provenance) -> Run:
    """A run by what is known of where it came from, for its design: its image is read when somebody asks for a voxel.

    Parameters
    ----------
    inputs : Provenance

    Returns
    -------
    Run

    Raises
    ------
    FileNotFoundError, ValueError
        As `open_run` does, but for what only the voxels show.
    """
    with Heard() as heard, sidecars_read_once():
        run = _unread(inputs.bold, {name: getattr(inputs, name) for name in PARTS})
    return replace(run, warnings=heard.said)


def open_runs(
    bold: Any,
    events: Any = None,
    t_r: Any = None,
    *,
    confounds: Any = None,
    mask: Any = None,
    slice_time_ref: Any = None,
    anatomical: Any = None,
    frame_times: Any = None,
    missing_duration: float | None = None,
    design: Any = None,
    target_affine: Any = None,
    dataset: str | PathLike[str] | None = None,
    whole_table: bool = False,
    **which: Any,
) -> list[Run]:
    """Open one run or several, whichever is given.

    Parameters
    ----------
    bold : object
        One run as `open_run` takes it, or a list of such; see `is_several`. With `dataset`, the participant. Runs that
        come with design matrices, as `glmwidgets.datasets` has some, bring these and their mask.
    events, t_r, confounds, mask, slice_time_ref, anatomical, frame_times, missing_duration, design
        As in `open_run`; of several runs a list, or one for all. Confounds and designs have to be a list. Of one run
        each may stand in a list of one.
    target_affine : optional
        As in `open_run`, one grid for all.
    dataset, whole_table, **which
        As in `open_run`. ``run="all"`` opens all runs of the task, a list of numbers some of them, each with the
        confounds that were chosen alone.

    Returns
    -------
    list of Run

    Raises
    ------
    FileNotFoundError, ValueError
        If an input is missing or does not fit; of several runs, the message names the run.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> runs = open_runs([simulate_run("small", n_scans=40, seed=seed) for seed in (1, 2)])
    >>> [run.n_scans for run in runs]
    [40, 40]
    """
    others = (slice_time_ref, anatomical, frame_times, missing_duration, design)
    parts = (events, t_r, confounds, mask, *others, target_matrix(target_affine))
    given = dict(zip(PARTS, parts, strict=True))
    if hasattr(bold, "run_imgs") and hasattr(bold, "design_matrices"):
        brought = {"design": list(bold.design_matrices), "mask": bold.mask}
        given |= {name: part for name, part in brought.items() if given[name] is None}
        bold = list(bold.run_imgs)
    with sidecars_read_once():
        numbers = which.get("run")
        if dataset is not None and (numbers == "all" or isinstance(numbers, list | tuple)):
            del which["run"]
            bold = find_runs(dataset, bold, runs=None if numbers == "all" else numbers, **which)
        elif dataset is not None or which or not is_several(bold, events):
            bold, given = _alone(bold, given)
            return [open_run(bold, **given, dataset=dataset, whole_table=whole_table, **which)]
        n = len(bold)
        lists = {name: _each(name, value, n) for name, value in given.items()}
        runs = []
        for i, one in enumerate(bold):
            try:
                with Heard(pass_on=True) as heard:
                    if i == 0:
                        warn_of_repeats([getattr(each, "bold", each) for each in bold])
                    run = _opened(one, {name: values[i] for name, values in lists.items()})
                runs.append(replace(run, warnings=heard.said))
            except (FileNotFoundError, ValueError) as error:
                if n == 1:
                    raise
                raise about(run_name(i), error) from error
        return runs


def is_several(bold: Any, events: Any = None) -> bool:
    """Whether several runs are meant, and not the volumes of one.

    Parameters
    ----------
    bold : object
        A list of 4-D images, of found or simulated runs or of lists of volumes holds runs; a list of 3-D images is one
        run.
    events : object
        A list of tables is one a run.

    Returns
    -------
    bool

    Examples
    --------
    >>> import nibabel as nib, numpy as np
    >>> run = nib.Nifti1Image(np.zeros((2, 2, 2, 5)), np.eye(4))
    >>> is_several(run), is_several([run, run]), is_several([run.slicer[..., 0], run.slicer[..., 1]])
    (False, True, False)
    """
    if not isinstance(bold, list | tuple) or not bold:
        return False
    if isinstance(events, list | tuple) or len(bold) == 1:
        return len(bold) > 1
    return _is_run(bold[0])


#: Parts that no two runs have in common, and what is said of one of them.
_ONE_EACH = {"confounds": "confounds are", "design": "a design matrix is"}


def _alone(bold: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """One run and its parts, out of the lists of one that they may be given in."""
    if isinstance(bold, list | tuple) and len(bold) == 1 and _is_run(bold[0]):
        bold = bold[0]
    elif isinstance(bold, list | tuple):
        return bold, given
    listed = {name for name, part in given.items() if isinstance(part, list | tuple) and not _is_clock(part)}
    return bold, {name: _each(name, part, 1)[0] if name in listed else part for name, part in given.items()}


def _is_clock(part: Sequence[Any]) -> bool:
    """Whether a list holds the times of one run's scans."""
    return len(part) > 1 and all(isinstance(each, Real) for each in part)


def _is_run(given: Any) -> bool:
    """Whether an entry of a list is a run, and not one of its volumes."""
    if isinstance(given, list | tuple) or _brought(given):
        return True
    return isinstance(given, str | PathLike | SpatialImage) and len(load_image(given).shape) == 4


def _each(name: str, given: Any, n: int) -> list[Any]:
    """One value a run."""
    if isinstance(given, list | tuple):
        if len(given) != n:
            entries = count(len(given), "entry", "entries")
            raise ValueError(f"{name}: {entries} for {count(n, 'run')}; give one for each run")
        return list(given)
    if name in _ONE_EACH and given is not None:
        raise ValueError(f"{_ONE_EACH[name]} of one run: give a list with one table for each of the {n} runs")
    return [given] * n


# One run --------------------------------------------------------------------------------------------------------------


def _brought(bold: Any) -> dict[str, Any]:
    """What a found or simulated run brings, the series as ``bold``; nothing for what is the series itself."""
    if isinstance(bold, FoundRun):
        return bold.inputs()
    if hasattr(bold, "img") and hasattr(bold, "events"):
        return {"bold": bold.img, "events": bold.events, "t_r": bold.t_r, "confounds": bold.confounds}
    return {}


def _who_brought(bold: Any) -> dict[str, str]:
    """Who says what each part is that a found or simulated run brings."""
    if isinstance(bold, FoundRun):
        return {**dict.fromkeys(("events", "confounds", "mask"), "the dataset"), **dict(bold.said_by)}
    return dict.fromkeys(("events", "confounds", "t_r"), "the simulation")


def _opened(bold: Any, given: dict[str, Any], whole_table: bool = False) -> Run:
    """Read a run from what is given, by the names in `PARTS`, and from what it brings itself."""
    run = _unread(bold, given, whole_table)
    run.reader.look(run.given_mask())
    return run


def _unread(bold: Any, given: dict[str, Any], whole_table: bool = False) -> Run:
    """A run whose image is open."""
    brought, who, chosen = _brought(bold), _who_brought(bold), None
    if whole_table and isinstance(bold, FoundRun) and given["confounds"] is None:
        brought["confounds"], chosen = whole_confounds(bold)
    bold = brought.pop("bold", bold)
    if given["t_r"] is not None:
        brought.pop("frame_times", None)  # even steps were asked for
    parts = {name: part for name, part in brought.items() if part is not None and given[name] is None}
    who = {name: who[name] for name in parts if name in who}
    given = {**given, **parts}
    given["slice_time_ref"] = checked_slice_time_ref(given["slice_time_ref"] or 0.0)
    if given["design"] is not None and given["t_r"] is None and given["frame_times"] is None:
        clock, said = _clock_of(bold, given["design"])
        given, who = {**given, **clock}, {**who, **said}
    img, t_r = open_run_image(bold, t_r=given["t_r"], frame_times=given["frame_times"])
    run = on_target_grid(make_run(Reader(img, checked=True), bold, given, t_r, chosen_confounds=chosen, said_by=who))
    # Whatever its rows were called: they are the scans of this run.
    return run if run.design is None else replace(run, design=run.design.set_axis(run.frame_times))


def _clock_of(bold: Any, design: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """When scans were taken, and who says so, where the header does not: the design's index, or a count."""
    opened = load_image(bold)
    if header_t_r(opened) is not None or sidecar_t_r(opened) is not None:
        return {}, {}
    index = getattr(design, "index", None)
    if getattr(index, "dtype", np.dtype(int)).kind == "f" and len(index) == opened.shape[-1]:
        even = evenly_spaced(index.to_numpy())
        clock = {"t_r": float(np.diff(index).mean())} if even else {"frame_times": index.tolist()}
        return clock, dict.fromkeys(clock, "the index of the design matrix")
    return {"t_r": 1.0}, {"t_r": COUNTED}


def make_run(
    reader: Reader,
    bold: Any,
    given: Mapping[str, Any],
    t_r: float | None,
    *,
    where: str | None = None,
    fill_first_row: bool | None = None,
    chosen_confounds: tuple[str, ...] | None = None,
    said_by: Mapping[str, str] = MappingProxyType({}),
) -> Run:
    """Read what belongs to a run, and check that it fits its series.

    Parameters
    ----------
    reader : Reader
    bold : image, path or list of 3-D images
        Where the series come from.
    given : mapping
        What is given beside the series, by the names in `PARTS`.
    t_r : float or None
        Time between scans in seconds, the given or the header's.
    where : str, optional
        What messages call the run, if it is one of several.
    fill_first_row : bool, optional
        Whether confounds without a value at the first scan, and only there, are 0 at it; by default those are of which
        fMRIPrep has none, derivatives and differences.
    chosen_confounds : tuple of str, optional
    said_by : mapping from str to str
        Who says what some of the parts are; a person says the others.

    Returns
    -------
    Run
    """
    names = ("events", "confounds", "mask", "anatomical", "design")
    events, confounds, mask, anatomical, design = map(given.get, names)
    paths = {"bold": bold, **{name: given.get(name) for name in names}}
    slice_time_ref = given.get("slice_time_ref", 0.0)
    by = "the image's header" if sidecar_t_r(reader.opened) is None else "RepetitionTime of the sidecar"
    header = {"t_r": by} if given.get("t_r") is None and t_r is not None else {}
    said = {name: "given" for name in PARTS if given.get(name) is not None} | header | dict(said_by)
    if not slice_time_ref:
        said.pop("slice_time_ref", None)
    mask_img = None if mask is None else load_image(mask)
    table, unlasting = None, None
    if events is not None:
        table, unlasting = open_events(events, table_name("events", events, where), given.get("missing_duration"))
    if confounds is not None:
        confounds = open_confounds(confounds, reader.n_scans, where, fill_first_row)
    if design is not None:
        called = table_name("design matrix", design, where) or "the design matrix"
        design = checked_design(design, reader.n_scans, called)
    contents = {"events": table, "confounds": confounds, "mask": mask_img, "design": design}
    for name, content in contents.items():
        if content is not None and path_of(paths[name]) is None:
            place = " in memory" if said[name] == "given" else ""
            said[name] = f"{said[name]}{place}, {content_hash(content):08x}"
    inputs = Provenance(
        **{name: path_of(part) for name, part in paths.items()},
        t_r=given.get("t_r"),
        slice_time_ref=slice_time_ref,
        frame_times=None if given.get("frame_times") is None else tuple(map(float, given["frame_times"])),
        missing_duration=given.get("missing_duration"),
        target_affine=as_rows(given.get("target_affine")),
        said_by=tuple(sorted(said.items())),
    )
    times = None if t_r is None else frame_times(reader.n_scans, t_r, slice_time_ref)
    if inputs.frame_times is not None:
        # Within a cluster a scan takes the shortest step.
        times = np.array(inputs.frame_times)
        times = times + slice_time_ref * np.diff(times).min()
    return Run(
        name=Path(inputs.bold).name.removesuffix(".gz").removesuffix(".nii") if inputs.bold else "run",
        reader=reader,
        t_r=t_r,
        slice_time_ref=slice_time_ref,
        frame_times=times,
        events=table,
        confounds=confounds,
        mask_img=mask_img,
        inputs=inputs,
        anatomical=None if anatomical is None else open_anatomical(anatomical, reader.domain),
        chosen_confounds=chosen_confounds,
        design=design,
        unlasting=unlasting,
    )
