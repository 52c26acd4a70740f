"""An analysis as a short Python script that does it again: on this package's own interface, or on nilearn's.

What a person typed stands in the script as quoted text only (``repr``), never as code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets import __version__
from glmwidgets.files.writing import check_outputs, write_text
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.glm.moments.scaling import SCALINGS
from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.glm.response.models import parse_hrf
from glmwidgets.glm.tables import tsv
from glmwidgets.images.save import save_image
from glmwidgets.report.exports.added_rows import added_rows
from glmwidgets.report.exports.files import slug, unique_slugs
from glmwidgets.runs.opening import open_run
from glmwidgets.runs.run import Run
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.specification.arguments import told_arguments
from glmwidgets.specification.field import arguments_in
from glmwidgets.specification.settings import EventsSettings, Settings
from glmwidgets.specification.words import told_origins

__all__ = ["DIALECTS", "script_text", "write_script"]

NILEARN = "0.14.1"

#: Arguments of the estimator that nilearn's does not have, by name.
NOT_IN_NILEARN = {
    known.argument.name: known.argument
    for known in Settings.known().values()
    if known.argument is not None and known.argument.theirs is None
}


@dataclass(frozen=True)
class Source:
    """What a script is written of."""

    run: Run
    settings: Settings
    analysis: Analysis

    @property
    def events(self) -> pd.DataFrame | None:
        """Events that are modelled."""
        return self.analysis.events(self.settings)

    @property
    def events_file(self) -> str | None:
        """File that holds these very events, as anybody reads it; None where they were edited or came from memory."""
        path = self.run.inputs.events if self.settings.events == EventsSettings() else None
        if path is None or self.run.events is None:
            return None
        events = self.run.events[["onset", "duration", "trial_type", "modulation"]]
        plain = events.drop(columns="modulation") if (events["modulation"] == 1).all() else events
        if (plain["trial_type"] == "dummy").all():
            plain = plain.drop(columns="trial_type")
        return path if _is_read_alike(path, plain) else None

    @property
    def confounds(self) -> pd.DataFrame | None:
        """Confounds that are modelled."""
        return self.analysis.confounds(self.settings)

    @property
    def confounds_file(self) -> str | None:
        """File whose columns these confounds are; None where they are made of it, or came from memory."""
        path, used = self.run.inputs.confounds, self.confounds
        if path is None or used is None or not set(used.columns) <= set(self.run.confounds.columns):
            return None
        return path if _is_read_alike(path, used) else None

    @property
    def design(self) -> pd.DataFrame:
        """The design matrix, rows of scans that are left out included (their zeros enter no fit)."""
        kept = self.analysis.design(self.settings)
        dropped = np.zeros((self.run.n_scans - len(kept), kept.shape[1]))
        return pd.DataFrame(np.vstack([dropped, kept.to_numpy()]), columns=kept.columns)

    @property
    def unnamed(self) -> list[str]:
        """Arguments of the design that nilearn has no name for: its columns must be given instead."""
        design = self.settings.design
        rows = {"hrf_model": parse_hrf(design.hrf_model)[0], "drift_model": DRIFTS[design.drift_model]}
        names = [name for name, row in rows.items() if row.nilearn is None]
        given = arguments_in(design).items()
        return names + [name for name, value in given if name in NOT_IN_NILEARN and NOT_IN_NILEARN[name].lacks(value)]

    @property
    def gives_design(self) -> bool:
        """Whether a script for nilearn has to bring the design matrix."""
        return bool(self.unnamed) or self.events is None or not self.run.is_even

    @property
    def cuts_mask(self) -> bool:
        """Whether the mask is one that an estimator does not find by itself."""
        return self.run.mask_img is None and self.settings.data.mask_cut != 1


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
    ValueError
        If the dialect is unknown, or the settings cannot be used.
    FileNotFoundError
        If the script's folder, or an input, does not exist.
    FileExistsError
        If a file was read as an input, or exists and may not be replaced.
    """
    path = Path(path).expanduser().resolve()
    if path.stem in ("glmwidgets", "nilearn", "numpy", "pandas", "pathlib"):
        raise ValueError(
            f"a script called {path.name} would be imported in the place of {path.stem}: name it otherwise"
        )
    found = _source(source)
    text = script_text(found, dialect, path.stem)
    beside = files_beside(found, path.stem, dialect)
    return write_with(path, text, beside, overwrite=overwrite, by=getattr(source, "session", source))


def write_with(path: Path, text: str, beside: Mapping[str, Any], *, overwrite: bool = False, by: Any = None) -> Path:
    """Write a script, and beside it the images and tables that it needs; none before it is sure that all may be."""
    outputs = [("script", path), *(("script's input", path.parent / name) for name in beside)]
    check_outputs(outputs, overwrite, by)
    for name, content in beside.items():
        rule = {"what": "script's input", "overwrite": overwrite, "by": by}
        if isinstance(content, pd.DataFrame):
            write_text(path.parent / name, tsv(content), **rule)
        else:
            save_image(content, path.parent / name, **rule)
    return write_text(path, text, "script", overwrite=overwrite, by=by)


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
        inputs = given.inputs
        if inputs.bold is None:
            raise ValueError("these settings name no image: give the session, or settings with inputs.bold")
        run = open_run(
            inputs.bold,
            inputs.events,
            inputs.t_r,
            confounds=inputs.confounds,
            mask=inputs.mask,
            slice_time_ref=inputs.slice_time_ref,
            frame_times=inputs.frame_times,
            missing_duration=inputs.missing_duration,
        )
        analysis = Analysis(run)
        return Source(run, analysis.settled(given), analysis)
    session = getattr(given, "session", given)
    if not hasattr(session, "settings"):
        raise TypeError(f"a script is written of a session, an explorer or settings, not of {type(given).__name__}")
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


def _place(path: str | None, stem: str, name: str, there: bool) -> str:
    """An input as Python: a path in quotes, or a file beside the script."""
    if path is not None:
        return repr(path)
    return f"here / {f'{stem}_{name}'!r}" if there else "None"


def _read_exactly(name: str, place: str, separator: str, numbers: Sequence[str] | None = None) -> list[str]:
    """Lines that read a table to the last bit of its numbers: as text first, whatever pandas' own rounding is."""
    kinds = "float" if numbers is None else dict.fromkeys(numbers, "float")
    return [
        f"{name} = pd.read_csv({place}, sep={separator!r}, dtype=str, keep_default_na=False)",
        f"{name} = {name}.astype({kinds})",
    ]


def opening_lines(source: Source, stem: str) -> tuple[list[str], list[str]]:
    """Lines that leave a run in ``run``, its events in ``events`` and its confounds, if any, in ``confounds``.

    Returns
    -------
    lines, imports : list of str
    """
    run = source.run
    bold = _place(run.inputs.bold, stem, "bold.nii.gz", True)
    mask = _place(run.inputs.mask, stem, "mask.nii.gz", run.mask_img is not None)
    events = _place(source.events_file, stem, "events.tsv", source.events is not None)
    confounds = _place(run.inputs.confounds, stem, "confounds.tsv", run.confounds is not None)
    lines, imports = [], ["import glmwidgets as gw"]
    if source.events_file is None and source.events is not None:
        lines += _read_exactly("events", events, "\t", ["onset", "duration", "modulation"])
        events = "events"
    if run.inputs.confounds is None and run.confounds is not None:
        lines += _read_exactly("confounds", confounds, "\t")
        confounds = "confounds"

    opened = [f"    {bold},", f"    events={events},", f"    t_r={run.t_r!r},"]
    opened += [f"    confounds={confounds},"] if run.confounds is not None else []
    opened += [f"    mask={mask},"] if run.mask_img is not None else []
    opened += [f"    slice_time_ref={run.slice_time_ref!r},"] if run.slice_time_ref else []
    times = run.inputs.frame_times
    opened += [f"    frame_times={list(times)!r},"] if times is not None else []
    lines += ["run = gw.open_run(", *opened, ")"]
    lines += _selection("events", "run.events", source.settings.design.conditions)
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
            f'mask_img = image_like(compute_epi_mask(run.img, cut={settings.data.mask_cut!r}).astype("uint8"), run.img)'
        )
        imports += [
            "from glmwidgets.images.mask import compute_epi_mask",
            "from glmwidgets.images.new import image_like",
        ]

    fitted = f"events{', confounds' if used else ''}"
    if not run.is_even:
        # An estimator knows even steps alone: it is given the design at the times of the scans.
        lines += ["", "design = make_first_level_design_matrix(", "    run.frame_times,", "    events,"]
        lines += [f"    {name}={value!r}," for name, value in arguments_in(settings.design).items()]
        lines += ["    add_regs=confounds,", ")"] if used else [")"]
        fitted = "design_matrices=design"
        imports += ["from glmwidgets.glm.design.matrix import make_first_level_design_matrix"]
    lines += ["", "model = gw.FirstLevelModel(", *(["    t_r=run.t_r,"] if run.is_even else [])]
    lines += [f"    {name}={value!r}," for name, value in model_arguments(settings, run).items()]
    lines += ["    mask_img=run.mask_img,"] if run.mask_img is not None else []
    lines += ["    mask_img=mask_img,"] if source.cuts_mask else []
    means = ", mean_scans=mean_scans" if scrubs(source) else ""
    lines += [")", f"model.fit(run.img, {fitted}{kept_argument(source)}{means})"]
    imports += ["import numpy as np"] if kept_argument(source) else []

    contrasts = settings.contrast.listed
    names = unique_slugs([name or text for name, text in contrasts])
    lines += ["", "contrasts = {"]
    lines += [f"    {name!r}: {text!r}," for name, (_, text) in zip(names, contrasts, strict=True)]
    lines += ["}", *output_lines(stem), "for name, contrast in contrasts.items():"]
    lines += [
        '    maps = model.compute_contrast(contrast, output_type="all")',
        *saving_lines(settings, "model.mask_img_"),
    ]
    imports += ["from glmwidgets.models import get_clusters_table, threshold_stats_img"]
    head = [f"# Repeats an analysis made with glmwidgets {__version__}.", *_origins(settings)]
    head += registering_lines(settings, run)
    return assembled(imports, lines, head)


def _nilearn(source: Source, stem: str) -> str:
    """The script on nilearn's FirstLevelModel."""
    run, settings = source.run, source.settings
    design = settings.design
    hrf, drift = parse_hrf(design.hrf_model)[0], DRIFTS[design.drift_model]
    noise, scaling = noise_model_row(settings.noise.model), SCALINGS[settings.data.signal_scaling]
    threshold = THRESHOLDS[settings.threshold.height_control]
    choices = {**model_arguments(settings, run), "slice_time_ref": run.slice_time_ref}
    lacking = []

    def replace(name: str, value: Any, why: str) -> None:
        lacking.append(f"{name}={choices.get(name)!r}: {why}; {value!r} stands in its place, and the maps differ")
        choices[name] = value

    for name in source.unnamed:
        why = NOT_IN_NILEARN[name].lacks(choices[name]) if name in NOT_IN_NILEARN else "nilearn does not know it"
        lacking.append(f"{name}={choices[name]!r}: {why}; the design matrix is read from a file")
    if source.gives_design:
        of_design = {"slice_time_ref", *arguments_in(design)}
        choices = {name: value for name, value in choices.items() if name not in of_design}
    else:
        choices |= {"hrf_model": hrf.nilearn or None, "drift_model": drift.nilearn or None}
    if noise.nilearn is None:
        replace("noise_model", "ar1", "nilearn has no such noise model")
    elif noise.nilearn_differs:
        lacking.append(f"noise_model={noise.nilearn!r}: {noise.nilearn_differs}")
    if scaling.nilearn is None:
        replace("signal_scaling", 0, scaling.why_not)
    for name, argument in NOT_IN_NILEARN.items():
        value = choices.pop(name, None)
        if argument.lacks(value):
            lacking.append(f"{name}={value!r}: {argument.lacks(value)}")
    if not source.gives_design:
        ends = source.events["onset"] + source.events["duration"]
        if (source.events["onset"] < design.min_onset).any() or (ends <= design.min_onset).any():
            lacking.append("min_onset: nilearn moves events that start too early instead of leaving them out")
    height = None
    if threshold.nilearn is None:
        control, height = settings.threshold.height_control, float(source.analysis.result(settings).threshold)
        lacking.append(f"height_control={control!r}: nilearn has no such threshold; its height is written in its place")
    lacking.append("the table of clusters: nilearn lists some peaks that are nearer to each other than min_distance")

    bold = _place(run.inputs.bold, stem, "bold.nii.gz", True)
    masked = run.mask_img is not None or source.cuts_mask
    mask = _place(run.inputs.mask, stem, "mask.nii.gz", masked)
    lines = [f"bold = {bold}"]
    fitted = "events"
    if source.gives_design:
        lines += _read_exactly("design", _place(None, stem, "design.tsv", True), "\t")
        fitted = "design_matrices=design"
    else:
        lines += _nilearn_events(source, _place(source.events_file, stem, "events.tsv", True), design.conditions)
    if source.confounds is not None and not source.gives_design:
        fitted += ", confounds"
        place, columns = _place(source.confounds_file, stem, "confounds.tsv", True), list(source.confounds.columns)
        lines += _read_exactly("confounds", place, _separator(source.confounds_file), columns)
        lines += [f"confounds = confounds[{columns!r}]"]

    lines += ["", "model = FirstLevelModel("]
    lines += [] if source.gives_design else [f"    t_r={run.t_r!r},"]
    lines += [f"    {name}={value!r}," for name, value in choices.items()]
    lines += [f"    mask_img={mask},"] if masked else []
    lines += ["    minimize_memory=False,", ")"]
    if scrubs(source) and settings.data.signal_scaling == "voxel":
        lines += ["# Effects are in percent of the mean of all scans here; glmwidgets leaves scrubbed scans out of it."]
    lines += [f"model.fit(bold, {fitted}{kept_argument(source)})"]

    matrix = source.analysis.design(settings)
    contrasts = settings.contrast.listed
    names = unique_slugs([name or text for name, text in contrasts])
    lines += ["", "# Weights of the columns of the design; several rows are an F test.", "contrasts = {"]
    for name, (_, text) in zip(names, contrasts, strict=True):
        rows = np.atleast_2d(contrast_vector(text, matrix.columns))
        terms = [{str(c): float(w) for c, w in zip(matrix.columns, row, strict=True) if w} for row in rows]
        lines.append(f"    {name!r}: {terms!r},")
    lines += ["}", "columns = list(model.design_matrices_[0].columns)", *output_lines(stem)]
    lines += ["for name, rows in contrasts.items():"]
    lines += ["    weights = np.array([[row.get(column, 0.0) for column in columns] for row in rows])"]
    lines += ['    contrast, stat_type = (weights[0], "t") if len(weights) == 1 else (weights, "F")']
    lines += ['    maps = model.compute_contrast(contrast, stat_type=stat_type, output_type="all")']
    lines += saving_lines(settings, "model.masker_.mask_img_", height)
    imports = ["import numpy as np", "import pandas as pd", "from nilearn.glm import threshold_stats_img"]
    imports += [
        "from nilearn.glm.first_level import FirstLevelModel",
        "from nilearn.reporting import get_clusters_table",
    ]
    head = [f"# Repeats an analysis made with glmwidgets {__version__}, by nilearn {NILEARN}.", *_origins(settings)]
    head += ["#", "# Not the same there:"] + [f"# - {text}." for text in lacking]
    return assembled(imports, lines, head)


#: How a script can be written, by name.
DIALECTS: dict[str, Callable[[Source, str], str]] = {"glmwidgets": _own, "nilearn": _nilearn}


# Parts ----------------------------------------------------------------------------------------------------------------


def _origins(settings: Settings) -> list[str]:
    return [f"# {text}" for text in told_origins(settings)]


def assembled(imports: list[str], lines: list[str], head: list[str]) -> str:
    body = "\n".join(lines)
    needs = ["from pathlib import Path", ""] if "Path(" in body or "here /" in body else []
    if "pd." in body and "import pandas as pd" not in imports:
        imports = ["import pandas as pd", *imports]
    third = [line for line in imports if line.startswith("import ")]
    third += [line for line in imports if not line.startswith("import ")]
    if "here /" in body:
        body = "here = Path(__file__).resolve().parent\n" + body
    return "\n".join([*head, "", *needs, *third, "", body, ""])


def model_arguments(settings: Settings, run: Run) -> dict[str, Any]:
    """Arguments of the estimator that shape the numbers; both packages have most of these, under the same names."""
    told = told_arguments(settings.updated({"inputs.slice_time_ref": run.slice_time_ref}))
    # The run itself knows these.
    return {name: value for name, value in told.items() if name not in ("t_r", "mask_img")}


def registering_lines(settings: Settings, run: Run, **more: str) -> list[str]:
    """A comment on the rows that a script needs and the package does not have; nothing without any."""
    choices = {**model_arguments(settings, run), "height_control": settings.threshold.height_control, **more}
    added = added_rows(choices)
    if not added:
        return []
    return ["#", f"# Not of the package: add {', '.join(added)} here first, as it was added for that analysis."]


def kept_argument(source: Source) -> str:
    """Argument of ``fit`` that leaves initial scans out."""
    dropped = source.settings.data.drop_scans
    return f", sample_masks=np.arange({dropped}, {source.run.n_scans})" if dropped else ""


def scrubs(source: Source) -> bool:
    """Whether scans may be scrubbed, so that a voxel's mean is taken over the others."""
    return source.run.confounds is not None and source.settings.design.scrubs


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


def _selection(name: str, table: str, conditions: tuple[str, ...] | None) -> list[str]:
    if conditions is None:
        return [f"{name} = {table}"]
    return [f"{name} = {table}[{table}['trial_type'].isin({list(conditions)!r})]"]


def _nilearn_events(source: Source, place: str, conditions: tuple[str, ...] | None) -> list[str]:
    file = source.events_file
    separator = _separator(file)
    table = pd.read_csv(file, sep=separator, nrows=1) if file else source.events
    columns = [name for name in ("onset", "duration", "trial_type", "modulation") if name in table.columns]
    lines = _read_exactly("events", place, separator, [name for name in columns if name != "trial_type"])
    if "trial_type" not in columns:
        lines.append("events['trial_type'] = 'dummy'")
        columns.append("trial_type")
    lines.append(f"events = events[{columns!r}]")
    return lines + (_selection("events", "events", conditions) if conditions is not None else [])


def _is_read_alike(path: str, table: pd.DataFrame) -> bool:
    """Whether pandas reads a table out of a file as the package does: no decimal commas, no rows left out."""
    if not Path(path).is_file():
        return False
    try:
        plain = pd.read_csv(path, sep=_separator(path), dtype=str, keep_default_na=False, engine="python")
        if len(plain) != len(table):
            return False
        return all(
            list(plain[name]) == list(table[name])
            if name == "trial_type"
            else np.array_equal(plain[name].astype(float), table[name].astype(float))
            for name in table.columns
        )
    except (KeyError, ValueError, TypeError):
        return False


def _separator(path: str | None) -> str:
    """What stands between the cells of a table."""
    if path is None:
        return "\t"
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        header = next((line for line in file if line.strip()), "")
    found = max("\t,;", key=header.count)
    return found if found in header else r"\s+"


def output_lines(stem: str) -> list[str]:
    return ["", f"folder = Path({f'{slug(stem)}_results'!r})", "folder.mkdir(exist_ok=True)"]


def saving_lines(settings: Settings, mask: str, height: float | None = None) -> list[str]:
    chosen = settings.threshold
    how = chosen.height if height is None else {"height_control": None, "threshold": height}
    words = ", ".join(f"{name}={value!r}" for name, value in how.items())
    return [
        "    for kind, img in maps.items():",
        '        img.to_filename(folder / f"{name}_{kind}.nii.gz")',
        "    _, threshold = threshold_stats_img(",
        f'        maps["z_score"], mask_img={mask}, {words}, two_sided={chosen.two_sided!r}',
        "    )",
        "    table = get_clusters_table(",
        f'        maps["z_score"], threshold, cluster_threshold={chosen.cluster_size!r},'
        f" two_sided={chosen.two_sided!r}, min_distance={chosen.min_distance!r}",
        "    )",
        '    table.to_csv(folder / f"{name}_clusters.tsv", sep="\\t", index=False)',
        '    print(f"{name}: z above {threshold:.3f}, {len(table)} rows in the table of clusters")',
    ]
