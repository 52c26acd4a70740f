"""Events: what a valid table is, what in it is probably a mistake, and how it is changed."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "EventFinding": "glmwidgets.glm.events.checks",
    "Events": "glmwidgets.glm.events.reading",
    "add_event": "glmwidgets.glm.events.cells",
    "average_around_events": "glmwidgets.glm.events.average",
    "check_events": "glmwidgets.glm.events.checks",
    "checked_lines": "glmwidgets.glm.events.table",
    "checked_name": "glmwidgets.glm.events.cells",
    "drop_events": "glmwidgets.glm.events.cells",
    "edit_cell": "glmwidgets.glm.events.cells",
    "event_lines": "glmwidgets.glm.events.table",
    "event_warnings": "glmwidgets.glm.events.checks",
    "half_labels": "glmwidgets.glm.events.cells",
    "looks_like_milliseconds": "glmwidgets.glm.events.checks",
    "merge_types": "glmwidgets.glm.events.edits",
    "modulate": "glmwidgets.glm.events.edits",
    "rename_types": "glmwidgets.glm.events.edits",
    "run_window": "glmwidgets.glm.events.checks",
    "share_of_mixed_windows": "glmwidgets.glm.events.average",
    "shift_onsets": "glmwidgets.glm.events.edits",
    "split_type": "glmwidgets.glm.events.edits",
    "to_seconds": "glmwidgets.glm.events.cells",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
