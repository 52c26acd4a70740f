"""Widgets that know no session: charts, tables, slices, sliders."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "carpet_view": "CarpetView",
    "chart": "Chart",
    "chips": "Chips",
    "event_grid": "EventGrid",
    "matrix": "MatrixView",
    "paint_time": "PaintTime",
    "slider": "Slider",
    "table": "RowTable",
    "tiles": "MapTiles",
    "timeline": "EventTimeline",
    "values_table": "GroupTable",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
