"""The figures of quality control: one table, read by the study's table, its rules, its explorer, exports and docs.

A figure of the run's data is made once of all its voxels (`glmwidgets.study.facts`); the others are of the preview
under the model and the contrast that are asked, and follow them.
"""

from __future__ import annotations

import numpy as np

from glmwidgets.glm.choices import Choices
from glmwidgets.study.across_runs import Seen
from glmwidgets.study.facts import FACTS
from glmwidgets.study.figure import Figure
from glmwidgets.study.figures_map import MAP
from glmwidgets.study.figures_model import INPUT, MODEL, MOVED
from glmwidgets.study.mriqc import MRIQC

#: What figures are of, in the order of the table.
GROUPS = {
    "input": "what it is",
    "data": "what was measured",
    "model": "how it was fitted",
    "map": "what it found",
    "mriqc": "what MRIQC says",
}

#: Figures by key, in the order of the table.
FIGURES: Choices[Figure] = Choices(
    (row.key, row)
    for row in (
        *INPUT,
        *MOVED,
        *FACTS,
        *MODEL,
        *MAP,
        *MRIQC,
    )
)


def figures_of(seen: Seen, of_contrast: bool | None = None) -> dict[str, float]:
    """All figures of a run, by key, or those alone that are of the contrast, or not; NaN where nothing is known."""
    facts = _facts(seen)
    rows = [row for row in FIGURES.values() if of_contrast is None or row.of_contrast == of_contrast]
    with seen.part.lock:
        return {row.key: facts[row.key] if row.key in facts else float(row.of(seen)) for row in rows}


def figures_of_whole(seen: Seen) -> dict[str, float]:
    """Figures of a run with all its voxels, by key: those of its data and of its fit."""
    facts = _facts(seen)
    rows = [row for row in FIGURES.values() if row.group in ("data", "model") and row.key not in facts]
    return facts | {row.key: float(row.of(seen)) for row in rows}


def _facts(seen: Seen) -> dict[str, float]:
    """Figures that were made with the preview."""
    kept = {} if seen.part.preview is None else seen.part.preview.facts
    return {row.key: kept.get(row.key, np.nan) for row in FACTS}
