"""How long the page took to paint the last map; `web/paint_time.js` is its other half."""

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.web import script


class PaintTime(Drawn):
    """A few words that the page writes itself, as only the page knows and the kernel need not hear of it.

    Examples
    --------
    >>> PaintTime().comm is not None
    True
    """

    _esm = script("paint_time.js")
