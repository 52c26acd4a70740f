"""What is said of a place or a cluster: names of regions, with the hedge that belongs to them.

- Of labels: the region, or the nearest one within 6 mm on the same side with its distance, or none.
- Of probabilities: the best two of at least 5 %, each with its own; "perhaps" where the best is below 25 %.
- Of a cluster: the share of all of its voxels in each region of at least 5 %, "other" and "unlabelled": 100 % in all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: Probabilities and shares below this are not named.
LEAST_PERCENT = 5.0

#: Best probabilities below this are said with "perhaps".
SURE_PERCENT = 25.0

#: Two probabilities that differ by less than this are said to be about as likely.
ALIKE = 10.0

#: How far the nearest region of a place without one is looked for.
NEAR_MM = 6.0

OUTSIDE = "outside the atlas"


@dataclass(frozen=True)
class Place:
    """What an atlas says of one place.

    Attributes
    ----------
    names : tuple of str
        Regions there, the likeliest first.
    percents : tuple of float
        Their probabilities; empty for an atlas of labels.
    near : str
        The nearest region, where there is none.
    distance : float
        How far that is, in mm.
    is_inside : bool
        Whether the place lies in the atlas's volume.

    Examples
    --------
    >>> str(Place(("Mill",))), str(Place(("Mill", "Pond"), (39.0, 12.0)))
    ('Mill', 'Mill 39 %, Pond 12 %')
    >>> str(Place(near="Mill", distance=3.2)), str(Place()), str(Place(is_inside=False))
    ('no region; nearest Mill, 3.2 mm', 'no region', 'outside the atlas')
    >>> str(Place(("Mill",), (12.0,))), str(Place(("moor",), (4.0,)))
    ('perhaps Mill 12 %', 'no region (best moor 4 %)')
    """

    names: tuple[str, ...] = ()
    percents: tuple[float, ...] = ()
    near: str = ""
    distance: float = 0.0
    is_inside: bool = True

    @property
    def name(self) -> str:
        """The one region that is there; both, where the two best are about as likely; empty where there is none."""
        if not self.percents:
            return self.names[0] if self.names else ""
        if self.percents[0] < LEAST_PERCENT:
            return ""
        two = (
            len(self.percents) > 1 and self.percents[1] >= LEAST_PERCENT and self.percents[0] - self.percents[1] < ALIKE
        )
        return " / ".join(self.names[: 1 + two])

    def __str__(self) -> str:
        if not self.is_inside:
            return OUTSIDE
        if self.percents:
            return self._with_percents()
        if self.names:
            return self.names[0]
        return f"no region; nearest {self.near}, {self.distance:.1f} mm" if self.near else "no region"

    def _with_percents(self) -> str:
        said = [f"{n} {p:.0f} %" for n, p in zip(self.names, self.percents, strict=True) if p >= LEAST_PERCENT][:2]
        if not said:
            return f"no region (best {self.names[0]} {self.percents[0]:.0f} %)"
        return ("perhaps " if self.percents[0] < SURE_PERCENT else "") + ", ".join(said)


@dataclass(frozen=True)
class Shares:
    """Where the voxels of a cluster lie.

    Attributes
    ----------
    regions : tuple of (str, float)
        Regions of at least 5 % of the voxels, with their percent, the largest first.
    other : float
        Percent in smaller regions.
    unlabelled : float
        Percent in no region, or outside the atlas.
    is_best : bool
        Whether a voxel counts for its likeliest region (atlases of probabilities), or for its only one.

    Examples
    --------
    >>> str(Shares((("Mill", 62.0), ("Pond", 20.0)), 3.0, 15.0))
    'Mill 62 %, Pond 20 %, other 3 %, unlabelled 15 %'
    """

    regions: tuple[tuple[str, float], ...]
    other: float
    unlabelled: float
    is_best: bool = False

    @classmethod
    def of(cls, counts: Iterable[tuple[str, int]], n_voxels: int, is_best: bool = False) -> Shares:
        """Shares of named counts among all voxels of a cluster."""
        percents = [(name, 100 * count / n_voxels) for name, count in counts]
        if len(percents) > 1:
            percents.sort(key=lambda pair: -pair[1])
        named = tuple(pair for pair in percents if pair[1] >= LEAST_PERCENT)
        total = sum(percent for _, percent in percents)
        return cls(named, total - sum(percent for _, percent in named), 100 - total, is_best)

    def __str__(self) -> str:
        rest = (("other", self.other), ("unlabelled", self.unlabelled))
        said = [*self.regions, *(pair for pair in rest if round(pair[1]) > 0)]
        return ", ".join(f"{name} {percent:.0f} %" for name, percent in said)
