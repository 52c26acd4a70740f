"""What is chosen of a run's confounds, group by group: the setting ``design.confounds`` as a person thinks of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from glmwidgets.glm.design.confound_groups import (
    FD,
    MOTION,
    MOTION_LEVELS,
    STD_DVARS,
    ConfoundGroup,
    confound_groups,
    motion_columns,
)

#: Numbers of motion regressors that can be asked for, as a menu calls them.
LEVELS = {0: "none", 6: "6 parameters", 12: "12, with derivatives", 24: "24, with squares"}

#: Columns by which scans are scrubbed, and the setting of each that says above what.
SCRUBS = {FD: "design.scrub_fd", STD_DVARS: "design.scrub_dvars"}


class ConfoundChoice:
    """The columns of a table of confounds, with those that can be made of it, and how choices of them are written.

    Parameters
    ----------
    names : iterable of str
        Columns of the table.

    Attributes
    ----------
    groups : tuple of ConfoundGroup
        Motion with its derivatives and squares, where all six parameters are there.
    has_motion : bool
        Whether 6, 12 and 24 motion regressors can be asked for.

    Examples
    --------
    >>> choice = ConfoundChoice([*MOTION, "csf"])
    >>> choice.level(MOTION), choice.level((*MOTION, "csf")), choice.level(("rot_x",))
    (6, 6, None)
    >>> choice.with_group(("csf",), choice.group("motion"), motion_columns(6)) is None  # all of the table
    True
    """

    def __init__(self, names: Iterable[str]):
        self._table = tuple(str(name) for name in names)
        self.has_motion = set(MOTION) <= set(self._table)
        groups = confound_groups(self._table)
        if self.has_motion:
            whole = motion_columns(max(MOTION_LEVELS))
            groups = tuple(
                replace(group, columns=tuple(dict.fromkeys((*whole, *group.columns))))
                if group.name == "motion"
                else group
                for group in groups
            )
        self.groups: tuple[ConfoundGroup, ...] = groups
        self._order = {name: i for i, name in enumerate(c for group in groups for c in group.columns)}

    def group(self, name: str) -> ConfoundGroup:
        """The group of a name."""
        return next(group for group in self.groups if group.name == name)

    def chosen(self, setting: tuple[str, ...] | None) -> tuple[str, ...]:
        """Columns that a setting means."""
        return self._table if setting is None else setting

    def of_group(self, setting: tuple[str, ...] | None, group: ConfoundGroup) -> tuple[str, ...]:
        """Those of a group that are chosen."""
        chosen = set(self.chosen(setting))
        return tuple(name for name in group.columns if name in chosen)

    def with_group(
        self, setting: tuple[str, ...] | None, group: ConfoundGroup, columns: Iterable[str]
    ) -> tuple[str, ...] | None:
        """Setting in which exactly these columns of a group are chosen; None where that is the whole table."""
        others = (name for name in self.chosen(setting) if name not in group.columns)
        wanted = set(others) | set(columns)
        if wanted == set(self._table):
            return None
        return tuple(sorted(wanted, key=lambda name: self._order.get(name, len(self._order))))

    def level(self, setting: tuple[str, ...] | None) -> int | None:
        """How many motion regressors are chosen: 0, 6, 12 or 24; None for any other choice of them."""
        mine = [group for group in self.groups if group.name == "motion"]
        chosen = set(self.of_group(setting, mine[0])) if mine else set()
        levels = {0: set(), **{level: set(motion_columns(level)) for level in MOTION_LEVELS}}
        return next((level for level, columns in levels.items() if columns == chosen), None)
