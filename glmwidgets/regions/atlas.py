"""Atlases: regions of a volume by number, or by probability, looked up in the atlas's own voxels.

An atlas is never resampled, for a label between two numbers is the number of a third region. Places in mm go through
the atlas's affine to its own voxels. With the axes turned so that they run to the right, front and top, voxel i takes
the places from i - 1/2 on, less a millionth, up to i + 1/2: so the same place has the same name in a flipped copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import nibabel as nib
import numpy as np
import pandas as pd

from glmwidgets.images.coordinates import to_mm, to_voxels
from glmwidgets.regions.labels import Label, LabelTable
from glmwidgets.regions.places import LEAST_PERCENT, NEAR_MM, Place, Shares

# How near to the border of two voxels a place counts as on it.
TIE = 1e-6

# Places nearer to the middle than this, in mm, are of neither side.
MIDLINE_MM = 2.0

# Places whose nearest region is looked for together.
PLACES_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Atlas:
    """What atlases of both kinds have in common.

    Attributes
    ----------
    name : str
    table : LabelTable
    space : str or None
        Template that it is in; None if nobody says.
    affine : array of shape (4, 4)
    shape : tuple of 3 ints
    notes : tuple of str
        What was odd about it, a sentence each.
    checksum : str
        Twelve hexadecimal digits of its voxels' SHA-256.
    """

    name: str
    table: LabelTable
    space: str | None
    affine: np.ndarray = field(repr=False)
    shape: tuple[int, int, int] = field(repr=False)
    notes: tuple[str, ...] = ()
    checksum: str = ""

    is_probable: ClassVar[bool] = False

    def voxels(self, mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Voxels of places, and which of these lie in the volume.

        Parameters
        ----------
        mm : array of shape (n, 3)

        Returns
        -------
        voxels : int array of shape (n, 3)
            0 where outside.
        inside : bool array of shape (n,)
        """
        at = to_voxels(np.atleast_2d(np.asarray(mm, dtype=float)), self.affine)
        # Axes that run to the left, back or bottom are counted from their other end.
        turned = self._turned
        last = np.array(self.shape) - 1
        at = np.where(turned, last - at, at)
        at = np.floor(at + 0.5 + TIE)
        at = np.where(turned, last - at, at)
        inside = (np.isfinite(at) & (at >= 0) & (at <= last)).all(axis=1)
        return np.where(inside[:, None], at, 0).astype(np.intp), inside

    @cached_property
    def _turned(self) -> np.ndarray:
        return nib.io_orientation(self.affine)[:, 1] < 0

    def at(self, mm: Sequence[float]) -> Place:
        """What the atlas says of one place, in mm."""
        return self.at_each(np.atleast_2d(mm))[0]

    def at_each(self, mm: np.ndarray) -> list[Place]:
        """What it says of places, shape (n, 3), in mm."""
        raise NotImplementedError

    def regions_at(self, mm: np.ndarray) -> np.ndarray:
        """Number of the region (the likeliest) of places, shape (n, 3), in mm; -1 where there is none."""
        raise NotImplementedError

    def shares(self, mm: np.ndarray) -> Shares:
        """Where the voxels of a cluster lie, whose centres are given in mm, shape (n, 3)."""
        return self.shares_of(self.regions_at(mm), np.zeros(len(mm), dtype=np.intp), [0])[0]

    def shares_of(self, regions: np.ndarray, numbers: np.ndarray, clusters: Sequence[int]) -> list[Shares]:
        """Where the voxels of clusters lie.

        Parameters
        ----------
        regions : int array of shape (n,)
            Of each voxel; see `regions_at`.
        numbers : int array of shape (n,)
            Of each voxel's cluster, from 0.
        clusters : sequence of int
            Numbers that are asked for.
        """
        place, values = pd.factorize(regions, sort=True)
        n = max(clusters, default=-1) + 1
        listed = numbers < n
        counts = np.bincount(numbers[listed] * len(values) + place[listed], minlength=n * len(values))
        counts = counts.reshape(n, len(values))
        n_voxels, first = counts.sum(axis=1).tolist(), int(np.searchsorted(values, 0))
        names = [self.table.named(int(value)) for value in values[first:]]
        found: dict[int, list[tuple[str, int]]] = {}
        named = counts[:, first:]
        clusters_there, at = np.nonzero(named)
        for cluster, k, count in zip(clusters_there.tolist(), at.tolist(), named[named > 0].tolist(), strict=True):
            found.setdefault(cluster, []).append((names[k], count))
        return [Shares.of(found.get(cluster, ()), n_voxels[cluster], self.is_probable) for cluster in clusters]

    def regions(self) -> list[Label]:
        """Regions that some voxel is of, in the order of the table, then those without a name."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class LabelAtlas(Atlas):
    """One number a voxel.

    Attributes
    ----------
    values : int array of shape (nx, ny, nz)
        0 where there is no region.

    Examples
    --------
    >>> table = LabelTable((Label(3, "pond"), Label(7, "mill")), "made.tsv")
    >>> img = nib.Nifti1Image(np.array([0, 7, 3], np.int16).reshape(3, 1, 1), np.diag([2, 2, 2, 1.0]))
    >>> from glmwidgets.regions.atlas_image import make_atlas
    >>> atlas = make_atlas(img, table)
    >>> [str(atlas.at((x, 0, 0))) for x in (2, 4, 3, 9)]
    ['mill', 'pond', 'pond', 'outside the atlas']
    >>> str(atlas.shares([(2, 0, 0), (2, 0, 0), (4, 0, 0), (0, 0, 0)]))
    'mill 50 %, pond 25 %, unlabelled 25 %'
    """

    values: np.ndarray = field(default=None, repr=False)

    def numbers(self, mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Numbers at places, 0 outside, and which are inside."""
        voxels, inside = self.voxels(mm)
        return np.where(inside, self.values[tuple(voxels.T)], 0), inside

    def is_region(self, value: int) -> bool:
        """Whether a number is that of a region."""
        label = self.table.get(int(value))
        return value > 0 and (label is None or label.is_region)

    def at_each(self, mm: np.ndarray) -> list[Place]:
        """What it says of places, shape (n, 3), in mm."""
        mm = np.atleast_2d(np.asarray(mm, dtype=float))
        voxels, inside = self.voxels(mm)
        values = self.values[tuple(voxels.T)]
        found = [
            Place(is_inside=False) if not is_inside else self._place(value) if self.is_region(value) else None
            for value, is_inside in zip(values.tolist(), inside.tolist(), strict=True)
        ]
        nameless = [n for n, place in enumerate(found) if place is None]
        for n, place in zip(nameless, self._nearest(mm[nameless], voxels[nameless]), strict=True):
            found[n] = place
        return found

    def _place(self, value: int) -> Place:
        return Place((self.table.named(value),))

    @cached_property
    def _around(self) -> np.ndarray:
        """Steps to the voxels that a place of the middle one may have within 6 mm, in the order of the volume."""
        size = np.linalg.norm(self.affine[:3, :3], axis=0)
        reach = np.ceil(NEAR_MM * np.linalg.norm(np.linalg.inv(self.affine)[:3, :3], axis=1)).astype(int)
        steps = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1).reshape(-1, 3)
        far = np.linalg.norm(steps @ self.affine[:3, :3].T, axis=1)
        return steps[far <= NEAR_MM + size.sum() / 2 + TIE]

    def _nearest(self, mm: np.ndarray, voxels: np.ndarray) -> list[Place]:
        """The nearest region on the same side, within 6 mm, of places and the voxels that they lie in."""
        nearest = [Place()] * len(mm)
        for start in range(0, len(mm), PLACES_AT_ONCE):
            block = slice(start, start + PLACES_AT_ONCE)
            there = [here[:, None] + steps for here, steps in zip(voxels[block].T, self._around.T, strict=True)]
            valid = np.logical_and.reduce([(i >= 0) & (i < n) for i, n in zip(there, self.shape, strict=True)])
            values = self.values[tuple(np.clip(i, 0, n - 1) for i, n in zip(there, self.shape, strict=True))]
            place, step = np.nonzero((values > 0) & valid)
            value, at = values[place, step], to_mm(voxels[block][place] + self._around[step], self.affine)
            distance = np.linalg.norm(at - mm[block][place], axis=1)
            good = (distance <= NEAR_MM) & self._same_side(mm[block][place, 0], at[:, 0], value)
            place, value, distance = place[good], value[good], distance[good]
            # By place and distance; of equal ones the first in the volume.
            order = np.lexsort((distance, place))
            first = order[np.unique(place[order], return_index=True)[1]]
            for n in first.tolist():
                near = self.table.named(int(value[n]))
                nearest[start + int(place[n])] = Place(near=near, distance=float(distance[n]))
        return nearest

    def _same_side(self, x: np.ndarray, x_there: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Whether numbers are of regions that lie on the side of places: by their table, or else by where they are."""
        each, which = np.unique(values, return_inverse=True)
        labels = [self.table.get(int(value)) for value in each]
        side = np.array([{"left": -1, "right": 1}.get(label.side if label else "", 0) for label in labels], dtype=int)
        is_region = np.array([self.is_region(int(value)) for value in each], dtype=bool)
        side = np.where(side[which] == 0, np.sign(x_there), side[which])
        return is_region[which] & ((np.abs(x) < MIDLINE_MM) | (side == np.sign(x)))

    def regions_at(self, mm: np.ndarray) -> np.ndarray:
        """Number of the region of places, shape (n, 3), in mm; -1 where there is none."""
        numbers, _ = self.numbers(mm)
        return np.where(self._is_no_region(numbers), -1, numbers)

    def _is_no_region(self, numbers: np.ndarray) -> np.ndarray:
        background = [label.value for label in self.table if not label.is_region]
        return (numbers <= 0) | np.isin(numbers, background)

    def regions(self) -> list[Label]:
        """Regions that some voxel is of."""
        there = set(np.unique(self.values).tolist()) - {0}
        named = [label for label in self.table if label.value in there and label.is_region]
        rest = sorted(v for v in there - {label.value for label in self.table} if v > 0)
        return named + [Label(v, self.table.named(v)) for v in rest]

    def mask_of(self, value: int, mm: np.ndarray) -> np.ndarray:
        """Which of places, shape (n, 3), are in a region."""
        return self.numbers(mm)[0] == value


@dataclass(frozen=True, eq=False)
class ProbabilityAtlas(Atlas):
    """One volume a region, of which the likeliest four at each voxel are remembered; the volumes stay on disk.

    Attributes
    ----------
    best : int array of shape (nx, ny, nz, 4)
        Number of the volumes, the likeliest first.
    percents : array of shape (nx, ny, nz, 4)
    """

    best: np.ndarray = field(default=None, repr=False)
    percents: np.ndarray = field(default=None, repr=False)

    is_probable: ClassVar[bool] = True

    def at_each(self, mm: np.ndarray) -> list[Place]:
        """What it says of places, shape (n, 3), in mm."""
        voxels, inside = self.voxels(mm)
        places = []
        for voxel, is_inside in zip(voxels, inside, strict=True):
            percents = self.percents[tuple(voxel)]
            some = percents > 0
            named = tuple(self.table.named(int(v)) for v in self.best[tuple(voxel)][some])
            places.append(
                Place(named, tuple(float(p) for p in percents[some])) if is_inside else Place(is_inside=False)
            )
        return places

    def regions_at(self, mm: np.ndarray) -> np.ndarray:
        """Number of the likeliest region of places, shape (n, 3), in mm; -1 where none has 5 %."""
        voxels, inside = self.voxels(mm)
        at = tuple(voxels.T)
        return np.where(inside & (self.percents[at][:, 0] >= LEAST_PERCENT), self.best[at][:, 0], -1)

    def regions(self) -> list[Label]:
        """Regions that some voxel is of."""
        there = set(np.unique(self.best[self.percents > 0]).tolist())
        return [label for label in self.table if label.value in there and label.is_region]

    def mask_of(self, value: int, mm: np.ndarray) -> np.ndarray:
        """Which of places, shape (n, 3), are likeliest in a region, or as likely as in any, by at least 5 %."""
        voxels, inside = self.voxels(mm)
        best, percents = self.best[tuple(voxels.T)], self.percents[tuple(voxels.T)]
        mine = (best == value) & (percents >= LEAST_PERCENT) & (percents == percents[:, :1])
        return inside & mine.any(axis=1)
