"""What the header of a map tells of it: its kind, its test and the degrees of freedom."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import nibabel as nib

from glmwidgets.glm.fit.contrasts import Contrast

# A NIfTI header has room for 80 bytes of text.
LENGTH = 79

_DOF = re.compile(
    r"\[(?:t, |F, (?P<rows>\d+) and )?dof (?P<dof>[0-9.]+)\]"
    r"|SPM\{[TF]_\[(?:(?P<first>[0-9.]+),)?(?P<second>[0-9.]+)\]\}"
)
#: SPM's description of its maps, and this package's of statistics.
_SPM = re.compile(r"SPM\{(?P<kind>[TF])_\[(?P<first>[0-9.]+)(?:,(?P<second>[0-9.]+))?\]\}")
_OWN = re.compile(r"^stat \[(?P<kind>[tF]), (?:(?P<first>\d+) and )?dof (?P<second>[0-9.]+)\]")

#: Statistics by NIfTI's codes of intents.
_KINDS = {3: "t", 4: "F", 5: "z", 22: "p"}

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


class Statistic(NamedTuple):
    """What a map's values are.

    Attributes
    ----------
    kind : {"z", "t", "F", "p"}
    dofs : tuple of float
        Degrees of freedom: of t those of the residuals, of F those of the hypothesis before; empty if not known.
    """

    kind: str
    dofs: tuple[float, ...] = ()


def statistic_of(img: nib.Nifti1Image) -> Statistic | None:
    """What a map's header tells its values are.

    Parameters
    ----------
    img : Nifti1Image

    Returns
    -------
    Statistic or None
        None if its intent and its description tell of no statistic.

    Examples
    --------
    >>> import numpy as np
    >>> img = nib.Nifti1Image(np.zeros((1, 1, 1)), np.eye(4))
    >>> img.header["descrip"] = b"SPM{T_[8.0]} - contrast 1: faces"
    >>> statistic_of(img)
    Statistic(kind='t', dofs=(8.0,))
    """
    code, numbers, _ = img.header.get_intent(code_repr="code")
    told = _SPM.search(_description(img)) or _OWN.search(_description(img))
    kind, dofs = _KINDS.get(int(code)), tuple(n for n in numbers if n > 0)
    if told is not None:
        by_text = told["kind"].replace("T", "t") if told["kind"] in "TFt" else "z"
        dofs = dofs or tuple(float(n) for n in (told["first"], told["second"]) if n)
        kind = kind or by_text
    return None if kind is None else Statistic(kind, dofs if kind in "tF" else ())


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
    if match := _DOF.search(_description(img)):
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
    return bool(_F.search(_description(img)))


def _description(img: nib.Nifti1Image) -> str:
    return bytes(img.header["descrip"]).decode("latin-1") if isinstance(img.header, nib.Nifti1Header) else ""
