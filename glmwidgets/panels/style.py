"""The stylesheet of the panels, in JupyterLab's own colour variables so that dark themes come by themselves."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import ipywidgets as W

__all__ = ["stylesheet"]


@cache
def _css() -> str:
    return Path(__file__).with_suffix(".css").read_text(encoding="utf-8")


def stylesheet() -> W.HTML:
    """A widget that brings the look and shows nothing."""
    widget = W.HTML(f"<style>{_css()}</style>")
    widget.layout.display = "none"
    return widget
