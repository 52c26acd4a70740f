"""A page that comes while the kernel speaks, played by a stand-in that drops what comes before its models are made."""

import re

import comm
import ipywidgets
import numpy as np
import pytest
from comm.base_comm import BaseComm

pytest.importorskip("bqplot")

import nibabel as nib

from glmwidgets.datasets import simulate_run
from glmwidgets.panels.group.explorer import GroupExplorer
from glmwidgets.panels.parts import late_pages, lazy_widgets
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.runs.explorer import RunsExplorer
from glmwidgets.runs.opening import open_run
from glmwidgets.session.group.data import open_group
from glmwidgets.session.group.session import GroupSession
from glmwidgets.session.several.runs import RunSet
from glmwidgets.session.single.session import Session


def widgets():
    return dict(ipywidgets.widgets.widget._instances)


class Page:
    """A page that follows once its models are made."""

    def __init__(self):
        self.models, self.is_made, self.heard = {}, False, 0

    def gather(self):
        """What the kernel answers to a page that asks for all states."""
        self.models = {model_id: widget.get_state() for model_id, widget in widgets().items()}

    def hear(self, model_id, data, buffers):
        if self.is_made and data["method"] == "custom" and "opened" in data["content"]:
            unknown = [each for each in data["content"]["opened"] if each not in self.models]
            W.one(late_pages.Stands)._handle_custom_msg({"kind": "unknown", "at": self.stood, "ids": unknown}, [])
        if self.is_made and data["method"] == "update":
            state = data["state"]
            ipywidgets.widgets.widget._put_buffers(state, data["buffer_paths"], buffers)
            self.models[model_id].update(state)
            self.heard += len(state)

    def stand(self):
        """The page's half of `Stands`."""
        self.is_made = True
        stands = W.one(late_pages.Stands)
        self.stood = self.models[stands.model_id]["at"]
        stands._handle_custom_msg({"kind": "stands", "at": self.stood}, [])

    def stale(self):
        """Traits of which it shows another value than the kernel has."""
        return {
            f"{type(widget).__name__}.{name}"
            for model_id, widget in widgets().items()
            for name, value in widget.get_state().items()
            if name != "at" and not _same(self.models.get(model_id, {}).get(name), value)
        }


def _same(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return bytes(a) == bytes(b) if isinstance(b, bytes | memoryview) else a == b


@pytest.fixture
def page(monkeypatch):
    page = Page()

    class Channel(BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            if msg_type == "comm_msg":
                page.hear(self.comm_id, data, buffers or [])
            elif msg_type == "comm_open" and page.is_made:
                page.models[self.comm_id] = data["state"]
                ipywidgets.widgets.widget._put_buffers(data["state"], data["buffer_paths"], buffers or [])

    Channel.__module__ = "ipykernel.comm"
    monkeypatch.setattr(comm, "create_comm", Channel)
    monkeypatch.setattr(lazy_widgets, "_shared", {})
    monkeypatch.setattr(ipywidgets.widgets.widget, "_instances", {})
    return page


def of_a_run():
    return Explorer(Session(open_run(simulate_run("small")), synchronous=True))


def of_runs():
    return RunsExplorer(RunSet([open_run(simulate_run("small", seed=k)) for k in (0, 1)], synchronous=True))


def of_a_group():
    rng = np.random.default_rng(0)
    maps = [nib.Nifti1Image(rng.standard_normal((6, 7, 5)).astype("f4"), np.eye(4)) for _ in range(8)]
    return GroupExplorer(GroupSession(open_group(maps), synchronous=True))


@pytest.mark.parametrize("make", [of_a_run, of_runs, of_a_group])
def test_what_was_said_before_the_page_stood_is_said_again(page, make):
    explorer = make()
    page.gather()
    explorer.session.update({"data.smoothing_fwhm": 5.0})
    assert {"HTML.value", "SliceViewer._planes"} <= page.stale()
    page.stand()
    assert page.stale() == set()
    held = {name for state in page.models.values() for name in re.findall(r"IPY_MODEL_(\w+)", str(state))}
    assert held <= page.models.keys(), "models that the page never heard of"
    explorer.close()


def test_a_page_that_heard_of_widgets_keeps_them_under_the_names_that_it_knows(page):
    # A page is loaded anew, and its cell is run again: the explorer is made for it, and then shown.
    before = of_a_run()
    page.gather()
    page.is_made = True
    explorer = of_a_run()
    shown = explorer.model_id
    page.stand()
    assert explorer.model_id == shown
    assert shown in page.models
    assert page.stale() == set()
    before.close()
    explorer.close()


def test_a_page_that_missed_nothing_is_told_nothing(page, monkeypatch):
    explorer = of_a_run()
    monkeypatch.setattr(late_pages, "GATHERING", 0.0)
    page.gather()
    page.stand()
    assert page.heard == 0
    explorer.close()


def test_a_page_that_saw_the_widgets_being_made_has_nothing_to_say(monkeypatch):
    opened = []

    class Channel(BaseComm):
        __module__ = "comm"

        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            opened.append((data or {}).get("state", {}))

    monkeypatch.setattr(comm, "create_comm", Channel)
    stands = late_pages.Stands()
    assert [state["at"] for state in opened if "at" in state] == [None]
    assert stands.get_state()["at"] > 0
    Channel.__module__ = "panel.io.ipywidget"  # there each page has widgets of its own
    assert stands.get_state()["at"] is None
    stands.layout.close()


def test_what_is_said_together_is_one_message_each(monkeypatch):
    messages = []

    class Channel(BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            if msg_type == "comm_msg":
                messages.append((data["method"], data.get("state", data.get("content"))))

    monkeypatch.setattr(comm, "create_comm", Channel)
    words, tick = W.HTML("0"), W.Checkbox(description="a")
    with late_pages.together():
        for value in "123":
            words.value = value
        with late_pages.together():
            tick.description = "b"
        tick.value = True
        assert messages == []
        words.placeholder = "none"
        tick.send("after what it is")
        assert messages == [("update", {"description": "b", "value": True}), ("custom", "after what it is")]
    assert messages[2:] == [("update", {"value": "3", "placeholder": "none"})]
    words.value = "4"
    assert messages[3:] == [("update", {"value": "4"})]
