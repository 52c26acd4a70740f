"""Every choice of an analysis as text, for the end of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from glmwidgets.images.load import image_name
from glmwidgets.report.page.subject import Study
from glmwidgets.specification.field import Field
from glmwidgets.specification.tree import SettingsTree

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
        tree = study.settings
        known = {path: field for path, field in tree.known().items() if path.partition(".")[0] not in tree.VIEWS}
        return {f"{field.label} ({path})": _of_setting(tree, path, field) for path, field in known.items()}
    return {name: _written(value) for name, value in study.model.choices.items()}


def _of_setting(tree: SettingsTree, path: str, known: Field) -> str:
    value = tree.get(path)
    if path in ("events.table", "inputs.said_by"):
        return known.words(value)
    unit = f" {known.unit}" if known.unit and value is not None else ""
    group, _, name = path.partition(".")
    who = tree.inputs.who(name) if group == "inputs" and hasattr(tree.inputs, "who") else ""
    told = "without effect here" if known.lacking(tree) else who
    return _written(value) + unit + (f" ({told})" if told else "")


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
