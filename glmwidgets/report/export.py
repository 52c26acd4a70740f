"""A result as a folder of files: maps, tables, and the settings that repeat it. Written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.glm.clusters import table_of_clusters
from glmwidgets.images.new import image_like, new_image
from glmwidgets.images.save import image_bytes

if TYPE_CHECKING:
    from nibabel import Nifti1Image

    from glmwidgets.runs.run import Run
    from glmwidgets.session.analysis import Clusters, Result

__all__ = ["FILES", "check_folder", "whole_folder", "write_result"]

#: What `write_result` may write, and what each file holds.
FILES = {
    "z.nii.gz": "z score of the contrast",
    "t.nii.gz": "t statistic (of a contrast of one row)",
    "F.nii.gz": "F statistic (of a contrast of several rows)",
    "p.nii.gz": "p value: of large t (one-sided), or of F; 1 outside the mask",
    "effect.nii.gz": "effect size; one volume per row of the contrast",
    "variance.nii.gz": "variance of the effect; one volume per row of the contrast",
    "mask.nii.gz": "1 in the voxels that were analysed",
    "clusters.nii.gz": "number of the cluster that a voxel belongs to, as in clusters.tsv; 0 for none",
    "clusters.tsv": "clusters over the threshold and their peaks",
    "design_matrix.tsv": "one row per scan, one column per regressor",
    "settings.json": "all settings; `glmwidgets fit --settings settings.json` repeats the result",
}


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """Make sure, before any work is done, that results can be written to a folder.

    Parameters
    ----------
    folder : str or path
        It need not exist.

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    NotADirectoryError
        If it, or what it would be made in, is a file.
    PermissionError
        If nothing may be written there.
    """
    folder = Path(folder).expanduser().resolve()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"cannot write results to {folder}: {there} is a file, not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"cannot write results to {folder}: no permission to write in {there}")
    return folder


@contextmanager
def whole_folder(folder: str | os.PathLike[str], names: Collection[str]) -> Iterator[Path]:
    """A place to write files that appear in a folder together, or not at all.

    Parameters
    ----------
    folder : str or path
        Made if it does not exist. Files in it of other names are left alone.
    names : collection of str
        All file names that may be written. Those in the folder from an earlier time and not written now are removed,
        so that what stands there is always of one piece.

    Yields
    ------
    Path
        A new folder to write into. If the block raises, it is removed and `folder` is as it was.
    """
    folder = check_folder(folder)
    # Moving must stay within a file system: beside a folder that is new, inside one that may be a mount point.
    beside = folder if folder.exists() else folder.parent
    beside.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=beside))
    try:
        new, old = work / "new", work / "old"
        new.mkdir()
        old.mkdir()
        yield new
        if folder.exists():
            _exchange(new, folder, old, names)
        else:
            new.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _exchange(new: Path, folder: Path, old: Path, names: Collection[str]) -> None:
    """Move the new files in and the earlier ones out; back again if anything fails on the way."""
    moves = [(folder / name, old / name) for name in names if (folder / name).exists()]
    moves += [(path, folder / path.name) for path in sorted(new.iterdir())]
    done = []
    try:
        for source, target in moves:
            source.rename(target)
            done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            target.rename(source)
        raise


def _maps(run: Run, result: Result, labels: np.ndarray) -> dict[str, Nifti1Image]:
    contrast, mask = result.contrast, result.mask
    is_t = contrast.stat_type == "t"
    values = {
        "z.nii.gz": (result.z, 0, ("z score",)),
        "t.nii.gz" if is_t else "F.nii.gz": (
            contrast.stat(),
            0,
            ("t test", (contrast.dof,)) if is_t else ("f test", (contrast.dim, contrast.dof)),
        ),
        "p.nii.gz": (contrast.p_value(), 1, ("p value",)),
        "effect.nii.gz": (contrast.effect_size(), 0, ("estimate",)),
        "variance.nii.gz": (contrast.effect_variance(), 0, ("estimate",)),
    }
    images = {}
    for name, (numbers, outside, intent) in values.items():
        images[name] = new_image(np.asarray(numbers, dtype=np.float64), mask, run.img, fill=outside)
        images[name].header.set_intent(*intent)
    images["mask.nii.gz"] = image_like(mask, run.img)
    images["clusters.nii.gz"] = image_like(labels.astype(np.int32), run.img)
    images["clusters.nii.gz"].header.set_intent("label")
    return images


def write_result(folder: str | os.PathLike[str], run: Run, result: Result, clusters: Clusters) -> list[Path]:
    """Write the maps, tables and settings of a result.

    Maps are float64 NIfTI images on the run's grid, 0 outside the mask (p values: 1). `FILES` says what each holds.

    Parameters
    ----------
    folder : str or path
        Where to; made if it does not exist. An earlier result there stays until the new one is complete, and other
        files in it are left alone.
    run : Run
    result : Result
    clusters : Clusters
        Of the same settings.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OSError
        If they cannot be written; the folder is then as it was.
    """
    with whole_folder(folder, FILES) as new:
        for name, img in _maps(run, result, clusters.labels).items():
            (new / name).write_bytes(image_bytes(img))
        table = {"sep": "\t", "index": False, "lineterminator": "\n", "na_rep": "n/a"}
        table_of_clusters(clusters.found).to_csv(new / "clusters.tsv", **table)
        result.design.to_csv(new / "design_matrix.tsv", **table)
        (new / "settings.json").write_text(result.settings.to_json(views=False), encoding="utf-8", newline="\n")
        names = sorted(path.name for path in new.iterdir())
    return [Path(folder) / name for name in names]
