"""The stylesheet of the panels, in JupyterLab's own colour variables so that dark themes come by themselves."""

from __future__ import annotations

from glmwidgets.panels.parts import widgets as W
from glmwidgets.web import style

__all__ = ["stylesheet"]


def stylesheet() -> W.HTML:
    """A widget that brings the look and shows nothing."""
    widget = W.HTML(f"<style>{style('panels.css')}</style>")
    W.show(widget, False)
    return widget
