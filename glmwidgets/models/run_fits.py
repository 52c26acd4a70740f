"""One run of a model, from its voxels to its fit, by way of what is kept on disk."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from joblib import Memory
from joblib import hash as content_hash

from glmwidgets.analysis.steps import fit_of, moments_of
from glmwidgets.glm.collected_warnings import Heard
from glmwidgets.glm.errors import about
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.moments.series import Series
from glmwidgets.models.caching import image_key
from glmwidgets.models.masker import ImageMasker
from glmwidgets.models.runs import RunInput
from glmwidgets.runs.domain import Domain
from glmwidgets.specification.model import Model


def fit_run(
    asked: Model,
    run: RunInput,
    design: pd.DataFrame,
    masker: ImageMasker,
    memory: Memory,
    **settings: Any,
) -> Fit:
    """Fit one run.

    Parameters
    ----------
    asked : Model
    run : RunInput
    design : DataFrame
        One row for each scan that is kept.
    masker : ImageMasker
    memory : joblib.Memory
        Where masked series and fits are kept.
    **settings
        random_state, precision and minimize_memory, as in `glmwidgets.models.FirstLevelModel`.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        Names the run.
    """
    key = None
    if memory.location is not None:
        grid = (masker.mask_, masker.mask_img_.affine, masker.smoothing_fwhm, masker.resample)
        key = content_hash((image_key(run.source), grid, run.sample_mask))

    def series() -> Series:
        return memory.cache(_masked_series, ignore=["run", "masker"])(key, run, masker)

    try:
        return memory.cache(_fit_series, ignore=["series", "domain"])(
            key, series, masker.domain_, asked, design, run.places, run.averaged, run.sample_mask, **settings
        )
    except ValueError as error:
        raise about(run.name, error) from error


@contextmanager
def warning_of(name: str, names: Sequence[str]) -> Iterator[None]:
    """Have what is warned of within say which of several runs it is about.

    Parameters
    ----------
    name : str
        What messages call the run.
    names : sequence of str
        Of all runs.

    Warns
    -----
    UserWarning
        What was warned of, with the run's name before it where it has none and there are other runs.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as said:
    ...     with warning_of("run 2", ["run 1", "run 2"]):
    ...         warnings.warn("scan 0 is brighter", stacklevel=1)
    >>> str(said[0].message)
    'run 2: scan 0 is brighter'
    """
    heard = Heard()
    try:
        with heard:
            yield
    finally:
        for text in heard.said:
            is_named = len(names) == 1 or any(each in text for each in names)
            warnings.warn(text if is_named else f"{name}: {text}", stacklevel=3)


def _masked_series(key: str | None, run: RunInput, masker: ImageMasker) -> Series:
    """Series of a run in the mask; `key` stands for all the rest when results are kept."""
    return masker.series(run, run.sample_mask)


def _fit_series(
    key: str | None,
    series: Callable[[], Series],
    domain: Domain,
    asked: Model,
    design: pd.DataFrame,
    places: np.ndarray | None,
    averaged: np.ndarray | None,
    numbers: np.ndarray | None,
    precision: str,
    minimize_memory: bool,
    **how: Any,
) -> Fit:
    """Fit of a run; `key` stands for its series and its mask when results are kept."""
    moments = moments_of(asked, series(), kept=averaged, places=places, numbers=numbers, precision=precision)
    fit = fit_of(asked, moments, design, domain, **how)
    return fit.without_data() if minimize_memory else fit
