"""Files that are not what their names promise: content that was never fetched, pages and pipes in their place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_ANNEX = "its content has not been fetched: git annex get {name}, or datalad get {name}, fetches it"


def not_its_content(path: str | os.PathLike[str]) -> str | None:
    """Say what stands in the place of a file, and what to do about it.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    str or None
        Such as ``"bold.nii.gz is a web page: download it again"``; None for a file that may be what it is called, for a
        folder, and where there is nothing at all.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "bold.nii.gz"
    ...     _ = path.write_text("<!DOCTYPE html><html>Sign in</html>")
    ...     not_its_content(path).replace(str(path), path.name)
    'bold.nii.gz is a web page, not the file that it is called: download it again'
    """
    path = Path(path)
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return _broken_link(path)
    if stat.S_ISDIR(mode):
        return None
    if not stat.S_ISREG(mode):
        return f"{path} is a pipe or a device, not a file: give a file"
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError:
        return None
    if b"annex/objects/" in start and b"\n" not in start.strip():
        return f"{path} is a pointer of git-annex; " + _ANNEX.format(name=path.name)
    if start.startswith(b"version https://git-lfs"):
        return f"{path} is a pointer of Git LFS; its content has not been fetched: git lfs pull fetches it"
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith((b"<!doctype html", b"<html")):
        return f"{path} is a web page, not the file that it is called: download it again"
    return None


def _broken_link(path: Path) -> str | None:
    try:
        target = os.readlink(path)
    except (OSError, ValueError):
        return None
    if "annex/objects" in target.replace("\\", "/"):
        return f"{path} is a link of git-annex; " + _ANNEX.format(name=path.name)
    return f"{path} is a broken link: it points to {target}, which is not there or leads back to it"
