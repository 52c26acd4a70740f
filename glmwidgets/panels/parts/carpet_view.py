"""The carpet on a canvas, with measures of each scan above it; `web/carpet_view.js` is the other half."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import traitlets as t

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.panels.parts.page_messages import heard, is_whole
from glmwidgets.web import script


class CarpetView(Drawn):
    """A picture of voxels by scans over which one points and clicks.

    Attributes
    ----------
    row : float
        Where the crosshair's voxel is, in rows from the top; negative for nowhere.
    marker : float or None
        Time of the scan that is shown.
    regions : list of dict
        Stretches of the strip below the carpet, from `glmwidgets.panels.parts.chart.region`.
    height : int
        Pixels.
    resting : str
        What stands below while nothing is pointed at.

    Examples
    --------
    >>> view = CarpetView()
    >>> view.show(np.zeros((3, 4)), np.arange(4.0), 2.0, [5, 5, 4], {"FD": ("mm", np.zeros(4))})
    >>> view.picture["shape"], [trace["label"] for trace in view.picture["traces"]]
    ((3, 4), ['FD'])
    """

    _esm = script("carpet_view.js")

    picture = t.Dict().tag(sync=True)
    row = t.Float(-1.0).tag(sync=True)
    marker = t.Float(None, allow_none=True).tag(sync=True)
    regions = t.List().tag(sync=True)
    height = t.Int(190).tag(sync=True)
    label = t.Unicode("carpet").tag(sync=True)
    resting = t.Unicode("").tag(sync=True)

    def show(
        self,
        rows: np.ndarray,
        times: np.ndarray,
        limit: float,
        sizes: Sequence[int],
        traces: Mapping[str, tuple[str, np.ndarray]],
    ) -> None:
        """Show another carpet.

        Parameters
        ----------
        rows : array of shape (n_rows, n_scans)
        times : array of shape (n_scans,)
            Seconds.
        limit : float
            Value that is shown white; its negative is black.
        sizes : sequence of int
            Voxels in each row.
        traces : mapping from label to (unit, values of shape (n_scans,))
        """
        greys = np.clip(np.rint(127.5 + 127.5 * rows / limit), 0, 255).astype(np.uint8)
        self.picture = {
            "shape": rows.shape,
            "greys": greys.tobytes(),
            "limit": float(limit),
            "times": np.asarray(times, np.float32).tobytes(),
            "sizes": np.asarray(sizes, np.int32).tobytes(),
            "traces": [
                {"label": label, "unit": unit, "values": np.asarray(values, np.float32).tobytes()}
                for label, (unit, values) in traces.items()
            ],
        }

    def on_pick(self, handler: Callable[[int | None], Any]) -> None:
        """Call a handler with the number of the scan that is clicked; with None for the Escape key."""
        heard(self, "pick", handler, index=is_whole)
        heard(self, "leave", lambda: handler(None))
