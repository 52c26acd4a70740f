"""File names of BIDS: entities, suffixes, and which sidecars apply to which file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from glmwidgets.files.json_text import parse_json
from glmwidgets.files.paths import resolved
from glmwidgets.files.writing import noted
from glmwidgets.images.sidecar import read_sidecar

_NAME = re.compile(r"(?P<entities>(?:[a-z]+-[A-Za-z0-9+]+_)*)(?P<suffix>[A-Za-z0-9]+)(?P<ending>\.[A-Za-z0-9.]+)")

#: Entities of a derivative that its raw file, and what belongs to it, do not have.
DERIVED = ("space", "desc", "res", "den", "label")


@dataclass(frozen=True)
class BidsFile:
    """A file with a BIDS name.

    Attributes
    ----------
    path : Path
    entities : dict of str
        Such as ``{"sub": "01", "task": "rest"}``, in the name's order.
    suffix : str
        Such as ``bold``.
    ending : str
        Such as ``.nii.gz``.
    """

    path: Path
    entities: Mapping[str, str]
    suffix: str
    ending: str

    @classmethod
    def of(cls, path: Path) -> BidsFile | None:
        """Read a file's name; None if it is no BIDS name.

        Examples
        --------
        >>> BidsFile.of(Path("sub-01_task-rest_run-2_bold.nii.gz")).entities
        {'sub': '01', 'task': 'rest', 'run': '2'}
        """
        match = _NAME.fullmatch(path.name)
        if match is None:
            return None
        parts = (part.partition("-") for part in match["entities"].split("_") if part)
        return cls(path, {key: value for key, _, value in parts}, match["suffix"], match["ending"])


def same_value(a: str, b: str) -> bool:
    """Whether two values of an entity mean the same: ``run-1`` is ``run-01``."""
    return a == b or (a.isdigit() and b.isdigit() and int(a) == int(b))


def applies(file: BidsFile, to: BidsFile, ignoring: Iterable[str] = ()) -> bool:
    """Whether a file says something about another: all its entities are the other's, too.

    Parameters
    ----------
    file, to : BidsFile
    ignoring : iterable of str
        Entities of `file` that need no partner.
    """
    skipped = set(ignoring)
    return all(
        key in to.entities and same_value(value, to.entities[key])
        for key, value in file.entities.items()
        if key not in skipped
    )


def _upwards(start: Path, root: Path) -> list[Path]:
    """Folders from a dataset's root down to a file's."""
    folders = [start, *start.parents]
    return folders[: folders.index(root) + 1][::-1] if root in folders else [start]


def _named(folder: Path, suffix: str, endings: tuple[str, ...]) -> list[BidsFile]:
    found = (BidsFile.of(path) for path in sorted(folder.iterdir()) if path.is_file() or path.is_symlink())
    return [f for f in found if f is not None and f.suffix == suffix and f.ending in endings]


def nearest(
    to: BidsFile,
    folder: Path,
    root: Path,
    suffix: str,
    endings: tuple[str, ...],
    desc: str | None = None,
) -> list[BidsFile]:
    """Files of a suffix that apply to a file, from the nearest folder that has any, the most specific only.

    Parameters
    ----------
    to : BidsFile
    folder, root : Path
        Where to begin, and the dataset's root, where the search ends.
    suffix : str
    endings : tuple of str
    desc : str, optional
        Value that the files' ``desc`` must have.

    Returns
    -------
    list of BidsFile
        More than one only if nothing tells them apart.
    """
    for place in reversed(_upwards(folder, root)):
        if not place.is_dir():
            continue
        found = [f for f in _named(place, suffix, endings) if applies(f, to, ("desc",))]
        found = [f for f in found if desc is None or f.entities.get("desc") == desc]
        if found:
            most = max(len(f.entities) for f in found)
            return [f for f in found if len(f.entities) == most]
    return []


def sidecar(to: BidsFile, folder: Path, root: Path) -> dict[str, Any]:
    """Metadata of a file by the inheritance principle: those nearer to the file win.

    Parameters
    ----------
    to : BidsFile
    folder, root : Path
        The file's folder, and the dataset's root.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If a sidecar is not valid JSON, or no object; the message names it.
    """
    metadata: dict[str, Any] = {}
    for place in _upwards(folder, root):
        if not place.is_dir():
            continue
        applying = [f for f in _named(place, to.suffix, (".json",)) if applies(f, to)]
        for file in sorted(applying, key=lambda f: len(f.entities)):
            metadata.update(_object(read_sidecar(file.path), file.path))
    return metadata


def _object(content: Any, path: Path) -> dict[str, Any]:
    """What a file says of something, by name; other JSON is refused."""
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object: names with their values, in braces")
    return content


def linked_datasets(root: Path) -> list[Path]:
    """Folders of the datasets that a derivative says it was made of.

    Those of ``DatasetLinks`` and ``SourceDatasets`` in its description that are folders of this machine, and
    ``sourcedata/raw`` and ``sourcedata`` within it.

    Parameters
    ----------
    root : Path

    Returns
    -------
    list of Path

    Raises
    ------
    ValueError
        If the description is not valid JSON, or no object; the message names it.
    """
    said: dict[str, Any] = {}
    path = root / "dataset_description.json"
    if path.is_file():
        said = _object(parse_json(noted(path).read_bytes(), path), path)
    links, sources = said.get("DatasetLinks"), said.get("SourceDatasets")
    named = list(links.values()) if isinstance(links, Mapping) else []
    named += [each.get("URL") for each in sources if isinstance(each, Mapping)] if isinstance(sources, list) else []
    places = [unquote(urlsplit(each).path) for each in named if isinstance(each, str) and _is_local(each)]
    places = [root / place for place in (*places, "sourcedata/raw", "sourcedata")]
    return list(dict.fromkeys(resolved(place) for place in places if place.is_dir()))


def _is_local(address: str) -> bool:
    return urlsplit(address).scheme in ("", "file")
