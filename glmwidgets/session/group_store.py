"""A group session as a file: readable JSON from which the same state and the same maps come back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from glmwidgets.session.group import GroupSession
from glmwidgets.session.group_data import open_group
from glmwidgets.session.group_settings import GroupSettings

__all__ = ["group_session_text", "load_group_session"]

FORMAT = "glmwidgets group session"
FORMAT_VERSION = 1


def group_session_text(session: GroupSession, view: Mapping[str, Any] | None = None) -> str:
    """What is written of a group session.

    Parameters
    ----------
    session : GroupSession
    view : mapping, optional
        How maps are looked at; anything that JSON can hold.

    Returns
    -------
    str
        JSON.
    """
    with session.lock:
        tree = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "saved": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "settings": session.settings.to_dict(),
            "cursor": list(session.cursor),
            "shape": list(session.shape),
            "view": dict(view or {}),
        }
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def load_group_session(
    path: str | PathLike[str], maps: Any = None, *, mask: Any = None, background: Any = None, synchronous: bool = False
) -> tuple[GroupSession, dict[str, Any]]:
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
    session : GroupSession
        Nothing is computed yet.
    view : dict
        How maps were looked at.

    Raises
    ------
    FileNotFoundError
        If the file, or one that it names, is missing.
    ValueError
        If it is no group session, or maps have to be given again or do not fit.
    """
    path = Path(path).expanduser()
    tree = _read(path)
    try:
        settings = GroupSettings.from_dict(tree["settings"])
        cursor, shape, view = tuple(tree["cursor"]), tuple(tree["shape"]), dict(tree["view"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} cannot be read as a group session: {type(error).__name__} {error}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    inputs = settings.inputs
    if maps is None and not inputs.maps:
        raise ValueError(
            f"{path.name} is of maps that were given in memory, and data are not kept in the file: give them again, "
            f"load({path.name!r}, maps=...)"
        )
    group = open_group(
        list(inputs.maps) if maps is None else maps,
        mask=inputs.mask if mask is None else mask,
        subjects=settings.table.maps,
        background=inputs.background if background is None else background,
        resample=inputs.resample,
    )
    if group.masker.mask_.shape != shape:
        raise ValueError(f"{path} is of maps of shape {shape}, and these have shape {group.masker.mask_.shape}")
    changes = {f"inputs.{name}": getattr(group.inputs, name) for name in ("maps", "mask", "background")}
    session = GroupSession(group, settings.updated(changes), synchronous)
    session.cursor = tuple(int(np.clip(c, 0, n - 1)) for c, n in zip(cursor, shape, strict=True))
    session.goes_on = True
    return session, view


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"no session file at {path}")
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise ValueError(f'{path} is not a saved group session: it has no "format": "{FORMAT}"')
    if tree.get("version") != FORMAT_VERSION:
        raise ValueError(f"{path} is of version {tree.get('version')}; this program reads version {FORMAT_VERSION}")
    return tree
