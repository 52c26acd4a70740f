"""Widgets that know no session: charts, tables, slices, sliders."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "CarpetView": "glmwidgets.panels.parts.carpet_view",
    "Chart": "glmwidgets.panels.parts.chart",
    "Chips": "glmwidgets.panels.parts.chips",
    "EventGrid": "glmwidgets.panels.parts.event_grid",
    "EventTimeline": "glmwidgets.panels.parts.timeline",
    "GroupTable": "glmwidgets.panels.parts.values_table",
    "MapTiles": "glmwidgets.panels.parts.tiles",
    "MatrixView": "glmwidgets.panels.parts.matrix",
    "PaintTime": "glmwidgets.panels.parts.paint_time",
    "RowTable": "glmwidgets.panels.parts.table",
    "Slider": "glmwidgets.panels.parts.slider",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
