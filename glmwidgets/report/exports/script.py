"""An analysis as a short Python script that does it again: on this package's own interface, or on nilearn's.

What a person typed stands in the script as quoted text only (``repr``), never as code.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from glmwidgets import __version__
from glmwidgets.files.paths import resolved
from glmwidgets.glm.choices import check_choice
from glmwidgets.report.exports.script_nilearn import nilearn_script
from glmwidgets.report.exports.script_parts import (
    Source,
    assembled,
    bins_argument,
    contrast_lines,
    design_lines,
    field_imports,
    field_lines,
    input_text,
    kept_argument,
    origin_lines,
    output_lines,
    read_exactly,
    registering_lines,
    saving_lines,
    scrubs,
    selection,
    write_with,
    written_arguments,
)
from glmwidgets.runs.opening import open_again
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.specification.settings import Settings


def write_script(
    source: Any, path: str | os.PathLike[str], dialect: str = "glmwidgets", *, overwrite: bool = False
) -> Path:
    """Write a Python script that repeats an analysis.

    Parameters
    ----------
    source : Session, Explorer or Settings
        Settings must name their image.
    path : str or path
        Of the script. Inputs that were given in memory are written beside it, and read from there.
    dialect : {"glmwidgets", "nilearn"}
        ``"glmwidgets"`` repeats the maps bit for bit; a comment at its head names the choices that were added to the
        package's tables, which the script needs. ``"nilearn"`` gives the same z scores to 1e-6 where nilearn has the
        noise model and the scaling, and reads the design matrix from a file where it has no name for response or drift;
        a comment says what it lacks.
    overwrite : bool
        Whether files that exist may be replaced. Those that were written of the same session before may; one that was
        read as an input never is.

    Returns
    -------
    Path

    Raises
    ------
    NoResult
        If what is set has no result; see `glmwidgets.session.core.waiting.Awaited.current_result`.
    ValueError
        If the dialect is unknown, or the settings cannot be used.
    FileNotFoundError
        If the script's folder, or an input, does not exist.
    FileExistsError
        If a file was read as an input, or exists and may not be replaced.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_script(session, Path(folder) / "analysis.py").name
    'analysis.py'
    """
    path = resolved(path)
    found = _source(source)
    text = script_text(found, dialect, path.stem)
    beside = files_beside(found, path.stem, dialect)
    return write_with(path, text, beside, overwrite=overwrite, by=getattr(source, "session", source))


def script_text(source: Any, dialect: str = "glmwidgets", stem: str = "analysis") -> str:
    """The text of such a script.

    Parameters
    ----------
    source, dialect
        As in `write_script`.
    stem : str
        Name of the script without its ending; results are written to a folder called after it.

    Returns
    -------
    str
    """
    check_choice("dialect", dialect, DIALECTS)
    return DIALECTS[dialect](_source(source), stem)


def _source(given: Any) -> Source:
    if isinstance(given, Source):
        return given
    if isinstance(given, Settings):
        if given.inputs.bold is None:
            raise ValueError("these settings name no image: give the session, or settings with inputs.bold")
        run = open_again(given.inputs)
        analysis = Analysis(run)
        return Source(run, analysis.settled(given), analysis)
    session = getattr(given, "session", given)
    if not hasattr(session, "settings"):
        raise TypeError(f"a script is written of a session, an explorer or settings, not of {type(given).__name__}")
    session.current_result()
    return Source(session.run, session.settings, session.analysis)


# Inputs ---------------------------------------------------------------------------------------------------------------


def files_beside(source: Source, stem: str, dialect: str) -> dict[str, Any]:
    """Images and tables that the script needs and that are in no file yet, by the name of the file."""
    run, events = source.run, source.events
    needed: dict[str, Any] = {}
    if run.inputs.bold is None:
        needed[f"{stem}_bold.nii.gz"] = run.img
    if dialect == "nilearn" and source.gives_design:
        needed[f"{stem}_design.tsv"] = source.design
    elif source.is_given:
        needed |= {} if run.inputs.design else {f"{stem}_design.tsv": run.design}
    else:
        if source.events_file is None and events is not None:
            needed[f"{stem}_events.tsv"] = events[["onset", "duration", "trial_type", "modulation"]]
        if dialect == "nilearn" and source.confounds is not None and source.confounds_file is None:
            needed[f"{stem}_confounds.tsv"] = source.confounds
        elif run.inputs.confounds is None and run.confounds is not None:
            needed[f"{stem}_confounds.tsv"] = run.confounds
    if run.inputs.mask is None and run.mask_img is not None:
        needed[f"{stem}_mask.nii.gz"] = run.mask_img
    elif dialect == "nilearn" and source.cuts_mask:
        domain = source.analysis.voxels(source.settings)
        needed[f"{stem}_mask.nii.gz"] = domain.mask_image()
    return needed


def opening_lines(source: Source, stem: str) -> tuple[list[str], list[str]]:
    """Lines that leave a run in ``run``, its events in ``events`` and its confounds, if any, in ``confounds``.

    Returns
    -------
    lines, imports : list of str
    """
    run = source.run
    bold = input_text(run.inputs.bold, stem, "bold.nii.gz", True)
    mask = input_text(run.inputs.mask, stem, "mask.nii.gz", run.mask_img is not None)
    events = input_text(source.events_file, stem, "events.tsv", source.events is not None)
    with_confounds = run.confounds is not None and not source.is_given
    confounds = input_text(run.inputs.confounds, stem, "confounds.tsv", with_confounds)
    design = input_text(run.inputs.design, stem, "design.tsv", source.is_given)
    lines, imports = [], ["import glmwidgets as gw"]
    if source.events_file is None and source.events is not None:
        lines += read_exactly("events", events, "\t", ["onset", "duration", "modulation"])
        events = "events"
    if source.is_given and run.inputs.design is None:
        lines += read_exactly("given", design, "\t")
        design = "given"
    if run.inputs.confounds is None and with_confounds:
        lines += read_exactly("confounds", confounds, "\t")
        confounds = "confounds"

    opened = [f"    {bold},", f"    events={events},", f"    t_r={run.t_r!r},"]
    opened += [f"    confounds={confounds},"] if with_confounds else []
    opened += [f"    design={design},"] if source.is_given else []
    opened += [f"    mask={mask},"] if run.mask_img is not None else []
    opened += [f"    slice_time_ref={run.slice_time_ref!r},"] if run.slice_time_ref else []
    times = run.inputs.frame_times
    opened += [f"    frame_times={list(times)!r},"] if times is not None else []
    grid = run.inputs.target_affine
    opened += [f"    target_affine={grid!r},"] if grid is not None else []
    lines += ["run = gw.open_run(", *opened, ")"]
    if source.is_given:
        return lines, imports
    lines += selection("events", "run.events", source.settings.design.conditions)
    # Scrubbing may be asked for where there is nothing to model.
    parts = [_own_confounds(source)] if source.confounds is not None else []
    for made, more in (*parts, _mean_lines(source)):
        lines += made
        imports += more
    return lines, imports


# The dialects ---------------------------------------------------------------------------------------------------------


def _own(source: Source, stem: str) -> str:
    """The script on `glmwidgets.FirstLevelModel`."""
    run, settings = source.run, source.settings
    lines, imports = opening_lines(source, stem)
    used = source.confounds is not None
    if source.cuts_mask:
        lines.append(
            f'mask_img = image_like(find_brain(run.img, cut={settings.data.mask_cut!r}).astype("uint8"), run.img)'
        )
        imports += [
            "from glmwidgets.images.mask import find_brain",
            "from glmwidgets.images.new import image_like",
        ]

    fitted = f"events{', confounds' if used else ''}"
    if not source.makes_design:
        made, more = design_lines(source)
        lines += ["", *made]
        imports += more
        fitted = "design_matrices=design"
    arguments = {**written_arguments(source), **({"t_r": "run.t_r"} if source.makes_design else {})}
    lines += ["", "model = gw.FirstLevelModel("]
    lines += [f"    {name}={value if name == 't_r' else repr(value)}," for name, value in arguments.items()]
    lines += ["    mask_img=run.mask_img,"] if run.mask_img is not None else []
    lines += ["    mask_img=mask_img,"] if source.cuts_mask else []
    lines += ["    mask_img=False,"] if source.is_whole else []
    means = ", mean_scans=mean_scans" if scrubs(source) else ""
    lines += [")", f"model.fit(run.img, {fitted}{kept_argument(source)}{bins_argument(source)}{means})"]
    imports += ["import numpy as np"] if kept_argument(source) else []

    lines += ["", *contrast_lines(settings), *output_lines(stem), "for name, contrast in contrasts.items():"]
    lines += [
        '    maps = model.compute_contrast(contrast, output_type="all")',
        *field_lines(settings, "model.random_field(contrast"),
        *saving_lines(settings, "model.mask_img_"),
    ]
    imports += ["from glmwidgets.models import get_clusters_table, threshold_stats_img", *field_imports(settings)]
    head = [f"# Repeats an analysis made with glmwidgets {__version__}.", *origin_lines(settings)]
    head += registering_lines(settings, run)
    return assembled(imports, lines, head)


#: How a script can be written, by name.
DIALECTS: dict[str, Callable[[Source, str], str]] = {"glmwidgets": _own, "nilearn": nilearn_script}


def _mean_lines(source: Source) -> tuple[list[str], list[str]]:
    """Lines that name the scans over which means are taken, as ``mean_scans``, and what they import."""
    if not scrubs(source):
        return [], []
    design = source.settings.design
    lines = [
        "# Scrubbed scans do not count in a voxel's mean.",
        f"scrubbed = scrubbed_scans(run.confounds, {design.scrub_fd!r}, {design.scrub_dvars!r})",
        f"mean_scans = np.setdiff1d(np.arange({source.run.n_scans}), scrubbed)",
    ]
    return lines, ["import numpy as np", "from glmwidgets.glm.design.confound_groups import scrubbed_scans"]


def _own_confounds(source: Source) -> tuple[list[str], list[str]]:
    """Lines that choose the confounds of the opened run, and what they import."""
    design, table = source.settings.design, source.run.confounds
    made = design.scrubs or not (design.confounds is None or set(design.confounds) <= set(table.columns))
    columns = None if design.confounds is None else list(design.confounds)
    if not made:
        return [f"confounds = run.confounds{'' if columns is None else f'[{columns!r}]'}"], []
    lines = ["confounds = choose_confounds(", "    run.confounds,", f"    {columns!r},"]
    lines += [f"    fd_threshold={design.scrub_fd!r},"] if design.scrub_fd is not None else []
    lines += [f"    std_dvars_threshold={design.scrub_dvars!r},"] if design.scrub_dvars is not None else []
    lines += [f"    skip={source.settings.data.drop_scans!r},"] if source.settings.data.drop_scans else []
    return [*lines, ")"], ["from glmwidgets.glm.design.confound_groups import choose_confounds"]
