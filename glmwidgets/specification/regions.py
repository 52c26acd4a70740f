"""Regions of interest of a run: which there are, and which one is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glmwidgets.plural import count
from glmwidgets.specification.field import SettingsError, check_group, setting
from glmwidgets.specification.search import SEARCHES, check_region


@dataclass(frozen=True)
class RegionsSettings:
    """Regions of interest; no map depends on them.

    Attributes
    ----------
    names : tuple of str
        What each is called; no two alike.
    found : tuple of str
        What each is: a few words, the first of which is a key of `glmwidgets.specification.search.SEARCHES`.
    shown : str
        Name of the one that is looked at; empty for none.
    """

    names: tuple[str, ...] = setting((), "names of the regions of interest")
    found: tuple[str, ...] = setting(
        (),
        "regions of interest",
        help=f"each {' or '.join(row.form for row in SEARCHES.values())}",
        say=lambda found: count(len(found), "region"),
        also=("ROI", "region of interest"),
    )
    shown: str = setting("", "region that is looked at", say=lambda name: name or "none")

    def __post_init__(self) -> None:
        check_group(self, "regions")
        if len(self.names) != len(self.found):
            raise SettingsError(
                "regions.names", f"must be as many as there are regions ({len(self.found)}), not {len(self.names)}"
            )
        if "" in self.names or len(set(self.names)) < len(self.names):
            raise SettingsError("regions.names", f"must be a name for each region, no two alike, not {self.names!r}")
        for text in self.found:
            check_region(text, "regions.found")
        if self.shown and self.shown not in self.names:
            there = ", ".join(self.names) or "none"
            raise SettingsError("regions.shown", f"must be the name of a region ({there}), not {self.shown!r}")

    @property
    def listed(self) -> dict[str, str]:
        """What each region is, by name.

        Examples
        --------
        >>> RegionsSettings(("V1",), ("sphere 10 -90 0 8",)).listed
        {'V1': 'sphere 10 -90 0 8'}
        """
        return dict(zip(self.names, self.found, strict=True))

    def relisted(self, listed: Mapping[str, str], shown: str | None = None) -> dict[str, Any]:
        """Changes of settings that make these the regions.

        Parameters
        ----------
        listed : mapping from name to text
        shown : str, optional
            The one that is looked at; by default the same as before, where it is still there.

        Examples
        --------
        >>> RegionsSettings().relisted({"V1": "sphere 10 -90 0 8"}, "V1")
        {'regions.names': ('V1',), 'regions.found': ('sphere 10 -90 0 8',), 'regions.shown': 'V1'}
        """
        shown = (self.shown if self.shown in listed else "") if shown is None else shown
        return {
            "regions.names": tuple(listed),
            "regions.found": tuple(listed.values()),
            "regions.shown": shown,
        }
