"""Several runs as one file: readable JSON from which the same tabs and the same maps come back."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from glmwidgets.files.envelope import read_session, session_text
from glmwidgets.files.writing import keep, write_text
from glmwidgets.glm.errors import about
from glmwidgets.plural import count
from glmwidgets.runs.run import run_name
from glmwidgets.session.core.ledger import Ledger
from glmwidgets.session.several.runs import RunSet
from glmwidgets.session.single.store import INPUTS, SavedRun, session_tree
from glmwidgets.specification.fixed import FixedSettings
from glmwidgets.specification.looks import looks_of_file
from glmwidgets.specification.settings import Settings


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

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session.several.runs import RunSet
    >>> runs = [open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60, seed=seed)) for seed in (1, 2)]
    >>> of = RunSet(runs, synchronous=True)
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_runs(of, Path(folder) / "runs.json").name
    'runs.json'
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

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session.several.runs import RunSet
    >>> runs = [open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60, seed=seed)) for seed in (1, 2)]
    >>> of = RunSet(runs, synchronous=True)
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from glmwidgets.session.several.store import save_runs
    >>> with TemporaryDirectory() as folder:
    ...     path = save_runs(of, Path(folder) / "runs.json")
    ...     again = load_runs(path, synchronous=True, bold=[session.run.img for session in of.sessions])
    >>> again.names == of.names
    True
    """
    path = Path(path).expanduser()
    _, tree = read_session(path, "runs")
    looks = looks_of_file(tree)
    shared, fixed = Settings.read(tree.branch("shared")).updated(looks), tree.branch("fixed")
    chosen = FixedSettings.read(fixed.branch("settings")).updated(looks)
    ledger, cursor = Ledger.read(fixed.branch("ledger")), tree.leaf("cursor", tuple[int, int, int])
    saved = [SavedRun.of(part, looks) for part in tree.branches("runs")]
    if not saved:
        raise ValueError(f"{path.name} holds no run that can be read")
    own = tree.leaf("own", tuple[int, ...], ())
    own, wrong = [i for i in own if 0 <= i < len(saved)], [i for i in own if not 0 <= i < len(saved)]
    for i in wrong:
        tree.drop("own", i, f"there is no run of number {i}, counted from 0")
    shown = tree.leaf("shown", int, 0)
    if not 0 <= shown <= len(saved):
        tree.drop("shown", shown, f"there are {count(len(saved), 'run')}")
        shown = 0
    tree.warn(path.name)
    n, runs = len(saved), []
    for i, one in enumerate(saved):
        given = {name: _entry(name, inputs.get(name), i, n) for name in INPUTS}
        runs.append(one.open(path, given, f" of {run_name(i)}"))
    try:
        found = RunSet(runs, synchronous=synchronous)
    except ValueError as error:
        raise about(path.name, error) from error
    found.take(shared, [one.settings_of(run) for one, run in zip(saved, runs, strict=True)], own, chosen)
    for session, one in zip(found.sessions, saved, strict=True):
        one.restore(session)
    found.fixed.ledger = ledger
    found.begin_at(shown, found.current.cursor if cursor is None else cursor)
    keep(path, "session", found)
    return found


def _entry(name: str, given: Any, i: int, n: int) -> Any:
    if given is None:
        return None
    entries = list(given) if isinstance(given, list | tuple) else [given] * n
    if len(entries) != n:
        there = count(len(entries), "entry", "entries")
        raise ValueError(f"{name}: {there} for {count(n, 'run')}; give one for each run")
    return entries[i]
