"""Data, drift, confounds and noise with no browser: controls and settings are one, words are the engine's."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("bqplot")
pytest.importorskip("anywidget")

from glmwidgets.datasets import simulate_run
from glmwidgets.glm.design.confound_groups import FD, MOTION, motion_columns
from glmwidgets.glm.design.diagnostics import energy_removed
from glmwidgets.glm.fit.whiteness import residual_whiteness
from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.panels.run.confounds import ConfoundsPanel
from glmwidgets.panels.run.data import DataPanel
from glmwidgets.panels.run.drift import DriftPanel
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.run.noise import NoisePanel
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session
from glmwidgets.specification.confound_choice import ConfoundChoice


def whole_table(n_scans):
    """Confounds as fMRIPrep writes them, without derivatives; scans 20 and 21 moved."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(0, 0.1, (n_scans, 6)).cumsum(axis=0), columns=MOTION)
    for k in range(8):
        table[f"a_comp_cor_{k:02d}"] = rng.normal(size=n_scans)
    table["cosine00"] = np.cos(np.pi * (np.arange(n_scans) + 0.5) / n_scans)
    table["csf"], table["white_matter"], table["csf_derivative1"] = rng.normal(size=(3, n_scans))
    table["framewise_displacement"] = np.where(np.isin(np.arange(n_scans), [20, 21]), 2.0, 0.1)
    table["std_dvars"] = 1.0
    table.loc[0, ["framewise_displacement", "csf_derivative1"]] = np.nan
    return table


@pytest.fixture
def moved(run):
    opened = open_run(run.img, run.events, 2.0, confounds=whole_table(run.n_scans), mask=run.mask_img)
    session = Session(opened, synchronous=True)
    unhurried(session)
    session.refresh()
    yield session
    session.close()


def head_of(panel):
    return panel._head.value


def unhurried(session):
    """Make every change a step of its own, however quickly they follow each other."""
    session.steps._clock = itertools.count(0, 10).__next__


def rounds(session, control, path, shown, kept):
    """Set the control and see the setting; set the setting and see the control; undo."""
    unhurried(session)
    before, at_first = session.settings.get(path), control.value
    control.value = shown
    assert session.settings.get(path) == kept
    assert session.is_current, session.status.message
    session.update({path: before})
    assert control.value == at_first
    session.update({path: kept})
    assert control.value == shown
    session.undo()
    assert control.value == at_first


# Data ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path", "shown", "kept"),
    [
        ("smoothing", "data.smoothing_fwhm", 4.0, 4.0),
        ("scaling", "data.signal_scaling", "none", "none"),
        ("drop", "data.drop_scans", 3, 3),
        ("cut", "data.mask_cut", 0.75, 0.75),
    ],
)
def test_data_controls(session, name, path, shown, kept):
    rounds(session, getattr(DataPanel(session), name), path, shown, kept)


def test_the_run_and_its_mask_in_words(session):
    panel = DataPanel(session)
    assert "80 scans · TR 2 s" in head_of(panel)
    assert "2 min 40 s" in panel._facts.value
    assert f"given, {session.result.z.size}" in panel._facts.value
    assert panel._cut_field.layout.display == "none"  # a given mask has no threshold
    session.update({"data.drop_scans": 4})
    assert "76 left, from 8 s on" in panel._dropped.value


def test_an_automatic_mask_has_a_threshold_and_an_empty_one_is_told():
    head = simulate_run(shape=(26, 30, 24), n_scans=40)
    session = Session(open_run(head.img, head.events, head.t_r), synchronous=True)
    session.refresh()
    panel = DataPanel(session)
    assert panel._cut_field.layout.display == ""
    n = session.result.z.size
    panel.cut.value = 0.6
    assert session.result.z.size > n
    assert f"automatic, {session.result.z.size:,}" in panel._facts.value
    panel.cut.value = 3.0
    assert "no brain was found" in panel._error.value
    assert "× 3.00" in panel._cut_label.value
    session.undo()
    assert panel._error.layout.display == "none"


def test_too_many_scans_are_refused_in_the_panel(session):
    panel = DataPanel(session)
    panel.drop.value = 79
    assert "cannot be left out of 80" in panel._error.value


# Drift --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path", "shown", "kept"),
    [
        ("model", "design.drift_model", "polynomial", "polynomial"),
        ("period", "design.high_pass", 64.0, 1 / 64),
        ("frequency", "design.high_pass", 0.03, 0.03),
        ("order", "design.drift_order", 3, 3),
    ],
)
def test_drift_controls(session, name, path, shown, kept):
    rounds(session, getattr(DriftPanel(session), name), path, shown, kept)


def test_seconds_and_hertz_are_one_setting(session):
    panel = DriftPanel(session)
    panel.period.value = 70.0
    assert session.settings.design.high_pass == 1 / 70  # not what a rounded number of the other control would give
    assert panel.frequency.value == pytest.approx(1 / 70, abs=1e-6)
    panel.frequency.value = 0.03
    assert session.settings.design.high_pass == 0.03
    assert panel.period.value == 33.3333
    panel.frequency.value = 0
    assert session.settings.design.high_pass == 0
    assert "0 columns" in head_of(panel)


def test_what_the_drift_takes_is_what_the_engine_says(session):
    panel = DriftPanel(session)
    session.update({"design.high_pass": 0.03})
    design = session.result.design
    drifts = [name for name in design.columns if name.startswith("drift_")]
    share = dict(zip(["face", "house"], energy_removed(design[["face", "house"]], design[drifts]), strict=True))
    for name, value in share.items():
        assert f"{100 * value:.0f} % of the {name} regressor" in panel._taken.value
    worst = max(share, key=share.get)
    assert share[worst] > 0.1
    assert f"removes {100 * share[worst]:.0f} % of {worst}" in head_of(panel)
    assert "glmw-warn" in head_of(panel)
    names = [part.get("name") for part in panel.spectrum.plots[0]["parts"]]
    assert names[-2:] == ["face", "house"]
    session.update({"design.drift_model": "none"})
    assert panel._taken.value == ""


def test_nothing_is_drawn_again_for_a_contrast(session):
    panel = DriftPanel(session)
    plots = panel.spectrum.plots
    session.update({"contrast.expression": "face - house"})
    assert panel.spectrum.plots is plots


# Confounds ----------------------------------------------------------------------------------------------------------


def test_motion_by_its_number_of_regressors(moved):
    panel = ConfoundsPanel(moved)
    assert panel.motion.value == 6
    panel.motion.value = 24
    assert moved.settings.design.confounds == motion_columns(24)
    assert set(motion_columns(24)) <= set(moved.result.design.columns)
    moved.update({"design.confounds": ("rot_x", "csf")})
    assert dict(panel.motion.options)["another choice"] == panel.motion.value
    panel.motion.value = 0
    assert moved.settings.design.confounds == ("csf",)
    moved.undo()
    moved.undo()
    moved.undo()
    assert panel.motion.value == 6
    assert f"{moved.result.fit.dof} df" in head_of(panel)


def test_a_tick_takes_a_group_and_lets_it_go(moved):
    panel = ConfoundsPanel(moved)
    panel.ticks["a_comp_cor"].value = True
    assert moved.settings.design.confounds == (*MOTION, *(f"a_comp_cor_{k:02d}" for k in range(5)))
    assert "5 of 8" in panel._counts["a_comp_cor"].value
    assert not panel.ticks["cosine"].value
    panel.ticks["cosine"].value = True
    assert "cosines of its own" in panel._note.value
    panel.ticks["a_comp_cor"].value = False
    assert moved.settings.design.confounds == (*MOTION, "cosine00")
    moved.update({"design.confounds": ()})
    assert not any(tick.value for tick in panel.ticks.values())
    assert "0 columns" in head_of(panel)


def test_single_columns_and_their_plot(moved):
    panel = ConfoundsPanel(moved)
    assert panel.chart.plots == []  # nothing is made for what is not open
    panel.details.value = True
    panel.group.value = "a_comp_cor"
    assert panel.columns.value == ()
    panel.columns.value = ("a_comp_cor_03", "a_comp_cor_06")
    assert moved.settings.design.confounds == (*MOTION, "a_comp_cor_03", "a_comp_cor_06")
    assert "2 of 8" in panel._counts["a_comp_cor"].value
    lines = [part for part in panel.chart.plots[0]["parts"] if part["kind"] == "line"]
    assert [part["name"] for part in lines] == ["a_comp_cor_03", "a_comp_cor_06"]
    drawn = np.frombuffer(lines[0]["y"], np.float32)
    np.testing.assert_allclose(drawn, moved.run.confounds["a_comp_cor_03"], rtol=1e-6)
    moved.undo()
    assert panel.columns.value == ()


def test_scrubbing_by_thresholds(moved):
    panel = ConfoundsPanel(moved)
    tick, number = panel.scrub[FD]
    number.value = 0.6
    assert moved.settings.design.scrub_fd is None
    tick.value = True
    assert moved.settings.design.scrub_fd == 0.6
    assert "2 scans scrubbed" in panel._note.value
    assert {"censored_20", "censored_21"} <= set(moved.result.design.columns)
    number.value = 5.0
    assert moved.settings.design.scrub_fd == 5.0
    assert "0 scans scrubbed" in panel._note.value
    moved.update({"design.scrub_fd": None})
    assert not tick.value
    moved.update({"design.scrub_fd": 0.3})
    assert (tick.value, number.value) == (True, 0.3)


def test_a_first_row_without_values_is_said(moved):
    panel = ConfoundsPanel(moved)
    assert "first value" not in panel._note.value
    moved.update({"design.confounds": ("csf", "csf_derivative1")})
    assert "1 column without a first value start" in panel._note.value


def test_a_table_of_other_names_is_one_group(run):
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(run.n_scans, 2)), columns=["<b>pulse", "breath"])
    session = Session(open_run(run.img, run.events, 2.0, confounds=table, mask=run.mask_img), synchronous=True)
    session.refresh()
    panel = ConfoundsPanel(session)
    assert panel.motion is None
    assert list(panel.ticks) == ["all"]
    assert panel.ticks["all"].value
    assert session.settings.design.confounds is None
    panel.ticks["all"].value = False
    assert session.settings.design.confounds == ()
    panel.ticks["all"].value = True
    assert session.settings.design.confounds is None


def test_a_run_without_confounds_shows_nothing_of_them(run):
    session = Session(open_run(run.img, run.events, 2.0, mask=run.mask_img), synchronous=True)
    explorer = Explorer(session)
    shown = {panel for column in explorer._columns.children for panel in column.children}
    assert explorer.noise in shown
    assert explorer.confounds not in shown


def test_choices_keep_the_order_of_the_table():
    choice = ConfoundChoice(["csf", *MOTION, "pulse"])
    setting = choice.with_group(("pulse",), choice.group("motion"), motion_columns(12)[::-1])
    assert setting == (*motion_columns(12), "pulse")
    assert choice.level(setting) == 12


# Noise --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path", "shown", "kept"),
    [("model", "noise.model", "ar2", "ar2"), ("pooling", "noise.pooling", "local", "local")],
)
def test_noise_controls(session, name, path, shown, kept):
    rounds(session, getattr(NoisePanel(session), name), path, shown, kept)


def test_every_noise_model_can_be_picked(session):
    panel = NoisePanel(session)
    for _, name in panel.model.options:
        panel.model.value = name
        assert session.status.state == "idle", (name, session.status.message)
        assert session.result.fit.noise_model == name
    session.update({"noise.model": "ar4"})
    assert panel.model.value == "ar4"


def test_white_noise_has_nothing_to_share_and_no_rho(session):
    panel = NoisePanel(session)
    session.update({"noise.model": "ar1", "noise.pooling": "global"})
    panel.model.value = "ols"
    assert session.settings.noise.pooling is None
    assert panel.pooling.disabled
    assert panel.rho.layout.display == "none"


@pytest.fixture
def coloured(run):
    """A session over noise that white errors do not describe."""
    rng = np.random.default_rng(0)
    data = np.asarray(run.img.dataobj).copy()
    noise = rng.normal(0, 8, data.shape)
    for t in range(1, data.shape[3]):
        noise[..., t] += 0.7 * noise[..., t - 1]
    img = type(run.img)((data + noise).astype(np.float32), run.img.affine, run.img.header)
    session = Session(open_run(img, run.events, 2.0, mask=run.mask_img), synchronous=True)
    session.update({"noise.model": "ols"})
    yield session
    session.close()


def test_the_noise_that_the_run_asks_for_is_taken_by_name_and_said(coloured):
    """An autoregression over the run's own white noise. A step as any other, whose settings hold the name."""
    panel = NoisePanel(coloured)
    before = coloured.settings
    panel.evidence.click()
    assert coloured.settings.noise.model == "arma11"
    assert coloured.settings.noise.pooling == "local"
    assert "Chosen by evidence. ARMA(1,1) raises twice the log likelihood of AR(1) by" in panel._about.value
    coloured.undo()
    assert coloured.settings == before
    assert "evidence" not in panel._about.value


def test_the_verdict_is_the_engines_and_its_advice_is_a_button(coloured):
    panel = NoisePanel(coloured)
    white = residual_whiteness(coloured.result.fit, 2.0)
    assert not white.white
    assert f"{100 * white.share:.0f} % not white" in head_of(panel)
    assert "glmw-warn" in head_of(panel)
    assert "all 224 voxels" in panel._said.value
    names = [part.get("name") for part in panel.periodogram.plots[0]["parts"]]
    assert "residuals" in names
    assert panel.suggestion.description == "try AR(1) REML"
    panel.suggestion.click()
    assert coloured.settings.noise.model == "ar1-reml" == white.suggestion
    better = residual_whiteness(coloured.result.fit, 2.0)
    assert better.share < white.share
    assert f"ρ {np.median(coloured.result.fit.parameters['rho']):.2f}" in head_of(panel)
    coloured.update({"noise.model": "ols"})
    assert f"{100 * white.share:.0f} % not white" in head_of(panel)


def test_the_rho_map_and_back(session):
    session.update({"noise.model": "ar1"})
    panel = NoisePanel(session)
    panel.rho.click()
    assert session.settings.map.statistic == "rho"
    assert panel.rho.description == "z map"
    panel.rho.click()
    assert session.settings.map.statistic == "z"


def test_the_model_that_a_run_asked_for_says_why_with_the_rates_of_both(run):
    session = Session(run, synchronous=True)
    panel = NoisePanel(session)
    assert panel._about.value.startswith("Used until the run&#x27;s residuals select a noise model.")
    session.refresh()
    assert panel._about.value == f"Chosen by evidence. {session.evidence.said}.".replace("'", "&#x27;")
    about = panel._about.value
    assert re.search(r"false positives at \.05 is \.\d+ to \.\d+ with AR\S+ and \.\d+ to \.\d+ with AR\S+\.$", about)
    assert panel.evidence.layout.display == "none"
    session.update({"noise.model": "ar3"})
    assert panel._about.value == noise_model_row("ar3").description
    assert panel.evidence.layout.display == ""
    session.undo()
    assert "Chosen by evidence. ARMA(1,1) raises" in panel._about.value
    session.close()


def test_a_drag_waits_for_no_verdict(live):
    """While results follow each other no residual is tested; the last one is, once it has stayed."""
    panel = NoisePanel(live)
    assert panel.watch.wait(30)
    first = panel.watch.verdict
    for period in (60.0, 70.0, 80.0):
        live.update({"design.high_pass": 1 / period})
        assert live.wait_until_idle(30)
    assert panel.watch.verdict is first
    assert "glmw-stale" in panel._said._dom_classes
    assert panel.watch.wait(30)
    assert panel.watch.verdict is not first
    assert panel.watch.verdict.key == live.analysis.graph.key("fit", live.settings)
    assert "glmw-stale" not in panel._said._dom_classes
