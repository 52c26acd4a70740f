"""What a widget shows, apart from its host."""

from __future__ import annotations

from typing import Any

import anywidget

# Traits of every anywidget, which are of its host and say nothing of what it shows.
_OF_HOST = frozenset(anywidget.AnyWidget.class_trait_names(sync=True)) | {"_esm", "_css", "_anywidget_id", "_own"}


def state_of(widget: anywidget.AnyWidget) -> dict[str, Any]:
    """Traits of a widget as its page knows them, without those that every widget has.

    Parameters
    ----------
    widget : AnyWidget

    Returns
    -------
    dict
        Bytes stand in it as they are.

    Examples
    --------
    >>> from glmwidgets.panels.parts.slider import Slider
    >>> sorted(state_of(Slider(value=3.0)))
    ['key', 'label', 'max', 'min', 'step', 'value']
    """
    return {name: value for name, value in widget.get_state().items() if name not in _OF_HOST}
