"""Several runs as one file: readable JSON from which the same tabs and the same maps come back."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from glmwidgets.files.envelope import read_session, readable, session_text
from glmwidgets.files.writing import keep, write_text
from glmwidgets.runs.run import run_name
from glmwidgets.session.core.ledger import Ledger
from glmwidgets.session.several.runs import RunSet
from glmwidgets.session.single.store import INPUTS, SavedRun, session_tree
from glmwidgets.specification.fixed import FixedSettings
from glmwidgets.specification.looks import looks_of_file
from glmwidgets.specification.settings import Settings

__all__ = ["load_runs", "save_runs"]


def save_runs(of: RunSet, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write several runs and their fixed effects to a file, whole or not at all.

    Parameters
    ----------
    of : RunSet
    path : str or path
    overwrite : bool
        As in `glmwidgets.session.single.store.save_session`.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError, FileExistsError
        As in `glmwidgets.session.single.store.save_session`.
    """
    with of.lock:
        of.bring_all()
        tree = {
            "shared": of.shared.to_dict(),
            "own": list(of.own),
            "shown": of.shown,
            "cursor": list(of.current.cursor),
            "runs": [session_tree(session) for session in of.sessions],
            "fixed": {"settings": of.fixed.settings.to_dict(), "ledger": of.fixed.ledger.to_dict()},
        }
    return write_text(path, session_text("runs", tree), "session", overwrite=overwrite, by=of)


def load_runs(path: str | PathLike[str], synchronous: bool = False, **inputs: Sequence[Any] | None) -> RunSet:
    """Open runs that were saved.

    Parameters
    ----------
    path : str or path
    synchronous : bool
        See `RunSet`.
    **inputs : sequences
        ``bold``, ``events``, ``confounds``, ``mask``, ``anatomical``: one entry a run, to use instead of the file that
        is named. Images that were given in memory are not in the file and must be given again.

    Returns
    -------
    RunSet
        Nothing is computed yet.

    Raises
    ------
    FileNotFoundError
        If the file, or one that it names, is missing.
    ValueError
        If it does not hold runs, or an input has to be given again or does not fit.
    """
    path = Path(path).expanduser()
    _, tree = read_session(path, "runs")
    with readable(path):
        own, shown, looks = tuple(tree["own"]), int(tree["shown"]), looks_of_file(tree)
        shared = Settings.from_dict(tree["shared"]).updated(looks)
        fixed = FixedSettings.from_dict(tree["fixed"]["settings"]).updated(looks)
        ledger, cursor = Ledger.from_dict(tree["fixed"]["ledger"]), tuple(tree["cursor"])
        saved = [SavedRun.of(part, looks) for part in tree["runs"]]
    n, runs = len(saved), []
    for i, one in enumerate(saved):
        given = {name: _entry(name, inputs.get(name), i, n) for name in INPUTS}
        runs.append(one.open(path, given, f" of {run_name(i)}"))
    found = RunSet(runs, synchronous=synchronous)
    found.take(shared, [one.settings_of(run) for one, run in zip(saved, runs, strict=True)], own, fixed)
    for session, one in zip(found.sessions, saved, strict=True):
        one.restore(session)
    found.fixed.ledger = ledger
    found.begin_at(shown, cursor)
    keep(path, "session", found)
    return found


def _entry(name: str, given: Any, i: int, n: int) -> Any:
    if given is None:
        return None
    entries = list(given) if isinstance(given, list | tuple) else [given] * n
    if len(entries) != n:
        raise ValueError(f"{len(entries)} entries of {name} were given for {n} runs")
    return entries[i]
