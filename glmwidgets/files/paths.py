"""Where a path leads."""

from __future__ import annotations

import os
from pathlib import Path


def resolved(path: str | os.PathLike[str]) -> Path:
    """A path from the root of the disk, without ``~`` and with links followed.

    `pathlib.Path.resolve` raises an error for a link that leads back to itself, and for names that hold a zero byte:
    here such a path stays as it is, and who opens it says that there is no such file.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Path

    Examples
    --------
    >>> resolved("scans/../bold.nii") == Path.cwd().resolve() / "bold.nii"
    True
    """
    path = Path(path).expanduser()
    try:
        return Path(os.path.realpath(path))
    except ValueError:
        return path.absolute()
