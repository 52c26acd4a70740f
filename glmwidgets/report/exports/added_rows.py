"""Rows of tables of choices that a person added, and that whoever repeats an analysis has to add, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glmwidgets.glm.choices import Choices
from glmwidgets.glm.design.drift import DRIFTS, drift_row
from glmwidgets.glm.inference.cluster_p import CLUSTER_TESTS
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.glm.moments.scaling import SCALINGS, scaling_row
from glmwidgets.glm.noise.models import NOISE_MODELS
from glmwidgets.glm.noise.pooling import POOLINGS
from glmwidgets.glm.response.given_functions import HELD
from glmwidgets.glm.response.models import HRFS, parse_hrf
from glmwidgets.specification.fixed import WEIGHTINGS


def added_rows(choices: Mapping[str, Any]) -> list[str]:
    """Rows, as Python, that were added to the package's tables and that these arguments of an estimator name."""
    hrf, noise = choices.get("hrf_model"), choices["noise_model"]
    named: dict[str, tuple[Choices, str | None]] = {
        "HRFS": (HRFS, parse_hrf(hrf)[0].name if isinstance(hrf, str) else None),
        "DRIFTS": (DRIFTS, drift_row(choices.get("drift_model")).name),
        "NOISE_MODELS": (NOISE_MODELS, next(name for name, row in NOISE_MODELS.items() if row.means(noise))),
        "SCALINGS": (SCALINGS, scaling_row(choices["signal_scaling"]).name),
        "POOLINGS": (POOLINGS, choices.get("pooling")),
        "THRESHOLDS": (THRESHOLDS, choices.get("height_control")),
        "CLUSTER_TESTS": (CLUSTER_TESTS, choices.get("cluster_p")),
        "WEIGHTINGS": (WEIGHTINGS, choices.get("weighting")),
    }
    held = [f"hold_response({HELD[hrf][0].label.removeprefix('function ')})"] if hrf in HELD else []
    return held + [f"{what}[{name!r}]" for what, (table, name) in named.items() if table.is_added(name)]
