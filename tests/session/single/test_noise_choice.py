"""The noise model that a run is asked for: looked at once, kept by its name, ended by who names another."""

import numpy as np
import pytest

from glmwidgets.report.exports.script import DIALECTS, script_text
from glmwidgets.report.page.html import session_report
from glmwidgets.report.page.words import describe_model
from glmwidgets.runs.opening import open_run
from glmwidgets.session.several.runs import RunSet
from glmwidgets.session.single.session import Session
from glmwidgets.session.single.store import load_session, save_session
from glmwidgets.specification.encoding import begun_with, decode, digest, encode
from glmwidgets.specification.settings import NoiseSettings, Settings

CHOSEN = "The noise model was chosen from the run's residuals."


def coloured(run, seed=0):
    """The run with a slow autoregression over its own white noise, which no autoregression of one scan describes."""
    data, rng = np.asarray(run.img.dataobj, dtype=float), np.random.default_rng(seed)
    noise = rng.normal(0, 5, data.shape)
    for t in range(1, data.shape[3]):
        noise[..., t] += 0.85 * noise[..., t - 1]
    img = type(run.img)((data + noise).astype(np.float32), run.img.affine, run.img.header)
    return open_run(img, run.events, 2.0, mask=run.mask_img)


@pytest.fixture(params=[True, False], ids=["synchronous", "live"])
def mixed(run, request):
    """A new session of a run whose noise is mixed, with what it came to."""
    session = Session(coloured(run), synchronous=request.param)
    session.shown = []
    session.observe(lambda change: session.shown.append(change["new"].fit.noise_model), "result")
    session.refresh()
    assert session.wait_until_idle(60)
    yield session
    session.close()


def test_a_new_session_shows_a_first_map_at_once_and_then_the_one_that_the_run_asks_for(mixed):
    assert mixed.shown == ["ar1-reml", "arma11"]
    assert mixed.settings.noise == NoiseSettings("arma11", "local", choice="evidence")
    assert mixed.is_current
    assert mixed.result.settings.noise == mixed.settings.noise
    assert mixed.clusters is not None
    assert mixed.evidence.gain > 1.5


def test_the_choice_is_no_step_and_its_first_map_no_look(mixed):
    assert not mixed.steps.can_undo
    assert mixed.ledger.n_models == 1
    assert [entry.settings.noise.model for entry in mixed.ledger.entries] == ["arma11"]


def test_it_is_made_once(mixed):
    mixed.update({"design.high_pass": 1 / 64})
    assert mixed.wait_until_idle(60)
    assert mixed.shown == ["ar1-reml", "arma11", "arma11"]
    mixed.undo()
    assert mixed.wait_until_idle(60)
    assert mixed.settings.noise.choice == "evidence"


def test_who_names_a_model_ends_it_and_undo_brings_it_back(mixed):
    mixed.update({"noise.model": "ar1"})
    assert mixed.settings.noise == NoiseSettings("ar1", None, choice="name")
    assert mixed.wait_until_idle(60)
    mixed.undo()
    assert mixed.settings.noise == NoiseSettings("arma11", "local", choice="evidence")
    mixed.update({"noise.pooling": "global"})
    assert mixed.settings.noise.choice == "name"


def test_a_run_of_white_noise_keeps_its_first_map(session):
    assert session.settings.noise == NoiseSettings("ar1-reml", None, choice="evidence")
    assert session.is_current
    assert session.result.settings == session.settings
    assert session.ledger.n_models == 1
    assert not session.steps.can_undo


def test_a_change_before_the_run_was_looked_at_is_a_step_of_its_own(run):
    session = Session(coloured(run), synchronous=True)
    session.update({"design.high_pass": 1 / 64})
    assert session.settings.noise.model == "arma11"
    assert session.undo()
    assert session.settings.noise.choice == "evidence"
    assert session.settings.design.high_pass == 0.01
    session.close()


def test_the_same_model_by_name_is_the_same_analysis(session):
    by_name = session.settings.updated({"noise.choice": "name"})
    assert by_name.same_analysis(session.settings)
    assert digest(by_name) == digest(session.settings)
    session.update({"noise.model": "ar1-reml"})
    assert session.ledger.n_models == 1


def test_a_run_can_be_asked_again(mixed, monkeypatch):
    """Under another name of a model, and under the one that the run asked for: each is a step, and names what it is."""
    monkeypatch.setattr("glmwidgets.session.core.steps.PAUSE", 0.0)
    for name in ("ols", "arma11"):
        mixed.update({"noise.model": name})
        assert mixed.wait_until_idle(60)
        mixed.update({"noise.model": "evidence"})
        assert mixed.wait_until_idle(60)
        assert mixed.settings.noise == NoiseSettings("arma11", "local", choice="evidence")
        assert mixed.result.settings.noise == mixed.settings.noise
        mixed.undo()
        assert mixed.settings.noise.model == name
        mixed.redo()
        assert mixed.wait_until_idle(60)
        assert mixed.settings.noise.choice == "evidence"


def test_no_menu_offers_how_a_model_was_chosen():
    """It is not for setting: whoever wants it sets the model to "evidence"."""
    assert Settings.field("noise.choice").choices is None
    with pytest.raises(ValueError, match=r"noise\.choice: must be one of"):
        Settings().updated({"noise.choice": "a friend"})


def test_a_state_and_a_saved_session_hold_the_name(mixed, tmp_path):
    state = encode(mixed.settings)
    assert decode(state).noise == mixed.settings.noise
    path = save_session(mixed, tmp_path / "session.json")
    again = load_session(path, mixed.run.img, mask=mixed.run.mask_img, synchronous=True)
    again.refresh()
    assert again.evidence is None
    assert again.result.fit.noise_model == "arma11"
    np.testing.assert_array_equal(again.result.mask, mixed.result.mask)
    again.close()


def test_a_state_with_a_named_model_on_top_is_by_name(mixed):
    begun = begun_with(encode(mixed.settings), {"noise.model": "ols"})
    assert (begun["noise.model"], begun["noise.pooling"], begun["noise.choice"]) == ("ols", None, "name")


def test_files_that_do_not_say_it_mean_a_name():
    assert Settings.from_dict({"noise": {"model": "arma11", "pooling": "local"}}).noise.choice == "name"
    assert Settings().noise.choice == "name"


def test_scripts_reports_and_summaries_say_how_it_was_chosen(mixed):
    assert describe_model(mixed.settings).split(", ")[2] == "noise AR(1) + white shared with neighbours (by evidence)"
    for dialect in DIALECTS:
        assert f"# {CHOSEN}" in script_text(mixed, dialect)
    assert "noise_model='arma11'" in script_text(mixed)
    assert CHOSEN in session_report(mixed, whiteness=False).html.replace("&#39;", "'")
    mixed.update({"noise.model": "ols"})
    assert mixed.wait_until_idle(60)
    assert CHOSEN not in script_text(mixed)


def test_runs_have_the_noise_model_that_the_first_that_is_looked_at_asks_for(two_runs):
    of = RunSet([coloured(run, seed) for seed, run in enumerate(two_runs)], synchronous=True)
    of.current.wake()
    for session in of.sessions:
        assert session.settings.noise == NoiseSettings("arma11", "local", choice="evidence")
        assert not session.steps.can_undo
    assert of.shared.noise == of.sessions[0].settings.noise
    assert of.sessions[1].evidence.said.startswith("All runs have the noise model that run 1 asks for.")
    of.show(1)
    assert of.sessions[1].ledger.n_models == 1
    of.close()


def test_fixed_effects_that_are_looked_at_first_ask_the_first_run(two_runs):
    of = RunSet([coloured(run, seed) for seed, run in enumerate(two_runs)], synchronous=True)
    of.show(2)
    assert [fitted.fit.noise_model for fitted in of.fixed.result.fitted] == ["arma11", "arma11"]
    assert of.fixed.is_current
    assert of.fixed.ledger.n_models == 1
    of.close()


@pytest.mark.parametrize("synchronous", [True, False])
def test_a_run_without_residuals_is_an_error_that_is_shown(run, synchronous, caplog):
    # Steps of 64 are the last digit of 1e9 in single precision.
    data = np.asarray(run.img.dataobj, float)
    steps = np.round((data - data.mean(-1, keepdims=True)) / np.maximum(data.std(-1, keepdims=True), 1e-9))
    img = type(run.img)((1e9 + 64 * steps).astype(np.float32), run.img.affine, run.img.header)
    opened = open_run(img, run.events, 2.0, mask=run.mask_img)
    session = Session(opened, {"data.signal_scaling": "none"}, synchronous=synchronous)
    session.refresh()
    session.wait_until_idle(60)
    assert session.status.state == "error"
    assert "no voxel varies: there are no residuals to choose a noise model by" in session.status.message
    assert "a job of the live analysis failed" not in caplog.text
    session.close()
