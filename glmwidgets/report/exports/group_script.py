"""A group analysis as a short Python script that does it again.

What a person typed stands in the script as quoted text only (``repr``), never as code.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from glmwidgets import __version__
from glmwidgets.analysis.answers import GroupAnswer
from glmwidgets.analysis.group import default_contrast
from glmwidgets.files.paths import resolved
from glmwidgets.glm.inference.cluster_p import CLUSTER_TESTS
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.plural import count
from glmwidgets.report.exports.script_parts import field_imports, field_lines, needs_field, write_with
from glmwidgets.report.page.words import describe_threshold
from glmwidgets.session.group.session import GroupSession
from glmwidgets.specification.arguments import arguments_of, told_arguments


def write_group_script(session: GroupSession, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a Python script that repeats a group analysis, its permutation test included if one was run.

    Parameters
    ----------
    session : GroupSession
    path : str or path
        Of the script. The design matrix, the mask, and maps that were given in memory are written beside it.
    overwrite : bool
        As in `glmwidgets.report.exports.script.write_script`.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If the script's folder does not exist.
    FileExistsError
        If a file was read as an input, or exists and may not be replaced.
    NoResult
        If what is set has no result; see `glmwidgets.session.core.waiting.Awaited.current_result`.

    Examples
    --------
    >>> import nibabel as nib, numpy as np, pandas as pd
    >>> from glmwidgets.session import GroupSession, open_group
    >>> rng = np.random.default_rng(0)
    >>> maps = [nib.Nifti1Image(rng.standard_normal((6, 6, 6)), np.eye(4)) for _ in range(8)]
    >>> group = open_group(maps, pd.DataFrame({"age": range(20, 28)}), match="order")
    >>> session = GroupSession(group, synchronous=True)
    >>> session.refresh()
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_group_script(session, Path(folder) / "group.py").name
    'group.py'
    """
    path = resolved(path)
    session.current_result()
    with session.lock:
        result, permuted, group = session.current_result(), session.permuted, session.group
    stem = path.stem
    design = result.design.rename_axis(_index_name(result.design)).reset_index()
    beside = {f"{stem}_mask.nii.gz": group.domain.mask_image(), f"{stem}_design.tsv": design}
    if result.settings.inputs.maps:
        maps = [repr(result.settings.inputs.maps[i]) for i in result.rows]
    else:
        names = [f"{stem}_map-{i + 1:02d}.nii.gz" for i in result.rows]
        for i, name in zip(result.rows, names, strict=True):
            beside[name] = group.imgs[i]
        maps = [f"HERE / {name!r}" for name in names]
    text = _text(session, result, permuted is not None, stem, maps)
    return write_with(path, text, beside, overwrite=overwrite, by=session)


def _index_name(design: pd.DataFrame) -> str:
    """What to call the column that names the maps."""
    return "map" if "map" not in design.columns else "name of the map"


def _text(session: GroupSession, result: GroupAnswer, permuted: bool, stem: str, maps: list[str]) -> str:
    settings = result.settings
    contrast = settings.contrast.expression or default_contrast(settings)
    chosen = result.thresholding
    listed = "".join(f"    {str(name)!r}: {one},\n" for name, one in zip(result.design.index, maps, strict=True))
    key = _index_name(result.design)
    options = told_arguments(settings, "SecondLevelModel") | {"mask_img": None}
    how = arguments_of(settings, "SecondLevelModel.fit") | {"second_level_input": None}
    left_out = f"# Left out: {', '.join(map(repr, settings.data.left_out))}\n" if settings.data.left_out else ""
    lines = f'''"""Group analysis of {count(len(maps), "map")}, written by glmwidgets {__version__}."""

from pathlib import Path

import pandas as pd

from glmwidgets.images.save import save_image
from glmwidgets.models import SecondLevelModel, get_clusters_table, non_parametric_inference

HERE = Path(__file__).resolve().parent
OUT = HERE / {stem!r}
OUT.mkdir(exist_ok=True)

{left_out}MAPS = {{
{listed}}}
# Each map's own row of the design, found by its name.
DESIGN = pd.read_csv(HERE / {f"{stem}_design.tsv"!r}, sep="\\t", dtype=str, keep_default_na=False)
DESIGN = DESIGN.set_index({key!r}).loc[list(MAPS)].astype(float)
MASK = HERE / {f"{stem}_mask.nii.gz"!r}
CONTRAST = {contrast!r}

model = SecondLevelModel(mask_img=MASK{_keywords(options)})
model.fit(list(MAPS.values()), design_matrix=DESIGN, match="order"{_keywords(how)})
for name, img in model.compute_contrast(CONTRAST, output_type="all").items():
    save_image(img, OUT / f"{{name}}.nii.gz", overwrite=True)
    if name == "z_score":
        z_map = img
'''
    lines += _field(result)
    tested = CLUSTER_TESTS[chosen.cluster_p].size_p is not None
    of_clusters = f"\n    cluster_p={chosen.cluster_p!r},\n    field=field," if tested else ""
    of_clusters += "\n    table=table_of_noise," if CLUSTER_TESTS[chosen.cluster_p].needs_table else ""
    of_clusters += f"\n    atlas={chosen.atlas!r}," if chosen.atlas else ""
    if result.threshold < float("inf"):
        lines += f"""
# The threshold that the explorer showed: {describe_threshold(chosen, result.threshold)}.
table = get_clusters_table(
    z_map,
    {result.threshold!r},
    cluster_threshold={chosen.cluster_size},
    two_sided={chosen.two_sided},
    min_distance={chosen.min_distance!r},{of_clusters}
)
table.to_csv(OUT / "clusters.tsv", sep="\\t", index=False)
"""
    if permuted:
        lines += _permutation(session, result, options | how)
    return lines if permuted else lines.replace(", non_parametric_inference", "")


def _field(result: GroupAnswer) -> str:
    """Lines that find the random field and the map that was searched, where they are needed."""
    settings, chosen = result.settings, result.thresholding
    changed = bool(chosen.search or THRESHOLDS[chosen.height_control].enhance)
    imports = field_imports(settings) + (["from glmwidgets.models import threshold_stats_img"] if changed else [])
    lines = [line.removeprefix("    ") for line in field_lines(settings, "model.random_field(CONTRAST")]
    if changed:
        how = ", ".join(f"{name}={value!r}" for name, value in chosen.height.items())
        mask = "domain.within(region).mask_image()" if chosen.search else "MASK"
        field = ", field=field" if needs_field(settings) else ""
        lines.append(f"z_map, _ = threshold_stats_img(z_map, {mask}, {how}{field}, two_sided={chosen.two_sided})")
    return "\n".join(["", *imports, "", *lines, ""]) if lines else ""


def _permutation(session: GroupSession, result: GroupAnswer, options: dict[str, Any]) -> str:
    settings = result.settings
    table, tested = settings.table, settings.seen_as(session.settings)
    blocks = None
    if table.subjects is not None and table.subjects in settings.design.terms:
        cells = table.column(table.subjects).cells
        blocks = [cells[i] for i in result.rows]
    more = {
        **options,
        **arguments_of(tested, "non_parametric_inference"),
        "two_sided_test": settings.threshold.two_sided,
        "blocks": blocks,
        "match": "order",
    }
    return f"""
maps = non_parametric_inference(
    list(MAPS.values()), design_matrix=DESIGN, second_level_contrast=CONTRAST, mask=MASK{_keywords(more)}
)
for name, img in (maps.items() if isinstance(maps, dict) else [("logp_max_t", maps)]):
    save_image(img, OUT / f"{{name}}.nii.gz", overwrite=True)
"""


def _keywords(options: dict[str, Any]) -> str:
    return "".join(f", {name}={value!r}" for name, value in options.items() if value is not None and value is not False)
