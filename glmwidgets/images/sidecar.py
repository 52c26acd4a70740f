"""What the JSON file beside an image, and its name, say of its values."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from contextvars import ContextVar
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


# What was read within `sidecars_read_once`, by path; None outside of it.
_read: ContextVar[dict[str, Any] | None] = ContextVar("sidecars that were read", default=None)


@contextlib.contextmanager
def sidecars_read_once() -> Iterator[None]:
    """Read each sidecar once within it, however often it is asked for: while a run, or a list of runs, is opened."""
    if _read.get() is not None:
        yield
        return
    token = _read.set({})
    try:
        yield
    finally:
        _read.reset(token)


def read_sidecar(path: Path) -> Any:
    """Content of a JSON file that describes an image; it is not to be changed.

    Parameters
    ----------
    path : Path

    Returns
    -------
    object
        A dict, if it is as it should be.

    Raises
    ------
    OSError, ValueError, TypeError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "bold.json"
    ...     _ = path.write_text('{"RepetitionTime": 2}')
    ...     read_sidecar(path)
    {'RepetitionTime': 2}
    """
    known, real = _read.get(), os.path.realpath(path)
    if known is not None and real in known:
        return known[real]
    content = parse_json(noted(path).read_bytes(), path)
    if known is not None:
        known[real] = content
    return content


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
            found = read_sidecar(path)
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
