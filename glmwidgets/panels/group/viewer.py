"""A viewer of a group's maps on their background, within their mask, with the session's crosshair."""

from __future__ import annotations

from typing import Any

from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.panels.parts.slices_state import COLOURS
from glmwidgets.panels.shared.base import Panel


def group_viewer(panel: Panel, label: str, **traits: Any) -> SliceViewer:
    """Make one, in the colours of the group's map.

    Parameters
    ----------
    panel : Panel
        Of a group session.
    label : str
        Of the values.
    **traits
        Of the viewer.
    """
    session = panel.session
    viewer = SliceViewer(lock=session.lock, label=label, **traits)
    viewer.set_background(session.analysis.background_image("mean"), session.affine)
    viewer.set_mask(session.analysis.domain.mask)
    viewer.look(session.settings.map, COLOURS)
    panel.share_crosshair(viewer)
    return viewer
