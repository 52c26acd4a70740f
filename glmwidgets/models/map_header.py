"""What the header of a map tells of it: its kind, its test and the degrees of freedom."""

from __future__ import annotations

import re
from typing import Any

import nibabel as nib

from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.images.statistic import description_of, statistic_of

# A NIfTI header has room for 80 bytes of text.
LENGTH = 79

_DOF = re.compile(
    r"\[(?:t, |F, (?P<rows>\d+) and )?dof (?P<dof>[0-9.]+)\]"
    r"|SPM\{[TF]_\[(?:(?P<first>[0-9.]+),)?(?P<second>[0-9.]+)\]\}"
)
_F = re.compile(r"\[F, |SPM\{F_")


def describe_map(
    img: nib.Nifti1Image, output_type: str, contrast: Contrast, text: Any, two_sided: bool = False
) -> None:
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
    two_sided : bool
        Of p values of t: whether they are for effects of either sign.

    Examples
    --------
    >>> import numpy as np
    >>> img = nib.Nifti1Image(np.zeros((1, 1, 1)), np.eye(4))
    >>> describe_map(img, "z_score", Contrast(np.ones((2, 1)), np.ones((2, 2, 1)), 84.0, "F"), "face; house")
    >>> img.header["descrip"].item()
    b'z_score [F, 2 and dof 84] of face; house'
    >>> img.header.get_intent()[0]
    'z score'
    """
    test = f"F, {contrast.dim} and dof" if contrast.stat_type == "F" else "t, dof"
    sides = (
        (" two-sided" if two_sided else " one-sided") if (output_type, contrast.stat_type) == ("p_value", "t") else ""
    )
    words = f"{output_type}{sides} [{test} {contrast.dof:g}] of {text}"
    stat = ("f test", (contrast.dim, contrast.dof)) if contrast.stat_type == "F" else ("t test", (contrast.dof,))
    intents = {"z_score": ("z score",), "stat": stat, "p_value": ("p value",)}
    img.header.set_intent(*intents.get(output_type, ("estimate",)))
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
    match = _DOF.search(description_of(img))
    return float(match["dof"] or match["second"]) if match else None


def rows_and_dof(img: nib.Nifti1Image) -> tuple[int | None, float]:
    """The test that a map's values come from, by its header.

    Parameters
    ----------
    img : Nifti1Image
        Of a statistic, or of the z scores that were made of it.

    Returns
    -------
    rows : int or None
        Of an F test; None of a t test, and where nothing is told.
    dof : float
        Of the residuals; infinite where nothing is told.

    Examples
    --------
    >>> import numpy as np
    >>> img = nib.Nifti1Image(np.zeros((1, 1, 1)), np.eye(4))
    >>> img.header["descrip"] = b"z_score [F, 2 and dof 84] of face; house"
    >>> rows_and_dof(img)
    (2, 84.0)
    """
    if match := _DOF.search(description_of(img)):
        rows = match["rows"] or match["first"]
        return int(float(rows)) if rows else None, float(match["dof"] or match["second"])
    told = statistic_of(img)
    dofs = () if told is None else told.dofs
    return (int(dofs[0]) if len(dofs) > 1 else None), (dofs[-1] if dofs else float("inf"))


def is_f_map(img: nib.Nifti1Image) -> bool:
    """Whether the header of a map tells that it comes from an F test.

    Parameters
    ----------
    img : Nifti1Image

    Returns
    -------
    bool
    """
    return bool(_F.search(description_of(img)))
