"""Figures of many runs, a strip for each; `web/strips.js` is its other half."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import traitlets as t

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.panels.parts.page_messages import below, heard
from glmwidgets.web import script


class Strips(Drawn):
    """A dot for each run in the strip of each figure; one run is marked in all.

    Attributes
    ----------
    figures : list of dict
        ``label``, ``unit``, ``help``, ``low`` and ``high`` (values at both ends).
    names : list of str
        Of the runs.
    values : bytes
        float32, one a figure and run.
    unusual : bytes
        uint8, of the same shape.
    here : int
        Run that is looked at; -1 for none.
    brushed, out : list of int
        Runs that are marked, and those that are left out.

    Examples
    --------
    >>> strips = Strips(names=["a", "b"])
    >>> strips.show([("mean FD", "mm", "")], np.array([[0.1, 0.4]]), np.array([[False, True]]))
    >>> strips.figures[0]["low"], strips.figures[0]["high"]
    (0.1, 0.4)
    """

    _esm = script("strips.js")

    figures = t.List(t.Dict()).tag(sync=True)
    names = t.List(t.Unicode()).tag(sync=True)
    values = t.Bytes(b"").tag(sync=True)
    unusual = t.Bytes(b"").tag(sync=True)
    here = t.Int(-1).tag(sync=True)
    brushed = t.List(t.Int()).tag(sync=True)
    out = t.List(t.Int()).tag(sync=True)

    def show(self, figures: Sequence[tuple[str, str, str]], values: np.ndarray, unusual: np.ndarray) -> None:
        """Show other figures, in one message.

        Parameters
        ----------
        figures : sequence of (label, unit, help)
        values : array of shape (n_figures, n_runs)
            NaN for what is not known.
        unusual : bool array of the same shape
        """
        rows = []
        for (label, unit, about), of in zip(figures, values, strict=True):
            known = of[np.isfinite(of)]
            low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
            rows.append({"label": label, "unit": unit, "help": about, "low": low, "high": high})
        with self.hold_sync():
            self.figures = rows
            self.values = np.ascontiguousarray(values, dtype=np.float32).tobytes()
            self.unusual = np.ascontiguousarray(unusual, dtype=np.uint8).tobytes()

    def on_pick(self, handler: Callable[[int], Any]) -> None:
        """Call a handler with the run that a person picks."""
        heard(self, "pick", handler, row=below(lambda: len(self.names)))
