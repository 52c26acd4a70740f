"""The stylesheet of the panels, in JupyterLab's own colour variables so that dark themes come by themselves."""

from __future__ import annotations

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.late_pages import Stands
from glmwidgets.web import PANELS, style


def stylesheet() -> W.Box:
    """What everything brings along that is shown: its look, and the word of a page that it stands; nothing is seen."""
    # It hides itself: what is hidden by `W.show` may not be in the page.
    return W.row("glmw-frame", W.HTML(f"<style>{style(*PANELS)}</style>"), W.one(Stands))
