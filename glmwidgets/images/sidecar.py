"""What the JSON file beside an image, and its name, say of its values."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import nibabel as nib

from glmwidgets.files.json_text import parse_json
from glmwidgets.files.writing import noted
from glmwidgets.glm.errors import InputError

# Parts of a complex signal by BIDS, and what their values are.
_PARTS = {"phase": "phases", "real": "real parts", "imag": "imaginary parts"}
_PART = re.compile(r"(?:^|_)part-(phase|real|imag)(?=[_.])")

# How DICOM and dcm2niix write them in ImageType.
_KINDS = {"P": "phase", "PHASE": "phase", "REAL": "real", "IMAGINARY": "imag"}
_MAGNITUDES = {"M", "MAGNITUDE"}


def sidecar_beside(img: nib.Nifti1Image) -> dict[str, Any]:
    """Content of the JSON file of an image's name; empty where there is none, or none that can be read.

    Parameters
    ----------
    img : Nifti1Image

    Returns
    -------
    dict

    Examples
    --------
    >>> import numpy as np
    >>> sidecar_beside(nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4)))
    {}
    """
    name = img.get_filename()
    path = Path(re.sub(r"\.nii(\.gz)?$", "", str(name)) + ".json")
    if name is not None and path.is_file():
        with contextlib.suppress(OSError, ValueError, TypeError):
            found = parse_json(noted(path).read_bytes(), path)
            return found if isinstance(found, dict) else {}
    return {}


def refuse_phases(img: nib.Nifti1Image) -> None:
    """Refuse a file whose name, or the JSON file beside it, says that it holds another part than magnitudes.

    Parameters
    ----------
    img : Nifti1Image

    Raises
    ------
    InputError
        Says who says so, and what to give.

    Examples
    --------
    >>> import numpy as np
    >>> img = nib.Nifti1Image(np.zeros((2, 2, 2, 5)), np.eye(4))
    >>> refuse_phases(img)
    >>> img.set_filename("sub-01_task-rest_part-phase_bold.nii.gz")
    >>> refuse_phases(img)
    Traceback (most recent call last):
    glmwidgets.glm.errors.InputError: sub-01_task-rest_part-phase_bold.nii.gz holds phases (part-phase in its name), \
not magnitudes: give the file of the magnitudes, part-mag
    """
    if img.get_filename() is None:
        return
    name, beside = Path(img.get_filename()).name, sidecar_beside(img)
    found = _PART.search(name)
    kinds = beside.get("ImageType")
    kinds = {str(kind).upper() for kind in kinds} if isinstance(kinds, list) else set()
    by_type = [] if kinds & _MAGNITUDES else [kind for kind in _KINDS if kind in kinds]
    if found:
        part, who = found[1], f"part-{found[1]} in its name"
    elif by_type:
        part, who = _KINDS[by_type[0]], f"ImageType {by_type[0]} in the JSON file beside it"
    elif beside.get("Units") == "rad":
        part, who = "phase", "Units rad in the JSON file beside it"
    else:
        return
    raise InputError(f"{name} holds {_PARTS[part]} ({who}), not magnitudes: give the file of the magnitudes, part-mag")
