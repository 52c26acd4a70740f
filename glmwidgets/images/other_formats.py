"""Formats of scanners and of other software that have to be converted to NIfTI first, and what converts them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

#: So many entries of a folder are looked at.
_LOOKED_AT = 200

_BY_DCM2NIIX = "convert {it} with dcm2niix, and give the .nii.gz that it writes"


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM by the mark in it, or, as old files have none, by its name.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool

    Examples
    --------
    >>> is_dicom(Path("IM_0001.dcm")), is_dicom(Path("bold.nii"))
    (True, False)
    """
    if path.suffix.lower() in (".dcm", ".ima"):
        return True
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except (OSError, ValueError):
        return False


def to_convert(path: Path) -> tuple[str, str] | None:
    """What a file or folder is that no image can be read from, and what converts it.

    Parameters
    ----------
    path : Path

    Returns
    -------
    tuple of two str, or None
        What it is, and what to do; None for what is of no such format.

    Examples
    --------
    >>> to_convert(Path("IM_0001.dcm"))
    ('a DICOM file', 'convert its series with dcm2niix, and give the .nii.gz that it writes')
    >>> to_convert(Path("bold.mnc"))
    ('a MINC file', 'convert it with mnc2nii of the MINC tools, and give the .nii that it writes')
    """
    if path.is_dir():
        inside = list(islice(path.rglob("*"), _LOOKED_AT))
        has_images = any(each.name.endswith((".nii", ".nii.gz")) for each in inside)
        if has_images or not any(is_dicom(each) for each in inside if each.is_file()):
            return None
        return "a folder of DICOM files", _BY_DCM2NIIX.format(it="it")
    if is_dicom(path):
        return "a DICOM file", _BY_DCM2NIIX.format(it="its series")
    if path.name.lower().endswith((".mnc", ".mnc.gz")):
        return "a MINC file", "convert it with mnc2nii of the MINC tools, and give the .nii that it writes"
    return None
