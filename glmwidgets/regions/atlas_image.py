"""An atlas made of an image and the table of its names: labels by number, or a volume of probabilities a region."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace

import nibabel as nib
import numpy as np

from glmwidgets.glm.errors import InputError
from glmwidgets.glm.tables import some
from glmwidgets.images.coordinates import to_mm
from glmwidgets.images.load import ImageLike, load_image
from glmwidgets.images.names import image_name
from glmwidgets.images.voxels import image_data
from glmwidgets.regions.atlas import MIDLINE_MM, LabelAtlas, ProbabilityAtlas
from glmwidgets.regions.labels import LabelTable

# Voxel values that differ from whole numbers by more are no labels.
WHOLE = 1e-3

# Likeliest regions of a voxel that are remembered.
N_BEST = 4


def make_atlas(
    img: ImageLike,
    table: LabelTable,
    *,
    name: str | None = None,
    space: str | None = None,
    largest: float | None = None,
) -> LabelAtlas | ProbabilityAtlas:
    """Make an atlas of an image and the table of its names.

    Parameters
    ----------
    img : image or path
        3-D of whole numbers, or 4-D of probabilities, one volume a region.
    table : LabelTable
        By value; of a 4-D image by the number of the volume, from 0, or from 1 where the numbers of the table are so.
        Where each volume holds one number of its own, as regions that overlap are written, by that number.
    name : str, optional
        By default that of the image's file.
    space : str, optional
        Template that it is in.
    largest : float, optional
        Value of a certain region in a 4-D image; found by default: 1 or 100, as the largest value is at most 1 or 100.

    Returns
    -------
    LabelAtlas or ProbabilityAtlas

    Raises
    ------
    InputError
        If values are not whole numbers, or not probabilities.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.array([0, 7, 7], np.int16).reshape(3, 1, 1), np.eye(4))
    >>> from glmwidgets.regions.labels import Label
    >>> atlas = make_atlas(img, LabelTable((Label(7, "mill"),), "made.tsv"))
    >>> str(atlas.at((1, 0, 0)))
    'mill'
    """
    called, opened = image_name(img), load_image(img)
    name = name or _short(called)
    if opened.ndim == 4 and opened.shape[3] > 1:
        return _of_probabilities(opened, table, called, name, space, largest)
    notes = _scaled(opened, called)
    values = _whole_numbers(image_data(opened).reshape(opened.shape[:3]), called, scaled=bool(notes))
    if (values < 0).any():
        notes.append(f"{int((values < 0).sum())} voxels of {called} hold negative values and are of no region")
        values = np.maximum(values, 0)
    return LabelAtlas(
        name,
        table,
        space,
        opened.affine,
        values.shape,
        (*notes, *table.beside(np.unique(values)), *_sides(values, table, opened.affine)),
        _checksum(values),
        values,
    )


def _short(called: str) -> str:
    base = os.path.basename(called)
    for ending in (".gz", ".nii", ".img", ".HEAD", ".BRIK", ".mgz"):
        base = base.removesuffix(ending)
    return base


def _checksum(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:12]


def _whole_numbers(data: np.ndarray, called: str, scaled: bool) -> np.ndarray:
    """Values as whole numbers that no float of lesser precision has touched."""
    if data.dtype.kind in "iu":
        return data.astype(np.int64)
    if not np.isfinite(data).all():
        data = np.nan_to_num(data, nan=0.0, posinf=0.0, neginf=0.0)
    whole = np.rint(data)
    off = np.abs(data - whole) > WHOLE
    if off.any():
        first = tuple(int(i) for i in np.argwhere(off)[0])
        raise InputError(
            f"{called} is not an atlas of labels: {int(off.sum())} of its values are not whole, the first is "
            f"{data[first]:g} at voxel {first}",
            advice="save the labels again as integers without a scale factor, which made these of whole numbers"
            if scaled
            else "give the atlas in its own grid; labels that were resampled are wrong between regions",
        )
    if np.abs(whole).max(initial=0) > 2**53:
        raise InputError(f"{called} holds numbers above 2^53, which its type does not hold exactly")
    return whole.astype(np.int64)


def _scaled(img: nib.Nifti1Image, called: str) -> list[str]:
    slope, inter = getattr(img.dataobj, "slope", 1), getattr(img.dataobj, "inter", 0)
    if (slope, inter) == (1, 0):
        return []
    return [f"the labels of {called} are scaled by {slope:g}: they were rounded to whole numbers"]


def _sides(values: np.ndarray, table: LabelTable, affine: np.ndarray) -> list[str]:
    """Regions whose voxels lie on the other side than their names say."""
    wrong = []
    for label in table:
        if label.side:
            x = to_mm(np.argwhere(values == label.value), affine)[:, 0]
            beyond = (x > MIDLINE_MM) if label.side == "left" else (x < -MIDLINE_MM)
            if len(x) and beyond.mean() > 0.5:
                wrong.append(label.name)
    if not wrong:
        return []
    return [f"of {len(wrong)} regions most voxels lie on the other side than their names say ({some(wrong, most=3)})"]


def _codes(img: nib.Nifti1Image) -> list[int] | None:
    """The number that each volume holds beside 0, where it holds one, and each another: a stack of labels."""
    codes: list[int] = []
    for number in range(img.shape[3]):
        volume = np.asarray(img.dataobj[..., number])
        there = volume[volume != 0]
        code = there[0] if there.size else 0
        if not np.isfinite(code) or code < 1 or code != int(code) or int(code) in codes or (there != code).any():
            return None
        codes.append(int(code))
    return codes


def _by_volume(table: LabelTable, codes: Sequence[int] | None, n: int) -> tuple[LabelTable, tuple[str, ...]]:
    """A table whose numbers are those of `n` volumes from 0, and what is to be said of it."""
    numbers = {label.value for label in table}
    if codes is not None:
        volumes = {code: volume for volume, code in enumerate(codes)}
    elif 0 not in numbers and n in numbers:
        volumes = {volume + 1: volume for volume in range(n)}
    else:
        return table, ()
    # What is of no volume stays of none.
    labels = tuple(replace(label, value=volumes.get(label.value, n + label.value)) for label in table)
    said = () if codes is not None else (f"volumes are counted from 1, as the numbers of {table.source} are",)
    return replace(table, labels=labels), said


def _of_probabilities(
    img: nib.Nifti1Image, table: LabelTable, called: str, name: str, space: str | None, largest: float | None
) -> ProbabilityAtlas:
    """Read volume by volume, and remember the likeliest regions of each voxel."""
    shape, n = img.shape[:3], img.shape[3]
    codes = _codes(img)
    is_stack = codes is not None and all(code in table for code in codes)
    table, counted = _by_volume(table, codes if is_stack else None, n)
    best = np.zeros((*shape, N_BEST), np.int32)
    values = np.zeros((*shape, N_BEST), np.float32)
    digest = hashlib.sha256()
    for number in range(n):
        volume = np.asarray(img.dataobj[..., number], dtype=np.float32)
        digest.update(np.ascontiguousarray(volume).tobytes())
        volume = (volume > 0) if is_stack else np.nan_to_num(volume)
        at = np.full(shape, number, np.int32)
        for k in range(N_BEST):
            higher = volume > values[..., k]
            kept, kept_at = values[..., k][higher], best[..., k][higher]
            values[..., k][higher], best[..., k][higher] = volume[higher], at[higher]
            # What was there moves one place down.
            volume, at = np.where(higher, 0, volume).astype(np.float32), at.copy()
            volume[higher], at[higher] = kept, kept_at
    top = float(values.max(initial=0))
    if largest is None:
        largest = 1.0 if top <= 1 else 100.0 if top <= 100 else None
    if largest is None or top > largest * (1 + 1e-6):
        raise InputError(
            f"the values of {called} reach {top:g}, which is neither a probability nor a percentage",
            advice="say what a certain region has: largest=",
        )
    notes = [*counted] if top else [f"{called} holds nothing but zeros"]
    if nameless := [v for v in range(n) if v not in table]:
        listed = some(nameless, most=4)
        notes.append(f"{len(nameless)} of the {n} volumes of {called} have no row in {table.source} ({listed})")
    if beyond := [label.name for label in table if not 0 <= label.value < n]:
        notes.append(f"{len(beyond)} rows of {table.source} are of no volume ({', '.join(beyond[:3])})")
    if (values.sum(axis=-1) > 1.05 * largest).any():
        notes.append(f"regions of {called} overlap: the percents of a place may sum to more than 100")
    return ProbabilityAtlas(
        name,
        table,
        space,
        img.affine,
        shape,
        tuple(notes),
        digest.hexdigest()[:12],
        best,
        values * np.float32(100 / largest),
    )
