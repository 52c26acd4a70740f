"""Permutation inference: what may be rearranged, and the null distribution of the largest statistic."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "PermutationResult": "glmwidgets.glm.permutation.tests",
    "iter_permutations": "glmwidgets.glm.permutation.tests",
    "permutation_test": "glmwidgets.glm.permutation.tests",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
