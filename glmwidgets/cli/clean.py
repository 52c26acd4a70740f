"""``glmwidgets clean``: notebooks without what their cells gave, for a teacher who hands one out, and for a repository.

A notebook that was run keeps more than the outputs of its cells: JupyterLab saves the state of every widget in the
notebook's metadata, data of the fit included, and tools that clear outputs leave that state behind.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glmwidgets.cli import CommandError, Parser
from glmwidgets.files.writing import write_text
from glmwidgets.plural import count


def clean(argv: Sequence[str]) -> int:
    """Remove outputs, counts and widget state from notebooks, or say which ones hold any.

    Parameters
    ----------
    argv : sequence of str
        Words after ``glmwidgets clean``.

    Returns
    -------
    int
        Exit code: 1 if ``--check`` found something to remove.
    """
    parser = Parser(
        prog="glmwidgets clean",
        description="Remove the outputs of notebooks, their execution counts and the saved state of their widgets, "
        "which tools that clear outputs leave behind. The files are changed in place.",
        allow_abbrev=False,
    )
    parser.add_argument("notebooks", nargs="+", metavar="NOTEBOOK", help="notebook (.ipynb)")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit code 1 if there is something to remove"
    )
    given = parser.parse_intermixed_args(list(argv))
    # All are read before one is changed: a file that is no notebook leaves all as they are.
    texts = {Path(name): _read(Path(name)) for name in given.notebooks}
    found = {path: cleaned(notebook) for path, notebook in texts.items()}
    for path, (notebook, removed) in found.items():
        if removed and not given.check:
            write_text(path, json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", "notebook", overwrite=True)
        held = ", ".join(removed) or "nothing"
        print(f"{path}: {'holds' if given.check else 'removed'} {held}", file=sys.stderr if given.check else sys.stdout)
    return int(given.check and any(removed for _, removed in found.values()))


def cleaned(notebook: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A notebook without outputs, execution counts and widget state, and what was removed.

    Parameters
    ----------
    notebook : dict
        As in the file; it is not changed.

    Returns
    -------
    notebook : dict
    removed : list of str
        In words; empty if there was nothing.

    Examples
    --------
    >>> cell = {"cell_type": "code", "outputs": [{}], "execution_count": 3, "metadata": {}, "source": "x"}
    >>> widgets = {"application/vnd.jupyter.widget-state+json": {"state": {"a": {}, "b": {}}}}
    >>> notebook, removed = cleaned({"cells": [cell], "metadata": {"widgets": widgets}})
    >>> removed
    ['outputs of 1 cell', 'state of 2 widgets']
    >>> notebook["cells"][0]["outputs"], notebook["metadata"]
    ([], {})
    """
    cells, ran, timed = [], 0, 0
    for cell in notebook["cells"]:
        cell = dict(cell)
        if cell.get("cell_type") == "code":
            ran += bool(cell.get("outputs")) or cell.get("execution_count") is not None
            cell |= {"outputs": [], "execution_count": None}
        metadata = dict(cell.get("metadata", {}))
        timed += metadata.pop("execution", None) is not None
        if "metadata" in cell:
            cell["metadata"] = metadata
        cells.append(cell)
    metadata = dict(notebook.get("metadata", {}))
    state = metadata.pop("widgets", None)
    removed = [_counted("outputs of", ran, "cell")] if ran else []
    if timed:
        removed.append(_counted("times of", timed, "cell"))
    if state is not None:
        removed.append(_counted("state of", _n_widgets(state), "widget"))
    return {**notebook, "cells": cells, "metadata": metadata}, removed


def _read(path: Path) -> dict[str, Any]:
    try:
        notebook = json.loads(path.expanduser().read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} is not a notebook: it is not JSON ({error})") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise CommandError(f"{path} is not a notebook of format 4: it has no list of cells")
    for place in (notebook, *cells):
        if not isinstance(place.get("metadata", {}), dict):
            raise CommandError(f"{path} is not a notebook of format 4: metadata must be an object")
    return notebook


def _n_widgets(state: Any) -> int:
    kinds = state.values() if isinstance(state, dict) else []
    return sum(len(kind["state"]) for kind in kinds if isinstance(kind, dict) and isinstance(kind.get("state"), dict))


def _counted(of: str, n: int, what: str) -> str:
    return f"{of} {count(n, what)}"
