"""Whether an image's header says which side is left."""

from __future__ import annotations

import nibabel as nib
import numpy as np

from glmwidgets.images.names import image_name


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


def _handedness(affine: np.ndarray) -> float:
    return np.sign(np.linalg.det(affine[:3, :3]))
