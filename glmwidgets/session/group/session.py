"""The live analysis of a group: its model and its map at once, permutation tests beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import traitlets

from glmwidgets.analysis.answers import GroupAnswer
from glmwidgets.analysis.proposals import named_weights
from glmwidgets.glm.tables import parse_table
from glmwidgets.session.core.live import first_settings
from glmwidgets.session.core.permutation import PermutingSession
from glmwidgets.session.group.analysis import GroupAnalysis
from glmwidgets.session.group.data import Group, covariates_by_map
from glmwidgets.session.group.tests import TESTS, changes_of_terms
from glmwidgets.session.group.values import GroupValues, values_at
from glmwidgets.specification.group import GroupSettings
from glmwidgets.specification.tree import SettingsError, SettingsTree

__all__ = ["GroupSession"]


class GroupSession(PermutingSession):
    """A group being looked at; see `glmwidgets.session.core.live.LiveSession`.

    Parameters
    ----------
    group : Group
    settings : GroupSettings or mapping, optional
        What to begin with, or what to change of the mean of all maps that is the default.
    synchronous : bool
        Compute in the caller's thread: for scripts and tests.

    Examples
    --------
    >>> import nibabel as nib, numpy as np, pandas as pd
    >>> from glmwidgets.session import GroupSession, open_group
    >>> rng = np.random.default_rng(0)
    >>> maps = [nib.Nifti1Image(rng.standard_normal((6, 6, 6)), np.eye(4)) for _ in range(8)]
    >>> group = open_group(maps, pd.DataFrame({"age": range(20, 28)}), match="order")
    >>> session = GroupSession(group, synchronous=True)
    >>> session.refresh()
    >>> session.ask("regression"), session.settings.contrast.expression
    (True, 'age')
    """

    settings = traitlets.Instance(GroupSettings)
    shown = traitlets.Unicode(None, allow_none=True, help="Name of the one map that is looked at by itself.")

    def __init__(
        self, group: Group, settings: GroupSettings | Mapping[str, Any] | None = None, synchronous: bool = False
    ):
        self.group = group
        analysis = GroupAnalysis(group)
        #: Whether this goes on where a session left off, and stays where that was.
        self.goes_on = False
        super().__init__(analysis, first_settings(analysis, settings), synchronous)

    @property
    def _is_new(self) -> bool:
        return not self.goes_on

    # The model ----------------------------------------------------------------------------------------------------

    def ask(self, test: str) -> bool:
        """Take one of the usual tests as model and contrast.

        Parameters
        ----------
        test : str
            Key of `glmwidgets.session.group.tests.TESTS`.

        Returns
        -------
        bool
            False if the table does not hold what the test needs; `status` says what.
        """
        return self._update_by(lambda: TESTS[test].changes(self.settings), "design")

    def _carried(self, settings: SettingsTree) -> Mapping[str, Any]:
        same = settings.design == self.settings.design and settings.table == self.settings.table
        if same or self.result is None or not self.is_current:
            return {}
        return named_weights(settings.contrast, list(self.result.design.columns))

    def take_terms(self, terms: Any) -> bool:
        """Take some columns of the table as the model, with a contrast that can be asked of it."""
        return self._update_by(lambda: changes_of_terms(self.settings, tuple(terms)))

    def add_covariates(self, frame: pd.DataFrame, match: str = "names") -> bool:
        """Add columns to the table of maps; see `glmwidgets.session.group.data.covariates_by_map`."""

        def joined() -> dict[str, Any]:
            table = covariates_by_map(self.settings.table, frame, self.settings.inputs.maps, match)
            return {f"table.{name}": getattr(table, name) for name in ("names", "kinds", "cells", "matched")}

        return self._update_by(joined, "table")

    def add_covariates_file(self, name: str, content: bytes) -> bool:
        """Add the columns of a file to the table of maps.

        Raises
        ------
        SettingsError
            If the file is no table.
        """
        try:
            frame, _ = parse_table(content, "covariates", name)
        except ValueError as error:
            raise SettingsError.of("table", error) from None
        return self.add_covariates(frame)

    # One voxel, one map -------------------------------------------------------------------------------------------

    def values(self, against: str | None = None, ijk: tuple[int, int, int] | None = None) -> GroupValues | None:
        """Values of all maps at a voxel, against a column of the table.

        Parameters
        ----------
        against : str, optional
            Name of the column; "" draws all maps beside each other. By default what the contrast asks about.
        ijk : tuple of int, optional
            The crosshair's voxel by default.

        Returns
        -------
        GroupValues or None
            None before the first result and outside the mask.
        """
        with self.lock:
            result = self.result
            voxel = None if result is None else result.voxel(tuple(ijk or self.cursor))
        if voxel is None:
            return None
        name = self.asked_column(result) if against is None else against
        column = None
        if name:
            whole = result.settings.table.column(name)
            column = type(whole)(whole.name, whole.kind, [whole.cells[i] for i in result.rows])
        terms = result.settings.design.terms
        found = values_at(result.fit, result.fitted.values, voxel, column, name in terms)
        # A person thinks of the table's columns, not of the many that one of labels becomes.
        others = tuple(term for term in terms if term != name) if found.adjusted else ()
        return replace(found, adjusted=others)

    def asked_column(self, result: GroupAnswer) -> str:
        """The column of the table that a result's contrast asks about; empty for the mean of all maps."""
        table, expression = result.settings.table, result.settings.contrast.expression
        weights = dict(zip(map(str, result.design.columns), _weights(expression, result.design), strict=True))
        for name in result.settings.design.terms:
            column = table.column(name)
            labels = set(column.cells) | {f"{name} {cell}" for cell in column.cells}
            mine = {name} if column.kind == "number" else labels
            if any(weights.get(one) for one in mine):
                return name
        groups = [name for name in result.settings.design.terms if table.column(name).kind == "label"]
        return groups[0] if groups else ""

    def show_map(self, name: str | None) -> None:
        """Look at one map by itself, or with None at the group's again."""
        with self.lock:
            if name is not None and name not in self.settings.table.maps:
                raise ValueError(f"no map is called {name!r}")
            self.shown = name

    def close(self) -> None:
        """End the worker threads."""
        super().close()
        self.group = self.analysis.group


def _weights(expression: str, design: pd.DataFrame) -> np.ndarray:
    from glmwidgets.glm.group.fit import group_weights

    return np.abs(group_weights(design, expression)).sum(axis=0)
