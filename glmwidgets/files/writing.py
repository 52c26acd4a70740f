"""The one place that opens a file for writing: never over an input, over another file only when told, never by half.

Whatever reads an input says so with `noted`; whatever writes goes through `write_bytes`, `write_text`, `whole_folder`.
A file that was read here is refused by every name it has (symbolic and hard links are the same file), whatever is
asked. Another one that exists is replaced at the word ``overwrite=True`` only, or where the same object wrote it
before: a session that is saved twice, a report that is made again.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import threading
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmwidgets.files.paths import resolved

PathLike = str | os.PathLike[str]

_IMAGE, _PAGE = (".nii", ".nii.gz"), (".html", ".htm")

#: How a name that a person gives to a file has to end, by what the file holds. Figures are told apart by matplotlib.
ENDINGS: dict[str, tuple[str, ...]] = {
    "image": _IMAGE,
    "regions": _IMAGE,
    "report": _PAGE,
    "page": _PAGE,
    "script": (".py",),
    "nilearn script": (".py",),
    "code": (".py",),
    "session": (".json",),
    "Stats Model": (".json",),
    "clusters": (".tsv",),
    "signal change of regions": (".tsv",),
    "methods": (".txt", ".md"),
    "PNG picture": (".png",),
    "SVG picture": (".svg",),
    "FSL design": (".mat",),
    "contrasts": (".con",),
    "AFNI design": (".1D",),
}


@dataclass
class _Own:
    """A file that was written here: what it holds, of whom, and what it looked like then."""

    what: str
    by: weakref.ref | None
    looks: tuple[int, ...]
    was_read: bool = False


_lock = threading.Lock()
_read: set[str] = set()
_written: dict[str, _Own] = {}


def _looks(path: PathLike) -> tuple[int, ...] | None:
    """What tells a file from the one that may stand there later; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _own(path: str) -> _Own | None:
    """What is known of a file that was written here and that nobody has changed since."""
    own = _written.get(path)
    return own if own is not None and own.looks == _looks(path) else None


# Reading --------------------------------------------------------------------------------------------------------------


def noted(path: PathLike) -> Path:
    """Take note that a file is read, so that nothing is ever written over it.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Path
        The same, to be read.
    """
    path = Path(path).expanduser()
    real = os.path.realpath(path)
    with _lock:
        own = _own(real)
        if own is not None:
            own.was_read = True
        else:
            _written.pop(real, None)
            _read.add(real)
    return path


def keep(path: PathLike, what: str, by: Any) -> None:
    """Take note that an object was opened from a file, and may be saved to it again.

    Parameters
    ----------
    path : str or path
    what : str
        What the file holds: ``"session"``.
    by : object
    """
    real = os.path.realpath(Path(path).expanduser())
    with _lock:
        _written[real] = _Own(what, weakref.ref(by), _looks(real) or ())


def forget() -> None:
    """Take what was written so far for files of others: a command begins as if nothing had been before it."""
    with _lock:
        _written.clear()


# Writing --------------------------------------------------------------------------------------------------------------


def check_ending(path: PathLike, what: str) -> None:
    """Make sure that the name of a file says what it holds, as programs and people go by it.

    Parameters
    ----------
    path : str or path
    what : str
        What it holds; what is not in `ENDINGS` may end in anything.

    Raises
    ------
    ValueError
        If the name ends otherwise, or has no ending. Small letters or capitals.

    Examples
    --------
    >>> check_ending("report.html", "report")
    >>> check_ending("bold.nii.gz", "report")
    Traceback (most recent call last):
        ...
    ValueError: cannot write the report to bold.nii.gz: its name must end in .html or .htm
    """
    endings = ENDINGS.get(what, ("",))
    if not Path(path).name.endswith((*endings, *map(str.upper, endings))):
        raise ValueError(f"cannot write the {what} to {path}: its name must end in {' or '.join(endings)}")


def check_outputs(outputs: Iterable[tuple[str, PathLike]], overwrite: bool = False, by: Any = None) -> list[Path]:
    """Make sure, before any work is done, that files may be written.

    Parameters
    ----------
    outputs : iterable of (str, path)
        What each holds, in a word for messages, and where it goes.
    overwrite : bool
        Whether files that exist and that were not read may be replaced.
    by : object, optional
        What is written, such as a session: what it wrote before it may replace.

    Returns
    -------
    list of Path
        With the home folder spelled out.

    Raises
    ------
    FileExistsError
        If one was read here, exists and may not be replaced, or is named twice.
    IsADirectoryError
        If there is a folder of that name.
    ValueError
        As in `check_ending`.
    """
    paths, named, read = [], {}, None
    for what, given in outputs:
        path = Path(given).expanduser()
        real = os.path.realpath(path)
        if real in named:
            raise FileExistsError(f"{path} is named for both the {named[real]} and the {what}: give each its own name")
        named[real] = what
        paths.append(path)
        if path.is_dir():
            raise IsADirectoryError(f"cannot write the {what} to {path}: it is a folder; name a file in it")
        if path.exists():
            read = _inputs() if read is None else read
            _check(path, real, what, overwrite, by, read)
        else:
            check_ending(path, what)
    return paths


def _inputs() -> dict[tuple[int, ...], str]:
    """Files that were read, by what makes them one file under all their names."""
    with _lock:
        # One that was written here and read since is an input, too, but for what wrote it.
        read = [*_read, *(path for path, own in _written.items() if own.was_read and own.looks == _looks(path))]
    return {found[:2]: path for path in read if (found := _looks(path)) is not None}


def _check(path: Path, real: str, what: str, overwrite: bool, by: Any, read: dict[tuple[int, ...], str]) -> None:
    with _lock:
        own = _own(real)
    again = own is not None and own.what == what
    source = read.get((_looks(real) or ())[:2])
    if source is not None and not again:
        same = "" if source == os.path.abspath(path) else f" (it is the same file as {source})"
        raise FileExistsError(f"cannot write the {what} to {path}{same}: it was read as an input; name another file")
    check_ending(path, what)
    mine = again and source is None and by is not None and own.by is not None and own.by() is by
    if not (overwrite or mine):
        raise FileExistsError(
            f"cannot write the {what} to {path}: it exists; name another file, or have it replaced with "
            "overwrite=True (--overwrite at the command line)"
        )


def write_bytes(path: PathLike, content: bytes, what: str, *, overwrite: bool = False, by: Any = None) -> Path:
    """Write a file that appears complete or not at all.

    Parameters
    ----------
    path : str or path
    content : bytes
    what : str
        What it holds, in a word for messages: ``"report"``.
    overwrite, by
        As in `check_outputs`.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    FileExistsError, IsADirectoryError, ValueError
        As in `check_outputs`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_bytes(Path(folder) / "notes.txt", b"1", "notes")
    ...     _ = write_bytes(path, b"2", "notes", overwrite=True)
    ...     noted(path).read_bytes()
    b'2'
    """
    (path,) = check_outputs([(what, path)], overwrite, by)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write the {what} to {path}: its folder does not exist")
    # In the same folder, as only within a file system one name can be put in the place of another at once.
    temporary = path.parent / f".{path.name[:80]}.{secrets.token_hex(6)}"
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise OSError(f"cannot write the {what} to {path}: {error.strerror or error}") from error
        raise
    _take(path, what, by)
    return path


def write_text(path: PathLike, text: str, what: str, *, overwrite: bool = False, by: Any = None) -> Path:
    r"""`write_bytes` of a text in UTF-8, its lines ended by ``\n`` on every system."""
    return write_bytes(path, text.encode("utf-8", "surrogatepass"), what, overwrite=overwrite, by=by)


def write_arrays(path: PathLike, arrays: Mapping[str, Any], what: str, *, overwrite: bool = False) -> Path:
    """`write_bytes` of arrays by name, compressed, as ``numpy.load`` reads them."""
    import numpy as np

    held = io.BytesIO()
    np.savez_compressed(held, **arrays)
    return write_bytes(path, held.getvalue(), what, overwrite=overwrite)


def remove(path: PathLike, what: str, *, overwrite: bool = False, by: Any = None) -> None:
    """Remove a file of an earlier export, if there is one, under the same rule as to write over it."""
    (path,) = check_outputs([(what, path)], overwrite, by)
    path.unlink(missing_ok=True)


def _take(path: Path, what: str, by: Any) -> None:
    real = os.path.realpath(path)
    with _lock:
        _read.discard(real)
        _written[real] = _Own(what, None if by is None else weakref.ref(by), _looks(real) or ())


# Folders --------------------------------------------------------------------------------------------------------------


def check_folder(folder: PathLike) -> Path:
    """Make sure, before any work is done, that results can be written to a folder.

    Parameters
    ----------
    folder : str or path
        It need not exist.

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    NotADirectoryError
        If it, or what it would be made in, is a file, or if it does not exist and has the name of a file.
    PermissionError
        If nothing may be written there.
    """
    folder = resolved(folder)
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"cannot write results to {folder}: {there} is a file, not a folder")
    if there != folder and folder.name.endswith(tuple(ending for known in ENDINGS.values() for ending in known)):
        raise NotADirectoryError(f"cannot write results to {folder}: that is the name of a file; name a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"cannot write results to {folder}: no permission to write in {there}")
    return folder


@contextmanager
def whole_folder(
    folder: PathLike,
    names: Collection[str],
    what: str = "results",
    *,
    overwrite: bool = False,
    by: Any = None,
    merged: Collection[str] = (),
) -> Iterator[Path]:
    """A place to write files that appear in a folder together, or not at all.

    Parameters
    ----------
    folder : str or path
        Made if it does not exist. Files in it of other names are left alone.
    names : collection of str
        All file names that may be written. Those in the folder from an earlier time and not written now are removed,
        so that what stands there is always of one piece.
    what : str
        What they hold, in a word for messages.
    overwrite, by
        As in `check_outputs`.
    merged : collection of str
        Further names, of files whose new content holds what the earlier one said: they need no word.

    Yields
    ------
    Path
        A new folder to write into. If the block raises, it is removed and `folder` is as it was.

    Raises
    ------
    FileExistsError
        As in `check_outputs`, before anything is written.
    """
    folder = check_folder(folder)
    check_outputs([(what, folder / name) for name in sorted(names)], overwrite, by)
    check_outputs([(what, folder / name) for name in merged], True)
    # Moving must stay within a file system: beside a folder that is new, inside one that may be a mount point.
    beside = folder if folder.exists() else folder.parent
    beside.mkdir(parents=True, exist_ok=True)
    work = beside / f".{folder.name[:80]}-{secrets.token_hex(6)}"
    try:
        new, old = work / "new", work / "old"
        new.mkdir(parents=True)
        old.mkdir()
        yield new
        written = sorted(path.name for path in new.iterdir())
        if folder.exists():
            _exchange(new, folder, old, {*names, *merged})
        else:
            new.rename(folder)
        for name in written:
            _written.pop(str(new / name), None)
            _take(folder / name, what, by)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _exchange(new: Path, folder: Path, old: Path, names: Collection[str]) -> None:
    """Move the new files in and the earlier ones out; back again if anything fails on the way."""
    moves = [(folder / name, old / name) for name in names if (folder / name).exists()]
    moves += [(path, folder / path.name) for path in sorted(new.iterdir())]
    done = []
    try:
        for source, target in moves:
            source.rename(target)
            done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            target.rename(source)
        raise
