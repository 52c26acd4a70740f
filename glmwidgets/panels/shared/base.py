"""What every panel is made of: a title with a verdict, controls bound to settings, and a place for words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any, ClassVar

from glmwidgets.glm.errors import InputError, told
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.host import giver
from glmwidgets.panels.parts.late_pages import together
from glmwidgets.panels.parts.slider import Slider
from glmwidgets.panels.parts.style import stylesheet
from glmwidgets.panels.parts.table import Refused, Typed
from glmwidgets.panels.shared.controls import NOTHING, control_of, named
from glmwidgets.panels.shared.notebook import bundle
from glmwidgets.session.core.live import LiveSession

log = logging.getLogger(__name__)


def text(css_class: str = "", value: str = "") -> W.HTML:
    """A place for words; whatever goes in must be escaped or our own markup."""
    return W.HTML(value, _dom_classes=["glmw-text", *css_class.split()])


def field(label: str, control: W.Widget) -> W.VBox:
    """A control with a small label above it, by which it is also called."""
    return W.column("glmw-field", text("glmw-label", escape(label)), named(control, label))


def labelled(control: W.Widget) -> W.VBox:
    """A control of a setting with what it is called above it."""
    return field(control.label if isinstance(control, Slider) else control.description, control)


def why(name: str, title: str) -> str:
    """A small button, as HTML, that asks why a verdict is as it is."""
    return f'<button class="glmw-why" data-why="{name}" title="{escape(title)}" aria-label="{escape(title)}">?</button>'


def opened_by(button: W.ToggleButton, panel: W.Widget | Callable[[], W.Widget]) -> W.Box:
    """A place that shows a panel while a button is down; the panel itself stays visible elsewhere.

    A function gives the panel when it is asked for, the same one each time: so it can be made when it is first wanted,
    as each widget costs the page some milliseconds, seen or not.
    """
    place = W.row("glmw-place")

    # Not hidden but taken out: a plot that is drawn where it has no size does not come right again.
    def follow(_change: object = None) -> None:
        if button.value:
            place.children = [panel if isinstance(panel, W.Widget) else panel()]
        elif place.children:
            place.children = []

    button.observe(follow, "value")
    follow()
    return place


def guarded(
    session: LiveSession, what: str, handler: Callable[..., Any], is_action: bool = False
) -> Callable[..., None]:
    """Wrap a control's callback: one thread at a time, and its exceptions go to the session's status line.

    Where it is an action, which only a person begins, its success takes the error of an earlier one off that line.
    """

    def call(*args: Any, **kwargs: Any) -> None:
        with session.lock:
            try:
                handler(*args, **kwargs)
            except InputError as error:  # what a person asked for cannot be done: no fault of ours
                session.show_mishap(error)
            except Exception as error:
                log.exception("a control of %r failed", what)
                session.show_mishap(error)
            else:
                if is_action:
                    session.succeeded()

    return call


def taken(session: LiveSession, cells: list[Typed], change: Callable[..., Mapping[str, Any]]) -> Refused:
    """Take what was typed or pasted into the cells of a table as one change, or say which of them cannot be.

    Parameters
    ----------
    session : LiveSession
    cells : list of (row, column, text)
    change : callable
        Given settings, row, column and text: the changes of these settings that the text asks for. Raises ValueError
        where it cannot be.
    """
    with session.lock:
        changes: dict[str, Any] = {}
        for cell in cells:
            row, column, _ = cell
            try:
                changes |= change(session.settings.updated(changes), *cell)
            except ValueError as error:
                return row, column, told(error, "notebook")
            except Exception as error:
                session.show_error(error)
                return row, column, f"the cell could not be changed: {error}"
        if session.update(changes):
            return None
        row, column, _ = cells[0]
        return row, column, session.status.message


def close_with_all(widget: W.Widget) -> None:
    """Take a widget away with every widget that it holds, in sight or not, and with what its panels kept of results."""
    todo: list[Any] = [widget]
    found: dict[int, Any] = {}
    while todo:
        thing = todo.pop()
        if isinstance(thing, Mapping):
            todo += thing.values()
        elif isinstance(thing, list | tuple | set):
            todo += thing
        elif id(thing) not in found and (isinstance(thing, W.Widget) or _is_ours(thing)):
            found[id(thing)] = thing
            todo += vars(thing).values()
    for each in found.values():
        if isinstance(each, Panel):
            each.forget()
        if isinstance(each, W.Widget) and not W.is_shared(each):
            each.unobserve_all()  # who listens may hold the run: a cell's output holds a closed widget for hours yet
            W.Widget.close(each)


def _is_ours(thing: Any) -> bool:
    """Whether it is part of a panel, such as a tab of it, and holds widgets without being one."""
    return type(thing).__module__.startswith("glmwidgets.panels.")


class Panel(W.VBox):
    """A view of the session: writes settings, redraws when the session says that a result changed.

    Parameters
    ----------
    session : LiveSession
    title : str
        Heading; empty for none.
    stages : tuple of str
        Stages and settings' groups whose errors are shown in this panel.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from glmwidgets.panels.parts import widgets as W
    >>> panel = Panel(session, "Runs", stages=("fit",))
    >>> panel.fill(W.HTML("one run"))
    >>> "glmw-panel" in panel._dom_classes
    True
    """

    #: Phrases by which a person looks for the panel; of one without a heading, the first is what it is called.
    also: ClassVar[tuple[str, ...]] = ()
    #: Whether nothing that can be set in it has an effect, see `stand_still`.
    is_still = False
    #: Whether the page knows its heading alone, see `fold`.
    is_folded = False
    #: What stands in the place of its controls, see `stand_still`.
    _standing: tuple[W.Widget, ...] = ()
    #: The verdict of its heading: a key of `glmwidgets.session.core.reasons.REASONS`; empty for none.
    reason: ClassVar[str] = ""

    def __init__(self, session: LiveSession, title: str = "", stages: tuple[str, ...] = ()):
        self.session = session
        session.together = together
        self._stages = stages
        self._title = title
        self._head = text("glmw-head")
        self._error = text("glmw-error")
        W.show(self._error, False)
        super().__init__([])
        self.add_class("glmw-panel")
        if self.reason:
            self.add_class(f"glmw-why-{self.reason}")
        self.set_verdict("")
        session.observe_locked(self._show_error, "status")

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        if giver() is not None:
            return None  # it asks every widget, and shows none by it
        # In a cell of its own a panel has to bring its look along.
        if not hasattr(self, "_alone"):
            Panel.unfold(self)
            self._alone = W.column("glmw", stylesheet(), *self._in_a_cell())
        return bundle(self._alone, f"glmwidgets panel {self._title or type(self).__name__!r}", **kwargs)

    def _display_(self) -> Any:
        from glmwidgets.panels.shared.marimo import alive_parts, in_marimo

        return in_marimo(*alive_parts(self))

    def _in_a_cell(self) -> list[W.Widget]:
        """What is shown of the panel in a cell of its own."""
        return [self]

    @property
    def called(self) -> str:
        """What a person calls the panel."""
        return self._title or next(iter(self.also), type(self).__name__)

    def fold(self) -> None:
        """Leave only the heading in the page until the panel is unfolded: what nobody sees costs nothing there."""
        self.add_class("glmw-foldable")
        self.add_class("glmw-folded")
        self.is_folded = True
        self._lay()

    def unfold(self) -> None:
        """Do what brings the panel's contents into sight: here, put them into the page, which unfolds them."""
        if self.is_folded:
            self.is_folded = False
            self._lay()

    def forget(self) -> None:
        """Let go of results and what was made of them; the panel is being taken away."""

    def fill(self, *widgets: W.Widget) -> None:
        """Put the panel's widgets below its heading; its error comes last."""
        self._filled = widgets
        self._lay()

    def _lay(self) -> None:
        head = (self._head,) if self._title else ()
        inside = () if self.is_folded else self._standing if self.is_still else self._filled
        wanted = (*head, *inside, self._error)
        if self.children != wanted:
            self.children = wanted

    def stand_still(self, path: str, said: str) -> None:
        """Where a setting of the panel has no effect, say why in the place of the controls.

        Parameters
        ----------
        path : str
            Of the setting.
        said : str
            A sentence.
        """
        self._standing = (text("glmw-note", escape(said)),)

        def show(_change: object = None) -> None:
            settings = self.session.settings
            is_still = bool(settings.field(path).lacking(settings))
            if is_still != self.is_still:
                self.is_still = is_still
                self.set_verdict("")
                self._lay()

        self.session.observe_at_once(show, "settings")

    def set_verdict(self, verdict: str, tone: str = "quiet") -> None:
        """Write the small type at the right of the heading; of a panel that stands still there is none.

        Parameters
        ----------
        verdict : str
            Plain text.
        tone : {"quiet", "warn"}
        """
        verdict = "" if self.is_still else verdict
        self._head.value = (
            f'<span class="glmw-title">{escape(self._title)}</span>'
            f'<span class="glmw-verdict glmw-{tone}" title="{escape(verdict)}">{escape(verdict)}</span>'
        )

    def unbound(self, path: str, **more: Any) -> W.Widget:
        """The control of a setting, for what it means to be said by hand; see `control`."""
        return control_of(type(self.session.settings), path, **more)

    def control(
        self,
        path: str,
        to_setting: Callable[[Any], Any] = lambda value: value,
        to_control: Callable[[Any], Any] = lambda value: value,
        **more: Any,
    ) -> W.Widget:
        """Make the control of a setting from what the specification knows of it, and keep the two equal.

        Parameters
        ----------
        path : str
            Of the setting.
        to_setting, to_control : callable
            See `bind`.
        **more
            See `glmwidgets.panels.shared.controls.control_of`.
        """
        made = self.unbound(path, **more)
        if isinstance(made, W.Dropdown):
            self.bind(
                made,
                path,
                lambda chosen: to_setting(None if chosen == NOTHING else chosen),
                lambda value: NOTHING if value is None else to_control(value),
            )
        else:
            self.bind(made, path, to_setting, to_control)
        return made

    def bind(
        self,
        control: W.Widget,
        path: str,
        to_setting: Callable[[Any], Any] = lambda value: value,
        to_control: Callable[[Any], Any] = lambda value: value,
    ) -> None:
        """Keep a control and a setting equal.

        Parameters
        ----------
        control : widget with a ``value``
        path : str
            Of the setting.
        to_setting, to_control : callable
            Translate between the two; both must round trip.
        """

        def show(change: Any = None) -> None:
            control.value = to_control(self.session.settings.get(path))

        def write(change: Any) -> None:
            if change["new"] == to_control(self.session.settings.get(path)):
                return  # the control follows the setting, perhaps rounded
            value = to_setting(change["new"])
            if value != self.session.settings.get(path) and not self.session.update({path: value}):
                # a refused value stays in the control, beside the message that says why
                return

        show()
        self.on_value(control, write)
        self.session.observe_locked(show, "settings")

    def button(self, description: str, act: Callable[[W.Button], Any], **traits: Any) -> W.Button:
        """Make a button that does something, under the lock and with no error lost."""
        made = W.Button(description=description, **traits)
        made.on_click(guarded(self.session, self._title, act, is_action=True))
        return made

    def opener(self, description: str, tooltip: str) -> W.ToggleButton:
        """Make a button, seen on a laptop's screen alone, that opens what the style sheet has no room for there."""
        made = W.ToggleButton(description=description, tooltip=tooltip)
        made.add_class("glmw-more")
        self.on_value(made, lambda more: (self.add_class if more["new"] else self.remove_class)("glmw-opened"))
        return made

    def on_value(self, control: W.Widget, handler: Callable[[Any], None]) -> None:
        """Call a handler with the changes of a control's value, under the lock and with no error lost."""
        control.observe(self.guarded(handler), "value")

    #: Whether controls are being brought to the settings, so that their changes are no person's.
    is_following = False

    @contextmanager
    def following(self) -> Iterator[None]:
        """Bring controls to the settings: what their handlers hear meanwhile is no person's wish."""
        self.is_following = True
        try:
            yield
        finally:
            self.is_following = False

    def share_crosshair(self, viewer: W.Widget) -> None:
        """Keep the crosshair of a viewer that has its grid and the session's equal."""

        def show(_change: object = None) -> None:
            viewer.cursor = self.session.cursor

        show()
        viewer.observe(self.guarded(lambda change: self.session.move_to(change["new"])), "cursor")
        self.session.observe_locked(show, "cursor")

    def when_settled(self, handler: Callable[[], None]) -> None:
        """Call a handler now, and once nothing newer is computed: for what need not follow a drag step by step."""

        def look(change: Any) -> None:
            if change["new"].state == "idle":
                handler()

        self.session.observe_locked(look, "status")
        handler()

    def guarded(self, handler: Callable[..., Any]) -> Callable[..., None]:
        """Wrap a callback: one thread at a time, and its exceptions go to the status line."""
        return guarded(self.session, self._title, handler)

    def _show_error(self, change: Any) -> None:
        status = change["new"]
        source = status.stage or ""
        mine = status.state == "error" and (source in self._stages or source.partition(".")[0] in self._stages)
        message = escape(status.message) if mine else ""
        if self._error.value != message:
            self._error.value, self._error.tooltip = message, status.message if mine else ""
            W.show(self._error, mine)
            if mine:  # it stands beside its cause
                Panel.unfold(self)
            (self.add_class if mine else self.remove_class)("glmw-refused")
