"""What the scripts of every dialect are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.analysis.steps import timed
from glmwidgets.files.names import slug, unique_slugs
from glmwidgets.files.writing import check_outputs, write_text
from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.glm.inference.cluster_p import CLUSTER_TESTS
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.glm.response.models import parse_hrf
from glmwidgets.glm.tables import tsv
from glmwidgets.images.save import save_image
from glmwidgets.report.exports.added_rows import added_rows
from glmwidgets.runs.run import Run
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.specification.arguments import arguments_of, told_arguments
from glmwidgets.specification.field import arguments_in
from glmwidgets.specification.settings import EventsSettings, Settings
from glmwidgets.specification.tree import SettingsTree
from glmwidgets.specification.words import told_origins

#: Arguments of the estimator that nilearn's does not have, by name.
NOT_IN_NILEARN = {
    known.argument.name: known.argument
    for known in Settings.known().values()
    if known.argument is not None and known.argument.theirs is None
}


#: What scripts import, so that none may be called so.
IMPORTED = ("glmwidgets", "nilearn", "numpy", "pandas", "pathlib")


@dataclass(frozen=True)
class Source:
    """What a script is written of."""

    run: Run
    settings: Settings
    analysis: Analysis

    def __post_init__(self) -> None:
        object.__setattr__(self, "run", timed(self.run, self.settings))

    @property
    def is_given(self) -> bool:
        """Whether the design matrix was given, and no events, confounds and drifts are modelled."""
        return self.settings.design.source == "given"

    @property
    def makes_design(self) -> bool:
        """Whether an estimator makes the design: it knows even steps alone, and is given the design of others."""
        return self.run.is_even and not self.is_given

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
        return path if is_read_alike(path, plain) else None

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
        return path if is_read_alike(path, used) else None

    @property
    def design(self) -> pd.DataFrame:
        """The design matrix, rows of scans that are left out included (their zeros enter no fit)."""
        kept = self.analysis.design(self.settings)
        dropped = np.zeros((self.run.n_scans - len(kept), kept.shape[1]))
        return pd.DataFrame(np.vstack([dropped, kept.to_numpy()]), columns=kept.columns)

    @property
    def unnamed(self) -> list[str]:
        """Arguments of the design that nilearn has no name for: its columns must be given instead."""
        if self.is_given:
            return []
        design = self.settings.design
        rows = {"hrf_model": parse_hrf(design.hrf_model)[0], "drift_model": DRIFTS[design.drift_model]}
        names = [name for name, row in rows.items() if row.nilearn is None]
        given = arguments_in(design).items()
        return names + [name for name, value in given if name in NOT_IN_NILEARN and NOT_IN_NILEARN[name].lacks(value)]

    @property
    def gives_design(self) -> bool:
        """Whether a script for nilearn has to bring the design matrix."""
        return bool(self.unnamed) or self.events is None or not self.makes_design

    @property
    def cuts_mask(self) -> bool:
        """Whether the mask is one that an estimator does not find by itself."""
        return self.run.mask_img is None and self.settings.data.mask_cut != 1 and not self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether every voxel is analysed, and no mask is found."""
        return self.run.mask_img is None and self.settings.data.whole_field


def write_with(path: Path, text: str, beside: Mapping[str, Any], *, overwrite: bool = False, by: Any = None) -> Path:
    """Write a script, and beside it the images and tables that it needs; none before it is sure that all may be."""
    if path.stem in IMPORTED:
        raise ValueError(f"a script called {path.name} would be imported instead of {path.stem}: choose another name")
    outputs = [("script", path), *(("script's input", path.parent / name) for name in beside)]
    check_outputs(outputs, overwrite, by)
    for name, content in beside.items():
        rule = {"what": "script's input", "overwrite": overwrite, "by": by}
        if isinstance(content, pd.DataFrame):
            write_text(path.parent / name, tsv(content), **rule)
        else:
            save_image(content, path.parent / name, **rule)
    return write_text(path, text, "script", overwrite=overwrite, by=by)


def input_text(path: str | None, stem: str, name: str, there: bool) -> str:
    """An input as Python: a path in quotes, or a file beside the script."""
    if path is not None:
        return repr(path)
    return f"here / {f'{stem}_{name}'!r}" if there else "None"


def read_exactly(name: str, place: str, separator: str, numbers: Sequence[str] | None = None) -> list[str]:
    """Lines that read a table to the last bit of its numbers: as text first, whatever pandas' own rounding is."""
    kinds = "float" if numbers is None else dict.fromkeys(numbers, "float")
    return [
        f"{name} = pd.read_csv({place}, sep={separator!r}, dtype=str, keep_default_na=False)",
        f"{name} = {name}.astype({kinds})",
    ]


def origin_lines(settings: Settings) -> list[str]:
    """Comments on where settings come from, and what was given in memory."""
    held = [(name, who) for name, who in settings.inputs.said_by if " in memory, " in who]
    given = [f"The {Settings.field(f'inputs.{name}').label} was {who}." for name, who in held]
    # As quoted texts: a name with a line break in it would go on as code.
    regions = ", ".join(map(repr, settings.regions.names))
    left = [f"Regions of interest are not in this script: {regions}. The saved session has them."] if regions else []
    return [f"# {text}" for text in (*told_origins(settings), *given, *left)]


def assembled(imports: list[str], lines: list[str], head: list[str]) -> str:
    """The text of a script, with the imports that its lines need."""
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
    choices = {
        **model_arguments(settings, run),
        **arguments_of(settings, "threshold_stats_img"),
        **arguments_of(settings, "get_clusters_table"),
        **more,
    }
    added = added_rows(choices)
    if not added:
        return []
    return ["#", f"# Not of the package: add {', '.join(added)} here first, as it was added for that analysis."]


def kept_argument(source: Source) -> str:
    """Argument of ``fit`` that leaves initial scans out."""
    dropped = source.settings.data.drop_scans
    return f", sample_masks=np.arange({dropped}, {source.run.n_scans})" if dropped else ""


def bins_argument(source: Source) -> str:
    """Argument of ``fit`` that says how finely autocorrelations are kept apart, where that is not as usual."""
    settings = source.settings
    usual = settings.noise.bins == Settings().noise.bins or settings.field("noise.bins").lacking(settings)
    return "" if usual else f", bins={settings.noise.bins!r}"


def scrubs(source: Source) -> bool:
    """Whether scans may be scrubbed, so that a voxel's mean is taken over the others."""
    return source.run.confounds is not None and source.settings.design.scrubs and not source.is_given


def selection(name: str, table: str, conditions: tuple[str, ...] | None) -> list[str]:
    """Lines that take the events of some types out of a table."""
    if conditions is None:
        return [f"{name} = {table}"]
    return [f"{name} = {table}[{table}['trial_type'].isin({list(conditions)!r})]"]


def is_read_alike(path: str, table: pd.DataFrame) -> bool:
    """Whether pandas reads a table out of a file as the package does: no decimal commas, no rows left out."""
    if not Path(path).is_file():
        return False
    try:
        plain = pd.read_csv(path, sep=separator_of(path), dtype=str, keep_default_na=False, engine="python")
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


def separator_of(path: str | None) -> str:
    """What stands between the cells of a table."""
    if path is None:
        return "\t"
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        header = next((line for line in file if line.strip()), "")
    found = max("\t,;", key=header.count)
    return found if found in header else r"\s+"


def contrast_lines(settings: SettingsTree) -> list[str]:
    """Lines that name the listed contrasts as their files are called."""
    listed = settings.contrast.listed
    names = unique_slugs([name or text for name, text in listed])
    return ["contrasts = {", *(f"    {name!r}: {text!r}," for name, (_, text) in zip(names, listed, strict=True)), "}"]


def output_lines(stem: str) -> list[str]:
    """Lines that make the folder of the results."""
    return ["", f"folder = Path({f'{slug(stem)}_results'!r})", "folder.mkdir(exist_ok=True)"]


def needs_field(settings: Settings) -> bool:
    """Whether what survives, or what is said of it, depends on how smooth the noise is."""
    chosen = settings.threshold
    return THRESHOLDS[chosen.height_control].needs_field or CLUSTER_TESTS[chosen.cluster_p].size_p is not None


def field_lines(settings: Settings, found: str, model: str = "model", noise: str = "") -> list[str]:
    """Lines that find the region that is searched, and the random field of a contrast there, where they are needed.

    Parameters
    ----------
    settings : Settings
    found : str
        Where and of what: the beginning of a call of ``random_field``, up to its further arguments.
    model : str
        That knows where the voxels lie.
    noise : str
        Names the noise of the model, where that is not its own.
    """
    chosen, lines, region = settings.threshold, [], ""
    if chosen.search:
        lines += [f"    domain = {model}.masker_.domain_", f"    region = search_region({chosen.search!r}, domain)"]
        region = ", region=region"
    if needs_field(settings):
        sides = f"two_sided={chosen.two_sided!r}, smoothness={chosen.smoothness!r}{region}"
        lines += [f"    field = {found}, {sides})"]
    if CLUSTER_TESTS[chosen.cluster_p].needs_table:
        lines += [f"    table_of_noise = find_table({noise or f'{model}.spatial_noise()'}{region})"]
    return lines


def field_imports(settings: Settings) -> list[str]:
    """What `field_lines` needs."""
    lines = ["from glmwidgets.specification.search import search_region"] if settings.threshold.search else []
    drawn = CLUSTER_TESTS[settings.threshold.cluster_p].needs_table
    return lines + (["from glmwidgets.analysis.noise_tables import find_table"] if drawn else [])


def saving_lines(settings: Settings, mask: str, height: float | None = None) -> list[str]:
    """Lines that write the maps and the table of clusters of a contrast, by the names of `field_lines`.

    Parameters
    ----------
    settings : Settings
    mask : str
        Names the voxels that were analysed.
    height : float, optional
        In z, where another package's functions take what is found.
    """
    chosen = settings.threshold
    names = f", atlas={chosen.atlas!r}" if chosen.atlas else ""
    if height is not None:
        how, field, changed, of_clusters = {"height_control": None, "threshold": height}, "", False, ""
    else:
        how, field = chosen.height, ", field=field" if needs_field(settings) else ""
        changed = bool(chosen.search or THRESHOLDS[chosen.height_control].enhance)
        mask = "domain.within(region).mask_image()" if chosen.search else mask
        tested = CLUSTER_TESTS[chosen.cluster_p].size_p is not None
        table = ", table=table_of_noise" if CLUSTER_TESTS[chosen.cluster_p].needs_table else ""
        of_clusters = f" cluster_p={chosen.cluster_p!r}{field}{table}," if tested else ""
    words = ", ".join(f"{name}={value!r}" for name, value in how.items())
    of = "z_map" if changed else 'maps["z_score"]'
    return [
        "    for kind, img in maps.items():",
        '        img.to_filename(folder / f"{name}_{kind}.nii.gz")',
        f"    {'z_map' if changed else '_'}, threshold = threshold_stats_img(",
        f'        maps["z_score"], mask_img={mask}, {words}{field}, two_sided={chosen.two_sided!r}',
        "    )",
        "    table = get_clusters_table(",
        f"        {of}, threshold, cluster_threshold={chosen.cluster_size!r},"
        f"{of_clusters} two_sided={chosen.two_sided!r}, min_distance={chosen.min_distance!r}{names}",
        "    )",
        '    table.to_csv(folder / f"{name}_clusters.tsv", sep="\\t", index=False)',
        '    print(f"{name}: z above {threshold:.3f}, {len(table)} rows in the table of clusters")',
    ]


def written_arguments(source: Source, makes_design: bool | None = None) -> dict[str, Any]:
    """Arguments that the estimator of a script is given; those of the design only where the estimator makes it."""
    told = {"t_r": source.run.t_r, **model_arguments(source.settings, source.run)}
    told |= {"minimize_memory": False} if needs_field(source.settings) else {}
    makes_design = source.makes_design if makes_design is None else makes_design
    left = () if makes_design else ("t_r", *arguments_in(source.settings.design))
    return {name: value for name, value in told.items() if name not in left}


def design_lines(source: Source) -> tuple[list[str], list[str]]:
    """Lines that make the ``design`` that an estimator is given, and imports; see `Source.makes_design`."""
    chosen = source.settings.design
    edits = {name: getattr(chosen, name) for name in ("left_out", "shifted", "orthogonalised")}
    if source.is_given and not any(edits.values()):
        return ["design = run.design"], []
    if source.is_given:
        lines = ["design = edited_design(", "    run.design,", "    run.frame_times,"]
        lines += [f"    {name}={list(done)!r}," for name, done in edits.items() if done]
        return [*lines, ")"], ["from glmwidgets.glm.design.given import edited_design"]
    arguments = arguments_in(source.settings.design)
    lines = ["design = make_first_level_design_matrix(", "    run.frame_times,", "    events,"]
    lines += [f"    {name}={value!r}," for name, value in arguments.items()]
    lines += ["    add_regs=confounds,", ")"] if source.confounds is not None else [")"]
    return lines, ["from glmwidgets.glm.design.matrix import make_first_level_design_matrix"]
