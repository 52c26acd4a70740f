"""A store of results by what they were made of: a folder each, whole or absent, and never made twice.

A result's name ends in the hash of all that it depends on (`glmwidgets.specification.encoding.digest`: plain values
only, numbers with a fraction as hexadecimal text). It is written in a folder beside its place, its manifest last, and
takes its place by one renaming: of two that were made at once the second gives way.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from glmwidgets.files.json_text import parse_json
from glmwidgets.files.paths import resolved
from glmwidgets.files.writing import write_text

MANIFEST = "manifest.json"

#: What folders that are being written are called at their beginning.
UNDER_WAY = ".tmp-"


class Store:
    """Folders of results.

    Parameters
    ----------
    folder : str or path
        Made when something is written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     store = Store(place)
    ...     _ = store.write("a_1f", lambda to: write_text(to / "x.txt", "1", "number"), {"made_of": 1})
    ...     store.has("a_1f"), store.manifest("a_1f")["files"], store.keys()
    (True, {'x.txt': 1}, ['a_1f'])
    """

    def __init__(self, folder: str | os.PathLike[str]):
        self.folder = resolved(folder)

    def path(self, key: str) -> Path:
        """Folder of a result."""
        return self.folder / key

    def has(self, key: str) -> bool:
        """Whether a result is there."""
        return (self.path(key) / MANIFEST).is_file()

    def keys(self) -> list[str]:
        """Results that are there, sorted."""
        if not self.folder.is_dir():
            return []
        return sorted(p.name for p in self.folder.iterdir() if not p.name.startswith(".") and self.has(p.name))

    def manifest(self, key: str) -> dict[str, Any] | None:
        """What was said of a result, with the sizes of its files; None if it is not there, or not as it was written."""
        place = self.path(key)
        try:
            tree = parse_json((place / MANIFEST).read_bytes(), place / MANIFEST)
            sizes = {name: (place / name).stat().st_size for name in tree["files"]}
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return tree if sizes == tree["files"] else None

    def write(self, key: str, fill: Callable[[Path], object], said: Mapping[str, Any] | None = None) -> Path:
        """Make a result, if it is not there.

        Parameters
        ----------
        key : str
        fill : callable
            ``fill(folder)`` writes its files; what it returns, if that is a mapping, stands in the manifest.
        said : mapping, optional
            Plain values that stand in the manifest too.

        Returns
        -------
        Path
            Its folder.

        Raises
        ------
        ValueError
            If something in the manifest is no finite number.
        """
        place = self.path(key)
        if self.manifest(key) is not None:
            return place
        self.folder.mkdir(parents=True, exist_ok=True)
        work = self.folder / f"{UNDER_WAY}{secrets.token_hex(8)}"
        work.mkdir()
        try:
            more = fill(work)
            files = {path.name: path.stat().st_size for path in sorted(work.iterdir())}
            tree = {**(said or {}), **(more if isinstance(more, Mapping) else {}), "files": files}
            write_text(work / MANIFEST, json.dumps(tree, allow_nan=False, indent=1), "manifest")
            _to_disk(work)
            if place.exists() and self.manifest(key) is None:
                # What stands there is damaged: it goes out of the way, and then away.
                place.rename(self.folder / f"{UNDER_WAY}{secrets.token_hex(8)}")
            with suppress(OSError):  # a twin was there first
                work.rename(place)
            _to_disk(self.folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return place

    def sweep(self, older_than: float) -> int:
        """Remove folders that were begun and left, older than some seconds.

        Parameters
        ----------
        older_than : float
            Longer than any result takes: what is younger may still be written by somebody.

        Returns
        -------
        int
            How many were removed.
        """
        left = [p for p in self.folder.glob(f"{UNDER_WAY}*") if p.is_dir()]
        old = [p for p in left if time.time() - p.stat().st_mtime > older_than]
        for path in old:
            shutil.rmtree(path, ignore_errors=True)
        return len(old)


def _to_disk(folder: Path) -> None:
    """See that the names in a folder survive a failure of power, where the system can be asked."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
