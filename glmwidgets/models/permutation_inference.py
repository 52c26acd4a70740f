"""Permutation tests of a group: from images to maps of corrected p values."""

from __future__ import annotations

import secrets
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from glmwidgets.analysis.group import permutations_of
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.fit.contrasts import STAT_TYPES
from glmwidgets.glm.fit.partition import holds_constant
from glmwidgets.glm.group.fit import group_weights
from glmwidgets.glm.permutation.p_values import check_forming
from glmwidgets.glm.permutation.result import PermutationResult
from glmwidgets.models.arguments import asked_by
from glmwidgets.models.masker import ImageMasker
from glmwidgets.models.second_level import SecondLevelModel
from glmwidgets.specification.group import GroupQuestion


def non_parametric_inference(
    second_level_input: Any,
    confounds: pd.DataFrame | None = None,
    design_matrix: Any = None,
    second_level_contrast: Any = None,
    first_level_contrast: Any = None,
    mask: Any = None,
    smoothing_fwhm: float | None = None,
    model_intercept: bool = True,
    n_perm: int = 10_000,
    two_sided_test: bool = False,
    random_state: int | None = None,
    n_jobs: int = 1,
    verbose: int = 0,
    threshold: float | None = None,
    tfce: bool = False,
    *,
    second_level_stat_type: str | None = None,
    scheme: str = "auto",
    blocks: Sequence[Any] | str | None = None,
    exchange: str = "within",
    resample: bool = False,
    match: str = "names",
    zeros_are_data: bool = False,
    true_discoveries: bool = False,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> Any:
    """Test a contrast of a group by rearranging its maps.

    What is rearranged is decided by the hypothesis, whatever columns the design holds: signs are flipped if the tested
    effect is (or holds some of) a mean, otherwise the residuals of what is not tested are permuted
    (`glmwidgets.glm.permutation.exchangeability`). The contrast is the one of the general linear model: its t is the t
    of `SecondLevelModel`.

    Parameters
    ----------
    second_level_input, confounds, design_matrix
        See `SecondLevelModel.fit`.
    second_level_contrast, first_level_contrast, second_level_stat_type
        See `SecondLevelModel.compute_contrast`.
    mask : image, path or masker, optional
        Voxels to analyse; by default those in which all maps have a value.
    smoothing_fwhm : float, optional
        Full width at half maximum of a Gaussian that the maps are smoothed with, in mm.
    model_intercept : bool
        Add a constant to the design if its columns cannot make one.
    n_perm : int
        Rearrangements; if there are no more than this, all are listed and p values are exact.
    two_sided_test : bool
        Test both signs.
    random_state : int, optional
        The same number gives the same rearrangements, whatever `n_jobs`.
    n_jobs : int
        Processes that compute TFCE.
    verbose : int
        1 prints how far the test is.
    threshold : float, optional
        Cluster-forming threshold as an uncorrected p value; adds cluster size and mass.
    tfce : bool
        Add threshold-free cluster enhancement.
    scheme : {"auto", "sign_flip", "permutation"}
    blocks : sequence of labels, or name of a column of the design, optional
        Exchangeability blocks; a paired test exchanges maps within subjects only.
    exchange : {"within", "whole"}
        Whether maps change places inside their block, or blocks as a whole.
    resample : bool
        Bring maps on another grid to the mask's.
    match : {"names", "order"}
        See `SecondLevelModel.fit`.
    zeros_are_data : bool
        See `SecondLevelModel.fit`.
    true_discoveries : bool
        Learn how much of any cluster is surely active: ``result.true_discoveries(labels)`` of the maps.
    progress : callable, optional
        Called with (rearrangements done, rearrangements in all) now and then.
    cancel : threading.Event, optional
        Once it is set the test stops, and its result is of the rearrangements done so far.

    Returns
    -------
    Nifti1Image
        ``logp_max_t``, if none of `threshold`, `tfce` and `true_discoveries` is given.
    PermutationMaps
        Otherwise: a dictionary of images, ``t`` and ``logp_max_t`` (``f`` and ``logp_max_f`` of an F test), ``size``,
        ``logp_max_size``, ``mass`` and ``logp_max_mass`` with a `threshold`, ``tfce`` and ``logp_max_tfce`` with
        `tfce`. ``logp`` is minus log10 of the family-wise corrected p, ``(1 + count) / (1 + rearrangements)``. Its
        attribute ``result`` holds null distributions and cut-offs.

    Raises
    ------
    ValueError
        If something does not fit; the message names it.

    Warns
    -----
    UserWarning
        If the test was cancelled.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> effect = np.zeros((4, 4, 4))
    >>> effect[:2] = 2
    >>> maps = [nib.Nifti1Image(effect + rng.standard_normal((4, 4, 4)), np.eye(4)) for _ in range(12)]
    >>> out = non_parametric_inference(maps, n_perm=500, random_state=0, threshold=0.01)
    >>> list(out)
    ['t', 'logp_max_t', 'size', 'logp_max_size', 'mass', 'logp_max_mass']
    >>> significant = out["logp_max_size"].get_fdata() > -np.log10(0.05)
    >>> int(significant[:2].sum()), int(significant[2:].sum())
    (32, 0)
    """
    check_choice("second_level_stat_type", second_level_stat_type, (*STAT_TYPES, None))
    check_forming(threshold)
    seed = secrets.randbits(32) if random_state is None else random_state
    given = {"n_perm": n_perm, "random_state": seed, "threshold": threshold, "tfce": tfce}
    given |= {"true_discoveries": true_discoveries}
    asked = asked_by(given, GroupQuestion, "non_parametric_inference")
    asked = asked.updated({"threshold.two_sided": two_sided_test})
    model = SecondLevelModel(
        mask_img=mask, smoothing_fwhm=smoothing_fwhm, n_jobs=n_jobs, verbose=verbose - 1, resample=resample
    ).fit(second_level_input, confounds, design_matrix, match=match, zeros_are_data=zeros_are_data)
    design, weights = model.design_matrix_, group_weights(model.design_matrix_, second_level_contrast)
    if isinstance(blocks, str):
        if blocks not in design.columns:
            raise ValueError(f"blocks names no column of the design: {blocks!r} is not in {', '.join(design.columns)}")
        blocks = design[blocks].tolist()
    x = design.to_numpy()
    if model_intercept:
        x, weights = _with_constant(x, weights)
    tell = progress or (_print_progress if verbose > 0 else None)
    for result in permutations_of(
        asked,
        model.values(first_level_contrast),
        x,
        weights,
        stat_type=second_level_stat_type,
        mask=model.masker_.mask_,
        scheme=scheme,
        blocks=blocks,
        exchange=exchange,
        n_jobs=n_jobs,
        cancel=cancel,
    ):
        if tell is not None:
            tell(result.n_done, result.n_perm)
    if not result.complete:
        warnings.warn(
            f"the test was cancelled after {result.n_done} of {result.n_perm} rearrangements: p values are of these",
            stacklevel=2,
        )
    maps = permutation_maps(result, model.masker_)
    return maps if threshold is not None or tfce or true_discoveries else maps[f"logp_max_{next(iter(result.null))}"]


class PermutationMaps(dict):
    """Images by name, and the `PermutationResult` that they show."""

    def __init__(self, maps: dict[str, nib.Nifti1Image], result: PermutationResult):
        super().__init__(maps)
        self.result = result


def permutation_maps(result: PermutationResult, masker: ImageMasker) -> PermutationMaps:
    """Make images of a permutation test, finished or running.

    Parameters
    ----------
    result : PermutationResult
    masker : ImageMasker

    Returns
    -------
    PermutationMaps
        Each statistic under its name, and its corrected p as ``logp_max_<name>``; zero outside the mask.
    """
    maps = {}
    for name, values in result.observed.items():
        maps[name] = masker.inverse_transform(values)
        maps[f"logp_max_{name}"] = masker.inverse_transform(result.logp(name))
    return PermutationMaps(maps, result)


def _with_constant(design: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Add a column of ones that is not tested, unless the columns can make one."""
    if holds_constant(design):
        return design, weights
    ones = np.ones(len(design))
    return np.c_[design, ones], np.c_[weights, np.zeros(len(weights))]


def _print_progress(done: int, total: int) -> None:
    if done in (0, total) or done % 1024 == 0:
        print(f"[non_parametric_inference] {done} of {total} rearrangements")
