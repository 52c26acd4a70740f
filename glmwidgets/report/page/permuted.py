"""A permutation test as a report tells of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glmwidgets.analysis.thresholding import Clusters
from glmwidgets.glm.permutation.result import PermutationResult
from glmwidgets.plural import count
from glmwidgets.session.core.permutation import Permuted, sure_shares_in_words
from glmwidgets.specification.group import PermutationSettings


@dataclass(frozen=True, eq=False)
class PermutationFacts:
    """A permutation test of a contrast, as far as it had come.

    Attributes
    ----------
    chosen : PermutationSettings
    result : PermutationResult
    state : {"running", "done", "cancelled"}
    height : float
        Cut-off of the largest statistic as a z score; infinite if there is none.
    logp : dict of str to array of shape (n_voxels,)
        Minus log10 of the corrected p, by statistic.
    sure : str
        How much of each cluster is surely active, in words; empty if that was not asked for.
    """

    chosen: PermutationSettings
    result: PermutationResult
    state: str
    height: float
    logp: dict[str, np.ndarray]
    sure: str = ""

    @classmethod
    def of(cls, permuted: Permuted, chosen: PermutationSettings, clusters: Clusters) -> PermutationFacts:
        """What a session's test says at the error rate that is chosen now."""
        logp = {name: permuted.logp(name) for name in permuted.names}
        return cls(
            chosen,
            permuted.result,
            permuted.state,
            permuted.height_in_z(chosen.alpha),
            logp,
            sure_shares_in_words(permuted, clusters, chosen.alpha),
        )


def describe_permutation(test: PermutationFacts) -> str:
    """How a permutation test was done, in a sentence or two.

    Parameters
    ----------
    test : PermutationFacts

    Returns
    -------
    str
    """
    result, chosen = test.result, test.chosen
    noun = "sign flip" if result.scheme == "sign_flip" else "permutation"
    done = count(result.n_done, noun) + (", all there are" if result.exact else f" (seed {chosen.seed})")
    words = f"Tested by {done}, {'both signs' if result.two_sided else 'positive effects only'}"
    if result.height is not None:
        words += f"; clusters formed at an uncorrected p of {chosen.forming:g}"
    if test.state != "done":
        words += f". The test was {test.state} when this was written: {result.n_done:,} of {result.n_perm:,} were done"
    return f"{words}. {test.sure}." if test.sure else f"{words}."
