"""The fold of the response panel is made once, however often it is opened."""

import pytest

pytest.importorskip("ipywidgets")

from ipywidgets.widgets import widget as live_widgets

from glmwidgets.datasets import simulate_run
from glmwidgets.panels.run.response import ResponsePanel
from glmwidgets.panels.shared.base import close_with_all
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session


def test_opening_the_fold_again_makes_nothing_new():
    run = simulate_run("small", n_scans=40)
    session = Session(open_run(run.img, run.events, run.t_r), synchronous=True)
    before = len(live_widgets._instances)
    panel = ResponsePanel(session)
    panel.more.value = True
    opened = len(live_widgets._instances)
    for _ in range(3):
        panel.more.value = False
        panel.more.value = True
    assert len(live_widgets._instances) == opened
    close_with_all(panel)
    assert len(live_widgets._instances) <= before + 12  # layouts and styles that all panels share
    session.close()
