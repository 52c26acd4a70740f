"""Events: what a valid table is, what in it is probably a mistake, and how it is changed."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "average": "average_around_events share_of_mixed_windows",
    "cells": "add_event checked_name drop_events edit_cell half_labels to_seconds",
    "checks": "EventFinding check_events event_warnings looks_like_milliseconds run_window",
    "edits": "merge_types modulate rename_types shift_onsets split_type",
    "reading": "Events",
    "table": "checked_lines event_lines",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
