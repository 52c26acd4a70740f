"""Where a path leads."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


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


def given_twice(given: Iterable[Any]) -> tuple[str, int, int] | None:
    """The first file that stands twice in a list, also by another way or a link.

    Parameters
    ----------
    given : iterable
        Paths are compared; what is not a path is in memory and is passed over.

    Returns
    -------
    tuple of (str, int, int), or None
        The file as it was given, and its two places in the list, from 0.

    Examples
    --------
    >>> given_twice(["one.nii", "two.nii", "./one.nii"])
    ('./one.nii', 0, 2)
    """
    places: dict[Path, int] = {}
    for i, one in enumerate(given):
        if isinstance(one, str | os.PathLike) and (first := places.setdefault(resolved(one), i)) != i:
            return os.fspath(one), first, i
    return None
