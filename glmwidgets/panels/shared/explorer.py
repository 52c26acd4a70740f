"""What every explorer is: a head with undo, columns of panels, a status line, and the ways out to files."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from datetime import datetime
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from glmwidgets.files.envelope import HOLDS
from glmwidgets.files.memory import give_memory_back
from glmwidgets.files.writing import check_outputs, write_text
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.frame import Frame
from glmwidgets.panels.parts.host import giver
from glmwidgets.panels.parts.style import stylesheet
from glmwidgets.panels.shared.base import Panel, close_with_all, guarded, text
from glmwidgets.panels.shared.commands import panels_of
from glmwidgets.panels.shared.guided import Guided
from glmwidgets.panels.shared.notebook import bundle, is_unattended, may_threads_speak, remember
from glmwidgets.panels.shared.status import StatusLine
from glmwidgets.panels.shared.undo import UndoBar
from glmwidgets.plural import count
from glmwidgets.session.core.live import LiveSession
from glmwidgets.specification.encoding import encode
from glmwidgets.specification.tree import SettingsTree

log = logging.getLogger(__name__)

#: Seconds that a program that executes a notebook is kept waiting for the first result.
WAIT_UNATTENDED = 120


#: Said where only the page's own thread may speak to it.
SILENT = "this host accepts messages from its own thread only: each change is computed before the next is accepted"


class ExplorerBase(W.VBox):
    """What any explorer can be asked for; subclasses know who saves, reports and writes the script of their subject.

    Parameters
    ----------
    subject : LiveSession or RunSet
        What is looked at: it is what a file is saved of, and what is closed.
    children : sequence of widgets

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from glmwidgets.panels.run.explorer import Explorer
    >>> explorer = Explorer(session)
    >>> isinstance(explorer, ExplorerBase), explorer.session is session
    (True, True)
    >>> explorer.close()
    """

    #: What its saved file holds: a key of `HOLDS`.
    _holds = "run"
    subject: Any = None  # until then: a widget that could not be made is closed all the same

    def __init__(self, subject: Any, children: Sequence[W.Widget]):
        self.subject = subject
        super().__init__(children)
        remember(self)
        if not may_threads_speak(self.layout):
            for session in getattr(subject, "every", (subject,)):
                session.stay_here(SILENT)

    @property
    def session(self) -> LiveSession:
        """What is on screen."""
        raise NotImplementedError

    def _headline(self) -> str:
        """What is looked at, in a line: whose data, which contrast, what was found."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._headline()}>" if self.subject is not None else super().__repr__()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        if giver() is not None:
            return None  # it asks every widget, and shows none by it
        # What threads say after the last cell is lost where a program executes the notebook.
        unattended = is_unattended()
        late = unattended and not self.subject.wait_until_idle(WAIT_UNATTENDED)
        words = f"glmwidgets explorer of {self._headline()}"
        if late:
            words += f"; the first result was not there after {WAIT_UNATTENDED} s"
        return bundle(self, words, self._still(), **kwargs)

    def _display_(self) -> Any:
        from glmwidgets.panels.shared.marimo import in_marimo

        return in_marimo(*self._parts())

    def _parts(self) -> Sequence[W.Widget]:
        """Views that are live where controls of ipywidgets cannot be shown."""
        raise NotImplementedError

    def _still(self) -> bytes | None:
        """The map as a picture; None where there is none yet, or nothing to draw it with."""
        if self.session.result is None:
            return None
        try:
            from glmwidgets.report.figures.still import still

            return still(self.session, self._headline())
        except Exception:
            log.exception("the picture for readers without widgets could not be drawn")
            return None

    def _save(self, path: str | PathLike[str], overwrite: bool) -> Path:
        raise NotImplementedError

    def _not_kept(self) -> Sequence[str]:
        """Inputs that a saved file neither names nor holds."""
        return ()

    def _report(self, **options: Any) -> Any:
        raise NotImplementedError

    def _script(self, path: str | PathLike[str], dialect: str, overwrite: bool) -> Path:
        raise NotImplementedError

    def _asked(self) -> SettingsTree:
        return self.subject.settings

    @property
    def state(self) -> str:
        """All that is set, as one short text that can be sent: ``glmwidgets.explore(run, state=text)`` begins with it.

        It holds what differs from the defaults, and not which run it is of; see
        `glmwidgets.specification.encoding.encode`.
        """
        return encode(self._asked())

    def say(self, words: str) -> None:
        """Write a few words where the explorer tells what it did."""
        raise NotImplementedError

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write everything that is set and was looked at to a file; ``load`` of what opened the explorer reads it.

        Parameters
        ----------
        path : str or path
            Such as ``"session.json"``.
        overwrite : bool
            Whether a file that exists may be replaced. The one that this explorer was saved to, or opened from, may.

        Returns
        -------
        Path

        Warns
        -----
        UserWarning
            If the file does not hold all that is needed to load it.
        """
        path = self._save(path, overwrite)
        more = ""
        if lacks := " and ".join(self._not_kept()):
            more = f", without what was in memory: {lacks}; give that again to load it"
            opens = HOLDS[self._holds][1]
            warnings.warn(f"{path.name} is saved{more}: glmwidgets.{opens}({path.name!r}, ...)", stacklevel=2)
        self.say(f"saved {path.name} {datetime.now():%H:%M}{more}")
        return path

    def report(self, path: str | PathLike[str] | None = None, *, overwrite: bool = False, **options: Any) -> Any:
        """Report on what is on screen, as one HTML page.

        Parameters
        ----------
        path : str or path, optional
            File to write it to.
        overwrite : bool
            Whether a file that exists may be replaced. An earlier report of this explorer may.
        **options
            Of `glmwidgets.report.page.html.analysis_report`: ``title``, ``plot_type`` ...

        Returns
        -------
        glmwidgets.report.page.html.Report
            Shown in a notebook by itself.

        Raises
        ------
        NoResult
            If what is set has no result; see `glmwidgets.session.core.waiting.Awaited.current_result`.
        """
        if path is not None:
            check_outputs([("report", path)], overwrite, self.subject)
        report = self._report(**options)
        if path is not None:
            report.save_as_html(path, overwrite=overwrite, by=self.subject)
        return report

    def save_html(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write one HTML file in which slices, threshold and looks stay alive, without a kernel and without a network.

        Parameters
        ----------
        path : str or path
            Such as ``"alive.html"``. It holds the values of the map: whoever has the file has them.
        overwrite : bool
            Whether a file that exists may be replaced. An earlier page of this explorer may.

        Returns
        -------
        Path

        Raises
        ------
        NoResult
            If what is set has no result; see `glmwidgets.session.core.waiting.Awaited.current_result`.
        ValueError
            If the explorer is one of a study.
        """
        path, *_ = check_outputs([("page", path)], overwrite, self.subject)
        return write_text(path, self._alive(), "page", overwrite=overwrite, by=self.subject)

    def _alive(self) -> str:
        raise NotImplementedError

    def script(self, path: str | PathLike[str], dialect: str = "glmwidgets", *, overwrite: bool = False) -> Path:
        """Write a Python script that repeats the analysis; see `glmwidgets.report.exports.script.write_script`.

        Parameters
        ----------
        path : str or path
            Such as ``"analysis.py"``.
        dialect : {"glmwidgets", "nilearn"}
            "nilearn" for one run only.
        overwrite : bool
            Whether files that exist may be replaced. An earlier script of this explorer may.

        Returns
        -------
        Path

        Raises
        ------
        NoResult
            If what is set has no result; see `glmwidgets.session.core.waiting.Awaited.current_result`.
        """
        self.subject.current_result()
        return self._script(path, dialect, overwrite)

    def close(self) -> None:
        """End the workers, let go of data and results, and take the widgets away."""
        was_open = self.comm is not None  # Python closes a widget once more when it forgets it
        if self.subject is not None:
            self.subject.close()
        close_with_all(self)
        if was_open:
            give_memory_back()


class SessionExplorer(Guided, ExplorerBase):
    """The explorer of one live session: what it is of, undo, three columns of panels and the status line.

    Subclasses make their panels, then call this.

    Parameters
    ----------
    session : LiveSession
    left, centre, right : sequence of widgets
        The columns, from above.
    tools : sequence of widgets
        Beside undo in the head.
    places : sequence of widgets
        Below the head, over the whole width.
    below : sequence of widgets
        Below the columns.
    subject : object, optional
        What is saved and closed, where that is more than the session.

    Attributes
    ----------
    undo, redo : Button
    frame : Frame
        Who has the explorer's room: the settings ``map.room`` and ``series.height``.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from glmwidgets.panels.run.explorer import Explorer
    >>> explorer = Explorer(session)
    >>> isinstance(explorer, SessionExplorer), explorer.undo.disabled
    (True, True)
    >>> explorer.close()
    """

    def __init__(
        self,
        session: LiveSession,
        left: Sequence[W.Widget],
        centre: Sequence[W.Widget],
        right: Sequence[W.Widget],
        *,
        tools: Sequence[W.Widget] = (),
        places: Sequence[W.Widget] = (),
        below: Sequence[W.Widget] = (),
        subject: Any = None,
    ):
        self._session = session
        self._status = StatusLine(session)
        self._top = text("glmw-top")
        bar = UndoBar(session)
        self.undo, self.redo = bar.undo, bar.redo
        self.subject = session if subject is None else subject
        bar.children = (*bar.children, *tools, *self._make_guide())
        head = W.row("glmw-head-line", self._top, bar)
        sides = {"glmw-left": left, "glmw-centre": centre, "glmw-right": right}
        self._columns = W.row("glmw-columns", *(W.row(name, *panels) for name, panels in sides.items()))
        for column in self._columns.children:
            column.add_class("glmw-column")
        self.frame = Frame()
        body = W.column(
            "glmw-explorer", stylesheet(), self.frame, head, *places, self._columns, *below, self._status.widget
        )
        super().__init__(self.subject, [body])
        self.add_class("glmw")
        session.observe_at_once(self._show_facts, ["result", "looks"])
        rooms = {"room": "map.room", "height": "series.height"}
        self._rooms = {trait: path for trait, path in rooms.items() if path in session.settings.paths()}
        session.observe_at_once(self._share_room, "settings")
        self.frame.observe(guarded(session, "", self._keep_room), list(self._rooms))
        self.frame.on_unfold(guarded(session, "", self._unfold))

    def _unfold(self, name: str) -> None:
        panel = panels_of(self).get(name)
        if panel is not None:
            Panel.unfold(panel)

    def _share_room(self, _change: object = None) -> None:
        with self.frame.hold_sync():
            for trait, path in self._rooms.items():
                setattr(self.frame, trait, self._session.settings.get(path))

    def _keep_room(self, change: dict[str, Any]) -> None:
        path = self._rooms[change["name"]]
        if change["new"] != self._session.settings.get(path):
            self._session.update({path: change["new"]})

    @property
    def session(self) -> LiveSession:
        """What is looked at; ``session.update({...})`` moves every control."""
        return self._session

    def _headline(self) -> str:
        session, name = self._session, self._facts()[0]
        words = f"{name}: {session.settings.contrast.expression or 'no contrast'}"
        if session.result is None:
            failed = session.status.state == "error"
            return f"{words}, {f'not fitted: {session.status.message}' if failed else 'not yet fitted'}"
        if session.clusters is None:
            return words
        n = len(session.clusters.found)
        return f"{words}, {count(n, 'cluster')}"

    def _facts(self) -> tuple[str, list[str]]:
        """What is looked at, and a few facts about it, in plain words."""
        raise NotImplementedError

    def _show_facts(self, _change: object = None) -> None:
        name, facts = self._facts()
        name, facts = escape(name), escape(" · ".join(facts))
        said = f'<span class="glmw-run">{name}</span> <span class="glmw-facts">{facts}</span>'
        self._top.value = f'<span title="{name} · {facts}">{said}</span>'  # one line, cut where there is no room

    def _parts(self) -> Sequence[W.Widget]:
        series = getattr(self, "series", None)
        return [self.map.viewer, self.map.slider, *([] if series is None else [series.chart])]

    def _alive(self) -> str:
        from glmwidgets.panels.shared.alive import alive_page

        return alive_page(self, self._still())

    def say(self, words: str) -> None:
        """Write a few words at the right of the status line."""
        self._status.say(words)


def only_ours(dialect: str, what: str) -> None:
    """Refuse another dialect for a script that is written in this package's names only."""
    if dialect != "glmwidgets":
        raise ValueError(f"a script of {what} is written with glmwidgets only, not in the dialect {dialect!r}")
