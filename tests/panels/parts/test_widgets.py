"""One layout and one style for all widgets of a kind: few models at opening, and none that another widget loses."""

import re
from pathlib import Path
from typing import ClassVar

import comm
import pytest
from comm.base_comm import BaseComm
from ipywidgets.widgets import widget as live_widgets

import glmwidgets as gw
from glmwidgets.datasets import simulate_run
from glmwidgets.panels.parts import lazy_widgets
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.table import RowTable
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session

PANELS = Path(gw.__file__).parent / "panels"


def test_layouts_and_styles_are_shared():
    a, b, button = W.HTML("a"), W.HTML("b"), W.Button()
    assert a.layout is b.layout is button.layout
    assert a.style is b.style is not button.style
    own = W.HTML("c", layout={"width": "5px"})
    assert own.layout is not a.layout


def test_hiding_one_hides_no_other():
    a, b = W.HTML("a"), W.HTML("b")
    W.show(a, False)
    assert (a.layout.display, b.layout.display) == ("none", "")
    W.show(a, True)
    assert a.layout is b.layout


def test_what_does_not_follow_to_another_layout_is_hidden_by_its_class():
    table = RowTable()
    shared = table.layout
    for shown in (False, True, True, False):
        W.show(table, shown)
        assert (table.layout, W.is_shown(table)) == (shared, shown)


class Made(W.Box):
    """Something with a part that is not seen at first."""

    @W.opened_together
    def __init__(self, session):
        self.first, self.hidden, self.later = W.HTML("first"), W.HTML("hidden"), W.HTML("later")
        W.show(self.hidden, False)
        super().__init__([self.hidden, self.first])


def test_the_page_hears_of_what_it_holds_and_of_nothing_else():
    made = Made(Session(open_run(simulate_run("small")), synchronous=True))
    told = [each.split("_")[-1] for each in made.get_state("children")["children"]]
    assert told == [made.first.model_id]
    assert made.children == (made.hidden, made.first)
    for waiting in (made.hidden, made.later):
        assert waiting.comm is None
        waiting.value = "anew"  # is no message
    W.show(made.hidden, True)
    told = [each.split("_")[-1] for each in made.get_state("children")["children"]]
    assert told == [made.hidden.model_id, made.first.model_id]
    W.show(made.hidden, False)
    assert len(made.get_state("children")["children"]) == 2, "what the page knows is hidden there"
    made.children = (*made.children, made.later)
    assert made.later.comm is not None
    for widget in (made, *made.children):
        widget.close()


def test_what_all_share_cannot_be_changed_by_one():
    with pytest.raises(TypeError, match="show"):
        W.HTML("a").layout.display = "none"


def test_closing_one_explorer_leaves_another_its_looks():
    run = simulate_run("small")
    one, other = gw.explore(run), gw.explore(run)
    one.close()
    assert other.layout.comm is not None
    assert other.undo.style.comm is not None
    other.close()


def test_what_was_closed_with_all_widgets_comes_anew():
    before = W.HTML("a").layout
    before.close()
    after = W.HTML("b").layout
    assert after is not before
    assert after.comm is not None


def test_models_at_opening_are_few():
    before = len(live_widgets._instances)
    explorer = gw.explore(simulate_run("small"))
    # Each costs a page some two milliseconds before anything is seen.
    assert len(live_widgets._instances) - before <= 150  # 551 of version 0.1
    explorer.close()


def test_panels_take_their_widgets_from_here():
    # One that does not brings a layout and a style of its own.
    others = [file.name for file in PANELS.rglob("*.py") if "import ipywidgets" in file.read_text(encoding="utf-8")]
    assert sorted(others) == ["late_pages.py", "lazy_widgets.py", "notebook.py", "widgets.py"]


class Channel(BaseComm):
    """A channel that takes note of what is said."""

    said: ClassVar[list] = []

    def publish_msg(self, msg_type, data=None, **_named):
        self.said.append((msg_type, self.comm_id, data))


def test_an_explorer_is_told_to_the_page_once_it_is_made(monkeypatch):
    Channel.said.clear()
    monkeypatch.setattr(Channel, "__module__", "ipykernel.comm")
    monkeypatch.setattr(comm, "create_comm", Channel)
    for shared in list(lazy_widgets._shared.values()):
        shared.close()
    explorer = Explorer(Session(open_run(simulate_run("small"))))
    opened = [ident for kind, ident, _ in Channel.said if kind == "comm_open"]
    later = [data for kind, _, data in Channel.said if kind == "comm_msg"]
    assert explorer.session.wait_until_idle(60)
    assert explorer.model_id in opened
    assert len(later) < 60, "what is set while it is made is no message"
    assert len(Channel.said) < 200
    # What a widget holds is known to the page before it.
    known = set()
    for kind, ident, data in Channel.said:
        if kind == "comm_open":
            held = set(re.findall(r"IPY_MODEL_(\w+)", str(data["state"])))
            assert held <= known
            known.add(ident)
    explorer.close()


def test_where_pages_know_their_own_models_nothing_is_shared(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", Channel)
    a, b = W.HTML("a"), W.HTML("b")
    assert a.layout is not b.layout
    W.show(a, False)
    assert (a.layout.display, b.layout.display) == ("none", "")
    a.close()
    b.close()
