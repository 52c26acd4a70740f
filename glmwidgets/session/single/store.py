"""A session as a file: readable JSON from which the same state and the same maps come back."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from glmwidgets.files.envelope import read_session, session_text
from glmwidgets.files.json_tree import JsonTree, converted
from glmwidgets.files.writing import keep, write_text
from glmwidgets.glm.errors import about
from glmwidgets.glm.response.given_functions import HELD
from glmwidgets.runs.opening import open_again
from glmwidgets.runs.run import Run, content_hash
from glmwidgets.session.core.ledger import Ledger
from glmwidgets.session.single.session import Session
from glmwidgets.specification.looks import looks_of_file
from glmwidgets.specification.settings import Settings

INPUTS = ("bold", "events", "confounds", "mask", "anatomical", "design")

#: What the arguments of the explorer's `load` are called, where that is another name.
_ARGUMENTS = {"design": "design_matrices"}

#: Values of a table that was given in memory and goes into the file: more than this has to be given again.
MOST_VALUES = 100_000


def _tables(run: Run) -> dict[str, dict[str, list[Any]]]:
    """Small tables that no file holds, as columns of JSON values."""
    tables = {name: getattr(run, name) for name in ("events", "confounds", "design") if not getattr(run.inputs, name)}
    return {
        name: {str(column): [None if pd.isna(v) else v for v in table[column].tolist()] for column in table}
        for name, table in tables.items()
        if table is not None and table.size <= MOST_VALUES
    }


def not_kept(run: Run, settings: Settings) -> tuple[str, ...]:
    """What a saved session neither names nor holds, and has to be given again to open it: inputs, and functions."""
    given, tables = _contents(run), _tables(run)
    inputs = (n for n in INPUTS if given[n] is not None and not getattr(run.inputs, n) and n not in tables)
    response = settings.design.hrf_model
    return (*inputs, *([f"the response {response}"] if response in HELD else []))


def _contents(run: Run) -> dict[str, Any]:
    return {
        "bold": run.img,
        "events": run.events,
        "confounds": run.confounds,
        "mask": run.mask_img,
        "anatomical": run.anatomical,
        "design": run.design,
    }


#: What stands behind the name of an input whose checksum is of its volumes in the order of time.
BY_SCAN = " by scan"


def _fingerprints(run: Run) -> dict[str, int]:
    """Checksums of all inputs, by name."""
    there = {name: content for name, content in _contents(run).items() if content is not None}
    names = {name: name + BY_SCAN * (getattr(content, "ndim", 0) == 4) for name, content in there.items()}
    return {names[name]: content_hash(content, names[name] != name) for name, content in there.items()}


def save_session(session: Session, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a session to a file, whole or not at all.

    Parameters
    ----------
    session : Session
    path : str or path
    overwrite : bool
        Whether a file that exists may be replaced. The one that this session was saved to, or opened from, may.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    FileExistsError
        If the file was read as an input, or exists and may not be replaced.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_session(session, Path(folder) / "session.json").name
    'session.json'
    """
    with session.lock:
        tree = session_tree(session)
    return write_text(path, session_text("run", tree), "session", overwrite=overwrite, by=session)


def session_tree(session: Session) -> dict[str, Any]:
    """What a file holds of a session."""
    run = session.analysis.run  # with the clock that it was opened with: another is a setting
    given = _contents(run)
    return {
        "run": {
            "name": run.name,
            "shape": [*run.domain.shape, run.n_scans],
            "t_r": run.t_r,
            "in_memory": [name for name in INPUTS if given[name] is not None and not getattr(run.inputs, name)],
            "tables": _tables(run),
            "checksums": _fingerprints(run),
        },
        "settings": session.settings.to_dict(),
        "cursor": list(session.cursor),
        "pinned": None if session.pinned is None else session.pinned.settings.to_dict(),
        "ledger": session.ledger.to_dict(),
    }


def load_session(
    path: str | PathLike[str],
    bold: Any = None,
    events: Any = None,
    *,
    confounds: Any = None,
    mask: Any = None,
    anatomical: Any = None,
    design: Any = None,
    synchronous: bool = False,
) -> Session:
    """Open a session that was saved.

    Parameters
    ----------
    path : str or path
    bold, events, confounds, mask, anatomical, design : optional
        Inputs to use instead of the files that the session names. Images that were given in
        memory are not in the file and must be given again.
    synchronous : bool
        See `Session`.

    Returns
    -------
    Session
        Nothing is computed yet.

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

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from glmwidgets.session.single.store import save_session
    >>> with TemporaryDirectory() as folder:
    ...     path = save_session(session, Path(folder) / "session.json")
    ...     again = load_session(path, session.run.img, synchronous=True)
    >>> again.settings.contrast == session.settings.contrast
    True
    """
    path = Path(path).expanduser()
    _, tree = read_session(path, "run")
    saved = SavedRun.of(tree, looks_of_file(tree))
    tree.warn(path.name)
    parts = (bold, events, confounds, mask, anatomical, design)
    run = saved.open(path, dict(zip(INPUTS, parts, strict=True)))
    session = Session(run, saved.settings_of(run), synchronous)
    saved.restore(session)
    keep(path, "session", session)
    return session


@dataclass(frozen=True)
class SavedRun:
    """What a file holds of a run and its session.

    Attributes
    ----------
    settings : Settings
    ledger : Ledger
    pinned : Settings or None
    cursor : tuple of int or None
    shape : tuple of int or None
        Of the image.
    t_r : float or None
    in_memory : tuple of str
        Inputs that had been given in memory.
    checksums : dict
        Of the values of each input.
    tables : dict
        Small tables of those that had been given in memory.
    """

    settings: Settings
    ledger: Ledger
    pinned: Settings | None
    cursor: tuple[int, int, int] | None
    shape: tuple[int, ...] | None
    t_r: float | None
    in_memory: tuple[str, ...]
    checksums: dict[str, int]
    tables: dict[str, pd.DataFrame]

    @classmethod
    def of(cls, tree: JsonTree, looks: Mapping[str, Any]) -> SavedRun:
        """Read what `session_tree` gave, with the settings of the map that the file holds elsewhere."""
        settings, facts = Settings.read(tree.branch("settings")).updated(looks), tree.branch("run")
        return cls(
            settings,
            Ledger.read(tree.branch("ledger")),
            None if (pinned := tree.perhaps("pinned")) is None else Settings.read(pinned),
            tree.leaf("cursor", tuple[int, int, int]),
            facts.leaf("shape", tuple[int, ...]),
            facts.leaf("t_r", float),
            tuple(name for name in facts.leaf("in_memory", tuple[str, ...], ()) if name in INPUTS),
            facts.leaf("checksums", dict[str, int], {}),
            _read_tables(facts.branch("tables")) if "tables" in facts else {},
        )

    def open(self, path: Path, given: Mapping[str, Any], which: str = "") -> Run:
        """Open the run, from its files or from what is given in their place.

        Parameters
        ----------
        path : Path
            Of the session, for messages.
        given : mapping
            By name of input; None for what is to come from its file.
        which : str
            Which of several runs, for messages.
        """
        given = {name: self.tables.get(name) if value is None else value for name, value in given.items()}
        run = _open(path, self, given, which)
        shape = (*run.domain.shape, run.n_scans)
        if self.shape is not None and shape != self.shape:
            raise ValueError(
                f"{path} was saved from a run of shape {self.shape}, but the image{which} has shape {shape}"
            )
        _warn_of_other_values(path, run, self.checksums, which)
        return run

    def settings_of(self, run: Run) -> Settings:
        """The settings, with the inputs of the run that was opened."""
        return _with_inputs(self.settings, run)

    def restore(self, session: Session) -> None:
        """Give a new session of that run what it had beside its settings."""
        session.ledger = self.ledger
        if self.cursor is not None:
            session.move_to(self.cursor)
        if self.pinned is not None:
            session.pin_later(_with_inputs(self.pinned, session.run))


def _read_tables(tree: JsonTree) -> dict[str, pd.DataFrame]:
    found = {}
    for name, columns in tree.items():
        try:
            found[name] = pd.DataFrame(converted(columns, dict[str, list]))
        except ValueError as error:
            tree.drop(name, columns, error)
    return found


def _with_inputs(settings: Settings, run: Run) -> Settings:
    return settings.updated({f"inputs.{name}": getattr(run.inputs, name) for name in (*INPUTS, "said_by")})


def _open(path: Path, saved: SavedRun, given: Mapping[str, Any], which: str) -> Run:
    inputs, missing = saved.settings.inputs, "[...]" if which else "..."
    wanted = [name for name in saved.in_memory if given[name] is None]
    if wanted:
        arguments = ", ".join(f"{_ARGUMENTS.get(name, name)}={missing}" for name in wanted)
        raise ValueError(
            f"{path.name} holds no data, and {' and '.join(wanted)}{which} had been given in memory: give them again, "
            f"glmwidgets.explore.load({path.name!r}, {arguments})"
        )
    if inputs.bold is None and given["bold"] is None:
        raise ValueError(
            f"{path.name} does not say which image{which} it is of: give it, "
            f"glmwidgets.explore.load({path.name!r}, bold={missing})"
        )
    for name in INPUTS:
        file = getattr(inputs, name) if given[name] is None else given[name]
        if isinstance(file, str) and not Path(file).exists():
            raise FileNotFoundError(
                f"{path.name} needs the {name} file {file}{which}, which is not there; if it has moved, give it: "
                f"glmwidgets.explore.load({path.name!r}, {_ARGUMENTS.get(name, name)}={missing})"
            )
    # Scans in even steps have the t_r of then, which the header of another file may not say.
    try:
        return open_again(replace(inputs, t_r=saved.t_r), **given)
    except ValueError as error:
        raise about(f"{path.name}{which}", error) from error


def _warn_of_other_values(path: Path, run: Run, checksums: Mapping[str, int], which: str) -> None:
    there, changed = _contents(run), []
    for written, kept in checksums.items():
        name = written.removesuffix(BY_SCAN)
        if there[name] is None or content_hash(there[name], name != written) != kept:
            changed.append(name)
    if changed:
        warnings.warn(
            f"{' and '.join(changed)}{which}: other values than when {path.name} was saved, so the maps will differ",
            UserWarning,
            stacklevel=5,
        )
