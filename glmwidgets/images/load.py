"""From a file, an image or a list of volumes to one checked image; whatever is wrong is said with the file's name."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterable, Sequence
from glob import glob
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import nibabel as nib
import numpy as np
import pandas as pd
from nibabel.spatialimages import SpatialImage

from glmwidgets.files.writing import noted
from glmwidgets.glm.design.times import check_scan_times
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.tables import SWAPPED
from glmwidgets.images.grids import grid_difference
from glmwidgets.images.names import image_name
from glmwidgets.images.nifti import SECONDS, as_nifti, check_place, units
from glmwidgets.images.open_file import open_file
from glmwidgets.images.sidecar import refuse_phases, sidecar_beside
from glmwidgets.images.voxels import image_data
from glmwidgets.plural import count

ImageLike: TypeAlias = "SpatialImage | str | PathLike[str] | Sequence[Any]"

MIN_SCANS = 3

#: Seconds between scans that a header may be believed in; 2000 is a TR in milliseconds.
PLAUSIBLE_T_R = (0.02, 60.0)

# What stands for several names in a path.
WILDCARDS = re.compile(r"[*?\[]")

#: Seconds between scans below which nobody measures, and designs would be too fine to be held.
SHORTEST_T_R = 1e-3


def load_image(img: ImageLike, wildcards: bool = True) -> nib.Nifti1Image:
    """Open an image; its voxels are read when they are asked for.

    Parameters
    ----------
    img : image, path or sequence of these
        A NIfTI image (or any other that nibabel places in space), the path of one, or a sequence of images with one
        shape and affine, which is put together along time.
    wildcards : bool
        Whether ``*``, ``?`` and ``[...]`` in a path that is no file stand for several files, which are put together in
        the order of their names.

    Returns
    -------
    Nifti1Image
        In mm, time last; see `glmwidgets.images.nifti.as_nifti`.

    Raises
    ------
    FileNotFoundError
        If the file is missing, or its content was never fetched; the message suggests files of a similar name.
    ValueError
        If the file cannot be read as an image; the message names it.
    TypeError
        If `img` is none of these.

    Examples
    --------
    >>> load_image(nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4))).shape
    (2, 2, 2)
    """
    if isinstance(img, SpatialImage):
        if nib.is_proxy(img.dataobj):
            # Its values are those of a file, and may not even have been read yet.
            for part in img.file_map.values():
                if part.filename is not None:
                    noted(part.filename)
        check_place(img)
        return as_nifti(img)
    if isinstance(img, str | PathLike):
        path = Path(img).expanduser()
        several = sorted(glob(str(path))) if wildcards and WILDCARDS.search(str(path)) and not path.exists() else []
        return join_images(several) if several else load_image(open_file(path))
    if isinstance(img, Iterable) and not isinstance(img, tuple(_HINTS)):
        return join_images(img)
    hint = next((hint for kind, hint in _HINTS.items() if isinstance(img, kind)), "")
    raise TypeError(f"expected an image, a path or a list of these, not {type(img).__name__}{hint}")


#: What is said of things that are taken for images.
_HINTS = {
    np.ndarray: "; an array has no place in space: wrap it, nibabel.Nifti1Image(array, affine)",
    pd.DataFrame: f"; {SWAPPED}",
}


def load_volume(img: ImageLike, what: str = "a map") -> nib.Nifti1Image:
    """Open an image of one volume.

    Parameters
    ----------
    img : image or path
        3-D, or 4-D with one volume.
    what : str
        What messages call it.

    Returns
    -------
    Nifti1Image
        3-D.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        As `load_image`, and if it holds several volumes.

    Examples
    --------
    >>> load_volume(nib.Nifti1Image(np.zeros((2, 2, 2, 1)), np.eye(4))).shape
    (2, 2, 2)
    """
    name, opened = image_name(img), load_image(img)
    if opened.ndim == 4 and opened.shape[3] == 1:
        return opened.slicer[..., 0]
    if opened.ndim != 3:
        raise ValueError(f"{what} is one 3-D volume; {name} has shape {tuple(map(int, opened.shape))}")
    return opened


def join_images(imgs: Iterable[ImageLike]) -> nib.Nifti1Image:
    """Put images together along time.

    Parameters
    ----------
    imgs : iterable of images or paths
        3-D or 4-D, all of one shape and affine.

    Returns
    -------
    Nifti1Image
        4-D, with the first image's header. Values keep their stored type.

    Raises
    ------
    ValueError
        If there are none, or one has another shape or affine than the first; the message names it.

    Examples
    --------
    >>> volume = nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4))
    >>> join_images([volume, volume, volume]).shape
    (2, 2, 2, 3)
    """
    loaded = [load_image(img) for img in imgs]
    if not loaded:
        raise ValueError("no images were given: the list is empty")
    first = loaded[0]
    for i, img in enumerate(loaded):
        if img.ndim not in (3, 4):
            raise ValueError(f"image {i} ({image_name(img)}) has {img.ndim} dimensions; 3 or 4 are needed")
        if (difference := grid_difference(img, first)) is not None:
            raise ValueError(
                f"image {i} ({image_name(img)}) lies on another grid than the first ({image_name(first)}): "
                f"{difference}\nresample them to one grid first"
            )
    volumes = [image_data(img).reshape(*img.shape[:3], -1) for img in loaded]
    data = np.empty(
        (*first.shape[:3], sum(v.shape[3] for v in volumes)), np.result_type(*{v.dtype for v in volumes}), order="F"
    )
    np.concatenate(volumes, axis=3, out=data)
    header = first.header.copy()
    header.set_slope_inter(1, 0)
    joined = nib.Nifti1Image(data, first.affine, header, dtype=data.dtype)
    if first.ndim == 3:
        # Volumes know no time between them; nibabel's default of one second would pass for knowledge.
        joined.header.set_zooms((*first.header.get_zooms()[:3], 0))
    return joined


def header_t_r(img: SpatialImage) -> float | None:
    """Time between scans by the image's header.

    Parameters
    ----------
    img : image

    Returns
    -------
    float or None
        Seconds; None where the header holds none that can be believed: zero, outside of 0.02 to 60 s, or the 1
        without a unit that software writes when it does not know.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.zeros((2, 2, 2, 5)), np.eye(4))
    >>> header_t_r(img) is None
    True
    >>> img.header.set_xyzt_units("mm", "msec")
    >>> img.header.set_zooms((1, 1, 1, 2500))
    >>> header_t_r(img)
    2.5
    """
    zooms = img.header.get_zooms()
    if len(zooms) < 4 or not isinstance(img.header, nib.Nifti1Header):
        return None
    unit = units(img.header)[1]
    if unit not in SECONDS or (unit == "unknown" and zooms[3] == 1):
        return None
    # Through the decimal digits: the header stores single precision, and 0.72 must not become 0.7200000286.
    t_r = float(str(zooms[3])) * SECONDS[unit]
    low, high = PLAUSIBLE_T_R
    return t_r if low <= t_r <= high else None


def load_run(
    img: ImageLike,
    t_r: float | None = None,
    sample_mask: np.ndarray | Sequence[int] | None = None,
    frame_times: Sequence[float] | None = None,
) -> tuple[nib.Nifti1Image, float]:
    """Read one run into memory and check that it can be modelled.

    Parameters
    ----------
    img : image, path or sequence of 3-D images or paths
    t_r : float, optional
        Time between scans in seconds; the header's by default.
    sample_mask : array, optional
        Scans that will be used, as booleans or indices; the others may be bad.
    frame_times : sequence of float, optional
        When each scan was taken, in seconds, for scans that are not evenly spaced. They go before `t_r` and the header.

    Returns
    -------
    img : Nifti1Image
        4-D, its voxels in memory.
    t_r : float
        Seconds; the mean of `frame_times`' steps where these are given.

    Raises
    ------
    FileNotFoundError, TypeError
        As `load_image`.
    ValueError
        If the image is not 4-D, has fewer than three scans, knows no time between scans and none is given, is damaged,
        or holds volumes that are constant or all NaN. The message names the file and the volumes.

    Warns
    -----
    UserWarning
        If the given `t_r` and the header's differ by more than 1 %.

    Examples
    --------
    >>> data = np.random.default_rng(0).normal(size=(4, 4, 4, 10))
    >>> img, t_r = load_run(nib.Nifti1Image(data, np.eye(4)), t_r=2)
    >>> img.shape, t_r
    ((4, 4, 4, 10), 2.0)
    """
    opened, t_r = open_run_image(img, t_r, frame_times)
    data = image_data(opened)
    checks = VolumeChecks(opened, sample_mask)
    for t in range(data.shape[3]):
        checks.see(t, data[..., t])
    checks.done()
    if data is opened.dataobj:
        return opened, t_r
    in_memory = type(opened)(data, opened.affine, opened.header, file_map=opened.file_map, dtype=data.dtype)
    in_memory.header.set_slope_inter(1, 0)
    return in_memory, t_r


def open_run_image(
    img: ImageLike, t_r: float | None = None, frame_times: Sequence[float] | None = None
) -> tuple[nib.Nifti1Image, float]:
    """Open one run and check what its header says; its voxels are not read.

    Parameters
    ----------
    img, t_r, frame_times
        As in `load_run`.

    Returns
    -------
    img : Nifti1Image
    t_r : float

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        As `load_run`, of all that the voxels need not be read for.
    """
    opened = load_image(img)
    name = image_name(img if isinstance(img, str | PathLike) else opened)
    if opened.ndim != 4:
        what = "one 3-D volume" if opened.ndim == 3 else f"an image of {opened.ndim} dimensions {opened.shape}"
        raise ValueError(f"{name} is {what}; a run is a 4-D image, one volume per scan, or a list of 3-D volumes")
    if opened.shape[3] < MIN_SCANS:
        raise ValueError(
            f"{name} has {count(opened.shape[3], 'scan')}; a model needs at least {MIN_SCANS}, usually hundreds"
        )
    refuse_phases(opened)
    if frame_times is None:
        t_r = _checked_t_r(opened, t_r, name)
    else:
        t_r = float(np.diff(check_scan_times(frame_times, opened.shape[3], f"the times of the scans of {name}")).mean())
    return opened, t_r


def sidecar_t_r(img: nib.Nifti1Image) -> float | None:
    """Seconds between scans by the JSON file of an image's name, where its header says something else, or nothing.

    Some programs write 1 s into the header of every run (fMRIPrep 23.2.0), and the truth beside it.

    Parameters
    ----------
    img : Nifti1Image

    Returns
    -------
    float or None
        None where there is no such file, no RepetitionTime in it, or the same as in the header.
    """
    with contextlib.suppress(ValueError, TypeError):
        found, by_header = float(sidecar_beside(img).get("RepetitionTime")), header_t_r(img)
        is_other = by_header is None or abs(found - by_header) > 0.01 * by_header
        return found if is_other and SHORTEST_T_R <= found <= PLAUSIBLE_T_R[1] else None
    return None


def told_t_r(img: nib.Nifti1Image, name: str) -> float | None:
    """Seconds between scans by an image's header, or by the JSON file beside it where that says something else.

    Parameters
    ----------
    img : Nifti1Image
    name : str
        For messages.

    Returns
    -------
    float or None

    Warns
    -----
    UserWarning
        If both say a time.
    """
    beside, by_header = sidecar_t_r(img), header_t_r(img)
    if beside is not None and by_header is not None:
        warnings.warn(
            f"{name}: the sidecar beside it gives a TR of {beside:g} s, the image's header {by_header:g} s; the "
            "sidecar is taken",
            stacklevel=4,
        )
    return by_header if beside is None else beside


def seconds_of(t_r: float | str) -> float:
    """A time between scans as a number, or a sentence that says how it is written.

    Examples
    --------
    >>> seconds_of("2.5")
    2.5
    """
    try:
        return float("a truth value" if isinstance(t_r, bool) else t_r)
    except (TypeError, ValueError):
        raise ValueError(f"t_r must be a number of seconds with a decimal point, such as 2.0, not {t_r!r}") from None


def plausible_t_r(t_r: float) -> float:
    """A time between scans that was given.

    Parameters
    ----------
    t_r : float
        In seconds.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is no positive number, or must be of another unit.
    """
    t_r = seconds_of(t_r)
    if not (np.isfinite(t_r) and t_r > 0):
        raise ValueError(f"t_r must be a positive number of seconds, not {t_r:g}")
    if t_r < SHORTEST_T_R:
        raise ValueError(f"t_r must be in seconds: scans cannot be {t_r:g} s apart")
    if t_r > PLAUSIBLE_T_R[1]:
        raise ValueError(f"t_r must be in seconds: {t_r:g} s between scans looks like milliseconds")
    return t_r


def _checked_t_r(img: nib.Nifti1Image, t_r: float | None, name: str) -> float:
    by_header = header_t_r(img)
    if t_r is None:
        by_header = told_t_r(img, name)
        if by_header is None:
            zoom = img.header.get_zooms()[3]
            found = "no time between scans" if zoom in (0, 1) else f"{zoom} as time between scans"
            ways = {"function": "t_r=2.0", "terminal": "--t-r 2.0", "notebook": "t_r=2.0"}
            advice = {door: f"give it in seconds, such as {way}" for door, way in ways.items()}
            raise InputError(f"the header of {name} holds {found}", advice=advice)
        return by_header
    t_r = plausible_t_r(t_r)
    if by_header is not None and abs(t_r - by_header) > 0.01 * by_header:
        warnings.warn(
            f"t_r={t_r:g} s was given, and the header of {name} says {by_header:g} s; {t_r:g} s is used", stacklevel=3
        )
    return t_r


class VolumeChecks:
    """Looks for volumes that cannot have been measured, volume after volume.

    Parameters
    ----------
    img : Nifti1Image
        4-D.
    sample_mask : array, optional
        Scans that will be used, as booleans or indices; the others may be bad.

    Attributes
    ----------
    used : array of bool, shape (n_scans,)
    """

    def __init__(self, img: nib.Nifti1Image, sample_mask: Any = None):
        self._name, self._n = image_name(img), img.shape[3]
        self.used = np.ones(self._n, bool)
        if sample_mask is not None:
            self.used[:] = False
            try:
                self.used[np.asarray(sample_mask)] = True
            except IndexError as error:
                raise ValueError(f"sample_mask does not fit the {self._n} scans of {self._name}: {error}") from None
        self._bad: dict[str, list[int]] = {"nothing but NaN": [], "the same value in every voxel": []}

    def see(self, t: int, volume: np.ndarray) -> None:
        """Look at a volume, whose number is `t`."""
        nan, constant = self._bad.values()
        if self.used[t] and _all_nan(volume):
            nan.append(t)
        elif self.used[t] and _is_constant(volume):
            constant.append(t)

    def done(self) -> None:
        """Refuse the image, by a ValueError, if volumes were bad."""
        for what, volumes in self._bad.items():
            if len(volumes) == self._n:
                raise ValueError(f"{self._name} holds {what} in all of its {self._n} volumes: it is not a measured run")
            if volumes:
                raise ValueError(
                    f"{self._name} holds {what} in {len(volumes)} of its {self._n} volumes (counted from 0): "
                    f"{_listed(volumes)}; cut them off the run or leave them out with sample_masks"
                )


def _listed(numbers: Sequence[int], most: int = 12) -> str:
    shown = ", ".join(str(int(n)) for n in numbers[:most])
    return shown if len(numbers) <= most else f"{shown}, ..."


def _probe(volume: np.ndarray) -> np.ndarray:
    # The middle plane is nearly always enough to know that a volume is sound, and a hundred times cheaper.
    return volume[..., volume.shape[2] // 2]


def _all_nan(volume: np.ndarray) -> bool:
    return volume.dtype.kind == "f" and all(np.isnan(part).all() for part in (_probe(volume), volume))


def _is_constant(volume: np.ndarray) -> bool:
    return all(bool((part == volume[0, 0, 0]).all()) for part in (_probe(volume), volume))
