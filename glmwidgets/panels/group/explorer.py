"""The group explorer: every panel around one group session, and the function that opens it."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from glmwidgets.panels.group.design import GroupDesignPanel
from glmwidgets.panels.group.maps import MapsPanel
from glmwidgets.panels.group.permutation import PermutationPanel
from glmwidgets.panels.group.single_map import OneMapPanel
from glmwidgets.panels.group.values import ValuesPanel
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.shared.clusters import ClustersPanel
from glmwidgets.panels.shared.contrast import ContrastPanel
from glmwidgets.panels.shared.crosshair import CrosshairPanel
from glmwidgets.panels.shared.explorer import SessionExplorer, only_ours
from glmwidgets.panels.shared.map import MapPanel
from glmwidgets.panels.shared.notebook import close_earlier
from glmwidgets.plural import count
from glmwidgets.session.group.data import open_group
from glmwidgets.session.group.session import GroupSession
from glmwidgets.session.group.store import load_group_session, save_group_session
from glmwidgets.specification.code import call_of
from glmwidgets.specification.encoding import begun_with
from glmwidgets.specification.group import GroupSettings


class GroupExplorer(SessionExplorer):
    """Maps of a group, their model and its map, live.

    Parameters
    ----------
    session : GroupSession

    Attributes
    ----------
    session : GroupSession
        What is looked at; ``session.update({...})`` moves every control.
    model, contrast, map, one, values, permutation, clusters, crosshair, maps : Panel
        Each can be shown in a cell of its own.
    undo, redo : Button
    """

    _holds = "group"

    @W.opened_together
    def __init__(self, session: GroupSession):
        self.model = GroupDesignPanel(session)
        self.contrast = ContrastPanel(session)
        self.contrast.expression.placeholder = "patient - control"
        W.show(self.contrast.pairs, False)  # differences of covariates mean nothing
        self.map = MapPanel(session)
        self.map.look.background.options = [("given" if session.settings.inputs.background else "size of maps", "mean")]
        self.one = OneMapPanel(session)
        self.values = ValuesPanel(session)
        self.permutation = PermutationPanel(session)
        self.permutation.fold()  # it is run on request, and the map needs the room
        self.clusters = ClustersPanel(session, flash=self.map.viewer.flash)
        self.crosshair = CrosshairPanel(session)
        self.maps = MapsPanel(session)
        self._place = W.row("glmw-place")
        super().__init__(
            session,
            [self.model, self.crosshair],
            [self.contrast, self.map, self._place, self.values, self.permutation],
            [self.clusters, self.maps],
        )
        self._columns.add_class("glmw-group")
        session.observe_at_once(self._swap, "shown")
        if session.result is None:
            session.refresh()

    def _swap(self, _change: object = None) -> None:
        """Put the one map that is looked at in the place of the group's."""
        alone = self.session.shown is not None
        # Out of sight but not without a size: a canvas that has none does not take what it is sent.
        (self.map.add_class if alone else self.map.remove_class)("glmw-aside")
        self._place.children = (self.one,) if alone else ()

    def _facts(self) -> tuple[str, list[str]]:
        session, result = self.session, self.session.result
        facts = [f"{' × '.join(map(str, session.shape))} voxels"]
        if result is not None:
            facts.append(f"mask {result.z.size:,}")
        return count(len(session.settings.table.maps), "map"), facts

    def add_covariates(self, table: Any, match: str = "names") -> bool:
        """Add columns to the table of maps.

        Parameters
        ----------
        table : DataFrame
            With a column ``subject_label`` or ``participant_id``, in any order, or one row a map.
        match : {"names", "order"}
            ``"order"`` takes its rows in the order of the maps, whatever both are called.

        Returns
        -------
        bool
            False if it does not fit; the status line says why.
        """
        return self.session.add_covariates(table, match)

    def _save(self, path: str | PathLike[str], overwrite: bool) -> Path:
        return save_group_session(self.session, path, overwrite=overwrite)

    def _opening(self, first: Any) -> list[str]:
        inputs = self.session.settings.inputs
        given = [repr(list(inputs.maps)) if inputs.maps else "maps", "design"]
        more = {"mask": inputs.mask, "background": inputs.background}
        more |= {name: True for name in ("resample", "zeros_are_data") if getattr(inputs, name)}
        return [call_of("gw.explore_group", given, more, first)]

    def study(self) -> Any:
        """What is on screen, as reports tell of it."""
        from glmwidgets.report.page.group import study_of_group_session

        return study_of_group_session(self.session)

    def _not_kept(self) -> Sequence[str]:
        return () if self.session.settings.inputs.maps else ("the maps",)

    def _report(self, **options: Any) -> Any:
        from glmwidgets.report.page.group import group_report

        return group_report(self.session, **options)

    def _script(self, path: str | PathLike[str], dialect: str, overwrite: bool) -> Path:
        from glmwidgets.report.exports.group_script import write_group_script

        only_ours(dialect, "a group")
        return write_group_script(self.session, path, overwrite=overwrite)


def explore_group(
    maps: Any,
    design: Any = None,
    *,
    mask: Any = None,
    subjects: Sequence[str] | None = None,
    first_level_contrast: Any = None,
    background: Any = None,
    resample: bool = False,
    zeros_are_data: bool = False,
    match: str = "names",
    kinds: dict[str, str] | None = None,
    settings: GroupSettings | dict[str, Any] | None = None,
    state: str | None = None,
) -> GroupExplorer:
    """Look at a group: a widget in which every change of the model is answered by the map.

    Parameters
    ----------
    maps : list of images or paths, 4-D image, DataFrame or list of first-level models
        One effect map a subject (or several); see `glmwidgets.models.SecondLevelModel.fit`.
    design : DataFrame or path, optional
        What is known of each map: columns of numbers and of groups, with ``subject_label`` or ``participant_id``.
    mask : image or path, optional
        Voxels to analyse; by default those in which all maps have a value.
    subjects : sequence of str, optional
        Names of the maps.
    first_level_contrast : optional
        Which map of a table, or contrast of first-level models, is meant.
    background : image or path, optional
        To look at maps on.
    zeros_are_data : bool
        Whether a value of exactly 0 was measured; by default such a voxel is left out.
    resample : bool
        Bring maps on another grid to that of the mask, or of the first map.
    match : {"names", "order"}
        Rows of the table are matched to maps by the column that names them; ``"order"`` takes them in the maps' order.
    kinds : dict, optional
        ``{"severity": "number"}``: which columns of codes are covariates, or which of numbers are groups (``"label"``).
    settings : GroupSettings or dict, optional
        What to begin with, such as ``{"design.terms": ["age"], "contrast.expression": "age"}``.
    state : str, optional
        What another group explorer's ``state`` gave: to begin with all that was set there.

    Returns
    -------
    GroupExplorer
        Shown as the last value of a cell.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If an input is missing or does not fit; the message names it.

    Examples
    --------
    >>> import nibabel as nib, numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> maps = [nib.Nifti1Image(rng.standard_normal((6, 6, 6)), np.eye(4)) for _ in range(8)]
    >>> explorer = explore_group(maps, pd.DataFrame({"age": range(20, 28)}))
    >>> explorer.session.ask("regression"), explorer.session.wait_until_idle(timeout=60)
    (True, True)
    >>> explorer.close()
    """
    close_earlier()
    group = open_group(
        maps,
        design,
        mask=mask,
        subjects=subjects,
        first_level_contrast=first_level_contrast,
        background=background,
        resample=resample,
        zeros_are_data=zeros_are_data,
        match=match,
        kinds=kinds,
    )
    if state is not None:
        settings = begun_with(state, settings, GroupSettings)
    return GroupExplorer(GroupSession(group, settings))


def load(path: str | PathLike[str], maps: Any = None, *, mask: Any = None, background: Any = None) -> GroupExplorer:
    """Open a group explorer that was saved, as ``glmwidgets.explore_group.load``.

    Parameters
    ----------
    path : str or path
        What `GroupExplorer.save` wrote.
    maps, mask, background : optional
        Inputs in the place of the files that the session names; what was given in memory must be given again.

    Returns
    -------
    GroupExplorer

    Raises
    ------
    FileNotFoundError, ValueError
        If something is missing or does not fit; the message names it.
    """
    close_earlier()
    return GroupExplorer(load_group_session(path, maps, mask=mask, background=background))


explore_group.load = load
