"""Files from the network: resumed where they broke off, checked, kept.

Where nobody publishes a checksum the first download is taken on trust. Its SHA-256 is noted beside it, and what is
found there or downloaded later must agree with the note.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmwidgets.files.paths import resolved
from glmwidgets.files.writing import write_text
from glmwidgets.glm.errors import GlmwidgetsError, told

BLOCK = 1 << 16
NOTES = ".checksums.json"
TIMEOUT = 30


class DownloadError(GlmwidgetsError, OSError):
    """A file that could not be had; says why and what to do."""


@dataclass(frozen=True)
class Remote:
    """A file of a data set.

    Attributes
    ----------
    name : str
        Path within the data set's folder.
    url : str
    checksum : str or None
        The digits of its SHA-256, or ``md5:`` and those of its MD5; None where nobody publishes one.
    """

    name: str
    url: str
    checksum: str | None = None


def data_folder(data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Where downloads are kept.

    Parameters
    ----------
    data_dir : str or path, optional
        By default the folder that ``GLMWIDGETS_DOWNLOADS`` names, or else ``glmwidgets`` in the user's cache.

    Returns
    -------
    Path
    """
    given = data_dir or os.environ.get("GLMWIDGETS_DOWNLOADS")
    return resolved(given) if given else Path(_pooch().os_cache("glmwidgets"))


def download(remote: Remote, folder: str | os.PathLike[str], progress: bool = True, unpack: bool = False) -> Path:
    """Download a file, unless it is there already.

    Parameters
    ----------
    remote : Remote
    folder : str or path
        Where to keep it; made if it does not exist.
    progress : bool
        Whether to show a progress bar.
    unpack : bool
        Whether it is an archive (.zip, .tar.gz) that is unpacked into a folder of its name.

    Returns
    -------
    Path
        Of the file, or of the folder that it was unpacked to.

    Raises
    ------
    DownloadError
        If it cannot be reached, broke off, or is not the file that it should be. What came so far is kept, and the
        next call goes on from there.
    ImportError
        If pooch or tqdm is not installed.
    """
    pooch, folder = _pooch(), Path(folder)
    known = remote.checksum or _notes(folder).get(remote.name)
    path = folder / remote.name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        pooch.retrieve(
            remote.url,
            known_hash=known,
            fname=path.name,
            path=path.parent,
            downloader=_Resuming(progress),
        )
    except ValueError as error:  # pooch's word for a wrong checksum
        first = f"the one that was first downloaded ({folder / NOTES})"
        origin = "its published checksum" if remote.checksum else first
        raise DownloadError(f"{remote.url} is not the same file as {origin}: {error}") from error
    if known is None:
        _note(folder, remote.name, pooch.file_hash(path, alg="sha256"))
    return _unpacked(path, pooch) if unpack else path


def _pooch() -> Any:
    try:
        import pooch
        import tqdm  # noqa: F401
    except ModuleNotFoundError as error:
        raise ImportError(
            f'downloads need {error.name}: python -m pip install "glmwidgets[download]" brings it'
        ) from error
    # What it has to say, it says in exceptions and in its return values.
    pooch.get_logger().setLevel("WARNING")
    return pooch


def _notes(folder: Path) -> dict[str, str]:
    path = folder / NOTES
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _note(folder: Path, name: str, sha256: str) -> None:
    text = json.dumps({**_notes(folder), name: sha256}, indent=2, sort_keys=True) + "\n"
    write_text(folder / NOTES, text, "checksums", overwrite=True)


def _unpacked(path: Path, pooch: Any) -> Path:
    """Folder with the archive's content, complete or not there at all."""
    folder = path.with_name(path.name.split(".")[0])
    if folder.is_dir():
        return folder
    work = path.with_name(f".{folder.name}.new")
    shutil.rmtree(work, ignore_errors=True)
    processor = pooch.Unzip if path.suffix == ".zip" else pooch.Untar
    processor(extract_dir=str(work))(str(path), "download", None)
    work.rename(folder)
    return folder


class _Resuming:
    """A downloader for pooch that goes on where an earlier download broke off."""

    def __init__(self, progress: bool):
        self.progress = progress

    def __call__(self, url: str, output_file: str, pooch: Any, check_only: bool = False) -> None:
        # The name of pooch's own temporary file changes from call to call; the part must not.
        part = Path(output_file).parent / f".{_safe(url)}.part"
        tag = part.with_suffix(".etag")
        try:
            self._fetch(url, part, tag)
        except urllib.error.HTTPError as error:
            raise DownloadError(f"{url} answers {error.code} {error.reason}; the file may have moved") from error
        except (OSError, EOFError) as error:
            if isinstance(error, DownloadError):
                raise
            reason = getattr(error, "reason", error)
            reason = told(reason) if isinstance(reason, BaseException) else reason
            raise DownloadError(
                f"{url} cannot be reached ({reason}). Without a network, get the file elsewhere and put it in "
                f"{part.parent}; simulate_run() needs no download"
            ) from error
        shutil.move(part, output_file)
        tag.unlink(missing_ok=True)

    def _fetch(self, url: str, part: Path, tag: Path) -> None:
        start = part.stat().st_size if part.is_file() else 0
        request = urllib.request.Request(url, headers={"User-Agent": "glmwidgets"})
        if start and tag.is_file():
            # Only if the file is still the one that the part came from; otherwise the server sends it whole.
            request.add_header("Range", f"bytes={start}-")
            request.add_header("If-Range", tag.read_text(encoding="utf-8"))
        else:
            start = 0
        try:
            answer = urllib.request.urlopen(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
            # There is nothing after what we have: it is complete, or of another file.
            if error.headers.get("Content-Range", "").endswith(f"/{start}"):
                return
            part.unlink()
            return self._fetch(url, part, tag)
        with answer:
            goes_on = answer.status == 206
            length = answer.headers.get("Content-Length")
            size = (int(length) + (start if goes_on else 0)) if length else None
            etag = answer.headers.get("ETag")
            if etag and not etag.startswith("W/"):
                write_text(tag, etag, "state of a download", overwrite=True)
            else:
                tag.unlink(missing_ok=True)
            with part.open("ab" if goes_on else "wb") as file, self._bar(url, size, start if goes_on else 0) as bar:
                while block := answer.read(BLOCK):
                    file.write(block)
                    bar.update(len(block))
        got = part.stat().st_size
        if size is not None and got < size:
            raise DownloadError(f"{url} broke off after {got:,} of {size:,} bytes; call again to go on from there")

    @contextlib.contextmanager
    def _bar(self, url: str, size: int | None, start: int) -> Any:
        from tqdm.auto import tqdm

        name = url.rsplit("/", 1)[-1][:40] or url
        options = {"unit": "B", "unit_scale": True, "disable": not self.progress, "leave": False}
        with tqdm(total=size, initial=start, desc=name, **options) as bar:
            yield bar


def _safe(url: str) -> str:
    import hashlib

    return hashlib.sha256(url.encode()).hexdigest()[:24]
