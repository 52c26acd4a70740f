"""Settings of the contrast and of its threshold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glmwidgets.glm.fit.grammar import quote_name
from glmwidgets.glm.inference.cluster_p import CLUSTER_TESTS
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.glm.inference.smoothness import SMOOTHNESS
from glmwidgets.specification.field import Argument, Needs, Option, SettingsError, check_group, field_of, setting
from glmwidgets.specification.search import PATH, SEARCHES, check_search, in_words, label_in_full
from glmwidgets.specification.tree import SettingsTree


@dataclass(frozen=True)
class ContrastSettings:
    """What is asked of the model: one contrast, or the active one of a list.

    Attributes
    ----------
    expression : str
        Weights of the columns, such as ``"face - house"``; rows of an F contrast are separated by ``;``. Empty
        for the first condition. Of a list, the expression of the active contrast.
    names : tuple of str
        Names of the list's contrasts; an empty one is called by its expression.
    expressions : tuple of str
        Their expressions. The active one is always equal to `expression`. Empty where there is no list.
    active : int
        Place of the active contrast in the list, from 0. Changing it alone takes the expression of that place.
    """

    expression: str = setting(
        "",
        "contrast",
        help="columns with their weights, or a weight for each: [1 -1 0]; rows of an F test are separated by ;",
        also=("ask a question",),
        options=(
            Option(
                "--contrast",
                'such as "face - house" or "[1 -1 0]"; rows of an F test separated by ; (if it starts with a minus: '
                '--contrast="-face")',
            ),
        ),
        argument=Argument("contrast_def", "FirstLevelModel.compute_contrast"),
        bids="Contrasts",
    )
    # Which contrasts are at hand changes no map; which one is asked for is said by its expression.
    names: tuple[str, ...] = setting((), "names of the contrasts", bids="Contrasts", aside=True)
    expressions: tuple[str, ...] = setting((), "list of contrasts", bids="Contrasts", aside=True)
    active: int = setting(0, "place in the list of contrasts", aside=True)

    def __post_init__(self) -> None:
        if len(self.names) != len(self.expressions):
            raise SettingsError(
                "contrast.names", f"must be as many as expressions ({len(self.expressions)}), not {len(self.names)}"
            )
        last = max(0, len(self.expressions) - 1)
        if not 0 <= self.active <= last:
            raise SettingsError("contrast.active", f"must be at least 0 and at most {last}, not {self.active}")
        if self.expressions:
            listed = list(self.expressions)
            listed[self.active] = self.expression
            object.__setattr__(self, "expressions", tuple(listed))

    @property
    def listed(self) -> tuple[tuple[str, str], ...]:
        """Name and expression of every contrast, also where there is but one.

        Examples
        --------
        >>> ContrastSettings("face").listed
        (('', 'face'),)
        """
        return tuple(zip(self.names, self.expressions, strict=True)) or (("", self.expression),)

    def relisted(self, listed: Sequence[tuple[str, str]], active: int) -> dict[str, Any]:
        """Changes of settings that make these contrasts the list; one nameless contrast is none.

        Examples
        --------
        >>> ContrastSettings().relisted([("", "face")], 0)
        {'contrast.expression': 'face'}
        """
        alone = len(listed) == 1 and not listed[0][0]
        asked = {"contrast.expression": listed[active][1]}
        if alone and not self.expressions:
            return asked
        return {
            "contrast.names": () if alone else tuple(name for name, _ in listed),
            "contrast.expressions": () if alone else tuple(expression for _, expression in listed),
            "contrast.active": active,
            **asked,
        }

    def changed(self, new: Mapping[str, Any]) -> ContrastSettings:
        """Copy with some fields replaced: the expression follows the list where only the list was given.

        A name that was the old expression itself follows the new one; a name that a person gave stays.

        Examples
        --------
        >>> contrasts = ContrastSettings("face", ("face", "mine"), ("face", "house"))
        >>> contrasts.changed({"expression": "face - house"}).names
        ('face - house', 'mine')
        """
        new = dict(new)
        if "expression" in new and self.names and not {"active", "expressions", "names"} & set(new):
            names = list(self.names)
            name = names[self.active]
            if name and self.expression in (name, quote_name(name)):
                names[self.active] = new["expression"]
            new["names"] = tuple(names)
        if "expression" not in new and {"active", "expressions"} & set(new):
            expressions, active = new.get("expressions", self.expressions), new.get("active", self.active)
            if 0 <= active < len(expressions):
                new["expression"] = expressions[active]
        return dataclasses.replace(self, **new)


_THRESHOLD, _TABLE = "threshold_stats_img", "get_clusters_table"


def _conventional_height(name: str) -> str | None:
    """None is what the field calls the height that is chosen by hand."""
    row = THRESHOLDS[name]
    return name if row.nilearn is None else row.nilearn or None


def _by_threshold(what: str) -> Needs:
    return Needs("threshold.height_control", lambda: [name for name, row in THRESHOLDS.items() if row.setting == what])


@dataclass(frozen=True)
class ThresholdSettings:
    """What survives.

    Attributes
    ----------
    height_control : str
        A key of `glmwidgets.glm.inference.heights.THRESHOLDS`.
    alpha : float
        Rate of false positives or discoveries that the method controls.
    value : float
        Threshold in z where the method is a fixed one.
    share : float
        Share of each region's voxels that has to be surely active, where the method reads that.
    two_sided : bool
        Whether both signs are looked at, with alpha for the two together.
    cluster_size : int
        Smallest cluster that is kept, in voxels.
    min_distance : float
        Smallest distance between the peaks listed of a cluster, in mm.
    cluster_p : str
        How p values of clusters are found: a key of `glmwidgets.glm.inference.cluster_p.CLUSTER_TESTS`.
    search : str
        Where one searches: empty for the whole mask, else as `glmwidgets.specification.search` reads it.
    atlas : str
        Path of an atlas that names peaks and clusters; empty for none.
    smoothness : str
        How the smoothness of the noise is estimated, where a threshold or a p value depends on it: a key of
        `glmwidgets.glm.inference.smoothness.SMOOTHNESS`.
    """

    height_control: str = setting(
        "fpr",
        "threshold",
        choices=THRESHOLDS,
        also=("correction for multiple comparisons",),
        options=(Option("--threshold", "method that sets the threshold"),),
        argument=Argument(
            "height_control",
            _THRESHOLD,
            to=_conventional_height,
            back=lambda name: "fixed" if name is None else name,
        ),
    )
    alpha: float = setting(
        0.001,
        "alpha",
        step=0.01,
        low=0,
        high=1,
        open_low=True,
        options=(Option("--alpha", "error rate that the threshold allows"),),
        argument=Argument("alpha", _THRESHOLD),
        needs=(_by_threshold("alpha"),),
        also=("significance level", "error rate", "p"),
    )
    value: float = setting(
        3.1,
        "z threshold",
        low=0,
        options=(Option("--threshold-value", "the height in z", "Z"),),
        argument=Argument("threshold", _THRESHOLD),
        needs=(_by_threshold("fixed"),),
        also=("height in z", "threshold"),
    )
    share: float = setting(
        0.7,
        "share active",
        low=0,
        high=1,
        open_low=True,
        step=0.01,
        options=(Option("--share", "share of each region that has to be surely active"),),
        argument=Argument("share", _THRESHOLD, nilearn=None),
        needs=(_by_threshold("share"),),
        also=("gamma", "true discovery proportion"),
    )
    two_sided: bool = setting(
        True,
        "sides",
        say=lambda both: "two-sided" if both else "positive only",
        also=("sides of the test",),
        more=("both signs", "two-sided test"),
        less=("only positive effects", "one-sided test"),
        options=(
            Option("--one-sided", "positive effects only", const=False),
            Option("--two-sided", "effects of both signs", const=True),
        ),
        argument=Argument("two_sided", _THRESHOLD),
    )
    cluster_size: int = setting(
        0,
        "smallest cluster",
        short="cluster",
        unit="voxels",
        low=0,
        options=(Option("--cluster-size", "smallest cluster in voxels"),),
        stride=5,
        also=("cluster size", "extent threshold", "clusters of voxels"),
        more=("hide small clusters",),
        less=("show small clusters",),
        argument=Argument("cluster_threshold", _TABLE),
    )
    min_distance: float = setting(
        8.0,
        "distance of peaks",
        unit="mm",
        low=0,
        options=(Option("--min-distance", "minimum distance in mm between peaks of a cluster"),),
        stride=2.0,
        argument=Argument("min_distance", _TABLE),
    )
    cluster_p: str = setting(
        "none",
        "p of clusters",
        choices=CLUSTER_TESTS,
        also=("cluster p values", "peak p values"),
        options=(Option("--cluster-p", "how p values of clusters and peaks are found"),),
        argument=Argument("cluster_p", _TABLE, nilearn=None),
    )
    search: str = setting(
        "",
        "search region",
        short="search",
        say=in_words,
        help=f"{' or '.join(row.form for row in SEARCHES.values())}; of the atlas that is set label NAME is enough; "
        "empty for the whole mask",
        also=("small-volume correction", "svc", "region of interest"),
        options=(
            Option(
                "--search",
                "where to search, named before the map was seen: 'sphere X Y Z RADIUS', 'mask PATH', 'label NAME' of "
                "--atlas",
            ),
        ),
        said=lambda text: f"effects were searched {in_words(text)}" if text else "",
    )
    # Names change no map.
    atlas: str = setting(
        "",
        "atlas",
        help="path of an atlas that names the regions of peaks and clusters; its table of names lies beside it",
        also=("region names", "anatomical labels", "parcellation"),
        aside=True,
        options=(
            Option(
                "--atlas",
                "atlas that names peaks and clusters, its table of names beside it; 'schaefer:400' is downloaded",
                "FILE",
            ),
        ),
        argument=Argument("atlas", _TABLE, to=lambda path: path or None, back=lambda path: path or "", nilearn=None),
    )
    smoothness: str = setting(
        "correlation",
        "estimator of smoothness",
        short="smoothness",
        choices=SMOOTHNESS,
        options=(Option("--smoothness", "how the smoothness of the noise over space is estimated"),),
        argument=Argument("smoothness", "runs_random_field"),
        also=("FWHM of the noise", "resels"),
    )

    def __post_init__(self) -> None:
        check_group(self, "threshold")
        object.__setattr__(self, "search", label_in_full(self.search, self.atlas, PATH))
        check_search(self.search)

    @property
    def _level(self) -> str:
        setting = THRESHOLDS[self.height_control].setting
        return "value" if setting == "fixed" else setting

    @property
    def level(self) -> float:
        """The number that the method reads.

        Examples
        --------
        >>> ThresholdSettings("fdr", 0.05).level, ThresholdSettings("fixed", value=4.0).level
        (0.05, 4.0)
        """
        return getattr(self, self._level)

    @property
    def height(self) -> dict[str, Any]:
        """What chooses the height, as arguments of `glmwidgets.models.threshold_stats_img`, and no others.

        Examples
        --------
        >>> ThresholdSettings("fdr", 0.05).height, ThresholdSettings("fixed", value=4.0).height
        ({'height_control': 'fdr', 'alpha': 0.05}, {'height_control': None, 'threshold': 4.0})
        """
        level = self._level
        rows = {each.name: field_of(each).argument for each in dataclasses.fields(self)}
        return {rows[name].name: rows[name].to(getattr(self, name)) for name in ("height_control", level)}


@dataclass(frozen=True)
class Question(SettingsTree):
    """What is asked: the contrast, and what decides which voxels and clusters survive."""

    contrast: ContrastSettings = field(default_factory=ContrastSettings)
    threshold: ThresholdSettings = field(default_factory=ThresholdSettings)
