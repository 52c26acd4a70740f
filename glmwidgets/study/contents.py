"""What files hold, told by a hash: it is kept beside path, size and time, so that a file is read through once."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from glmwidgets.files.json_text import parse_json
from glmwidgets.files.writing import write_text

# Bytes that are read at once: they stay in a processor's own cache until they are hashed.
BLOCK = 2**18


class Contents:
    """Hashes of files.

    Parameters
    ----------
    folder : Path
        Where they are kept, a small file each: any number of processes may write there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     file = Path(place) / "a.tsv"
    ...     _ = file.write_text("onset")
    ...     Contents(Path(place) / "kept").of(file)[:16]
    'fd30b4418cb98fda'
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def of(self, path: str | os.PathLike[str] | None) -> str:
        """SHA-256 of a file, 64 hexadecimal digits; empty for None.

        Raises
        ------
        OSError
            If it cannot be read.
        """
        if path is None:
            return ""
        looks = os.stat(path)
        head = {"path": os.path.abspath(path), "size": looks.st_size, "mtime_ns": looks.st_mtime_ns}
        name = hashlib.sha256(head["path"].encode("utf-8", "surrogatepass")).hexdigest()[:24]
        kept = self.folder / f"{name}.json"
        try:
            tree = parse_json(kept.read_bytes(), kept)
            if {key: tree[key] for key in head} == head:
                return tree["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        found = _hashed(path)
        with suppress(OSError):  # in a study that may only be read it is found anew each time
            self.folder.mkdir(parents=True, exist_ok=True)
            write_text(kept, json.dumps({**head, "sha256": found}), "hash of a file", overwrite=True)
        return found


def _hashed(path: str | os.PathLike[str]) -> str:
    found, room = hashlib.sha256(), memoryview(bytearray(BLOCK))
    with open(path, "rb", buffering=0) as file:
        while n_bytes := file.readinto(room):
            found.update(room[:n_bytes])
    return found.hexdigest()
