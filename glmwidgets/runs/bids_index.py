"""Index of a BIDS dataset: every functional image, and what belongs to each, found when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmwidgets.datasets.run_files import FoundRun
from glmwidgets.glm.errors import MissingFileError
from glmwidgets.runs.bids import bold_files, complete_run, fits, raw_root
from glmwidgets.runs.bids_files import BidsFile


@dataclass(frozen=True)
class IndexedRun:
    """A functional image of a dataset.

    Attributes
    ----------
    file : BidsFile
        Its path and the entities of its name.
    place : Path
        Root of the dataset that it lies in.
    raw : Path or None
        Root of the raw dataset, where its events are.
    """

    file: BidsFile
    place: Path
    raw: Path | None

    @property
    def subject(self) -> str:
        """Label of the participant, without ``sub-``."""
        return self.file.entities["sub"]

    def entity(self, key: str) -> str:
        """Value of an entity of its name; empty if it has none."""
        return self.file.entities.get(key, "")

    @property
    def order(self) -> tuple:
        """By which runs of a participant follow each other: session, then number."""
        session, run = self.entity("ses"), self.entity("run")
        return (len(session), session, len(run), run)

    def open(self, confounds: Any = None, **options: Any) -> FoundRun:
        """Find what belongs to it: events, mask, confounds, clock; see `glmwidgets.runs.bids.find_run`."""
        return complete_run(self.file, self.place, self.raw, confounds, options)


def labels_of(subjects: str | Sequence[str]) -> list[str]:
    """Labels of participants as they stand in names of folders: one or several, with or without ``sub-``.

    Examples
    --------
    >>> labels_of("sub-01"), labels_of(["01", "sub-02"])
    (['01'], ['01', '02'])
    """
    return [str(each).removeprefix("sub-") for each in ([subjects] if isinstance(subjects, str) else subjects)]


def index_dataset(
    place: str | os.PathLike[str],
    *,
    raw: str | os.PathLike[str] | None = None,
    subjects: str | Sequence[str] | None = None,
    entities: Mapping[str, str] | None = None,
) -> list[IndexedRun]:
    """List the functional images of a dataset, by subject, session and run.

    Parameters
    ----------
    place : str or path
        Root of a raw dataset, or of derivatives.
    raw : str or path, optional
        Root of the raw dataset of these derivatives; by default it is looked for.
    subjects : str or sequence of str, optional
        Labels, with or without ``sub-``; all by default.
    entities : mapping, optional
        What their names must hold: ``{"task": "rest", "space": "T1w"}``; ``"none"`` for the lack of an entity.

    Returns
    -------
    list of IndexedRun
        By subject, session and run.

    Raises
    ------
    MissingFileError
        If there is no such folder.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     folder = Path(root) / "sub-01" / "func"
    ...     folder.mkdir(parents=True)
    ...     _ = (folder / "sub-01_task-rest_run-2_bold.nii.gz").write_bytes(b"")
    ...     _ = (folder / "sub-01_task-rest_run-1_bold.nii.gz").write_bytes(b"")
    ...     [run.entity("run") for run in index_dataset(root, entities={"task": "rest"})]
    ['1', '2']
    """
    root = Path(place).expanduser()
    if not root.is_dir():
        raise MissingFileError(f"there is no dataset at {root}")
    labels = sorted(p.name.removeprefix("sub-") for p in root.glob("sub-*") if p.is_dir())
    asked = labels if subjects is None else labels_of(subjects)
    chosen = [label for label in labels if label in set(asked)]
    found = []
    for label in chosen:
        of = Path(raw).expanduser() if raw is not None else raw_root(root, root, label)
        files = [file for file in bold_files(root / f"sub-{label}", derived=True) if fits(file, entities or {})]
        found += sorted((IndexedRun(file, root, of) for file in files), key=lambda run: run.order)
    return found
