"""A result as a folder of files: maps, tables, and the settings that repeat it. Written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glmwidgets.analysis.cluster_table import cluster_tsv
from glmwidgets.files.writing import whole_folder, write_text
from glmwidgets.glm.tables import tsv
from glmwidgets.images.save import save_image
from glmwidgets.models.map_header import describe_map
from glmwidgets.session.core.waiting import NoResult

if TYPE_CHECKING:
    from nibabel import Nifti1Image

    from glmwidgets.analysis.answers import Answer
    from glmwidgets.analysis.thresholding import Clusters

#: What `write_result` may write, and what each file holds.
FILES = {
    "z.nii.gz": "z score of the contrast",
    "t.nii.gz": "t statistic (of a contrast of one row)",
    "F.nii.gz": "F statistic (of a contrast of several rows)",
    "p.nii.gz": "p value, uncorrected: of t for the sides that its header names, or of F; 1 outside the mask",
    "effect.nii.gz": "effect size; one volume per row of the contrast",
    "variance.nii.gz": "variance of the effect; one volume per row of the contrast",
    "mask.nii.gz": "1 in the voxels that were analysed",
    "clusters.nii.gz": "number of the cluster that a voxel belongs to, as in clusters.tsv; 0 for none",
    "clusters.tsv": "clusters over the threshold and their peaks",
    "smoothness.json": "FWHM, resels and volume of the noise where one searched",
    "design_matrix.tsv": "one row per scan or map, one column per regressor",
    "settings.json": "all settings; of a run, `glmwidgets fit --settings settings.json` repeats the result",
}


def _maps(result: Answer, labels: np.ndarray) -> dict[str, Nifti1Image]:
    contrast, domain, sides = result.contrast, result.domain, result.thresholding.two_sided
    is_t = contrast.stat_type == "t"
    values = {
        "z.nii.gz": ("z_score", result.z, 0),
        "t.nii.gz" if is_t else "F.nii.gz": ("stat", contrast.stat(), 0),
        "p.nii.gz": ("p_value", contrast.p_value(sides), 1),
        "effect.nii.gz": ("effect_size", contrast.effect_size(), 0),
        "variance.nii.gz": ("effect_variance", contrast.effect_variance(), 0),
    }
    images = {}
    for name, (kind, numbers, outside) in values.items():
        images[name] = domain.image(np.asarray(numbers, dtype=np.float64), outside)
        describe_map(images[name], kind, contrast, result.settings.contrast.expression, sides)
    images["mask.nii.gz"] = domain.mask_image()
    images["clusters.nii.gz"] = domain.volume_image(labels.astype(np.int32))
    images["clusters.nii.gz"].header.set_intent("label")
    return images


def write_result(
    folder: str | os.PathLike[str], by: Any, result: Answer, clusters: Clusters, *, overwrite: bool = False
) -> list[Path]:
    """Write the maps, tables and settings of a result.

    Maps are float64 NIfTI images on the run's grid, 0 outside the mask (p values: 1). `FILES` says what each holds.

    Parameters
    ----------
    folder : str or path
        Where to; made if it does not exist. Other files in it are left alone.
    by : Run, LiveSession or explorer
        Whose result it is.
    result : Answer
        Of a run, of several, or of a group; several have no one design to write.
    clusters : Clusters
        Of the same settings.
    overwrite : bool
        Whether files of an earlier result there may be replaced. Those of the same `by` that were written in this
        Python session may; one that was read as an input never is.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    NoResult
        If the result is the last one of a session in which something else is set by now; see
        `glmwidgets.session.core.waiting.Awaited.current_result`.
    FileExistsError
        If one was read as an input, or exists and may not be replaced.
    OSError
        If they cannot be written; the folder is then as it was.

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
    ...     written = write_result(Path(folder) / "faces", session, session.result, session.clusters)
    >>> "z.nii.gz" in [path.name for path in written]
    True
    """
    by = getattr(by, "session", by)
    if result is getattr(by, "result", None) and by.current_result() is not result:
        raise NoResult(
            "the result does not belong to the current settings",
            advice="give session.current_result() and session.clusters",
        )
    with whole_folder(folder, FILES, overwrite=overwrite, by=by) as new:
        for name, img in _maps(result, clusters.labels).items():
            save_image(img, new / name)
        write_text(new / "clusters.tsv", cluster_tsv(clusters), "clusters")
        if clusters.judged is not None and clusters.judged.smoothness is not None:
            facts = clusters.judged.facts(result.thresholding)
            write_text(new / "smoothness.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n", "smoothness")
        if len(result.design):
            write_text(new / "design_matrix.tsv", tsv(result.design), "design")
        write_text(new / "settings.json", result.settings.to_json(views=False), "settings")
        names = sorted(path.name for path in new.iterdir())
    return [Path(folder) / name for name in names]
