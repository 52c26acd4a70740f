"""Small maps of many runs, painted as the wall of the study explorer paints them: three cuts side by side."""

from __future__ import annotations

import base64
from io import BytesIO

import matplotlib.image
import nibabel as nib
import numpy as np

from glmwidgets.web.palettes import BRAIN, lookup_table

Box = tuple[tuple[int, int], ...]


def box_of(mask: np.ndarray) -> Box:
    """The smallest box that holds a mask: first and last index along each axis, the last not in it.

    Examples
    --------
    >>> mask = np.zeros((4, 5, 6), bool)
    >>> mask[1:3, 2, 0:4] = True
    >>> box_of(mask)
    ((1, 3), (2, 3), (0, 4))
    """
    found = np.argwhere(mask)
    return tuple(zip(found.min(axis=0).tolist(), (found.max(axis=0) + 1).tolist(), strict=True))


def thumbnail(
    volume: np.ndarray,
    affine: np.ndarray,
    place: tuple[float, float, float],
    threshold: float,
    full: float = 8.0,
    box: Box | None = None,
    colormap: str = "warm-cold",
    radiological: bool = False,
) -> str:
    """A small picture of a map.

    Parameters
    ----------
    volume : array of shape (nx, ny, nz)
        Z scores; NaN outside.
    affine : array of shape (4, 4)
    place : (float, float, float)
        In mm: where to cut; the nearest cut that there is.
    threshold : float
        In z: what is larger has the map's colours, what is not fades into grey.
    full : float
        Z at which the colours end.
    box : as of `box_of`, optional
        What is shown of the volume.
    colormap : str
        A key of `glmwidgets.web.palettes.COLORMAPS`.
    radiological : bool
        Whether the left of the brain is shown on the right.

    Returns
    -------
    str
        Data URI of a PNG with a pixel a cell, clear outside.

    Examples
    --------
    >>> volume = np.full((3, 4, 5), np.nan)
    >>> volume[1, 1, 1] = 5
    >>> thumbnail(volume, np.eye(4), (1, 1, 1), 3.0)[:22]
    'data:image/png;base64,'
    """
    to_voxel = np.linalg.inv(affine) @ [*place, 1.0]
    at = np.clip(np.rint(to_voxel[:3]), 0, np.array(volume.shape) - 1)
    if box is not None:
        first = [low for low, _ in box]
        volume = volume[tuple(slice(low, high) for low, high in box)]
        affine = affine @ nib.affines.from_matvec(np.eye(3), first)
        at = np.clip(at - first, 0, np.array(volume.shape) - 1)
    # Axes that run from left to right, from back to front and from below to above.
    image = nib.as_closest_canonical(nib.Nifti1Image(volume.astype(np.float32), affine))
    i, j, k = np.rint(np.linalg.inv(image.affine) @ affine @ [*at, 1.0])[:3].astype(int)
    z = np.asarray(image.dataobj)
    seen = z[::-1] if radiological else z
    cuts = [np.rot90(cut) for cut in (seen[:, :, k], seen[:, j, :], z[i, :, :])]
    high = max(len(cut) for cut in cuts)
    padded = [np.pad(cut, ((high - len(cut), 0), (0, 1)), constant_values=np.nan) for cut in cuts]
    with BytesIO() as buffer:
        cells, colours = np.concatenate(padded, axis=1)[:, :-1], lookup_table(colormap, two_sided=True)
        painted = _painted(cells, threshold, full, colours)
        matplotlib.image.imsave(buffer, painted, format="png")
        return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _painted(z: np.ndarray, threshold: float, full: float, colours: np.ndarray) -> np.ndarray:
    """RGBA as of `levelColour` in `web/wall_layout.js`; clear where there is nothing."""
    known = np.isfinite(z)
    size = np.abs(np.where(known, z, 0))
    share = np.minimum(1, size / threshold) if threshold > 0 else np.ones_like(size)
    weight = np.where(share < 1, 0.5 * share**3, 1.0)[..., None]
    own = colours[(z > 0).astype(int), np.minimum(255, np.rint(255 * size / full)).astype(int)]
    rgb = np.rint(weight * own + (1 - weight) * BRAIN)
    return np.concatenate([rgb, 255.0 * known[..., None]], axis=-1).astype(np.uint8)
