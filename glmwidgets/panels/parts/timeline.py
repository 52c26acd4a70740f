"""Events by type over the run's time; `web/timeline.js` is its other half.

An own drawing and no plot, for an event can be picked in it, and what is hidden when it is made comes right when shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import traitlets as t

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.web import script
from glmwidgets.web.palettes import colour_of


class EventTimeline(Drawn):
    """A line a type: tick, colour, name, count, and its events as marks from the start of the run to its end.

    Attributes
    ----------
    data : dict
        See `show`.
    off : list of str
        Types whose tick is taken away.
    picked : list of int
        Rows of the events that are marked.
    kind : str
        Type that is marked, where the lines are wide.
    shift : float
        Seconds that the marks are moved by.
    wide : bool
        Names beside the marks, with an axis below; otherwise above them, for a narrow column.

    Examples
    --------
    >>> import pandas as pd
    >>> line = EventTimeline()
    >>> line.show(pd.DataFrame({"onset": [0.0, 9.0], "duration": 1.0, "trial_type": ["b", "a"]}), (0.0, 60.0))
    >>> [(kind["name"], kind["count"]) for kind in line.data["types"]], line.data["kind"]
    ([('a', 1), ('b', 1)], [1, 0])
    """

    _esm = script("timeline.js")

    data = t.Dict().tag(sync=True)
    off = t.List(t.Unicode()).tag(sync=True)
    picked = t.List(t.Int()).tag(sync=True)
    kind = t.Unicode("").tag(sync=True)
    shift = t.Float(0.0).tag(sync=True)
    wide = t.Bool(False).tag(sync=True)

    def show(self, events: pd.DataFrame | None, run: tuple[float, float], types: Sequence[str] | None = None) -> None:
        """Show other events, in one message.

        Parameters
        ----------
        events : DataFrame or None
            Before they are shifted.
        run : (start, end)
            Seconds.
        types : sequence of str, optional
            All types of the analysis, sorted, which decide the colours.
        """
        if events is None:
            events = pd.DataFrame({"onset": [], "duration": [], "trial_type": []})
        of = events["trial_type"].tolist()
        types = sorted(set(of)) if types is None else list(types)
        place = {name: index for index, name in enumerate(types)}
        data = {
            "types": [{"name": n, "colour": colour_of(n, types), "count": of.count(n)} for n in types],
            "onset": events["onset"].tolist(),
            "duration": events["duration"].tolist(),
            "kind": [place[name] for name in of],
            "run": [float(run[0]), float(run[1])],
        }
        strength = events.get("modulation", pd.Series(1.0, index=events.index)).to_numpy(dtype=float)
        if (strength != 1).any():
            data["modulation"] = strength.tolist()
            largest = events.assign(size=np.abs(strength)).groupby("trial_type")["size"].transform("max").to_numpy()
            data["height"] = (strength / np.where(largest > 0, largest, 1)).tolist()
        if data != self.data:
            self.data = data
