"""Explorers in the cells of a notebook: who closes them, and what is seen where no widget is."""

import gc
import re
import threading
import time
import weakref
from types import SimpleNamespace

import comm
import numpy as np
import pytest
from comm.base_comm import BaseComm
from ipywidgets import Style, Widget

pytest.importorskip("anywidget")

from glmwidgets.panels.parts.host import host, is_of_all_pages
from glmwidgets.panels.parts.lazy_widgets import is_shared
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.runs.explorer import RunsExplorer
from glmwidgets.panels.shared import notebook
from glmwidgets.panels.shared.marimo import alive_parts
from glmwidgets.session.several.runs import RunSet
from glmwidgets.session.single.session import Session


class Shell:
    """What of IPython's shell matters; `run` begins an execution of a cell."""

    def __init__(self):
        self.user_ns, self.user_ns_hidden = {"_oh": {}}, {}
        self.displayhook = SimpleNamespace(_=None, __=None, ___=None)
        self.executions = 0
        self.run(None)

    def run(self, cell):
        self.executions += 1
        head = {"msg_type": "execute_request", "msg_id": f"execution {self.executions}"}
        self.parent = {"header": head, "metadata": {"cellId": cell} if cell else {}}

    def get_parent(self):
        return self.parent

    def show(self, value):
        number = self.executions
        self.user_ns["_oh"][number] = self.user_ns[f"_{number}"] = self.user_ns_hidden[f"_{number}"] = value
        self.user_ns["_"] = self.user_ns_hidden["_"] = self.displayhook._ = value


@pytest.fixture
def shell(monkeypatch):
    made = Shell()
    monkeypatch.setattr(notebook, "_shell", lambda: made)
    monkeypatch.setattr(notebook, "_made", {})
    return made


def opened(run):
    notebook.close_earlier()
    session = Session(run, {"noise.model": "ols"}, synchronous=True)
    return Explorer(session)


def is_closed(explorer):
    return explorer.comm is None


def test_a_cell_that_runs_again_closes_what_it_made(shell, run):
    shell.run("a")
    first, second = opened(run), opened(run)
    shell.run("b")
    elsewhere = opened(run)
    assert not is_closed(first)
    assert not is_closed(second)
    shell.run("a")
    third = opened(run)
    assert is_closed(first)
    assert is_closed(second)
    assert not is_closed(elsewhere)
    assert not is_closed(third)
    for one in (elsewhere, third):
        one.close()


def test_where_the_cell_is_not_known_nothing_is_closed(shell, run):
    first = opened(run)
    shell.run(None)
    second = opened(run)
    assert not is_closed(first)
    for one in (first, second):
        one.close()


def test_outputs_do_not_keep_what_was_closed(shell, run):
    shell.run("a")
    shell.show(opened(run))
    gone = weakref.ref(shell.user_ns["_"])
    shell.user_ns["mine"] = np.zeros(3)
    shell.run("a")
    again = opened(run)
    gc.collect()
    assert gone() is None
    assert "mine" in shell.user_ns
    again.close()


def test_a_closed_explorer_lets_go_of_images_whoever_holds_it(run):
    explorer = opened(run)
    images = weakref.ref(explorer.session.run.reader), weakref.ref(explorer.session.run)
    shape = explorer.session.shape
    explorer.close()
    del run
    gc.collect()
    # The fixture holds the run that was given; nothing that was closed may.
    mine = [one for ref in images for one in gc.get_referrers(ref()) if isinstance(one, dict) and "analysis" in one]
    assert not mine
    assert explorer.session.shape == shape
    with pytest.raises(ValueError, match="open the run again"):
        explorer.session.run.reader.mean()


def test_widgets_of_closed_explorers_are_gone(two_runs):
    from ipywidgets.widgets import widget as live_widgets

    before = set(live_widgets._instances)
    explorer = RunsExplorer(RunSet(two_runs, {"noise.model": "ols"}, synchronous=True))
    for tab in (1, 2):
        explorer.go_to(tab)
    explorer.close()
    left = [live_widgets._instances[key] for key in set(live_widgets._instances) - before]
    assert all(is_shared(one) for one in left), left  # models that serve widgets of every explorer stay


def test_text_and_picture_beside_the_widget(shell, run):
    shell.run("a")
    explorer = opened(run)
    shown = explorer._repr_mimebundle_()
    assert shown["text/plain"].startswith(f"glmwidgets explorer of {run.name}: face, ")
    assert "run the cell again" in shown["text/plain"]
    assert "Trust Notebook" in shown["text/plain"]
    assert "\n" not in shown["text/plain"]
    assert shown["image/png"][:8] == b"\x89PNG\r\n\x1a\n"
    assert len(shown["image/png"]) < 300_000
    panel = explorer.drift._repr_mimebundle_()["text/plain"]
    assert panel.startswith("glmwidgets panel 'Drift'")
    explorer.close()


def test_who_executes_without_a_person_gets_the_first_result(shell, run):
    assert notebook.is_unattended()
    notebook.close_earlier()
    explorer = Explorer(Session(run, {"noise.model": "ols"}))
    shown = explorer._repr_mimebundle_()
    assert "cluster" in shown["text/plain"]
    assert "image/png" in shown
    explorer.close()
    shell.run("a")
    assert not notebook.is_unattended()


def test_a_first_result_that_does_not_come_is_said(shell, run, monkeypatch):
    monkeypatch.setattr("glmwidgets.panels.shared.explorer.WAIT_UNATTENDED", 0.05)
    session = Session(run, {"noise.model": "ols"})
    explorer = Explorer(session)
    assert session.wait_until_idle(60)
    session.aside(lambda ticket: time.sleep(0.5))
    assert "the first result was not there after 0.05 s" in explorer._repr_mimebundle_()["text/plain"]
    explorer.close()


CELL = """
import glmwidgets as gw
from glmwidgets.datasets import simulate_run
gw.explore(simulate_run(shape=(10, 12, 8), n_scans=60))
"""


def test_a_program_saves_the_map_and_many_runs_of_a_cell_leave_one():
    pytest.importorskip("ipykernel")
    manager = pytest.importorskip("jupyter_client").KernelManager()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()

    def execute(code, cell=None):
        client.wait_for_ready(timeout=60)
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = client.session.msg("execute_request", content, metadata={"cellId": cell} if cell else {})
        client.shell_channel.send(message)
        found = {}
        while True:
            told = client.get_iopub_msg(timeout=120)
            if told["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if told["msg_type"] == "execute_result":
                found = told["content"]["data"]
            elif told["msg_type"] == "stream":
                found = told["content"]["text"]
            elif told["msg_type"] == "error":
                raise AssertionError(told["content"]["evalue"])
            elif told["msg_type"] == "status" and told["content"]["execution_state"] == "idle":
                return found

    try:
        alone = execute(CELL)
        assert "cluster" in alone["text/plain"]
        assert "image/png" in alone
        for _ in range(5):
            execute(CELL, "a cell")
        count = (
            "import gc; from glmwidgets.panels.run.explorer import Explorer; gc.collect(); "
            "print(sum(type(one) is Explorer for one in gc.get_objects()))"
        )
        assert execute(count).strip() == "2"  # that of the program, and the last of the cell
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


class DeafToThreads(BaseComm):
    """A channel as shinywidgets has it: it takes the word of the page's own thread only."""

    def publish_msg(self, *_args, **_kwargs):
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("Cannot send an ipywidget messages to the client outside of a session context.")


def test_where_threads_may_not_speak_the_explorer_answers_at_once(run, monkeypatch):
    monkeypatch.setattr(comm, "create_comm", DeafToThreads)
    explorer = Explorer(Session(run))
    assert explorer.session.is_synchronous
    explorer.session.update({"design.hrf_model": "glover"})
    assert explorer.session.is_current
    assert explorer.session.status.state == "idle"
    assert "host accepts messages from its own thread only" in explorer.session.warned["host"][0]
    explorer.close()


class Forgetful(BaseComm):
    """A channel as Panel has it: what a thread says may be lost, and there is no error."""

    __module__ = "panel.io.ipywidget"

    def publish_msg(self, *_args, **_kwargs):
        pass


def test_where_a_thread_is_lost_without_an_error_the_explorer_answers_at_once(run, monkeypatch):
    monkeypatch.setattr(comm, "create_comm", Forgetful)
    assert not is_of_all_pages()
    explorer = Explorer(Session(run))
    assert explorer.session.is_synchronous
    assert explorer.session.result is not None
    explorer.close()


class Plain(BaseComm):
    """A channel where there is no kernel."""

    __module__ = "comm"

    def publish_msg(self, *_args, **_kwargs):
        pass


def test_shinywidgets_meets_what_a_widget_holds_before_that_widget(run, monkeypatch):
    met, unknown, styles = set(), [], set()

    def init(widget):
        """It opens the widgets' channels in the order in which it meets them; a page refuses what it does not know."""
        widget.comm = Plain()
        state = widget.get_state()
        unknown.extend(name for name in re.findall(r"IPY_MODEL_(\w+)", repr(state)) if name not in met)
        met.add(widget.model_id)
        if isinstance(widget, Style):
            styles.add(state["_model_name"])

    init.__module__ = "shinywidgets._shinywidgets"
    monkeypatch.setattr(comm, "create_comm", Plain)
    assert is_of_all_pages()
    monkeypatch.setattr(Widget, "_widget_construction_callback", init)
    assert (host(), is_of_all_pages()) == ("shinywidgets", False)
    explorer = Explorer(Session(run))
    assert explorer.session.is_synchronous
    before = len(met)
    assert explorer._repr_mimebundle_() is None  # asked of each widget, and no reason to unfold a panel
    assert explorer.drift._repr_mimebundle_() is None
    assert explorer.drift.is_folded
    assert explorer.model_id in met
    assert len(met) > before + 100
    explorer.drift.unfold()
    assert explorer.drift._filled[0].model_id in met
    assert unknown == []
    assert styles <= {"StyleModel"}  # HTMLStyleModel is not known to pages of ipywidgets 7
    assert len(styles) == 1
    explorer.close()


def test_a_kernel_that_is_not_jupyters_is_of_one_page(monkeypatch):
    kernelbase = pytest.importorskip("ipykernel.kernelbase")
    alone = type("BokehKernel", (), {"__module__": "ipywidgets_bokeh.kernel"})()
    monkeypatch.setattr(kernelbase.Kernel, "_instance", alone)
    assert (host(), is_of_all_pages()) == ("ipywidgets_bokeh", False)


def test_marimo_is_given_the_views_that_it_can_show(run):
    explorer = Explorer(Session(run, synchronous=True))
    assert list(explorer._parts()) == [explorer.map.viewer, explorer.map.slider, explorer.series.chart]
    assert explorer.map.viewer in alive_parts(explorer.map)
    pytest.importorskip("marimo", reason="marimo is not installed; benchmarks/hosts.py opens the explorer in it")
    assert "no controls of ipywidgets" in explorer._display_().text
    explorer.close()


def test_where_threads_may_speak_they_do(run):
    explorer = Explorer(Session(run))
    assert not explorer.session.is_synchronous
    explorer.close()
