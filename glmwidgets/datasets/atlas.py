"""A made-up atlas of the simulated brain, with what the atlases that people have are like.

Its numbers have gaps and go beyond 255, one row of its table has no voxel, two regions have one name, one name holds
quotation marks, and what lies deep has none.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import nibabel as nib
import numpy as np

from glmwidgets.datasets.phantom import brain_parts
from glmwidgets.files.writing import write_text
from glmwidgets.images.save import save_image

STEM = "tpl-simulated_atlas-villages_dseg"

#: Right-hand regions of the cortex: number, name, and the place in mm that their voxels are nearest to. Left ones have
#: a number more.
VILLAGES = (
    (1, "Mill", (30, 45, 15)),
    (3, "Orchard", (25, 45, 45)),
    (8, 'Old "Pond"', (50, -15, 10)),
    (40, "Forge", (36, -22, 55)),
    (301, "Chapel", (15, -60, 35)),
    (303, "Harbour", (12, -88, 2)),
    (1000, "Market", (38, -50, -18)),
    (1002, "Lane", (35, 15, -25)),
)

#: The cerebellum's two halves, which have one name.
WEIRS = {"right": 600, "left": 601}

#: A row of the table without a voxel.
LOST = (77, "Lost Village")

VOXEL = 3.5
SHAPE = (46, 56, 44)
CENTRE = (0.0, -17.0, 9.0)

# Below the surface, in mm, between which there are regions: partial volumes at the border have a name, too.
DEPTHS = (-5.0, 25.0)


def write_atlas(folder: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write the atlas, an image of numbers and the table of its names in the manner of BIDS.

    Parameters
    ----------
    folder : str or path
        Which exists.
    overwrite : bool
        Whether files that exist there may be replaced.

    Returns
    -------
    Path
        Of the image, as `glmwidgets.regions.open_atlas` and the setting ``threshold.atlas`` take it.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    FileExistsError
        If a file exists and may not be replaced.

    Examples
    --------
    >>> import tempfile
    >>> from glmwidgets.regions import open_atlas
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     atlas = open_atlas(write_atlas(folder))
    >>> print(atlas.at((36, -22, 54)), "|", atlas.at((-10, -88, 2)), "|", atlas.at((22, -54, -28)))
    right Forge | left Harbour | Weir (value 600)
    """
    folder = Path(folder)
    affine = np.diag([VOXEL, VOXEL, VOXEL, 1.0])
    affine[:3, 3] = np.array(CENTRE) - VOXEL * (np.array(SHAPE) - 1) / 2
    path = folder / f"{STEM}.nii.gz"
    save_image(nib.Nifti1Image(_numbers(affine), affine), path, overwrite=overwrite)
    write_text(folder / f"{STEM}.tsv", _table(), "names of regions", overwrite=overwrite)
    return path


def _numbers(affine: np.ndarray) -> np.ndarray:
    axes = [affine[i, 3] + VOXEL * np.arange(n) for i, n in enumerate(SHAPE)]
    parts = brain_parts(axes)
    x, y, z = np.meshgrid(*axes, indexing="ij")
    left = x < 0
    distance = [np.hypot(np.hypot(np.abs(x) - a, y - b), z - c) for _, _, (a, b, c) in VILLAGES]
    nearest = np.array([number for number, _, _ in VILLAGES])[np.argmin(distance, axis=0)]
    cortex = (parts["cerebrum"] > DEPTHS[0]) & (parts["cerebrum"] < DEPTHS[1])
    numbers = np.where(cortex, nearest + left, 0)
    cerebellum = (parts["cerebellum"] > 0) & (parts["cerebellum"] > parts["cerebrum"])
    return np.where(cerebellum, np.where(left, WEIRS["left"], WEIRS["right"]), numbers).astype(np.int16)


def _table() -> str:
    rows = [(0, "background"), LOST, *((number, "Weir") for number in WEIRS.values())]
    for number, name, _ in VILLAGES:
        rows += [(number, f"right {name}"), (number + 1, f"left {name}")]
    # A field that holds quotation marks stands in others, doubled.
    quoted = ((number, '"' + name.replace('"', '""') + '"' if '"' in name else name) for number, name in sorted(rows))
    return "index\tname\n" + "".join(f"{number}\t{name}\n" for number, name in quoted)
