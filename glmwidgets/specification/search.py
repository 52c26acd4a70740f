"""Regions as a few words, the first of which is a row of `SEARCHES`: ``sphere -42 22 10 8`` or ``mask v1.nii.gz``.

They say where one searches for effects, a small volume that was named before the map was seen, and what the regions of
interest are. A region that was found in the map itself, a cluster of it, can be looked at and not searched: its p
values would be too small.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from glmwidgets.glm.choices import Choices, refusal
from glmwidgets.glm.errors import InputError, told
from glmwidgets.glm.tables import some
from glmwidgets.images.coordinates import nearest_voxel
from glmwidgets.images.load import load_image
from glmwidgets.images.mask import match_mask
from glmwidgets.images.spheres import sphere_indices
from glmwidgets.regions.atlas import Atlas
from glmwidgets.regions.interest import RegionOfInterest, voxels_as_text, voxels_in_text
from glmwidgets.regions.named import kept_atlas
from glmwidgets.runs.domain import Domain
from glmwidgets.specification.field import SettingsError

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
    words : callable, optional
        ``words(rest)``: what follows the first word as a person reads it.
    is_searched : bool
        Whether p values can be of it: not where the map says which voxels it has.
    circular : callable
        ``circular(rest, domain, peaks)``, with the voxels (i, j, k) of the map's peaks: why it was found in the same
        map; empty where it was not.
    """

    label: str
    check: Callable[[str], object]
    region: Callable[[str, Domain], np.ndarray]
    form: str
    words: Callable[[str], str] = str
    is_searched: bool = True
    circular: Callable[[str, Domain, Sequence[tuple[int, int, int]]], str] = lambda rest, domain, peaks: ""


def _sphere(rest: str) -> tuple[list[float], float]:
    try:
        *centre, radius = (float(word) for word in rest.replace(",", " ").split())
    except ValueError:
        centre, radius = [], 0.0
    if len(centre) != 3 or not radius > 0 or not np.isfinite([*centre, radius]).all():
        raise ValueError(
            f"a sphere needs x, y, z and its radius, all in mm, such as 'sphere -42 22 10 8', not {rest!r}"
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


LARGER = "its effects here are larger than in new data"


def _at_a_peak(rest: str, domain: Domain, peaks: Sequence[tuple[int, int, int]]) -> str:
    centre = nearest_voxel(_sphere(rest)[0], domain.affine, domain.shape)
    return f"found in this same map: its centre is a peak, so {LARGER}" if centre in set(peaks) else ""


def _label(rest: str) -> tuple[int | str, str]:
    """Value or name of a label, and the path of its atlas."""
    try:
        name, end = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        name, end = None, 0
    path = rest[end:].strip() if rest[end:][:1].isspace() else ""
    if isinstance(name, bool) or not isinstance(name, int | str) or not path:
        raise ValueError(
            "a region of an atlas needs its value, or its name in double quotes, and the atlas's path, such as "
            f"'label \"left Forge\" atlas.nii.gz', not {rest!r}"
        )
    return name, path


def label_in_full(text: str, atlas: str, path: str) -> str:
    """A region, with the path of its atlas where only the name of the region is said: of the atlas that is set.

    Parameters
    ----------
    text : str
        Any region. Of ``label NAME`` the name may be a part of one, or a value, and may stand in double quotes.
    atlas : str
        Path of the atlas that is set; empty for none.
    path : str
        Of the setting, for messages.

    Returns
    -------
    str
        All else as it was given.

    Raises
    ------
    SettingsError
        If no atlas is set, or it has none or several such regions.
    """
    kind, _, rest = (text := text.strip()).partition(" ")
    if kind != "label" or not (name := rest.strip()):
        return text
    with suppress(ValueError):
        _label(name)
        return text
    with suppress(ValueError):
        name = str(json.loads(name))
    if not atlas:
        raise SettingsError(path, "no atlas is set: set threshold.atlas, or write 'label \"NAME\" ATLAS'")
    try:
        opened = kept_atlas(atlas)
    except (OSError, ValueError) as error:
        raise SettingsError("threshold.atlas", told(error)) from error
    named = {opened.table.named(label.value): label.value for label in opened.regions()}
    found = [value for each, value in named.items() if name in (each, str(value))] or [
        value for each, value in named.items() if name.casefold() in each.casefold()
    ]
    if len(found) != 1:
        there = ", ".join(each for each, value in named.items() if value in found) or "none"
        raise SettingsError(path, f"the atlas {opened.name} has {len(found)} regions by the name {name!r}: {there}")
    return label_at(opened, found[0], atlas)


def _in_label(rest: str, domain: Domain) -> np.ndarray:
    name, path = _label(rest)
    atlas = kept_atlas(path)
    values = [label.value for label in atlas.regions() if name in (label.value, atlas.table.named(label.value))]
    if len(values) != 1:
        there = some([repr(atlas.table.named(label.value)) for label in atlas.regions()], most=6)
        raise InputError(f"the atlas {path} has no region {name!r}; it has {there}")
    mask = np.zeros(domain.shape, bool)
    mask[domain.mask] = atlas.mask_of(values[0], domain.points)
    return mask


def _voxels(rest: str) -> np.ndarray:
    return voxels_in_text(" ".join(rest.split(" ", 2)[:2]))


def _in_voxels(rest: str, domain: Domain) -> np.ndarray:
    return voxels_in_text(" ".join(rest.split(" ", 2)[:2]), domain.shape) & domain.mask


def _told(rest: str) -> str:
    """What stands behind the voxels: how they were found."""
    return (rest.split(" ", 2) + [""] * 3)[2]


def _label_words(rest: str) -> str:
    name, path = _label(rest)
    return f"{name} of {path}"


def _always(why: str) -> Callable[..., str]:
    return lambda rest, domain, peaks: f"{why}, so {LARGER}"


_CODE = "SHAPE VOXELS"

#: Kinds of regions, by their first word.
SEARCHES: Choices[Search] = Choices(
    {
        "sphere": Search(
            "within a sphere ({})", _sphere, _in_sphere, "sphere X Y Z RADIUS, in mm", circular=_at_a_peak
        ),
        "mask": Search("within {}", _named, _in_mask, "mask PATH"),
        "label": Search("within {}", _label, _in_label, 'label "NAME" ATLAS', _label_words),
        "given": Search("within given voxels", _voxels, _in_voxels, f"given {_CODE}", _told),
        "cluster": Search(
            "within the cluster {}",
            _voxels,
            _in_voxels,
            f"cluster {_CODE} OF-WHAT",
            _told,
            False,
            _always("found in this same map: it is one of its clusters"),
        ),
        "drawn": Search(
            "within drawn voxels",
            _voxels,
            _in_voxels,
            f"drawn {_CODE}",
            _told,
            False,
            _always("drawn while this same map was visible: where it follows the map it is circular"),
        ),
    }
)


def _searched() -> list[str]:
    return [name for name, row in SEARCHES.items() if row.is_searched]


def _row(text: str) -> tuple[Search, str]:
    kind, _, rest = text.strip().partition(" ")
    return SEARCHES[kind], rest.strip()


def check_region(text: str, path: str, kinds: Sequence[str] | None = None) -> None:
    """Refuse words that are no region.

    Parameters
    ----------
    text : str
    path : str
        Of the setting.
    kinds : sequence of str, optional
        First words that can be; by default all of `SEARCHES`.

    Raises
    ------
    SettingsError

    Examples
    --------
    >>> check_region("mask v1.nii.gz", "regions.found")
    >>> check_region("sphere 0 0", "regions.found")
    Traceback (most recent call last):
    glmwidgets.specification.field.SettingsError: regions.found: a sphere needs x, y, z and its radius, all in \
mm, such as 'sphere -42 22 10 8', not '0 0'
    """
    kind, _, rest = text.strip().partition(" ")
    if (refused := refusal(kind, tuple(SEARCHES) if kinds is None else kinds)) is not None:
        raise SettingsError(path, *refused)
    try:
        SEARCHES[kind].check(rest.strip())
    except ValueError as error:
        raise SettingsError(path, str(error)) from None


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
    glmwidgets.specification.field.SettingsError: threshold.search: must be one of 'sphere', 'mask', 'label', 'given', \
not 'ball'
    """
    if not text:
        return
    check_region(text, PATH, _searched())


def in_words(text: str) -> str:
    """A region as a person reads it.

    Examples
    --------
    >>> in_words(""), in_words("sphere -42 22 10 8")
    ('the whole mask', 'within a sphere (-42 22 10 8)')
    """
    if not text:
        return "the whole mask"
    row, rest = _row(text)
    return row.label.format(row.words(rest))


def is_searched(text: str) -> bool:
    """Whether a region can be searched: not where the map says which voxels it has.

    Examples
    --------
    >>> is_searched("mask v1.nii.gz"), is_searched("cluster 1x1x1 eJxrAAAAgQCB")
    (True, False)
    """
    return _row(text)[0].is_searched


def sphere_at(xyz: np.ndarray, radius: float) -> str:
    """A sphere around a place, as it is typed.

    Examples
    --------
    >>> sphere_at(np.array([-42.0, 22.5, 10.0]), 8)
    'sphere -42 22.5 10 8'
    """
    return " ".join(["sphere", *(f"{mm:g}" for mm in np.round(xyz, 2)), f"{radius:g}"])


def label_at(atlas: Atlas, value: int, path: str) -> str:
    """A region of an atlas, as it is typed.

    Parameters
    ----------
    atlas : Atlas
    value : int
        Of the region.
    path : str
        Of the atlas.
    """
    return f"label {json.dumps(atlas.table.named(value), ensure_ascii=False)} {path}"


def voxels_at(kind: str, mask: np.ndarray, told: str = "") -> str:
    """Voxels as a region: ``given``, ``cluster`` or ``drawn``, with a few words of how they were found.

    Examples
    --------
    >>> text = voxels_at("cluster", np.ones((2, 2, 2), bool), "1 of face")
    >>> text.startswith("cluster 2x2x2 "), in_words(text)
    (True, 'within the cluster 1 of face')
    """
    return f"{kind} {voxels_as_text(mask)} {told}".strip()


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
    row, rest = _row(text)
    region = row.region(rest, domain)
    if not region.any():
        raise SettingsError(PATH, f"no analysed voxel lies {in_words(text)}")
    return region


def region_of_interest(
    name: str,
    text: str,
    domain: Domain,
    peaks: Sequence[tuple[int, int, int]] = (),
    found: dict[str, np.ndarray] | None = None,
) -> RegionOfInterest:
    """The region that some words mean, with what is to be known of it.

    Parameters
    ----------
    name : str
    text : str
        As in `search_region`.
    domain : Domain
        Voxels that are analysed.
    peaks : sequence of (i, j, k)
        Voxels of the peaks of the map that is shown.
    found : dict, optional
        Masks that were found before on the same domain, by their words; this one is put among them.

    Returns
    -------
    RegionOfInterest
        Without a voxel, where none that is analysed lies in it.

    Raises
    ------
    ValueError
        If a file cannot be read, or another grid is meant.

    Examples
    --------
    >>> import nibabel as nib
    >>> domain = Domain.of(nib.Nifti1Image(np.zeros((5, 5, 5)), np.eye(4)))
    >>> region = region_of_interest("V1", "sphere 2 2 2 1", domain, peaks=[(2, 2, 2)])
    >>> region.n_voxels, region.how
    (7, 'a sphere (2 2 2 1)')
    >>> region.circular
    'found in this same map: its centre is a peak, so its effects here are larger than in new data'
    """
    row, rest = _row(text)
    found = {} if found is None else found
    if text not in found:
        found[text] = row.region(rest, domain)
    how = in_words(text).removeprefix("within ")
    return RegionOfInterest(name, found[text], how, row.circular(rest, domain, peaks))
