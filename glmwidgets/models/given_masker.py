"""A masker in the place of a mask: its mask, and what it would do beside masking."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glmwidgets.images.load import ImageLike, image_data, load_volume

#: What a masker may do that a model does, too: grid, smoothing, scaling.
BESIDE = ("target_affine", "target_shape", "smoothing_fwhm", "standardize")

#: What a masker may do beside these.
MORE = ("detrend", "low_pass", "high_pass")


def is_masker(given: Any) -> bool:
    """Whether something given as a mask is a masker."""
    return hasattr(given, "transform") or hasattr(given, "mask_img_")


def mask_img_of(given: Any) -> ImageLike:
    """The mask of a masker, or the mask that was given.

    Raises
    ------
    ValueError
        If a masker has none.
    """
    if not is_masker(given):
        return given
    # A masker that was fitted knows its mask; one that was not may have been given one.
    mask = getattr(given, "mask_img_", None)
    mask = getattr(given, "mask_img", None) if mask is None else mask
    if mask is None:
        raise ValueError("the masker given as mask_img has no mask: fit it first")
    return mask


def mask_of(given: Any) -> np.ndarray:
    """The mask of a masker or image as booleans, 3-D."""
    return image_data(load_volume(mask_img_of(given), "a mask")) > 0


def settings_of(
    given: Any, own: Mapping[str, Any], unset: Mapping[str, Any], names: Sequence[str] = BESIDE
) -> dict[str, Any]:
    """Settings of a model with those that only its masker has.

    Parameters
    ----------
    given : object
        What was given as the model's mask.
    own, unset : mapping from str to object
        The model's settings, and their values where nobody gives them.
    names : sequence of str
        Settings that the model shares with a masker.

    Returns
    -------
    dict
        `own`, completed.

    Warns
    -----
    UserWarning
        If something is taken from the masker, or a masker's setting is not used.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> masker = SimpleNamespace(mask_img_="mask.nii", smoothing_fwhm=4.0)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     settings_of(masker, {"smoothing_fwhm": None}, {"smoothing_fwhm": None}, ["smoothing_fwhm"])
    {'smoothing_fwhm': 4.0}
    """
    found = dict(own)
    if not is_masker(given):
        return found
    taken, left = [], []
    for name in (*BESIDE, *MORE):
        value = getattr(given, name, None)
        if value is None or value is False:
            continue
        if name in names and own[name] is unset[name]:
            found[name] = value
            taken.append(f"{name}={value!r}")
        elif name not in names or not np.array_equal(np.asarray(own[name]), np.asarray(value)):
            left.append(f"{name}={value!r}")
    if taken:
        warnings.warn(f"the masker's {', '.join(taken)} is taken, as the model has none of its own", stacklevel=3)
    if left:
        warnings.warn(f"the masker's {', '.join(left)} is not used by the model", stacklevel=3)
    return found
