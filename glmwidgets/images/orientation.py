"""Whether an image's header says where it lies, and which side is left."""

from __future__ import annotations

import nibabel as nib
import numpy as np

from glmwidgets.images.grids import most_apart
from glmwidgets.images.names import image_name

#: Share of a voxel's edge by which sform and qform may place a voxel apart before it is said.
FORMS_APART = 0.5


def sides_unknown(img: nib.Nifti1Image) -> str | None:
    """Why it is not known which side of an image is left.

    Parameters
    ----------
    img : Nifti1Image

    Returns
    -------
    str or None
        None where one of sform and qform is in use, or both are and agree in which side is left.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4))
    >>> sides_unknown(img) is None
    True
    >>> img.header["sform_code"] = img.header["qform_code"] = 0
    >>> print(sides_unknown(img))
    the image in memory of shape (2, 2, 2) does not say which side is left (its sform_code and qform_code are 0): left \
and right may be the wrong way round
    """
    codes = int(img.header["sform_code"]), int(img.header["qform_code"])
    if not any(codes):
        why = "does not say which side is left (its sform_code and qform_code are 0)"
    elif all(codes) and _handedness(img.header.get_sform()) != _handedness(img.header.get_qform()):
        why = "says two things of which side is left (its sform and qform mirror each other; the sform is taken)"
    else:
        return None
    return f"{image_name(img)} {why}: left and right may be the wrong way round"


def place_doubted(img: nib.Nifti1Image) -> str | None:
    """Why it is not known where an image lies, or which side of it is left.

    Parameters
    ----------
    img : Nifti1Image

    Returns
    -------
    str or None
        As `sides_unknown`; or that sform and qform, both in use, place some voxel more than half a voxel apart.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.zeros((2, 2, 2)), np.diag([3, 3, 3, 1]))
    >>> place_doubted(img) is None
    True
    >>> img.set_qform(nib.affines.from_matvec(np.diag([3, 3, 3]), [0, 0, 10]), "scanner")
    >>> place_doubted(img).partition(": ")[2]
    'by its sform (aligned) and its qform (scanner) voxels lie up to 10 mm apart. Places in mm are those of the sform'
    """
    if (why := sides_unknown(img)) is not None:
        return why
    header = img.header
    if not (int(header["sform_code"]) and int(header["qform_code"])):
        return None
    apart, edge = most_apart(img.shape, header.get_sform(), header.get_qform())
    if apart <= FORMS_APART * edge:
        return None
    labels = (header.get_value_label(f"{name}_code") for name in ("sform", "qform"))
    sform, qform = ("unknown code" if label.startswith("<") else label for label in labels)
    return (
        f"{image_name(img)} has two places: by its sform ({sform}) and its qform ({qform}) voxels lie up to "
        f"{apart:.3g} mm apart. Places in mm are those of the sform"
    )


def _handedness(affine: np.ndarray) -> float:
    return np.sign(np.linalg.det(affine[:3, :3]))
