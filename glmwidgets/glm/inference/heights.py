"""Thresholds that control an error rate.

Adding a threshold is one function and one row in `THRESHOLDS`; the API, the panels and the documentation read that
table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from glmwidgets.glm.choices import Choices, check_choice
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.inference.adaptive import cluster_forest
from glmwidgets.glm.inference.ptfce import enhanced_z
from glmwidgets.glm.inference.random_fields import RandomField
from glmwidgets.glm.inference.scores import p_from_z

# The bounds of adaptive clusters fail with at most this probability; z of a voxel in one is at least the second.
CONFIDENCE, LEAST = 0.05, 1e-3


class Threshold(NamedTuple):
    """A way to choose the height of a threshold: a row of `THRESHOLDS`.

    Attributes
    ----------
    function : callable
        ``function(z_values, level, two_sided) -> float``; `level` is the number that `setting` names. One that
        `needs_field` is given a `glmwidgets.glm.inference.random_fields.RandomField` after these.
    label : str
        A few words for a menu.
    description : str
        What it controls, in a sentence.
    question : str
        Which question it answers, in a sentence.
    setting : {"alpha", "fixed", "share"}
        Which number it reads: an error rate, the threshold itself, or a share of voxels that is surely active.
    phrase : str
        What it is in a methods section; may hold ``{alpha}`` and ``{voxels}``. Made of the label if empty.
    nilearn : str or None
        What nilearn calls it, empty for nilearn's None. None if it has no such threshold: scripts for nilearn then
        bring the height.
    needs_map : bool
        Whether the height depends on the z scores.
    needs_field : bool
        Whether the height depends on how smooth the noise is, and on the shape of the region that is searched.
    enhance : callable or None
        ``enhance(z_map, mask, field, two_sided, level, kept) -> z_map``: what is tested in the place of the z scores,
        as volumes; `kept` is a dict that lives as long as the z scores.
    bounds_false : bool
        Whether alpha is the share of voxels without effect that is expected among those that pass.
    usual_alpha : float
        Alpha that the field asks of it, where nobody has chosen one.
    also : tuple of str
        Phrases by which a person looks for it.

    Examples
    --------
    >>> THRESHOLDS["fdr"].setting, THRESHOLDS["fdr"].needs_map
    ('alpha', True)
    """

    function: Callable[..., float]
    label: str
    description: str
    setting: str = "alpha"
    phrase: str = ""
    nilearn: str | None = None
    needs_map: bool = True
    needs_field: bool = False
    enhance: Callable[..., NDArray[np.float64]] | None = None
    bounds_false: bool = False
    usual_alpha: float = 0.05
    also: tuple[str, ...] = ()
    question: str = ""

    @property
    def hint(self) -> str:
        """What it controls and which question that answers."""
        return " ".join(filter(None, (self.description, self.question)))

    def said(self, alpha: float, voxels: str) -> str:
        """The rule in a few words of a methods section.

        Examples
        --------
        >>> THRESHOLDS["bonferroni"].said(0.05, "12 voxels")
        'family-wise error 0.05 by Bonferroni over 12 voxels'
        """
        default = "{label}, alpha {alpha:g}" if self.setting == "alpha" else "{label}"
        return (self.phrase or default).format(label=self.label, alpha=alpha, voxels=voxels)


def height_threshold(
    z_values: ArrayLike,
    height_control: str | None = "fpr",
    alpha: float = 0.001,
    two_sided: bool = True,
    *,
    fixed: float = 3.0,
    field: RandomField | None = None,
) -> float:
    """Z score that a voxel must reach.

    Parameters
    ----------
    z_values : array-like
        Z scores of all voxels in the mask. Their number is the number of tests, zeros and NaN included (NaN never
        passes). Not looked at by "fpr" and "fixed".
    height_control : {"fpr", "fdr", "bonferroni", "rft", "rft-fsl", "ptfce", "adaptive", "fixed"} or None
        A key of `THRESHOLDS`. None is "fixed". The height of one that enhances the map is of the enhanced map.
    alpha : float
        Error rate, between 0 and 1; a two-sided test spends half of it on each tail. For "adaptive" the share.
    two_sided : bool
        Whether negative effects are tested, too.
    fixed : float
        The threshold itself, for "fixed". One-sided and negative means the lower tail.
    field : RandomField, optional
        Noise of the map's smoothness over its mask, for "rft" and "rft-fsl"; `two_sided` counts, and not its own.

    Returns
    -------
    float
        Infinite if no voxel can pass. Never below zero, except for a `fixed` one: positive effects are what the
        one-sided test is for.

    Raises
    ------
    ValueError
        If the method is unknown or lacks its `field`, `alpha` is not between 0 and 1, or `fixed` does not fit the test.

    Notes
    -----
    With n voxels and upper-tail p values (of the absolute z, and with alpha / 2, if two-sided):

    - fpr: ``P(Z > threshold) = alpha``;
    - bonferroni: ``P(Z > threshold) = alpha / n``;
    - fdr: the least of the z scores whose i-th smallest p value is ``p < alpha i / n`` (Benjamini and Hochberg 1995,
      J. R. Stat. Soc. B 57, 289-300), less 1e-12 so that this voxel passes;
    - rft, rft-fsl: the chance of any peak above it is alpha; see `glmwidgets.glm.inference.random_fields`.

    Examples
    --------
    >>> round(height_threshold([], "fpr", alpha=0.001), 3)
    3.291
    >>> z = [4.0, 3.5, 2.8, 2.5, 1.9, 1.2]
    >>> round(height_threshold(z, "fdr", alpha=0.05, two_sided=False), 2)
    1.9
    >>> round(height_threshold(z, "bonferroni", alpha=0.05, two_sided=False), 3)
    2.394
    """
    method = threshold_method(height_control)
    z_values = np.asarray(z_values, dtype=np.float64).ravel()
    if method.setting == "fixed":
        if not np.isfinite(fixed) or (two_sided and fixed < 0):
            raise ValueError(f"a {'two' if two_sided else 'one'}-sided threshold cannot be {fixed}")
        return float(method.function(z_values, fixed, two_sided))
    if not 0 < alpha < 1 and not (method.setting == "share" and alpha == 1):
        raise ValueError(f"{method.setting} must be between 0 and 1, not {alpha}")
    return max(0.0, float(method.function(z_values, alpha, two_sided, *_field_of(method, height_control, field))))


def _field_of(method: Threshold, name: str | None, field: RandomField | None) -> tuple[RandomField, ...]:
    """The field as an argument of a row that needs it."""
    if method.needs_field and field is None:
        raise InputError(
            f"height_control={name!r} needs the smoothness of the noise, which was not given",
            advice={"function": "give field=, such as model.random_field(contrast), or the FWHM of the noise in mm"},
        )
    return (field,) if method.needs_field else ()


def threshold_method(height_control: str | None) -> Threshold:
    """The row of `THRESHOLDS` of this name; None is "fixed". ValueError if there is none."""
    name = "fixed" if height_control is None else height_control
    return THRESHOLDS[check_choice("height_control", name, THRESHOLDS)]


def _fixed(z_values: NDArray[np.float64], fixed: float, two_sided: bool) -> float:
    return fixed


def _false_positive_rate(z_values: NDArray[np.float64], alpha: float, two_sided: bool) -> float:
    return -ndtri(alpha / 2 if two_sided else alpha)


def _bonferroni(z_values: NDArray[np.float64], alpha: float, two_sided: bool) -> float:
    if not z_values.size:
        raise ValueError("Bonferroni's threshold needs to know how many voxels are tested, but none were given")
    return _false_positive_rate(z_values, alpha / z_values.size, two_sided)


def _benjamini_hochberg(z_values: NDArray[np.float64], alpha: float, two_sided: bool) -> float:
    if two_sided:
        z_values, alpha = np.abs(z_values), alpha / 2
    # No p value above alpha can pass: only the few others have to be sorted.
    candidates = np.sort(z_values[z_values > -ndtri(alpha)])[::-1]
    passes = ndtr(-candidates) < alpha * np.arange(1, candidates.size + 1) / z_values.size
    return candidates[passes][-1] - 1e-12 if passes.any() else np.inf


def _random_field(formulas: str) -> Callable[..., float]:
    def height(z_values: NDArray[np.float64], alpha: float, two_sided: bool, field: RandomField) -> float:
        return replace(field, two_sided=two_sided, method=formulas).threshold(alpha)

    return height


def _enhanced(
    z_map: NDArray, mask: NDArray[np.bool_], field: RandomField, two_sided: bool, level: float, kept: dict
) -> NDArray[np.float64]:
    return enhanced_z(z_map, mask, field.resel_size, two_sided=two_sided)


def _surely_active(
    z_map: NDArray, mask: NDArray[np.bool_], field: RandomField | None, two_sided: bool, level: float, kept: dict
) -> NDArray[np.float64]:
    """Z scores in the largest regions of which a share is surely active, and 0 elsewhere."""
    z, found, where = np.asarray(z_map, dtype=np.float64)[mask], np.zeros(np.shape(z_map)), hash(mask.tobytes())
    inside = np.zeros(z.size)
    for sign in (1, -1) if two_sided else (1,):
        key = ("forest", sign, two_sided, where)
        if key not in kept:
            kept[key] = cluster_forest(sign * z, mask, CONFIDENCE / (1 + two_sided))
        region = (kept[key].regions(level) > 0) & (inside == 0)
        # A region may hold voxels of no effect, or less; they belong to it.
        inside[region] = sign * np.maximum(sign * z[region], LEAST)
    found[mask] = inside
    return found


def _least_kept(z_values: NDArray[np.float64], level: float, two_sided: bool) -> float:
    size = np.abs(z_values) if two_sided else z_values
    return float(size[size > 0].min(initial=np.inf)) - 1e-12


_ROWS = {
    "fixed": Threshold(
        _fixed,
        "fixed",
        "A height that is chosen by hand; it controls no error rate.",
        question="What does the map look like at this height? To look, not to conclude.",
        setting="fixed",
        phrase="a height chosen by hand, which controls no error rate",
        nilearn="",
        needs_map=False,
        also=("threshold by hand",),
    ),
    "fpr": Threshold(
        _false_positive_rate,
        "p, uncorrected",
        "A voxel without effect passes with probability alpha; among many voxels, many pass.",
        question="Which voxels are worth a look, or form clusters whose size is then tested?",
        phrase="uncorrected p below {alpha:g}",
        nilearn="fpr",
        needs_map=False,
        usual_alpha=0.001,
        also=("uncorrected p value", "voxelwise p"),
    ),
    "fdr": Threshold(
        _benjamini_hochberg,
        "FDR",
        "Among the voxels that pass, the expected share of those without effect is at most alpha.",
        question="Where is there an effect, if a known share of what I report may be false?",
        phrase="false discovery rate {alpha:g}",
        nilearn="fdr",
        bounds_false=True,
        also=("false discovery rate", "benjamini hochberg", "q value"),
    ),
    "bonferroni": Threshold(
        _bonferroni,
        "Bonferroni",
        "The chance that even one voxel without effect passes is at most alpha.",
        question="Which voxels have an effect, each of them, whatever the noise? Strict where noise is smooth.",
        phrase="family-wise error {alpha:g} by Bonferroni over {voxels}",
        nilearn="bonferroni",
        also=("family-wise error", "fwe correction"),
    ),
    "rft": Threshold(
        _random_field("spm"),
        "random field",
        "The chance that even one voxel without effect passes is at most alpha, for noise as smooth as the residuals; "
        "Bonferroni's height where that is lower. By SPM's formulas.",
        question="Which voxels have an effect, each of them, in smoothed data?",
        phrase="family-wise error {alpha:g} by random field theory over {voxels}",
        needs_field=True,
        also=("random field theory", "rft", "fwe correction", "spm threshold"),
    ),
    "rft-fsl": Threshold(
        _random_field("fsl"),
        "random field, FSL",
        "The same by FSL's formulas, for Gaussian noise, counting the volume of the region but not its surface.",
        question="Would FSL's voxel threshold keep this voxel?",
        phrase="family-wise error {alpha:g} by Gaussian random field theory over {voxels}",
        needs_field=True,
        also=("gaussian random field", "grf", "fsl threshold"),
    ),
    "ptfce": Threshold(
        _random_field("spm"),
        "pTFCE",
        "The random field's height, of z scores that the clusters they lie in have enhanced (Spisak et al. 2019).",
        question="Which voxels have an effect, where wide weak ones count as well as small strong ones?",
        phrase="family-wise error {alpha:g} by random field theory over {voxels}, of z enhanced by clusters (pTFCE)",
        needs_field=True,
        enhance=_enhanced,
        also=("threshold-free cluster enhancement", "tfce without permutation"),
    ),
    "adaptive": Threshold(
        _least_kept,
        "adaptive clusters",
        "The largest regions of which at least the chosen share is surely active, with a confidence of 95 % for all of "
        "them at once, whichever share is chosen.",
        "share",
        question="Which regions are active, if I say how much of each has to be?",
        phrase="largest regions of which a share of {alpha:g} or more is surely active, all-resolutions inference",
        enhance=_surely_active,
        also=("all-resolutions inference", "true discovery proportion", "gamma"),
    ),
}

#: Every threshold by its name.
THRESHOLDS: Choices[Threshold] = Choices(_ROWS)


def q_values(p: ArrayLike) -> NDArray[np.float64]:
    """Smallest false discovery rate at which each test would pass (Benjamini and Hochberg's adjusted p).

    ``q_(i) = min over j >= i of p_(j) n / j`` for the i-th smallest of n p values.

    Parameters
    ----------
    p : array-like
        P values; NaN counts as a test that cannot pass.

    Returns
    -------
    ndarray, float64, of the same shape
        NaN where `p` is.

    Examples
    --------
    >>> q_values([0.01, 0.04, 0.03, 0.2]).round(4)
    array([0.04  , 0.0533, 0.0533, 0.2   ])
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, axis=None)
    scaled = p.ravel()[order] * p.size / np.arange(1, p.size + 1)
    q = np.empty_like(scaled)
    q[order] = np.fmin.accumulate(scaled[::-1])[::-1]
    q[np.isnan(p.ravel())] = np.nan
    return q.reshape(p.shape)


def false_discovery_rate(threshold: float, z_values: ArrayLike, two_sided: bool = True) -> float:
    """Estimate the share of false discoveries among the voxels at or above a threshold.

    ``n P(Z >= threshold) / (number of voxels that pass)``, at most 1: what a slider prints beside p.

    Parameters
    ----------
    threshold : float
    z_values : array-like
        Z scores of all n voxels in the mask.
    two_sided : bool

    Returns
    -------
    float
        NaN if no voxel passes.

    Examples
    --------
    >>> z = [4.0, 3.5, 2.8, 2.5, 1.9, 1.2]
    >>> round(false_discovery_rate(2.5, z, two_sided=False), 4)
    0.0093
    """
    z_values = np.asarray(z_values, dtype=np.float64)
    passing = np.count_nonzero((np.abs(z_values) if two_sided else z_values) >= threshold)
    if not passing:
        return float("nan")
    return float(min(1.0, p_from_z(threshold, two_sided) * z_values.size / passing))
