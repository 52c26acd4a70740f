"""The list of contrasts, what is said beside each, and the sliders, without a browser."""

import numpy as np
import pytest

pytest.importorskip("anywidget")

from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.shared.contrast import ContrastPanel


@pytest.fixture
def panel(session):
    return ContrastPanel(session)


def pick(panel, row):
    panel.table._handle_custom_msg({"kind": "pick", "row": row}, [])


def test_what_is_said_of_the_active_contrast(panel):
    verdict = panel.session.verdicts["face"]
    said = panel._verdict.value
    assert said.startswith(f"t({verdict.dof:g}) ")
    assert f" · estimable · efficiency {verdict.efficiency:.3g}" in said
    effect = verdict.detectable(panel.session.result.threshold)
    assert f"smallest detectable effect {effect:.2g} % × regressor" in said
    panel.session.update({"data.signal_scaling": "none"})
    assert "%" not in panel._verdict.value
    panel.session.update({"contrast.expression": "face; house"})
    assert panel._verdict.value.startswith("F(2, ")
    assert "detectable" not in panel._verdict.value


def test_add_choose_rename_and_remove(panel):
    session = panel.session
    assert not W.is_shown(panel.table)
    panel.add.click()
    panel.expression.value = "face - house"
    assert session.settings.contrast.listed == (("", "face"), ("", "face - house"))
    assert W.is_shown(panel.table)
    assert panel.table.here == 1
    panel.name.value = "faces"
    assert session.settings.contrast.names == ("", "faces")
    assert panel.table.rows[1]["cells"][0] == "faces:  face - house"
    pick(panel, 0)
    assert session.settings.contrast.expression == "face"
    assert panel.expression.value == "face"
    assert panel.name.value == ""
    assert session.is_current
    panel.remove.click()
    assert session.settings.contrast.listed == (("faces", "face - house"),)
    panel.remove.click()  # the last one stays
    assert session.settings.contrast.expression == "face - house"
    panel.name.value = ""
    assert session.settings.contrast.names == ()


def test_what_is_said_beside_each(panel):
    session = panel.session
    listed = ("face", "face; house", "face - huose")
    session.update({"contrast.names": ("", "", ""), "contrast.expressions": listed, "contrast.active": 0})
    rows = [row["cells"] for row in panel.table.rows]
    verdict = session.verdicts["face"]
    assert rows[0][:3] == ["face", "t", verdict.efficiency]
    assert rows[0][3] == verdict.detectable(session.result.threshold)
    assert rows[0][4] == verdict.inflation
    assert rows[1][1] == "F2"
    assert rows[1][3] is None
    assert rows[2][5] == "cannot be read"


def test_pairs_and_effects_of_interest_at_a_click(panel):
    session = panel.session
    panel.pairs.click()
    assert session.settings.contrast.listed == (("", "face"), ("face - house", "face - house"))
    assert session.settings.contrast.active == 1
    panel.pairs.click()  # what is there is not added again
    assert len(session.settings.contrast.listed) == 2
    session.update({"design.hrf_model": "glover + derivative"})
    panel.interest.click()
    assert session.result.contrast.stat_type == "F"
    assert session.result.contrast.dim == 4
    session.update({"design.conditions": (), "contrast.expression": "constant"})
    panel.interest.click()
    assert "no effect in the model" in session.status.message


def test_a_contrast_is_carried_along_with_the_response(panel):
    session = panel.session
    expression, fir = "contrast.expression", {"design.hrf_model": "fir", "design.fir_delays": (0, 1, 2)}
    panel.expression.value = "face - house"
    one = session.result.contrast
    session.update(fir)
    assert session.is_current
    assert session.settings.get(expression) == "face - house"
    assert "face: mean of its 3 columns, house: mean of its 3 columns" in panel._verdict.value
    mean = " + ".join(f"(face_delay_{i} - house_delay_{i}) / 3" for i in range(3))
    here = session.result.contrast.effect
    panel.expression.value = mean
    np.testing.assert_allclose(session.result.contrast.effect, here, rtol=1e-9)
    panel.expression.value = "face_delay_2 - house_delay_2"  # a named one
    assert session.is_current
    session.update({"design.hrf_model": "spm"})
    assert session.is_current
    assert session.settings.get(expression) == "face - house"
    np.testing.assert_array_equal(session.result.contrast.effect, one.effect)
    session.undo()
    assert session.is_current
    assert session.settings.get(expression) == "face_delay_2 - house_delay_2"


def test_contrasts_of_a_click_are_carried_along_with_the_response(panel):
    session = panel.session
    panel.interest.click()
    panel.pairs.click()
    for response, delays, n_columns in (("spm + derivative", (0,), 2), ("fir", (0, 1, 2, 3), 4), ("spm", (0,), 1)):
        session.update({"design.hrf_model": response, "design.fir_delays": delays})
        own, interest, pair = (text for _, text in session.settings.contrast.listed)
        assert own == "face"
        assert len(interest.split(";")) == 2 * n_columns
        assert len(pair.split(";")) == (n_columns if response == "fir" else 1)
        for place in range(3):
            session.update({"contrast.active": place})
            assert session.is_current
        assert all(verdict.estimable for verdict in session.verdicts.values())
    assert session.settings.contrast.listed[1] == ("effects of interest", "face; house")


def test_an_f_test_is_on_or_off(panel):
    session = panel.session
    t = session.result.contrast
    panel.f_test.value = True
    assert session.settings.contrast.expression == "F(face)"
    f = session.result.contrast
    assert (f.stat_type, f.dim) == ("F", 1)
    np.testing.assert_allclose(f.stat(), t.stat() ** 2, rtol=1e-9)
    np.testing.assert_allclose(f.p_value(), t.p_value(two_sided=True), rtol=1e-6)
    assert "F(1, " in panel._verdict.value
    assert "detectable" not in panel._verdict.value
    panel.weigh.value = True
    panel.sliders["house"].value = -1
    assert session.settings.contrast.expression == "F(face - house)"
    panel.f_test.value = False
    assert session.settings.contrast.expression == "face - house"
    assert session.result.contrast.stat_type == "t"
    panel.expression.value = "face; house"
    assert panel.f_test.value
    assert panel.f_test.disabled
    panel.expression.value = "face"
    assert not panel.f_test.value
    assert not panel.f_test.disabled


def test_a_suggestion_is_taken_at_a_click(panel):
    session = panel.session
    assert panel.suggestion.layout.display == "none"
    panel.expression.value = "face_delay_0 + face_delay_1"
    assert panel._verdict.value == ""
    assert panel.suggestion.description == "use face"
    panel.suggestion.click()
    assert session.is_current
    assert panel.suggestion.layout.display == "none"


def test_sliders_and_expression_are_one(panel):
    session = panel.session
    panel.weigh.value = True
    assert list(panel.sliders) == ["face", "house"]
    assert panel.sliders["face"].value == 1
    panel.sliders["house"].value = -0.5
    assert session.settings.contrast.expression == "face - 0.5*house"
    panel.expression.value = "face/3 - 2*house"
    assert panel.sliders["face"].value == 1 / 3
    assert panel.sliders["house"].min == -2
    assert session.settings.contrast.expression == "face/3 - 2*house"
    panel.sliders["face"].value = 0.35  # what a browser makes of a third
    assert session.settings.contrast.expression == "face/3 - 2*house"
    panel.sliders["house"].value = 0.25
    weights = contrast_vector(session.settings.contrast.expression, session.result.design.columns)
    np.testing.assert_array_equal(weights[:2], [1 / 3, 0.25])
    panel.expression.value = "face; house"
    assert all(slider.disabled for slider in panel.sliders.values())
    panel.weigh.value = False
    assert panel.sliders == {}


def test_sliders_come_and_go_with_the_columns(panel):
    import ipywidgets.widgets.widget as core

    session = panel.session
    session.update({"contrast.expression": "constant"})
    panel.weigh.value = True
    session.update({"design.hrf_model": "glover + derivative"})
    assert list(panel.sliders) == ["face", "face_derivative", "house", "house_derivative"]
    many = len(core._instances)
    session.update({"design.hrf_model": "spm"})
    assert list(panel.sliders) == ["face", "house"]
    few = len(core._instances)
    for model in ("glover", "spm + derivative", "spm"):
        session.update({"design.hrf_model": model})
    assert len(core._instances) == few < many


def test_effective_degrees_of_freedom_are_said_where_the_noise_is_counted(panel):
    assert "effective" not in panel._verdict.value
    panel.session.update({"noise.model": "ar-auto"})
    contrast = panel.session.result.contrast
    low, high = np.quantile(contrast.dofs[contrast.known], (0.05, 0.95))
    words = f"effective degrees of freedom {low:.0f} to {high:.0f} of {panel.session.result.fit.dof}"
    assert f" · {words} · estimable" in panel._verdict.value
