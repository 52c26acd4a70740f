"""Where one searches for effects: the whole mask, or a small volume that was named before the map was seen.

A region is a few words, the first of which is a row of `SEARCHES`: ``sphere -42 22 10 8`` or ``mask v1.nii.gz``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from glmwidgets.glm.choices import Choices, refusal
from glmwidgets.images.load import load_image
from glmwidgets.images.mask import match_mask
from glmwidgets.images.spheres import sphere_indices
from glmwidgets.runs.domain import Domain
from glmwidgets.specification.field import SettingsError

__all__ = ["SEARCHES", "Search", "check_search", "in_words", "search_region", "sphere_at"]

PATH = "threshold.search"


class Search(NamedTuple):
    """A kind of region: a row of `SEARCHES`.

    Attributes
    ----------
    label : str
        In words, with what follows the first word in braces.
    check : callable
        ``check(rest)`` refuses what follows the first word; a ValueError.
    region : callable
        ``region(rest, domain)``: the voxels, bool of shape (nx, ny, nz).
    form : str
        How it is typed.
    """

    label: str
    check: Callable[[str], object]
    region: Callable[[str, Domain], np.ndarray]
    form: str


def _sphere(rest: str) -> tuple[list[float], float]:
    try:
        *centre, radius = (float(word) for word in rest.replace(",", " ").split())
    except ValueError:
        centre, radius = [], 0.0
    if len(centre) != 3 or not radius > 0 or not np.isfinite([*centre, radius]).all():
        raise ValueError(
            f"a sphere is three mm of its centre and its radius in mm, such as 'sphere -42 22 10 8', not {rest!r}"
        )
    return centre, radius


def _in_sphere(rest: str, domain: Domain) -> np.ndarray:
    centre, radius = _sphere(rest)
    mask = np.zeros(domain.shape, bool)
    found = sphere_indices(domain.mask, domain.affine, np.array(centre), radius)
    mask[tuple(domain.voxels[found].T)] = True
    return mask


def _named(rest: str) -> str:
    if not rest:
        raise ValueError("a mask is named by its path, such as 'mask v1.nii.gz'")
    return rest


def _in_mask(rest: str, domain: Domain) -> np.ndarray:
    return match_mask(load_image(rest), domain.like) & domain.mask


#: Kinds of regions, by their first word.
SEARCHES: Choices[Search] = Choices(
    {
        "sphere": Search("within a sphere ({})", _sphere, _in_sphere, "sphere X Y Z RADIUS, in mm"),
        "mask": Search("within {}", _named, _in_mask, "mask PATH"),
    }
)


def check_search(text: str) -> None:
    """Refuse a region that is none.

    Raises
    ------
    SettingsError

    Examples
    --------
    >>> check_search("sphere 0 0 0 8")
    >>> check_search("ball 0 0 0 8")
    Traceback (most recent call last):
    glmwidgets.specification.field.SettingsError: threshold.search: must be one of 'sphere', 'mask', not 'ball'
    """
    if not text:
        return
    kind, _, rest = text.strip().partition(" ")
    if (refused := refusal(kind, SEARCHES)) is not None:
        raise SettingsError(PATH, *refused)
    try:
        SEARCHES[kind].check(rest.strip())
    except ValueError as error:
        raise SettingsError(PATH, str(error)) from None


def in_words(text: str) -> str:
    """A region as a person reads it.

    Examples
    --------
    >>> in_words(""), in_words("sphere -42 22 10 8")
    ('the whole mask', 'within a sphere (-42 22 10 8)')
    """
    if not text:
        return "the whole mask"
    kind, _, rest = text.strip().partition(" ")
    return SEARCHES[kind].label.format(rest.strip())


def sphere_at(xyz: np.ndarray, radius: float) -> str:
    """A sphere around a place, as it is typed.

    Examples
    --------
    >>> sphere_at(np.array([-42.0, 22.5, 10.0]), 8)
    'sphere -42 22.5 10 8'
    """
    return " ".join(["sphere", *(f"{mm:g}" for mm in np.round(xyz, 2)), f"{radius:g}"])


def search_region(text: str, domain: Domain) -> np.ndarray | None:
    """Voxels of a domain that lie in a region; None where it is the whole mask.

    Parameters
    ----------
    text : str
    domain : Domain

    Returns
    -------
    bool array of shape (nx, ny, nz), or None

    Raises
    ------
    ValueError
        If no voxel of the domain lies in it, or its mask has another grid.
    """
    if not text:
        return None
    kind, _, rest = text.strip().partition(" ")
    region = SEARCHES[kind].region(rest.strip(), domain)
    if not region.any():
        raise SettingsError(PATH, f"no voxel that is analysed lies {in_words(text)}")
    return region
