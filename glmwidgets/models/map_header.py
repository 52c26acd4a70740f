"""What the header of a map tells of it: its kind, its test and the degrees of freedom."""

from __future__ import annotations

import re
from typing import Any

import nibabel as nib

from glmwidgets.glm.fit.contrasts import Contrast

__all__ = ["describe_map", "dof_of", "is_f_map"]

# A NIfTI header has room for 80 bytes of text.
LENGTH = 79

_DOF = re.compile(r"\[(?:t, |F, \d+ and )?dof ([0-9.]+)\]|SPM\{[TF]_\[(?:[0-9.]+,)?([0-9.]+)\]\}")
_F = re.compile(r"\[F, |SPM\{F_")


def describe_map(img: nib.Nifti1Image, output_type: str, contrast: Contrast, text: Any) -> None:
    """Write into the header of a map what it is.

    Parameters
    ----------
    img : Nifti1Image
        Its header is changed.
    output_type : str
        Such as ``z_score``.
    contrast : Contrast
        What the map is of.
    text : object
        How the contrast is written.

    Examples
    --------
    >>> import numpy as np
    >>> img = nib.Nifti1Image(np.zeros((1, 1, 1)), np.eye(4))
    >>> describe_map(img, "z_score", Contrast(np.ones((2, 1)), np.ones((2, 2, 1)), 84.0, "F"), "face; house")
    >>> img.header["descrip"].item()
    b'z_score [F, 2 and dof 84] of face; house'
    """
    test = f"F, {contrast.dim} and dof" if contrast.stat_type == "F" else "t, dof"
    words = f"{output_type} [{test} {contrast.dof:g}] of {text}"
    img.header["descrip"] = words.encode("ascii", "replace")[:LENGTH]


def dof_of(img: nib.Nifti1Image) -> float | None:
    """Degrees of freedom of the residuals that the header of a map tells.

    Parameters
    ----------
    img : Nifti1Image
        A map of one of this package's models, or one that was saved by SPM.

    Returns
    -------
    float or None
        None if it tells nothing.

    Examples
    --------
    >>> import numpy as np
    >>> img = nib.Nifti1Image(np.zeros((1, 1, 1)), np.eye(4))
    >>> img.header["descrip"] = b"SPM{T_[73.0]} - contrast 1: faces"
    >>> dof_of(img)
    73.0
    """
    match = _DOF.search(_description(img))
    return float(match[1] or match[2]) if match else None


def is_f_map(img: nib.Nifti1Image) -> bool:
    """Whether the header of a map tells that it comes from an F test.

    Parameters
    ----------
    img : Nifti1Image

    Returns
    -------
    bool
    """
    return bool(_F.search(_description(img)))


def _description(img: nib.Nifti1Image) -> str:
    return bytes(img.header["descrip"]).decode("latin-1") if isinstance(img.header, nib.Nifti1Header) else ""
