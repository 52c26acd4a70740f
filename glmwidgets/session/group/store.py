"""A group session as a file: readable JSON from which the same state and the same maps come back."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from glmwidgets.files.envelope import read_session, session_text
from glmwidgets.files.writing import keep, write_text
from glmwidgets.glm.errors import about
from glmwidgets.session.group.data import open_group
from glmwidgets.session.group.session import GroupSession
from glmwidgets.specification.group import GroupSettings
from glmwidgets.specification.looks import looks_of_file


def save_group_session(session: GroupSession, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a group session to a file, whole or not at all.

    Parameters
    ----------
    session : GroupSession
    path : str or path
    overwrite : bool
        As in `glmwidgets.session.single.store.save_session`.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError, FileExistsError
        As in `glmwidgets.session.single.store.save_session`.

    Examples
    --------
    >>> import nibabel as nib, numpy as np, pandas as pd
    >>> from glmwidgets.session import GroupSession, open_group
    >>> rng = np.random.default_rng(0)
    >>> maps = [nib.Nifti1Image(rng.standard_normal((6, 6, 6)), np.eye(4)) for _ in range(8)]
    >>> group = open_group(maps, pd.DataFrame({"age": range(20, 28)}), match="order")
    >>> session = GroupSession(group, synchronous=True)
    >>> session.refresh()
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_group_session(session, Path(folder) / "group.json").name
    'group.json'
    """
    with session.lock:
        tree = {
            "settings": session.settings.to_dict(),
            "cursor": list(session.cursor),
            "shape": list(session.shape),
        }
    return write_text(path, session_text("group", tree), "session", overwrite=overwrite, by=session)


def load_group_session(
    path: str | PathLike[str], maps: Any = None, *, mask: Any = None, background: Any = None, synchronous: bool = False
) -> GroupSession:
    """Open a group session that was saved.

    Parameters
    ----------
    path : str or path
    maps, mask, background : optional
        Inputs to use instead of the files that the session names. Those that were given in memory are not in the file
        and must be given again.
    synchronous : bool
        See `GroupSession`.

    Returns
    -------
    GroupSession
        Nothing is computed yet.

    Raises
    ------
    FileNotFoundError
        If the file, or one that it names, is missing.
    ValueError
        If it is no group session, or maps have to be given again or do not fit.

    Examples
    --------
    >>> import nibabel as nib, numpy as np, pandas as pd
    >>> from glmwidgets.session import GroupSession, open_group
    >>> rng = np.random.default_rng(0)
    >>> maps = [nib.Nifti1Image(rng.standard_normal((6, 6, 6)), np.eye(4)) for _ in range(8)]
    >>> group = open_group(maps, pd.DataFrame({"age": range(20, 28)}), match="order")
    >>> session = GroupSession(group, synchronous=True)
    >>> session.refresh()
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from glmwidgets.session.group.store import save_group_session
    >>> with TemporaryDirectory() as folder:
    ...     path = save_group_session(session, Path(folder) / "group.json")
    ...     again = load_group_session(path, maps, synchronous=True)
    >>> again.settings.contrast == session.settings.contrast
    True
    """
    path = Path(path).expanduser()
    _, tree = read_session(path, "group")
    settings = GroupSettings.read(tree.branch("settings")).updated(looks_of_file(tree))
    cursor, shape = tree.leaf("cursor", tuple[int, int, int]), tree.leaf("shape", tuple[int, ...])
    tree.warn(path.name)
    inputs = settings.inputs
    if maps is None and not inputs.maps:
        raise ValueError(
            f"{path.name} holds no data, and its maps were given in memory: give them again, "
            f"glmwidgets.explore_group.load({path.name!r}, maps=...)"
        )
    try:
        group = open_group(
            list(inputs.maps) if maps is None else maps,
            mask=inputs.mask if mask is None else mask,
            subjects=settings.table.maps or None,
            background=inputs.background if background is None else background,
            resample=inputs.resample,
            zeros_are_data=inputs.zeros_are_data,
        )
    except (ValueError, FileNotFoundError) as error:
        raise about(path.name, error) from error
    if shape is not None and group.domain.shape != shape:
        raise ValueError(f"{path} was saved from maps of shape {shape}, but these have shape {group.domain.shape}")
    changes = {f"inputs.{name}": getattr(group.inputs, name) for name in ("maps", "mask", "background")}
    session = GroupSession(group, settings.updated(changes), synchronous)
    if cursor is not None:
        session.move_to(cursor)
    session.goes_on = True
    keep(path, "session", session)
    return session
