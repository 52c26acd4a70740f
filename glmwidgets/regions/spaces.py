"""Which template a file is in: what its name says, or a person; never what its grid looks like."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import PurePath

_ENTITY = re.compile(r"(?:^|_)(space|tpl)-([A-Za-z0-9+]+)")


def space_in_name(path: str | os.PathLike[str] | None) -> str | None:
    """Template that a file's name says: its ``space-``, or else its ``tpl-``.

    Parameters
    ----------
    path : str, path or None

    Returns
    -------
    str or None
        None where the name says none.

    Examples
    --------
    >>> space_in_name("tpl-MNI152NLin6Asym_atlas-made_dseg.nii.gz"), space_in_name("sub-01_bold.nii.gz")
    ('MNI152NLin6Asym', None)
    """
    if path is None:
        return None
    found = dict(_ENTITY.findall(PurePath(path).name))
    return found.get("space", found.get("tpl"))


def space_in_names(paths: Iterable[str | os.PathLike[str] | None]) -> str | None:
    """Template that the names of several files say, if all of them say the same.

    Parameters
    ----------
    paths : iterable of str, path or None

    Returns
    -------
    str or None

    Examples
    --------
    >>> space_in_names(["sub-01_space-MNI152NLin6Asym_z.nii.gz", "sub-02_space-MNI152NLin6Asym_z.nii.gz"])
    'MNI152NLin6Asym'
    >>> space_in_names(["sub-01_space-MNI152NLin6Asym_z.nii.gz", None]) is None
    True
    """
    said = {space_in_name(path) for path in paths}
    return said.pop() if len(said) == 1 else None


def is_mni(space: str | None) -> bool:
    """Whether coordinates in a space may be called MNI.

    Parameters
    ----------
    space : str or None
        Name of a template, as BIDS writes it.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_mni("MNI152NLin2009cAsym"), is_mni("T1w"), is_mni(None)
    (True, False, False)
    """
    return space is not None and space.upper().startswith(("MNI", "ICBM"))


def hedge_of_spaces(atlas: str | None, run: str | None) -> str:
    """Why names of regions may be off, in a sentence; empty where atlas and run are in one template.

    Parameters
    ----------
    atlas, run : str or None
        Their templates; None for unknown.

    Returns
    -------
    str

    Examples
    --------
    >>> hedge_of_spaces("MNI152NLin6Asym", "MNI152NLin2009cAsym")
    'names may be off by 2 to 5 mm: the atlas is in MNI152NLin6Asym and the map in MNI152NLin2009cAsym'
    >>> hedge_of_spaces("MNI152NLin6Asym", "MNI152NLin6Asym")
    ''
    """
    if atlas is None or run is None:
        which = "atlas and map are" if atlas is run else "atlas is" if atlas is None else "map is"
        return f"names may be wrong: it is not known which space the {which} in"
    if atlas == run:
        return ""
    if is_mni(atlas) and is_mni(run):
        return f"names may be off by 2 to 5 mm: the atlas is in {atlas} and the map in {run}"
    return f"names are likely wrong: the atlas is in {atlas} and the map in {run}"
