"""Whatever places volumes in space, as NIfTI: in mm and seconds, three axes of space, then time."""

from __future__ import annotations

from typing import Any

import nibabel as nib
import numpy as np
from nibabel.arrayproxy import ArrayProxy
from nibabel.spatialimages import SpatialImage

from glmwidgets.images.names import image_name

#: Of each unit of space that a header may name, in mm; a header that names none means mm.
MM = {"mm": 1.0, "meter": 1e3, "micron": 1e-3, "unknown": 1.0}

#: Of each unit of time, in seconds.
SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6, "unknown": 1.0}

#: Units of the time axis in the headers of AFNI, by their codes there.
_AFNI_SECONDS = {77001: 1e-3, 77002: 1.0}

#: Share of the product of a voxel's edges below which it has no volume.
FLAT = 1e-6

#: Intents of displacements and other vectors, whose components are no scans.
_VECTORS = (1006, 1007)


def as_nifti(img: SpatialImage) -> nib.Nifti1Image:
    """The same image as NIfTI, in mm.

    Parameters
    ----------
    img : image

    Returns
    -------
    Nifti1Image
        The image itself where nothing is to be done. Micrometres and metres are converted; the time axis of MINC comes
        last; the time between scans is taken from the headers of AFNI, MGH, MINC and PAR files; of five or more axes
        those of length one beyond the third are left out; a single plane becomes a volume of one slice. Voxels are
        not read unless their axes have to be put in order.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.zeros((2, 2, 2, 1, 9)), np.diag([3000.0, 3000, 3000, 1]))
    >>> img.header.set_xyzt_units("micron", "sec")
    >>> as_nifti(img).shape, as_nifti(img).affine.diagonal().tolist()
    ((2, 2, 2, 9), [3.0, 3.0, 3.0, 1.0])
    """
    if not isinstance(img, nib.Nifti1Image):
        # A header and its image in two files say as much as a NIfTI in one.
        img = _again(img, img.dataobj, img.header) if isinstance(img, nib.Nifti1Pair) else _of_another_format(img)
    return _three_axes_and_time(_in_mm(img))


def check_place(img: SpatialImage) -> None:
    """Refuse an image without voxels, or whose header does not say where they are.

    Parameters
    ----------
    img : image

    Raises
    ------
    ValueError
        The message names it.
    """
    name, affine = image_name(img), img.affine
    if min(img.shape) < 1:
        raise ValueError(f"{name} has shape {tuple(map(int, img.shape))}: it holds no voxel")
    sizes = np.asarray(img.header.get_zooms()[:3], dtype=float)
    if affine is None or not np.isfinite(affine).all() or not np.isfinite(sizes).all():
        raise ValueError(f"{name} does not say where its voxels are: its affine or voxel sizes hold NaN or infinity")
    edges = nib.affines.voxel_sizes(affine)
    volume = abs(np.linalg.det(affine[:3, :3]))
    if not edges.all() or volume < FLAT * np.prod(edges) or not np.isfinite(volume):
        raise ValueError(
            f"{name} does not say where its voxels are: by its affine they have no volume\n{affine}\nset the affine, "
            "or convert the image again"
        )


def units(header: nib.Nifti1Header) -> tuple[str, str]:
    """Units of space and time that a header names; ``unknown`` for a code that means nothing.

    Parameters
    ----------
    header : Nifti1Header

    Returns
    -------
    space, time : str

    Examples
    --------
    >>> units(nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4)).header)
    ('unknown', 'unknown')
    """
    known = nib.nifti1.unit_codes
    code = int(header["xyzt_units"])
    space, time = (known.label[part] if part in known.code else "unknown" for part in (code % 8, code - code % 8))
    return (space if space in MM else "unknown"), time


def _again(
    img: SpatialImage, data: Any, header: nib.Nifti1Header | None, affine: np.ndarray | None = None
) -> nib.Nifti1Image:
    """Other data or another header in the place of an image, under its files' names."""
    kind = type(img) if isinstance(img, nib.Nifti1Image) else nib.Nifti1Image
    affine = img.affine if affine is None else affine
    return kind(data, affine, header, extra=img.extra, file_map=img.file_map)


# Units ----------------------------------------------------------------------------------------------------------------


def _in_mm(img: nib.Nifti1Image) -> nib.Nifti1Image:
    space, time = units(img.header)
    factor = MM[space]
    if factor == 1:
        return img
    header = img.header.copy()
    for part in ("srow_x", "srow_y", "srow_z", "qoffset_x", "qoffset_y", "qoffset_z"):
        header[part] = header[part] * factor
    header["pixdim"][1:4] *= factor
    header.set_xyzt_units("mm", time)
    affine = img.affine.copy()
    affine[:3] *= factor
    return _again(img, img.dataobj, header, affine)


# Other formats --------------------------------------------------------------------------------------------------------


def _of_another_format(img: SpatialImage) -> nib.Nifti1Image:
    data, t_r = img.dataobj, _time_between_scans(img)
    if (axis := _time_axis(img)) != 3:
        data = np.moveaxis(np.asanyarray(data), axis, 3)
    nifti = _again(img, data, None)
    if isinstance(img, nib.AnalyzeImage) and np.allclose(img.affine, img.header.get_best_affine()):
        # Without a matrix beside it the format does not say which side is left.
        nifti.set_sform(None, 0)
        nifti.set_qform(None, 0)
    nifti.header.set_xyzt_units("mm", "sec" if t_r else "unknown")
    if t_r:
        nifti.header.set_zooms((*nifti.header.get_zooms()[:3], t_r))
    return nifti


def _time_axis(img: SpatialImage) -> int:
    """Where time stands among the axes; 3 where there is none."""
    minc = getattr(img.dataobj, "minc_file", None)
    if minc is None or len(img.shape) != 4:
        return 3
    names = list(getattr(minc, "_dim_names", ("time",)))
    return next(i for i, name in enumerate(names) if not str(name).endswith("space"))


def _time_between_scans(img: SpatialImage) -> float | None:
    """Seconds between scans by the header of another format; None where it holds none."""
    if len(img.shape) != 4:
        return None
    zoom = float(img.header.get_zooms()[_time_axis(img)])
    if isinstance(img, nib.brikhead.AFNIImage):
        return zoom * _AFNI_SECONDS.get(int(np.ravel(img.header.info.get("TAXIS_NUMS", (0, 0, 0)))[2]), 0.0)
    if isinstance(img, nib.MGHImage):
        return zoom / 1e3
    if isinstance(img, nib.parrec.PARRECImage) or hasattr(img.dataobj, "minc_file"):
        return zoom
    return None


# Axes -----------------------------------------------------------------------------------------------------------------


def _three_axes_and_time(img: nib.Nifti1Image) -> nib.Nifti1Image:
    shape, zooms = tuple(map(int, img.shape)), img.header.get_zooms()
    kept = [i for i, n in enumerate(shape) if i < 3 or n > 1 or len(shape) == 4]
    vectors = len(shape) > 4 and int(img.header["intent_code"]) in _VECTORS
    if vectors or len(kept) == len(shape) >= 3:
        return img
    padding = 3 - len(kept) if len(kept) < 3 else 0
    shape = (*(shape[i] for i in kept), *(1,) * padding)
    data = img.dataobj.reshape(shape) if type(img.dataobj) is ArrayProxy else np.asanyarray(img.dataobj).reshape(shape)
    header = img.header.copy()
    header.set_data_shape(shape)
    # Along another axis than the fourth, which is that of time, 1 is what nobody set.
    sizes = [0.0 if i > 3 and zooms[i] == 1 else abs(zooms[i]) for i in kept]
    header.set_zooms((*sizes, *(1.0,) * padding))
    return _again(img, data, header)
