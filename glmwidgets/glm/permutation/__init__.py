"""Permutation inference: what may be rearranged, and the null distribution of the largest statistic."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "result": "PermutationResult",
    "tests": "iter_permutations permutation_test",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
