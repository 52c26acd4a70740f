"""Everything a person can choose of a group analysis, as one frozen tree that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from glmwidgets.glm.group.terms import KINDS, TermColumn, parse_number
from glmwidgets.specification.settings import ContrastSettings, MapSettings, ThresholdSettings
from glmwidgets.specification.tree import SettingsError, SettingsTree, one_of, within

__all__ = [
    "GroupDataSettings",
    "GroupDesignSettings",
    "GroupInputSettings",
    "GroupSettings",
    "PermutationSettings",
    "TableSettings",
]


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
    """

    maps: tuple[str, ...] = ()
    mask: str | None = None
    background: str | None = None
    resample: bool = False


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

    smoothing_fwhm: float | None = None
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        within("data.smoothing_fwhm", self.smoothing_fwhm, 0, 50)


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
    """

    maps: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    cells: tuple[tuple[str, ...], ...] = ()
    subjects: str | None = None

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.kinds) == len(self.cells):
            raise SettingsError("table.names", "must be as many as kinds and columns of cells")
        twice = [name for name in self.names if self.names.count(name) > 1]
        if twice:
            raise SettingsError("table.names", f"{twice[0]!r} is the name of two columns")
        for column in self.columns():
            one_of("table.kinds", column.kind, KINDS)
            if len(column.cells) != len(self.maps):
                raise SettingsError(
                    "table.cells", f"{column.name} has {len(column.cells)} cells for {len(self.maps)} maps"
                )
            if column.kind == "number":
                for name, cell in zip(self.maps, column.cells, strict=True):
                    if cell.strip() and parse_number(cell) is None:
                        raise SettingsError("table.cells", f"{column.name} of {name} is {cell!r}, which is no number")

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
            raise ValueError(f"the table has no column {name!r}; there are {there}")
        return self.columns()[self.names.index(name)]

    def with_cell(self, row: int, column: int, text: str) -> tuple[tuple[str, ...], ...]:
        """The cells, with one of them replaced."""
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
    """

    terms: tuple[str, ...] = ()
    centre: bool = True


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
    alpha : float
        Family-wise error that cut-offs are for.
    """

    n_perm: int = 1000
    seed: int = 0
    forming: float = 0.001
    tfce: bool = False
    alpha: float = 0.05

    def __post_init__(self) -> None:
        within("permutation.n_perm", self.n_perm, 1, 1_000_000)
        within("permutation.seed", self.seed, 0)
        within("permutation.forming", self.forming, 0, 0.2)
        within("permutation.alpha", self.alpha, 0, 0.5, open_low=True)


@dataclass(frozen=True)
class GroupSettings(SettingsTree):
    """The whole tree.

    Examples
    --------
    >>> settings = GroupSettings().updated({"table.maps": ["a", "b"], "table.names": ["age"], "table.kinds": ["number"],
    ...                                     "table.cells": [["31", "24"]], "design.terms": ["age"]})
    >>> GroupSettings.from_json(settings.to_json()) == settings
    True
    >>> settings.updated({"table.cells": [["31", "old"]]})
    Traceback (most recent call last):
    glmwidgets.specification.tree.SettingsError: table.cells: age of b is 'old', which is no number
    """

    FORMAT: ClassVar[str] = "glmwidgets group settings"
    VIEWS: ClassVar[frozenset[str]] = frozenset({"map", "permutation"})

    inputs: GroupInputSettings = field(default_factory=GroupInputSettings)
    data: GroupDataSettings = field(default_factory=GroupDataSettings)
    table: TableSettings = field(default_factory=TableSettings)
    design: GroupDesignSettings = field(default_factory=GroupDesignSettings)
    contrast: ContrastSettings = field(default_factory=ContrastSettings)
    threshold: ThresholdSettings = field(default_factory=ThresholdSettings)
    permutation: PermutationSettings = field(default_factory=PermutationSettings)
    map: MapSettings = field(default_factory=MapSettings)
