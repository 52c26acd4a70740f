"""The head of our own JSON files: what a file is and of which version, written and read in one way."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from glmwidgets.files.json_text import parse_json
from glmwidgets.files.json_tree import JsonTree

#: Formats, and what a person calls such a file.
KINDS = {
    "glmwidgets settings": "a settings file",
    "glmwidgets group settings": "a settings file of a group",
    "glmwidgets fixed effects settings": "a settings file of fixed effects",
    "glmwidgets demo": "a demo's choice of a run",
    "glmwidgets session": "a saved session",
    "glmwidgets study": "a study",
}

SESSION = "glmwidgets session"
SESSION_VERSION = 2

#: What a session may hold, in words, and what opens it.
HOLDS = {
    "run": ("one run", "explore.load"),
    "runs": ("several runs", "explore.load"),
    "group": ("a group", "explore_group.load"),
}

# Version 1 had a format for each.
_OF_VERSION_1 = {SESSION: "run", "glmwidgets session of runs": "runs", "glmwidgets group session": "group"}


def enveloped(form: str, tree: Mapping[str, Any], version: int = 1) -> str:
    """Readable JSON of a tree, below its format and version.

    Parameters
    ----------
    form : str
        A key of `KINDS`.
    tree : mapping
    version : int

    Returns
    -------
    str

    Examples
    --------
    >>> opened(enveloped("glmwidgets demo", {"t_r": 2.0}), "glmwidgets demo", "demo.json")
    {'t_r': 2.0}
    """
    return json.dumps({"format": form, "version": version, **tree}, indent=2, ensure_ascii=False) + "\n"


def opened(text: str | bytes, form: str, source: object, version: int = 1, *, headless: bool = False) -> dict[str, Any]:
    """The tree that `enveloped` wrote.

    Parameters
    ----------
    text : str or bytes
    form : str
    source : object
        Name of the file, for messages.
    version : int
    headless : bool
        Whether there are such files from before they had a head.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If the text is no JSON, or of another format or version; the message says what it is.
    """
    tree = _parsed(text, source)
    found = tree.pop("format", None)
    if found is None and headless:
        return tree
    if found != form:
        raise ValueError(f"{source} is not {KINDS[form]}: it {_said(found, form)}")
    _check_version(tree.pop("version", None), (version,), source)
    return tree


def _parsed(text: str | bytes, source: object) -> dict[str, Any]:
    tree = parse_json(text, source)
    return tree if isinstance(tree, dict) else {}


def _said(found: Any, form: str) -> str:
    """What a file of the wrong format is."""
    kind = KINDS.get(SESSION if found in list(_OF_VERSION_1) else found) if isinstance(found, str) else None
    return f'has no "format": "{form}"' if kind is None else f"is {kind}"


def _check_version(found: Any, known: tuple[int, ...], source: object) -> None:
    if found not in known:
        reads = " and ".join(map(str, known))
        raise ValueError(f"{source} is of version {found}; this program reads version {reads}")


def session_text(holds: str, tree: Mapping[str, Any]) -> str:
    """A saved session as the text of its file.

    Parameters
    ----------
    holds : str
        A key of `HOLDS`.
    tree : mapping

    Returns
    -------
    str
    """
    head = {"holds": holds, "saved": datetime.now(timezone.utc).isoformat(timespec="seconds")}
    return enveloped(SESSION, {**head, **tree}, SESSION_VERSION)


def read_session(path: str | os.PathLike[str], *wanted: str) -> tuple[str, JsonTree]:
    """Read a saved session of this version or of version 1.

    Parameters
    ----------
    path : str or path
    *wanted : str
        What it may hold.

    Returns
    -------
    holds : str
        One of `wanted`.
    tree : JsonTree

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no session, of another version, or holds something else; the message says what opens it.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"no session file at {path}")
    if path.suffix.lower() in (".html", ".htm"):
        raise ValueError(f"{path} is a web page, not a saved session: explorer.save('session.json') writes one")
    tree = _parsed(path.read_bytes(), path)
    found, version = tree.pop("format", None), tree.pop("version", None)
    if found not in list(_OF_VERSION_1):
        raise ValueError(f"{path} is not a saved session: it {_said(found, SESSION)}")
    _check_version(version, (1, SESSION_VERSION) if found == SESSION else (1,), path)
    holds = _OF_VERSION_1[found] if version == 1 else tree.pop("holds", None)
    if holds not in list(HOLDS):
        raise ValueError(f"{path} cannot be read as a session: it holds {holds!r}, and not one of {', '.join(HOLDS)}")
    if holds not in wanted:
        opener = HOLDS[holds][1]
        raise ValueError(f"{path} is a saved session of {HOLDS[holds][0]}, which glmwidgets.{opener} opens")
    return holds, JsonTree(tree)
