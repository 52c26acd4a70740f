"""Every choice of an analysis as text, for the end of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from glmwidgets.images.load import image_name
from glmwidgets.report.page.subject import Study

__all__ = ["parameters_of"]

#: Values of a list that are written out.
MOST_WRITTEN = 24


def parameters_of(study: Study) -> Mapping[str, str]:
    """Every choice as text, by name.

    Parameters
    ----------
    study : Study

    Returns
    -------
    dict
    """
    if study.settings is not None:
        tree = study.settings.to_dict(views=False)
        if edited := tree.get("events", {}).get("table"):
            tree["events"]["table"] = f"edited, {len(edited) - 1} events"
        return {f"{group}.{name}": _written(value) for group, values in tree.items() for name, value in values.items()}
    return {name: _written(value) for name, value in study.model.choices.items()}


def _written(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value or "–"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple | list):
        more = f" and {len(value) - MOST_WRITTEN} more" if len(value) > MOST_WRITTEN else ""
        return (", ".join(_written(item) for item in value[:MOST_WRITTEN]) or "–") + more
    if hasattr(value, "shape") and hasattr(value, "affine"):
        return image_name(value)
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return str(value)
