"""What a key or a few typed words do in an explorer: one table, which the keys, their overlay and the search read."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from glmwidgets.panels.shared.explorer import SessionExplorer

# By how much a key moves the threshold, in z.
STEP = 0.1


class Action(NamedTuple):
    """A row of `ACTIONS`.

    Attributes
    ----------
    label : str
        What it does.
    keys : tuple of str
        As they are written; ``Mod`` is Ctrl, or Cmd on a Mac.
    act : callable or None
        ``act(explorer)``; None for what the page does by itself.
    also : tuple of str
        Phrases by which a person looks for it.
    there : callable
        ``there(explorer)``: whether this explorer has it.
    """

    label: str
    keys: tuple[str, ...]
    act: Callable[[Any], Any] | None = None
    also: tuple[str, ...] = ()
    there: Callable[[Any], bool] = lambda explorer: True


def _cluster(explorer: SessionExplorer, by: int) -> None:
    session = explorer.session
    clusters = session.clusters
    if clusters is None or not clusters.found:
        return
    here, n = int(clusters.labels[session.cursor]), len(clusters.found)
    # Outside of all, forwards is the first and backwards the last.
    at = here + by if here else (1 if by > 0 else n)
    explorer.clusters.go_to((at - 1) % n + 1)


def _contrast(explorer: SessionExplorer, by: int) -> None:
    contrast = explorer.session.settings.contrast
    n = len(contrast.expressions)
    if n > 1:
        explorer.session.update({"contrast.active": (contrast.active + by) % n})


def _threshold(explorer: SessionExplorer, by: int) -> None:
    result = explorer.session.result
    if result is None:
        return
    height = result.threshold if math.isfinite(result.threshold) else float(np.abs(result.searched.z).max())
    # From a value that lies between steps, to the next one.
    steps = math.floor(height / STEP + 1e-6) if by > 0 else math.ceil(height / STEP - 1e-6)
    value = max(0.0, round((steps + by) * STEP, 4))
    explorer.session.update({"threshold.height_control": "fixed", "threshold.value": value})


def _run(explorer: SessionExplorer, by: int) -> None:
    runs = explorer.outer
    if runs is not None:
        runs.go_to((runs.runs.shown + by) % len(runs.runs.every))


def _has_runs(explorer: Any) -> bool:
    return explorer.outer is not None


ACTIONS: dict[str, Action] = {
    "search": Action("Search everything that can be set, shown or kept", ("Mod+Shift+P", "/"), None, ("palette",)),
    "keys": Action("Show the keys", ("?",), lambda explorer: explorer.show_keys(), ("keyboard shortcuts", "help")),
    "undo": Action("Undo", ("u",), lambda explorer: explorer.session.undo(), ("take it back", "go back")),
    "redo": Action("Redo", ("Shift+U",), lambda explorer: explorer.session.redo(), ("take back the undo",)),
    "next cluster": Action("Next cluster", ("n",), lambda explorer: _cluster(explorer, 1), ("jump to a cluster",)),
    "previous cluster": Action("Previous cluster", ("p",), lambda explorer: _cluster(explorer, -1)),
    "next contrast": Action("Next contrast", ("c",), lambda explorer: _contrast(explorer, 1)),
    "previous contrast": Action("Previous contrast", ("Shift+C",), lambda explorer: _contrast(explorer, -1)),
    "threshold up": Action(
        "Higher threshold",
        ("+",),
        lambda explorer: _threshold(explorer, 1),
        ("stricter threshold", "raise the threshold", "threshold up", "fewer voxels"),
    ),
    "threshold down": Action(
        "Lower threshold",
        ("-",),
        lambda explorer: _threshold(explorer, -1),
        ("looser threshold", "lower the threshold", "threshold down", "more voxels"),
    ),
    "next run": Action("Next run", ("r",), lambda explorer: _run(explorer, 1), (), _has_runs),
    "previous run": Action("Previous run", ("Shift+R",), lambda explorer: _run(explorer, -1), (), _has_runs),
    "code": Action(
        "Show what was done as Python code",
        (),
        lambda explorer: explorer.show_code(),
        ("copy as code", "actions as python", "state of the explorer"),
    ),
    "tour": Action("Take the tour of five steps", (), lambda explorer: explorer.guide.begin_tour(), ("help me begin",)),
    "cross": Action("On the map: move the crosshair by a voxel", ("Arrows",)),
    "slice": Action("On the map: next or previous slice", ("Page Up", "Page Down")),
    "plane": Action("On the map: in which plane the keys move", ("x", "y", "z")),
    "size": Action("On the map: larger, smaller, whole", ("i", "o", "0"), None, ("zoom", "enlarge")),
    "peak": Action("On the map: to the peak of the slice, the cluster, the map", ("s", "k", "m"), None, ("maximum",)),
    "flip": Action("On the map, with a pinned model: A instead of B, while held", ("a",)),
    "copy": Action("On the map: copy the picture", ("Mod+C",)),
    "alone": Action("The map alone, and back", ("b",), None, ("full screen", "large map")),
    "series alone": Action("The series alone, and back", ("Shift+B",), None, ("large plot",)),
}


def actions_of(explorer: SessionExplorer) -> dict[str, Action]:
    """What an explorer can be asked for, by name: less what the page does by itself."""
    return {name: row for name, row in ACTIONS.items() if row.act is not None and row.there(explorer)}


def key_rows(explorer: SessionExplorer) -> list[dict[str, Any]]:
    """Keys that an explorer has, as `glmwidgets.panels.parts.guide.Guide` takes them."""
    there = {name: row for name, row in ACTIONS.items() if row.keys and row.there(explorer)}
    return [
        {"keys": list(row.keys), "label": row.label, "does": name if row.act is not None else ""}
        for name, row in there.items()
    ]
