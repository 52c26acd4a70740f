"""Figures of what a run found, beside the other participants of its study."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.study.across_runs import Seen, likeness
from glmwidgets.study.figure import Figure


def coverage(seen: Seen) -> float:
    """Share of the cells that at least half of the runs have, in percent."""
    together = seen.together
    if not together.is_possible or seen.index not in together.signals:
        return np.nan
    return float(100 * np.isfinite(together.signals[seen.index]).mean())


def mask_overlap(seen: Seen) -> float:
    """Dice coefficient of its cells with those that at least half of the runs have."""
    together = seen.together
    if not together.is_possible or seen.index not in together.signals:
        return np.nan
    shared = np.isfinite(together.signals[seen.index]).sum()
    return float(2 * shared / (together.cells.size + seen.part.preview.cells.size))


def signal_loss(seen: Seen) -> float:
    """Share of the group's cells whose signal is missing or below 60 % of what is usual there, in percent."""
    together = seen.together
    if not together.is_possible or seen.index not in together.signals:
        return np.nan
    own = np.nan_to_num(together.signals[seen.index])
    return float(100 * np.mean(own < 0.6 * together.usual_signal))


def map_r(seen: Seen) -> float:
    """Likeness of the run's t map to the mean of the other participants'."""
    together = seen.together
    if not together.is_possible or seen.index not in together.maps:
        return np.nan
    return likeness(together.maps[seen.index], together.others[seen.index])


def sides(seen: Seen) -> float:
    """Likeness of left minus right of all conditions' t maps to that of the other participants' mean."""
    together = seen.together
    if not together.is_possible or seen.index not in together.stats:
        return np.nan
    own, others = together.stats[seen.index], together.other_stats[seen.index]
    return likeness(together.sides(own).ravel(), together.sides(others).ravel())


def swap(seen: Seen) -> float:
    """Minus the least likeness, over pairs of conditions, of their difference to that of the others."""
    together = seen.together
    if not together.is_possible or seen.index not in together.stats or len(together.conditions) < 2:
        return np.nan
    own, others = together.stats[seen.index], together.other_stats[seen.index]
    # Of a - b, and of that alone: what all conditions share says nothing.
    pairs = zip(*np.triu_indices(len(own), 1), strict=True)
    gain = np.array([-likeness(own[a] - own[b], others[a] - others[b]) for a, b in pairs])
    return float(np.nanmax(gain)) if np.isfinite(gain).any() else np.nan


def lateness(seen: Seen) -> float:
    """Seconds by which the answer comes later than the other participants' responses say."""
    together = seen.together
    return together.lateness(seen.index) if together.is_possible and seen.index in together.stats else np.nan


def distance(seen: Seen) -> float:
    """Root mean square over cells of the difference from the others' mean, in SD between runs."""
    together = seen.together
    if not together.is_possible or seen.index not in together.maps:
        return np.nan
    difference = together.maps[seen.index] - together.others[seen.index]
    return float(np.sqrt(np.nanmean(np.square(difference / together.spread))))


def effect_there(seen: Seen) -> float:
    """Mean effect of the cells around the chosen place."""
    return _there(seen, lambda contrast: contrast.effect[0])


def z_there(seen: Seen) -> float:
    """Mean z of the cells around the chosen place."""
    return _there(seen, lambda contrast: contrast.z_score())


def _there(seen: Seen, what: Callable[[Contrast], np.ndarray]) -> float:
    if seen.together is None or seen.contrast is None or seen.contrast.dim > 1:
        return np.nan
    cells = seen.together.at_place(seen.index)
    return float(np.mean(what(seen.contrast)[cells])) if cells.size else np.nan


#: Figures of the run's maps.
MAP = (
    Figure(
        "coverage",
        "coverage",
        "%",
        "map",
        "Of the cells that at least half of the runs have, the share that this run has.",
        coverage,
        side="low",
        floor=4,
        words="it covers {value} of the brain that the runs share, and {usual} is usual",
    ),
    Figure(
        "mask_overlap",
        "overlap of masks",
        "",
        "map",
        "Dice coefficient of its cells with those that at least half of the runs have.",
        mask_overlap,
        side="low",
        floor=0.03,
    ),
    Figure(
        "signal_loss",
        "signal loss",
        "%",
        "map",
        "Share of the group's cells whose mean signal, over the run's median, is below 60 % of the runs' median.",
        signal_loss,
        side="high",
        floor=1.5,
        words="the signal is lost in {value} of the brain, and {usual} is usual",
    ),
    Figure(
        "map_r",
        "likeness to the others' map",
        "",
        "map",
        "Cosine between the run's t map and the mean t map of the other participants, over the tenth of the cells "
        "where that mean is largest.",
        map_r,
        side="low",
        floor=0.1,
        words="its map is less like the others' than usual: its similarity is {value}, and {usual} is usual",
        grave="its map may be inverted in sign: its similarity to the others' map is {value}, and {usual} is usual",
        of_contrast=True,
    ),
    Figure(
        "sides",
        "likeness of left minus right",
        "",
        "map",
        "Cosine between the run's left minus right t, over all conditions, and that of the other participants' mean, "
        "over the tenth of the cells where the latter is largest.",
        sides,
        side="low",
        floor=0.1,
        words="its left and right sides differ less like the others' than usual: the similarity is {value}, and "
        "{usual} is usual: check whether the image is flipped",
        grave="the image may be flipped left to right: the similarity of its left-right difference to the others' is "
        "{value}, and {usual} is usual",
    ),
    Figure(
        "swap",
        "conditions swapped",
        "",
        "map",
        "Minus the least cosine, over pairs of conditions, between the run's difference of their t maps and that of "
        "the other participants' mean, over the tenth of the cells where the latter is largest; above 0 a pair is "
        "reversed.",
        swap,
        side="high",
        floor=0.1,
        words="two conditions differ less like the others' than usual: the figure is {value}, and {usual} is usual; "
        "above 0 they may be swapped",
        grave="two conditions may be swapped: the similarity of their difference to the reverse of the others' is "
        "{value}, and {usual} is usual",
    ),
    Figure(
        "lateness",
        "delay of the response",
        "s",
        "map",
        "Time shift at which the series of the 300 most responsive cells correlate best with the prediction from the "
        "run's events and the other participants' mean effects.",
        lateness,
        side="both",
        floor=0.5,
        words="its response comes {value} later than its events predict, and {usual} is usual: check the onsets",
    ),
    Figure(
        "distance",
        "distance from the others",
        "",
        "map",
        "Root mean square over cells of (t - the others' mean t) / SD over runs.",
        distance,
        side="high",
        floor=1.3,
        ratio=True,
        of_contrast=True,
    ),
    Figure(
        "effect_there",
        "effect at the chosen place",
        "",
        "map",
        "Mean effect of the cells within 10 mm of the chosen place.",
        effect_there,
        of_contrast=True,
    ),
    Figure(
        "z_there",
        "z at the chosen place",
        "",
        "map",
        "Mean z of the cells within 10 mm of the chosen place.",
        z_there,
        of_contrast=True,
    ),
)
