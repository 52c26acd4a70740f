"""The explorer on a design matrix that was made elsewhere, without a browser."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("anywidget")

from nilearn.glm.first_level import make_first_level_design_matrix

from glmwidgets.glm.design.given import ALL_OTHERS
from glmwidgets.panels.explore import explore
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.shared.commands import find
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session


@pytest.fixture
def design(run):
    times = np.arange(run.n_scans) * run.t_r
    made = make_first_level_design_matrix(times, run.events, hrf_model="spm", drift_model="cosine")
    return pd.DataFrame(made.to_numpy())


@pytest.fixture
def explorer(run, design):
    opened = open_run(run.img, run.events, mask=run.mask_img, confounds=run.confounds, design=design)
    explorer = Explorer(Session(opened, {"noise.model": "ols"}, synchronous=True))
    yield explorer
    explorer.close()


def _text(panel):
    return " ".join(child.value for child in panel.children if hasattr(child, "value"))


def test_columns_are_edited_by_hand(explorer):
    session, edits = explorer.session, explorer.design.edits
    assert edits.used.value == [str(i) for i in range(6)]
    edits.used.value = ["0", "1", "2", "4", "5"]
    assert session.settings.design.left_out == ("3",)
    assert list(session.result.design) == ["0", "1", "2", "4", "5"]
    explorer.design._pick(0, 1)  # a click on the second column of the picture
    assert edits.column.value == "1"
    edits.unit.value = 2.0  # scans
    edits.shift.value = -1.5
    edits.orthogonal.value = ALL_OTHERS
    assert session.settings.design.shifted == (("1", -3.0),)
    assert session.settings.design.orthogonalised == (("1", ALL_OTHERS),)
    assert session.is_current
    edits.column.value = "0"
    assert (edits.shift.value, edits.orthogonal.value) == (0.0, "")
    edits.column.value = "1"
    assert (edits.shift.value, edits.orthogonal.value) == (-1.5, ALL_OTHERS)
    edits.unit.value = 1.0
    assert edits.shift.value == -3.0
    assert session.settings.design.shifted == (("1", -3.0),)
    edits.shift.value = 0.0
    assert session.settings.design.shifted == ()
    for _ in range(4):
        explorer.undo.click()
    assert edits.used.value == [str(i) for i in range(6)]


def test_panels_that_ask_for_events_say_why_they_stand_still(explorer):
    still = (explorer.events, explorer.hrf, explorer.drift, explorer.confounds)
    for panel in still:
        panel.unfold()
        assert "The design matrix was given" in _text(panel)
        assert panel.model not in panel.children if hasattr(panel, "model") else panel.is_still
    explorer.session.update({"series.tab": "average"})
    assert "the design matrix was given: there are no events" in explorer.series.chart.resting
    explorer.design.edits.source.value = "events"
    for panel in still:
        assert "The design matrix was given" not in _text(panel)
    assert explorer.hrf.model in explorer.hrf.children
    explorer.session.update({"contrast.expression": "face"})
    assert explorer.session.is_current


def test_effects_of_every_column_are_drawn(explorer):
    explorer.session.update({"series.tab": "effects", "contrast.expression": '"0" - "1"'})
    assert explorer.session.is_current
    assert len(explorer.series.chart.plots[0]["labels"]) == 6  # all but the constant, and the contrast
    explorer.contrasts.interest.click()
    assert explorer.session.result.contrast.dim == 5  # each column but the constant
    assert find(explorer, "leave out a column")[0].key == "type design.left_out"


def test_the_code_opens_what_is_on_screen(explorer):
    assert explorer.code.splitlines()[2].startswith("explorer = gw.explore(bold, design_matrices=design, ")


def test_explore_takes_designs_of_one_and_of_several(run, design):
    for given in (design, [design], design.to_numpy()):
        explorer = explore(run.img, mask=run.mask_img, design_matrices=given)
        assert explorer.session.wait_until_idle(60)
        assert explorer.session.settings.design.source == "given"
        explorer.close()
    explorer = explore([run.img, run.img], mask=run.mask_img, design_matrices=[design, design])
    assert explorer.session.wait_until_idle(60)
    assert explorer.session.status.state == "idle", explorer.session.status.message
    explorer.close()
