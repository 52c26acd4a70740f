"""Permutation tests of arrays by nilearn's name and arguments."""

from __future__ import annotations

import secrets
import warnings
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.permutation.tests import iter_permutations
from glmwidgets.models.given_masker import mask_of


def permuted_ols(
    tested_vars: ArrayLike,
    target_vars: ArrayLike,
    confounding_vars: ArrayLike | None = None,
    model_intercept: bool = True,
    n_perm: int = 10_000,
    two_sided_test: bool = True,
    random_state: int | None = None,
    n_jobs: int = 1,
    verbose: int = 0,
    masker: Any = None,
    tfce: bool = False,
    threshold: float | None = None,
    output_type: str = "dict",
) -> dict[str, np.ndarray]:
    """Test each of some variables by permutation, in a linear model of many target series.

    The test is the one of `glmwidgets.models.non_parametric_inference`, without images.

    Parameters
    ----------
    tested_vars : array of shape (n, n_tested) or (n,)
        Each column is tested by itself, beside the confounds. A column of ones tests the mean, by flips of signs.
    target_vars : array of shape (n, n_targets)
        One row a map.
    confounding_vars : array of shape (n, n_confounds) or (n,), optional
    model_intercept : bool
        Add a constant, unless one is tested.
    n_perm : int
        Rearrangements; if there are no more than this, all are listed and p values are exact. 0 gives statistics only.
    two_sided_test : bool
    random_state : int, optional
        The same number gives the same rearrangements, whatever `n_jobs`.
    n_jobs : int
        Processes that compute TFCE.
    verbose : int
        1 prints how far the test is.
    masker : masker or mask image, optional
        Where the targets lie, in its order; needed for clusters and TFCE.
    tfce : bool
        Add threshold-free cluster enhancement.
    threshold : float, optional
        Cluster-forming threshold as an uncorrected p value; adds cluster size and mass.
    output_type : {"dict"}

    Returns
    -------
    dict of arrays
        ``t`` of shape (n_tested, n_targets), ``logp_max_t`` likewise: minus log10 of the family-wise corrected p, and
        ``h0_max_t`` of shape (n_tested, n_perm): the null distribution. So for ``size``, ``mass`` and ``tfce``.

    Raises
    ------
    TypeError, InputError
        If an argument is none of these, or the numbers of rows differ.

    Warns
    -----
    UserWarning
        If targets are zero in all rows, or several columns are constant.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> age = rng.normal(size=30)
    >>> maps = rng.normal(size=(30, 5))
    >>> maps[:, 0] += age
    >>> out = permuted_ols(age, maps, n_perm=500, random_state=1)
    >>> (out["logp_max_t"] > -np.log10(0.05)).tolist()
    [[True, False, False, False, False]]
    """
    check_choice("output_type", output_type, ("dict",))
    if not isinstance(n_perm, Integral) or isinstance(n_perm, bool):
        raise TypeError(f"n_perm must be a whole number, not {n_perm!r}")
    if n_perm < 0 or n_jobs == 0:
        raise InputError(f"n_perm is 0 or more, and n_jobs not 0: they are {n_perm} and {n_jobs}")
    tested, targets = _columns("tested_vars", tested_vars), np.asarray(target_vars)
    if targets.ndim != 2:
        raise InputError(f"target_vars must have rows and columns, not the shape {targets.shape}")
    confounds = (
        np.empty((len(tested), 0)) if confounding_vars is None else _columns("confounding_vars", confounding_vars)
    )
    if not len(tested) == len(targets) == len(confounds):
        raise InputError(
            f"tested_vars, target_vars and confounding_vars have {len(tested)}, {len(targets)} and {len(confounds)} "
            "rows: each needs one a map"
        )
    empty = int((targets == 0).all(axis=0).sum())
    if empty:
        warnings.warn(f"{empty} of {targets.shape[1]} targets are 0 in all rows, and have no statistic", stacklevel=2)
    mask = None if masker is None else mask_of(masker)
    seed = secrets.randbits(32) if random_state is None else random_state
    found: dict[str, list[np.ndarray]] = {}
    flat = np.ptp(confounds, axis=0) == 0
    if np.count_nonzero(flat) + np.count_nonzero(np.ptp(tested, axis=0) == 0) > 1:
        warnings.warn("several variables and confounds are constant: each model keeps one of them", stacklevel=2)
    confounds = confounds[:, ~flat]
    model_intercept = model_intercept or bool(flat.any())
    for j, column in enumerate(tested.T):
        constant = np.ones((len(tested), int(model_intercept and np.ptp(column) > 0)))
        design = np.column_stack([column, confounds, constant])
        how = {"mask": mask, "threshold": threshold, "tfce": tfce, "seed": seed, "n_jobs": n_jobs}
        steps = iter_permutations(
            targets, design, np.eye(design.shape[1])[0], n_perm=max(n_perm, 1), two_sided=two_sided_test, **how
        )
        for result in steps:
            if not n_perm:
                break
            if verbose:
                print(f"[permuted_ols] variable {j + 1} of {tested.shape[1]}: {result.n_done} rearrangements")
        for name, values in result.observed.items():
            found.setdefault(name, []).append(values)
            if n_perm:
                found.setdefault(f"logp_max_{name}", []).append(result.logp(name))
                found.setdefault(f"h0_max_{name}", []).append(result.null[name])
    return {name: np.array(values) for name, values in found.items()}


def _columns(name: str, given: ArrayLike) -> np.ndarray:
    values = np.asarray(given)
    if values.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold numbers or booleans, not {values.dtype}")
    values = values.astype(float)
    return values[:, np.newaxis] if values.ndim == 1 else values
