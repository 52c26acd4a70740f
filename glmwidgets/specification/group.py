"""Everything a person can choose of a group analysis, as one frozen tree that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from glmwidgets.glm.group.fit import GROUP_ESTIMATORS
from glmwidgets.glm.group.terms import KINDS, TermColumn
from glmwidgets.glm.tables import number_of, some
from glmwidgets.plural import count
from glmwidgets.specification.field import Argument, SettingsError, check_group, plain, setting
from glmwidgets.specification.looks import MapView
from glmwidgets.specification.question import Question
from glmwidgets.specification.tree import SettingsTree


@dataclass(frozen=True)
class GroupInputSettings:
    """Where the maps come from.

    Attributes
    ----------
    maps : tuple of str
        Their files, in their order; empty if they were given in memory.
    mask, background : str or None
        Files; None for what was given in memory or not at all.
    resample : bool
        Bring maps on another grid to that of the mask, or of the first map.
    zeros_are_data : bool
        Whether a value of exactly 0 was measured.
    """

    maps: tuple[str, ...] = setting((), "maps", argument=Argument("second_level_input", "SecondLevelModel.fit"))
    mask: str | None = setting(None, "mask", argument=Argument("mask_img", "SecondLevelModel"))
    background: str | None = setting(
        None, "background", argument=Argument("bg_img", "SecondLevelModel.generate_report")
    )
    resample: bool = setting(
        False, "resampled to one grid", argument=Argument("resample", "SecondLevelModel", nilearn=None)
    )
    zeros_are_data: bool = setting(
        False, "zeros are data", argument=Argument("zeros_are_data", "SecondLevelModel.fit", nilearn=None)
    )


@dataclass(frozen=True)
class GroupDataSettings:
    """What is done to the maps, and which of them are used.

    Attributes
    ----------
    smoothing_fwhm : float or None
        Full width at half maximum of a Gaussian, in mm; None or 0 for none.
    left_out : tuple of str
        Names of maps that are not used.
    """

    smoothing_fwhm: float | None = setting(
        None,
        "smoothing",
        unit="mm",
        low=0,
        high=50,
        argument=Argument("smoothing_fwhm", "SecondLevelModel", to=lambda mm: mm or None),
        alternatives=(None, 4.0, 8.0),
        stride=2.0,
        also=("smooth", "spatial filter", "fwhm", "blur"),
        more=("smooth more",),
        less=("smooth less",),
    )
    left_out: tuple[str, ...] = setting((), "maps left out", also=("leave out a subject", "exclude an outlier"))

    def __post_init__(self) -> None:
        check_group(self, "data")


@dataclass(frozen=True)
class TableSettings:
    """What is known of each map: columns of texts, some of which are read as numbers.

    Attributes
    ----------
    maps : tuple of str
        Names of the maps: the rows.
    names : tuple of str
        Names of the columns.
    kinds : tuple of str
        Of each column, a key of `glmwidgets.glm.group.terms.KINDS`.
    cells : tuple of tuple of str
        Of each column, a text for each map; empty where nothing is known.
    subjects : str or None
        The column that tells which subject a map is of, where subjects have several maps.
    rows : tuple of str
        What the table that was given calls the row of each map.
    matched : str
        How these rows were found, in words.
    """

    maps: tuple[str, ...] = setting((), "names of the maps")
    names: tuple[str, ...] = setting((), "columns of the table")
    kinds: tuple[str, ...] = setting((), "kinds of the columns", choices=KINDS)
    cells: tuple[tuple[str, ...], ...] = setting((), "cells of the table")
    subjects: str | None = setting(None, "column of the subjects")
    rows: tuple[str, ...] = setting((), "rows of the table")
    matched: str = setting("", "how rows were found")

    def __post_init__(self) -> None:
        check_group(self, "table")
        if not len(self.names) == len(self.kinds) == len(self.cells):
            raise SettingsError("table.names", "must be as many as kinds and columns of cells")
        twice = [name for name in self.names if self.names.count(name) > 1]
        if twice:
            raise SettingsError("table.names", f"{twice[0]!r} is the name of two columns")
        for column in self.columns():
            if len(column.cells) != len(self.maps):
                raise SettingsError(
                    "table.cells", f"{column.name} has {count(len(column.cells), 'cell')} for {len(self.maps)} maps"
                )
            filled = [cell for cell in column.cells if cell.strip()]
            # One odd cell, such as an age of 89+, is refused by the model that needs it.
            if column.kind == "number" and filled and all(number_of(cell) is None for cell in filled):
                raise SettingsError("table.cells", f"{column.name} holds no number ({some(filled, repr)})")

    def columns(self) -> list[TermColumn]:
        """The columns, in their order."""
        return [TermColumn(*each) for each in zip(self.names, self.kinds, self.cells, strict=True)]

    def column(self, name: str) -> TermColumn:
        """One column by its name.

        Raises
        ------
        ValueError
            If there is none.
        """
        if name not in self.names:
            there = ", ".join(self.names) or "none"
            raise ValueError(
                f"the table has no column {name!r} that can be modelled; those that can: {there} (columns whose "
                "cells are all alike, or words that all differ, cannot)"
            )
        return self.columns()[self.names.index(name)]

    def with_cell(self, row: int, column: int, text: str) -> tuple[tuple[str, ...], ...]:
        """The cells, with one of them replaced.

        Raises
        ------
        SettingsError
            If the column is of numbers and the text is none.
        """
        if self.kinds[column] == "number" and text.strip() and number_of(text) is None:
            said = f"{self.names[column]} of {self.maps[row]} is {text.strip()!r}, which is not a number"
            raise SettingsError("table.cells", said)
        changed = list(self.cells[column])
        changed[row] = text.strip()
        return (*self.cells[:column], tuple(changed), *self.cells[column + 1 :])


@dataclass(frozen=True)
class GroupDesignSettings:
    """The columns of the design matrix.

    Attributes
    ----------
    terms : tuple of str
        Columns of the table that are modelled; with none the model is the mean alone.
    centre : bool
        Whether covariates are centred.
    estimator : str
        Key of `glmwidgets.glm.group.fit.GROUP_ESTIMATORS`.
    """

    terms: tuple[str, ...] = setting((), "terms", also=("paired test", "two-sample test", "columns of the model"))
    centre: bool = setting(True, "covariates centred", short="centre covariates", also=("demean",))
    estimator: str = setting(
        "ols",
        "estimator",
        choices=GROUP_ESTIMATORS,
        closed=True,
        argument=Argument("estimator", "SecondLevelModel", nilearn=None, quiet=True),
    )

    def __post_init__(self) -> None:
        check_group(self, "design")


def _permuted(name: str) -> Argument:
    return Argument(name, "non_parametric_inference")


@dataclass(frozen=True)
class PermutationSettings:
    """What a permutation test consists of; it is run when asked for.

    Attributes
    ----------
    n_perm : int
        Rearrangements, or all there are if these are no more.
    seed : int
        The same number gives the same rearrangements.
    forming : float
        Cluster-forming threshold, an uncorrected p value; 0 for no test of clusters.
    tfce : bool
        Whether threshold-free cluster enhancement is tested, too.
    discoveries : bool
        Whether it is learnt how much of any cluster is surely active.
    alpha : float
        Family-wise error that cut-offs are for.
    """

    n_perm: int = setting(
        1000,
        "permutations",
        low=1,
        high=1_000_000,
        step=500,
        stride=1000,
        argument=_permuted("n_perm"),
        also=("rearrangements", "sign flips"),
        more=("more permutations",),
        less=("fewer permutations",),
    )
    seed: int = setting(0, "seed", low=0, argument=_permuted("random_state"))
    forming: float = setting(
        0.001,
        "cluster-forming p",
        short="clusters at p",
        step=0.001,
        say=lambda p: plain(p) if p else "no test of clusters",
        low=0,
        high=0.5,
        argument=Argument(
            "threshold", "non_parametric_inference", to=lambda p: p or None, back=lambda p: 0.0 if p is None else p
        ),
    )
    tfce: bool = setting(False, "TFCE", help="threshold-free cluster enhancement; slower", argument=_permuted("tfce"))
    discoveries: bool = setting(
        False,
        "true discoveries",
        help="how much of each cluster is surely active, by permutation; slower",
        argument=Argument("true_discoveries", "non_parametric_inference", nilearn=None),
        absent=False,
    )
    alpha: float = setting(0.05, "family-wise error", short="FWE alpha", low=0, high=0.5, open_low=True, step=0.01)

    def __post_init__(self) -> None:
        check_group(self, "permutation")


@dataclass(frozen=True)
class GroupSource(SettingsTree):
    """Which maps are analysed."""

    inputs: GroupInputSettings = field(default_factory=GroupInputSettings)


@dataclass(frozen=True)
class GroupModel(SettingsTree):
    """What is fitted to the maps of a group."""

    data: GroupDataSettings = field(default_factory=GroupDataSettings)
    table: TableSettings = field(default_factory=TableSettings)
    design: GroupDesignSettings = field(default_factory=GroupDesignSettings)


@dataclass(frozen=True)
class GroupQuestion(Question):
    """What is asked of a group: contrast, threshold, and the permutation test that is run on request."""

    permutation: PermutationSettings = field(default_factory=PermutationSettings)


@dataclass(frozen=True)
class GroupSettings(MapView, GroupQuestion, GroupModel, GroupSource):
    """The whole tree.

    Examples
    --------
    >>> settings = GroupSettings().updated({"table.maps": ["a", "b"], "table.names": ["age"], "table.kinds": ["number"],
    ...                                     "table.cells": [["31", "24"]], "design.terms": ["age"]})
    >>> GroupSettings.from_json(settings.to_json()) == settings
    True
    >>> settings.table.with_cell(1, 0, "old")
    Traceback (most recent call last):
    glmwidgets.specification.field.SettingsError: table.cells: age of b is 'old', which is not a number
    """

    FORMAT: ClassVar[str] = "glmwidgets group settings"
    VIEWS: ClassVar[frozenset[str]] = frozenset({"map", "permutation"})
