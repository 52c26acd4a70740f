"""A row of small switches that are also the legend; `web/chips.js` is the other half."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import traitlets as t

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.panels.parts.page_messages import heard
from glmwidgets.web import script


class Chips(Drawn):
    """Switches side by side, each with a colour; any number can be on.

    Attributes
    ----------
    options : list of dict
        name, label and colour of each, and perhaps a title that is read when it is pointed at.
    value : list of str
        Names of those that are on, in the order of the options.
    removable : bool
        Whether each has a cross instead of being a switch.
    label : str
        For those who hear the page instead of seeing it.

    Examples
    --------
    >>> chips = Chips(options=[{"name": "fit", "label": "fit", "colour": "orange"}], value=["fit"])
    >>> chips.value
    ['fit']
    """

    _esm = script("chips.js")

    options = t.List().tag(sync=True)
    value = t.List(t.Unicode()).tag(sync=True)
    removable = t.Bool(False).tag(sync=True)
    label = t.Unicode("").tag(sync=True)

    def offer(self, options: Sequence[dict[str, Any]]) -> None:
        """Offer other options, if they are others."""
        if list(options) != self.options:
            self.options = list(options)

    def on_remove(self, handler: Callable[[str], Any]) -> None:
        """Call a handler with the name of the chip whose cross is clicked."""
        heard(self, "remove", handler, name=lambda name: any(name == option["name"] for option in self.options))
