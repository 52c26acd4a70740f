"""What is changed in the events of a run."""

from __future__ import annotations

from dataclasses import dataclass

from glmwidgets.glm.events.table import checked_lines
from glmwidgets.plural import count
from glmwidgets.specification.field import (
    SettingsError,
    check_group,
    plain,
    setting,
)


def _events_changed(before: tuple[str, ...] | None, after: tuple[str, ...] | None) -> str:
    if after is None:
        return "events back to those given"
    if before is None:
        return "events edited"
    n = len(after) - len(before)
    if n:
        return f"{count(abs(n), 'event')} {'more' if n > 0 else 'fewer'}"
    n = sum(one != other for one, other in zip(before, after, strict=True))
    return f"{count(n, 'event')} edited"


@dataclass(frozen=True)
class EventsSettings:
    """What is changed in the events as they were given.

    Attributes
    ----------
    table : tuple of str or None
        The edited table, see `glmwidgets.glm.events.table`; None for the events as given.
    shift : float
        Seconds that are added to every onset.
    modulated, modulated_by : tuple of str
        Parametric modulators: event types, and the column of the table by which each is modulated.
    """

    table: tuple[str, ...] | None = setting(
        None,
        "events",
        say=lambda table: "as given" if table is None else f"edited, {count(len(table) - 1, 'event')}",
        said=lambda table: "" if table is None else "the events were edited: they are not those of the dataset",
        change=_events_changed,
    )
    shift: float = setting(
        0.0,
        "shift of events",
        unit="s",
        said=lambda seconds: f"all onsets were shifted by {seconds:g} s" if seconds else "",
        stride=0.5,
        also=("shift the onsets", "delay of the events"),
    )
    modulated: tuple[str, ...] = setting(
        (), "modulated", said=lambda kinds: f"{plain(kinds)} were modulated by columns of the events" if kinds else ""
    )
    modulated_by: tuple[str, ...] = setting((), "by")

    def __post_init__(self) -> None:
        check_group(self, "events")
        if len(self.modulated) != len(self.modulated_by):
            raise SettingsError(
                "events.modulated_by", f"must be as many as modulated ({len(self.modulated)}), one column a type"
            )
        if self.table is not None:
            try:
                checked_lines(self.table)
            except ValueError as error:
                raise SettingsError.of("events.table", error) from None
