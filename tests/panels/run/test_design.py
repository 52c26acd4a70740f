"""The design panel: what is drawn is the design, and a click draws a column."""

import numpy as np
import pytest

pytest.importorskip("bqplot")
pytest.importorskip("anywidget")

from glmwidgets.panels.run.design import DesignPanel
from glmwidgets.web.palettes import matrix_table


def shown(panel):
    return np.frombuffer(panel.matrix.values, np.float32).reshape(panel.matrix.shape)


def test_the_picture_is_the_matrix_each_column_over_its_range(session):
    panel = DesignPanel(session)
    design = session.result.design
    picture = shown(panel)
    assert picture.shape == design.shape
    face = design["face"].to_numpy()
    expected = (face - face.min()) / np.ptp(face)
    np.testing.assert_allclose(picture[:, list(design.columns).index("face")], expected, atol=1e-6)
    assert panel.matrix.column_names[0].startswith("face · VIF ")
    assert panel.matrix.row_names[3] == "6 s"


def test_correlations_are_those_of_numpy(session):
    panel = DesignPanel(session)
    panel.shown.value = "correlation"
    design = session.result.design.drop(columns="constant")
    expected = np.corrcoef(design.to_numpy().T)
    np.testing.assert_allclose(shown(panel), expected, atol=1e-6)
    assert "constant" not in panel.matrix.column_names  # which has no correlation: its band would be black
    panel.matrix._handle_custom_msg({"kind": "pick", "row": 0, "column": list(design.columns).index("house")}, [])
    assert panel.drawn.value == "house"
    assert panel.matrix.table == matrix_table("diverging").tobytes()


def test_a_click_draws_the_column_and_a_new_model_draws_it_anew(session):
    panel = DesignPanel(session)
    columns = list(session.result.design.columns)
    panel.matrix._handle_custom_msg({"kind": "pick", "row": 2, "column": columns.index("house")}, [])
    assert panel.drawn.value == "house"
    session.update({"design.hrf_model": "glover"})
    (line,) = panel.chart.plots[0]["parts"]
    np.testing.assert_allclose(np.frombuffer(line["y"], np.float32), session.result.design["house"], rtol=1e-6)
    panel.matrix._handle_custom_msg({"kind": "pick", "row": 0, "column": 10_000}, [])
    assert panel.drawn.value == "house"
    session.update({"design.conditions": ("face",)})
    assert panel.drawn.value == "face"
