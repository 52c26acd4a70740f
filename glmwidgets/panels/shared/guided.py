"""Search, keys, "why?", code of the steps taken, and exports of an explorer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glmwidgets.glm.errors import InputError
from glmwidgets.panels.parts.download import Download
from glmwidgets.panels.parts.guide import Guide
from glmwidgets.panels.shared.actions import actions_of, key_rows
from glmwidgets.panels.shared.base import guarded
from glmwidgets.panels.shared.commands import Command, find, panels_of
from glmwidgets.panels.shared.keeping import KEPT, Kept, free_name, packed
from glmwidgets.panels.shared.tour import tour
from glmwidgets.session.core.lessons import LESSONS
from glmwidgets.session.core.live import LiveSession
from glmwidgets.session.core.reasons import REASONS, Facts
from glmwidgets.specification.code import lines_of
from glmwidgets.specification.offers import read_value


class Guided:
    """What a `glmwidgets.panels.shared.explorer.SessionExplorer` inherits.

    Attributes
    ----------
    guide : Guide
        Buttons, search and sheets in the page.
    keeping : dict of Kept
        What this explorer can keep, by name.
    outer : RunsExplorer or None
        The explorer of several runs that this is a tab of.
    """

    session: LiveSession
    subject: Any
    outer: Any = None

    def _make_guide(self) -> list[Any]:
        """Make what leads through the explorer; widgets for its head."""
        self.keeping: dict[str, Kept] = {name: row for name, row in KEPT.items() if row.there(self)}
        kept = [{"name": name, "label": row.label, "hint": row.ending} for name, row in self.keeping.items()]
        reasons = {name: row.title for name, row in REASONS.items()}
        self.guide = Guide(
            shortcuts=key_rows(self), tour=tour(getattr(self.session, "conditions", ())), kept=kept, reasons=reasons
        )
        self._found: dict[str, Command] = {}
        for kind, answer in (
            ("search", self._search),
            ("pick", self._pick),
            ("say", self._say_value),
            ("do", self._do),
            ("why", self.show_why),
            ("keep", self.keep),
        ):
            self.guide.on_ask(kind, guarded(self.session, kind, answer, is_action=kind != "search"))
        self._download = Download() if Download.is_wanted() else None
        for name, panel in panels_of(self).items():
            panel.add_class(f"glmw-is-{name}")
        return [self.guide, *([] if self._download is None else [self._download])]

    def belong_to(self, outer: Any) -> None:
        """Be a tab of an explorer of several runs, which keys and search then move between."""
        self.outer = outer
        self.guide.shortcuts = key_rows(self)

    # Search and keys --------------------------------------------------------------------------------------------------

    def named(self, words: str) -> list[Command]:
        """Commands for what has these words in its name, such as a run of the study; search lists them first."""
        return []

    def find(self, words: str) -> list[Command]:
        """What a person probably means by some words, the likeliest first.

        Parameters
        ----------
        words : str
            Such as ``"smooth more"``.

        Returns
        -------
        list of Command
            With ``key`` and ``title``, and ``act()`` to do it; ``act("6 mm")`` where ``asks`` names a setting.
        """
        with self.session.lock:
            return find(self, words)

    def _search(self, text: str, number: int) -> None:
        found = find(self, text)
        self._found |= {command.key: command for command in found}
        entries = [
            {"key": each.key, "title": each.title, "kind": each.kind, "hint": each.hint, "asks": bool(each.asks)}
            for each in found
        ]
        self.guide.found(number, entries)

    def _pick(self, key: str) -> None:
        command = self._found[key]
        if command.asks:
            field = type(self.session.settings).field(command.asks)
            unit = f", {field.unit}" if field.unit else ""
            self.guide.ask(command.asks, f"{field.label}{unit}", field.words(self.session.settings.get(command.asks)))
        else:
            command.act()

    def _say_value(self, key: str, text: str) -> None:
        self.session.update({key: read_value(key, text, type(self.session.settings))})

    def _do(self, name: str) -> None:
        row = actions_of(self).get(name)
        if row is not None:
            row.act(self)

    def reveal(self, name: str) -> None:
        """Bring a panel into sight, unfolded, with the focus in it.

        Parameters
        ----------
        name : str
            Of the explorer's attribute, such as ``"noise"``.
        """
        panels_of(self)[name].unfold()
        self.guide.reveal(f"glmw-is-{name}")

    # Sheets -----------------------------------------------------------------------------------------------------------

    def _white(self) -> Any:
        """What the residuals on screen look like; None where they were not tested."""
        return None

    def why(self, name: str) -> dict[str, str]:
        """Why a verdict is as it is.

        Parameters
        ----------
        name : str
            A key of `glmwidgets.session.core.reasons.REASONS`.

        Returns
        -------
        dict
            ``formula``, ``here`` with the numbers of what is on screen, ``change``, ``lesson``. Empty where there is no
            such verdict on screen.
        """
        row = _row(REASONS, name)
        with self.session.lock:
            told = None if self.session.result is None else row.told(Facts(self.session, self._white()))
        return {} if told is None else {**vars(told), "lesson": f"{row.lesson}: {LESSONS[row.lesson].title}"}

    def show_why(self, name: str) -> None:
        """Show the answer of `why` over the explorer."""
        told = self.why(name)
        headings = {"formula": "Formula", "here": "Here", "change": "What would change it", "lesson": "Lesson"}
        parts = [{"heading": headings[part], "text": said} for part, said in told.items() if said]
        self.guide.show(REASONS[name].title, parts or [{"heading": "", "text": "There is no such verdict on screen."}])

    def show_keys(self) -> None:
        """Show the keys over the explorer."""
        rows = [[" or ".join(row["keys"]), row["label"]] for row in self.guide.shortcuts]
        self.guide.show("Keys", [{"rows": rows, "keys": True}])

    def show_lesson(self, name: str) -> None:
        """Say what a lesson teaches and where it is."""
        row = LESSONS[name]
        said = f"In this notebook one learns {row.teaches}: notebooks/{name}.ipynb. In a clone of the project,"
        self.guide.show(
            row.title, [{"heading": "Lesson", "text": said}, {"heading": "", "code": ["glmwidgets lab notebooks"]}]
        )

    @property
    def code(self) -> str:
        """What was done, as a Python program: it opens the explorer, and takes each step that was not undone."""
        taken = self.session.steps.taken
        return "\n".join(["import glmwidgets as gw", "", *self._opening(taken[0]), *lines_of(taken), ""])

    def _opening(self, first: Any) -> list[str]:
        """Lines that open this explorer as it was at the first step."""
        raise NotImplementedError

    def show_code(self) -> None:
        """Show what was done as lines of Python, and the state as a text, over the explorer."""
        parts = [{"heading": "Each step, to be copied", "code": [line for line in self.code.splitlines() if line]}]
        try:
            parts.append({"heading": "The state: gw.explore(run, state=…) starts from it", "code": [self.state]})
        except ValueError as error:
            parts.append({"heading": "The state", "text": str(error)})
        self.guide.show("What was done, as code", parts)

    # Keeping ----------------------------------------------------------------------------------------------------------

    def study(self) -> Any:
        """What is on screen, as reports tell of it: a `glmwidgets.report.page.subject.Study`."""
        raise NotImplementedError

    def keep(self, name: str, path: str | os.PathLike[str] | None = None) -> Path | None:
        """Keep something of what is on screen.

        Parameters
        ----------
        name : str
            A key of ``keeping``: report, sheet, session, script, maps, table, png, methods ...
        path : str or path, optional
            By default a name that is free in the notebook's folder; in the app the browser downloads it.

        Returns
        -------
        Path or None
            None where it was downloaded.
        """
        row = _row(self.keeping, name)
        self.say(f"keeping {row.label} …")
        try:
            if path is None and self._download is not None:
                file, content = packed(row, self)
                self._download.offer(file, content)
                self.say(f"downloaded {file}")
                return None
            path = Path(path) if path is not None else free_name(row.file, self.subject)
            row.write(self, path)
        except Exception:
            self.say("")
            raise
        self.say(f"kept {path.name} in {path.resolve().parent}")
        return path


def _row(table: Mapping[str, Any], name: str) -> Any:
    if name not in table:
        raise InputError(f"there is no {name!r}; there are {', '.join(table)}")
    return table[name]
