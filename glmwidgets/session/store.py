"""A session as a file: readable JSON from which the same state and the same maps come back."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
import zlib
from collections.abc import Mapping
from datetime import datetime, timezone
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from glmwidgets.images.load import image_data
from glmwidgets.session.ledger import Ledger
from glmwidgets.session.run import Run, open_run
from glmwidgets.session.session import Session
from glmwidgets.session.settings import InputSettings, Settings

__all__ = ["load_session", "save_session"]

FORMAT = "glmwidgets session"
FORMAT_VERSION = 1

_INPUTS = ("bold", "events", "confounds", "mask", "anatomical")


def _contents(run: Run) -> dict[str, Any]:
    return {
        "bold": run.img,
        "events": run.events,
        "confounds": run.confounds,
        "mask": run.mask_img,
        "anatomical": run.anatomical,
    }


def _fingerprint(content: Any) -> int:
    """Checksum of the values of an image or a table."""
    if hasattr(content, "affine"):
        values = np.ascontiguousarray(image_data(content))
        return zlib.crc32(values.view(np.uint8).reshape(-1), zlib.crc32(np.round(content.affine, 6).tobytes()))
    return zlib.crc32(content.to_csv(index=False, float_format="%.9g").encode())


def save_session(session: Session, path: str | PathLike[str], view: Mapping[str, Any] | None = None) -> Path:
    """Write a session to a file, whole or not at all.

    Parameters
    ----------
    session : Session
    path : str or path
        An existing file is replaced.
    view : mapping, optional
        How the map is looked at; anything that JSON can hold.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    """
    path = Path(path).expanduser()
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: its folder does not exist")
    with session.lock:
        run, given = session.run, _contents(session.run)
        tree = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "saved": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "run": {
                "name": run.name,
                "shape": list(run.img.shape),
                "t_r": run.t_r,
                "in_memory": [name for name in _INPUTS if given[name] is not None and not getattr(run.inputs, name)],
                "checksums": {name: _fingerprint(given[name]) for name in _INPUTS if given[name] is not None},
            },
            "settings": session.settings.to_dict(),
            "cursor": list(session.cursor),
            "pinned": None if session.pinned is None else session.pinned.settings.to_dict(),
            "view": dict(view or {}),
            "ledger": session.ledger.to_dict(),
        }
    _write(path, json.dumps(tree, indent=2, ensure_ascii=False) + "\n")
    return path


def _write(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        # mkstemp lets nobody else read; the file gets the rights that any new file would.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def load_session(
    path: str | PathLike[str],
    bold: Any = None,
    events: Any = None,
    *,
    confounds: Any = None,
    mask: Any = None,
    anatomical: Any = None,
    synchronous: bool = False,
) -> tuple[Session, dict[str, Any]]:
    """Open a session that was saved.

    Parameters
    ----------
    path : str or path
    bold, events, confounds, mask, anatomical : optional
        Inputs to use instead of the files that the session names. Those that were given in memory are not in the
        file and must be given again.
    synchronous : bool
        See `Session`.

    Returns
    -------
    session : Session
        Nothing is computed yet.
    view : dict
        How the map was looked at.

    Raises
    ------
    FileNotFoundError
        If the file, or one that it names, is missing.
    ValueError
        If it is no session, or an input has to be given again or does not fit.

    Notes
    -----
    Every load gives the same maps bit for bit. A session that was live for a while has summed the same products in
    another order, which shows in the last digits of z (some 1e-14).
    """
    path = Path(path).expanduser()
    tree = _read(path)
    try:
        settings, facts = Settings.from_dict(tree["settings"]), tree["run"]
        ledger = Ledger.from_dict(tree["ledger"])
        pinned = None if tree["pinned"] is None else Settings.from_dict(tree["pinned"])
        cursor, view = tuple(tree["cursor"]), dict(tree["view"])
        in_memory, checksums = facts["in_memory"], facts["checksums"]
        shape, t_r = tuple(facts["shape"]), float(facts["t_r"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} cannot be read as a session: {type(error).__name__} {error}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    given = {"bold": bold, "events": events, "confounds": confounds, "mask": mask, "anatomical": anatomical}
    run = _open(path, settings.inputs, given, in_memory, t_r)
    if run.img.shape != shape:
        raise ValueError(f"{path} is of a run of shape {shape}, and the image now has shape {run.img.shape}")
    _warn_of_other_values(path, run, checksums)
    inputs = {f"inputs.{name}": getattr(run.inputs, name) for name in _INPUTS}
    session = Session(run, settings.updated(inputs), synchronous)
    session.ledger = ledger
    session.cursor = tuple(int(np.clip(c, 0, n - 1)) for c, n in zip(cursor, shape[:3], strict=True))
    if pinned is not None:
        session.pin_later(pinned.updated(inputs))
    return session, view


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"no session file at {path}")
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise ValueError(f'{path} is not a saved session: it has no "format": "{FORMAT}"')
    if tree.get("version") != FORMAT_VERSION:
        raise ValueError(f"{path} is of version {tree.get('version')}; this program reads version {FORMAT_VERSION}")
    return tree


def _open(path: Path, inputs: InputSettings, given: dict[str, Any], in_memory: list[str], t_r: float) -> Run:
    wanted = [name for name in in_memory if given[name] is None]
    if wanted:
        arguments = ", ".join(f"{name}=..." for name in wanted)
        raise ValueError(
            f"{path.name} is of a session whose {' and '.join(wanted)} had been given in memory, and data are not kept "
            f"in the file: give them again, load({path.name!r}, {arguments})"
        )
    chosen = {name: getattr(inputs, name) if given[name] is None else given[name] for name in _INPUTS}
    for name in _INPUTS:
        file = chosen[name]
        if isinstance(file, str) and not Path(file).is_file():
            raise FileNotFoundError(
                f"{path.name} needs the {name} file {file}, which is not there; if it has moved, give it: "
                f"load({path.name!r}, {name}=...)"
            )
    return open_run(
        chosen["bold"],
        chosen["events"],
        t_r,
        confounds=chosen["confounds"],
        mask=chosen["mask"],
        slice_time_ref=inputs.slice_time_ref,
        anatomical=chosen["anatomical"],
    )


def _warn_of_other_values(path: Path, run: Run, checksums: Mapping[str, int]) -> None:
    there = _contents(run)
    changed = [name for name, kept in checksums.items() if there[name] is None or _fingerprint(there[name]) != kept]
    if changed:
        warnings.warn(
            f"{' and '.join(changed)}: other values than when {path.name} was saved, so the maps will differ",
            UserWarning,
            stacklevel=4,
        )
