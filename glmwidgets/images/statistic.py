"""What a map's header tells its values are: t, F, z or p."""

from __future__ import annotations

import re
from typing import NamedTuple

import nibabel as nib

#: SPM's description of its maps, and this package's of statistics.
_SPM = re.compile(r"SPM\{(?P<kind>[TF])_\[(?P<first>[0-9.]+)(?:,(?P<second>[0-9.]+))?\]\}")
_OWN = re.compile(r"^stat \[(?P<kind>[tF]), (?:(?P<first>\d+) and )?dof (?P<second>[0-9.]+)\]")

#: Statistics by NIfTI's codes of intents.
_KINDS = {3: "t", 4: "F", 5: "z", 22: "p"}


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
    told = _SPM.search(description_of(img)) or _OWN.search(description_of(img))
    kind, dofs = _KINDS.get(int(code)), tuple(n for n in numbers if n > 0)
    if told is not None:
        by_text = told["kind"].replace("T", "t") if told["kind"] in "TFt" else "z"
        dofs = dofs or tuple(float(n) for n in (told["first"], told["second"]) if n)
        kind = kind or by_text
    return None if kind is None else Statistic(kind, dofs if kind in "tF" else ())


def description_of(img: nib.Nifti1Image) -> str:
    """The text in the header of a NIfTI image; empty where there is none."""
    return bytes(img.header["descrip"]).decode("latin-1") if isinstance(img.header, nib.Nifti1Header) else ""
