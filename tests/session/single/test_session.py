"""The live analysis without a browser: what is asked is answered, by the right numbers, and nothing else runs."""

import threading
import warnings

import numpy as np
import pandas as pd
import pytest

from glmwidgets.runs.opening import open_run
from glmwidgets.session.core.graph import StageError
from glmwidgets.session.core.waiting import NoResult
from glmwidgets.session.single.session import Session
from glmwidgets.specification.field import SettingsError


def test_the_first_look_is_at_the_first_condition_and_its_peak(session):
    assert session.settings.contrast.expression == "face"
    assert session.is_current
    assert session.status.state == "idle"
    assert all(low <= c < high for c, low, high in zip(session.cursor, (2, 2, 2), (5, 5, 4), strict=True))
    assert [cluster.n_voxels for cluster in session.clusters.found] == [18]


def test_maps_equal_the_reference(audiovisual_dir):
    """Same run, model and contrast in nilearn; 1e-6 in z, as both round their sums in different orders."""
    from nilearn.glm.first_level import FirstLevelModel

    bold, events = (audiovisual_dir / f"av_5slices_45vols_{name}" for name in ("bold.nii.gz", "events.tsv"))
    session = Session(open_run(bold, events, 3.0), synchronous=True)
    session.update({"data.smoothing_fwhm": 5.0, "contrast.expression": "visual - auditory", "noise.model": "ar1"})
    session.update({"design.convolution": "grid"})  # the reference's
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = FirstLevelModel(t_r=3.0, hrf_model="spm", smoothing_fwhm=5, noise_model="ar1")
        model.fit(str(bold), pd.read_table(events))
        expected = model.compute_contrast("visual - auditory").get_fdata()
    np.testing.assert_array_equal(session.result.mask, model.masker_.mask_img_.get_fdata() > 0)
    np.testing.assert_allclose(np.nan_to_num(session.result.z_map), expected, atol=1e-6)


SURVIVING = {"clusters", "bounds"}
OF_A_CONTRAST = {"contrast", "beside z", "searched", "threshold", "active voxels", *SURVIVING}
OF_A_FIT = {"fit", "smoothness", *OF_A_CONTRAST}


@pytest.mark.parametrize(
    ("change", "runs"),
    [
        ({"threshold.value": 4.0, "threshold.height_control": "fixed"}, {"searched", "threshold", *SURVIVING}),
        ({"threshold.cluster_size": 3}, SURVIVING),
        ({"contrast.expression": "face - house"}, OF_A_CONTRAST),
        ({"noise.model": "ols"}, OF_A_FIT),
        ({"design.hrf_model": "glover"}, {"design", *OF_A_FIT}),
        ({"data.smoothing_fwhm": 5.0}, {"series", "moments", "neighbours", *OF_A_FIT}),
    ],
)
def test_each_change_runs_only_what_it_must(session, change, runs):
    assert session.update(change)
    assert set(session.status.timings) == runs


def test_a_wrong_contrast_is_told_and_the_last_map_stays(session):
    good = session.result
    session.update({"contrast.expression": "face - huose"})
    assert session.status.state == "error"
    assert session.status.stage == "contrast"
    assert "did you mean 'house'" in session.status.message
    assert "Traceback" in session.status.details
    assert session.result is good
    assert not session.is_current
    session.update({"contrast.expression": "face - house"})
    assert session.status.state == "idle"
    assert session.is_current


def test_a_refused_value_changes_nothing(session):
    before = session.settings
    assert not session.update({"design.high_pass": -1.0})
    assert session.settings is before
    assert session.status.stage == "design.high_pass"
    # and the next good value clears the message even if it equals what was set
    assert session.update({"design.high_pass": before.design.high_pass})
    assert session.status.state == "idle"


def test_a_design_that_cannot_be_made_says_so(session):
    session.update({"design.drift_model": "cosine", "design.high_pass": 0.3})
    assert session.status.state == "error"
    assert session.status.stage == "design.high_pass"
    assert "no degree of freedom" in session.status.message


def test_no_condition_at_all_leaves_a_model_of_drift(session):
    session.update({"design.conditions": (), "contrast.expression": "constant"})
    assert session.status.state == "idle"
    assert "face" not in session.result.design.columns


def test_what_is_computed_ahead_is_shown_when_it_is_asked_for(run):
    session = Session(run)
    with session.lock:  # as while views are made
        session.begin()
        assert session._lane.wait_until_idle(60)
        assert (session.result, session.status.message) == (None, "nothing is computed yet")
    session.refresh()
    assert session.wait_until_idle(60)
    assert {"design", "series", "fit", "clusters"} <= set(session.status.timings)
    wrong = Session(run, {"contrast.expression": "nothing of the kind"})
    wrong.begin()
    assert wrong._lane.wait_until_idle(60)
    assert wrong.status.message == "nothing is computed yet"
    wrong.refresh()
    assert wrong.wait_until_idle(60)
    assert wrong.status.stage == "contrast"
    for each in (session, wrong):
        each.close()


def test_a_drag_ends_on_the_last_state(live, run):
    periods = np.linspace(40, 200, 25)
    for period in periods:
        live.update({"design.high_pass": 1 / period})
    assert live.wait_until_idle(60)
    assert live.result.settings.design.high_pass == pytest.approx(1 / 200)
    alone = Session(run, settings=live.settings, synchronous=True)
    alone.refresh()
    np.testing.assert_array_equal(live.result.z, alone.result.z)
    assert len(live.clusters.found) == len(alone.clusters.found)


def test_results_come_in_order_and_the_newest_last(live):
    seen = []
    live.observe_locked(lambda change: seen.append(change["new"].settings.threshold.value), "result")
    for value in np.linspace(2, 4, 30):
        live.update({"threshold.height_control": "fixed", "threshold.value": float(value)})
    assert live.wait_until_idle(60)
    assert seen == sorted(seen)
    assert seen[-1] == 4.0


def test_many_threads_write_without_harm(live):
    def write(name):
        for k in range(15):
            live.update({"noise.model": name, "threshold.alpha": 0.001 + k / 1000})

    threads = [threading.Thread(target=write, args=(name,)) for name in ("ols", "ar1", "ols", "ar1")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert live.wait_until_idle(60)
    assert live.is_current
    assert live.status.state == "idle"


def test_a_view_that_fails_is_heard_of(session, caplog):
    def fail(change):
        raise RuntimeError("this view is broken")

    session.observe_locked(fail, "cursor")
    session.move_to((3, 3, 3))
    assert session.status.state == "error"
    assert "this view is broken" in session.status.message
    assert "a view of the session failed" in caplog.text


def test_what_a_person_typed_is_told_and_not_logged(session, caplog):
    def handler(_):
        raise SettingsError("map.contour", "no such image: none.nii")

    session.observe_locked(handler, "settings")
    assert session.update({"map.contour": "none.nii"})
    assert "no such image: none.nii" in session.status.message
    assert caplog.text == ""


def test_the_crosshair_stays_inside_and_knows_its_place(session):
    session.move_to((99, -5, 2))
    assert session.cursor == (9, 0, 2)
    np.testing.assert_allclose(session.mm((1, 2, 3)), [27, -34, -8])
    session.move_to_mm((26.4, -33.2, -8.9))
    assert session.cursor == (1, 2, 3)


@pytest.mark.parametrize("place", [None, (0, 0, 0), "where it begins"])
def test_the_first_result_takes_the_crosshair_to_its_peak_unless_somebody_put_it_elsewhere(run, place):
    new = Session(run, synchronous=True)
    begins = new.cursor
    if place is not None:
        new.move_to(place := begins if place == "where it begins" else place)
    new.refresh()
    peak = new._peak(new.result)
    assert peak not in (begins, (0, 0, 0))
    assert new.cursor == (peak if place is None else place)
    new.close()


def test_series_at_a_voxel_are_the_data_and_the_dense_fit(session, run):
    """Prediction against lstsq on the scaled data; float64 sums in another order agree to 1e-8 %."""
    session.update({"noise.model": "ols"})
    here = session.series((3, 3, 3))
    raw = run.img.get_fdata()[3, 3, 3].astype(np.float32)
    percent = 100 * (raw / raw.mean() - 1)
    np.testing.assert_allclose(here.data, percent, atol=1e-4)
    x = session.result.design.to_numpy()
    fitted = x @ np.linalg.lstsq(x, here.data, rcond=None)[0]
    np.testing.assert_allclose(here.predicted, fitted, atol=1e-8)
    share = 1 - np.square(here.data - fitted).sum() / np.square(here.data - here.data.mean()).sum()
    assert here.statistics["r_square"] == pytest.approx(share, abs=1e-9)
    assert session.series((0, 0, 0)) is None


def test_confounds_can_be_chosen_by_name(session):
    assert {"trans_x", "rot_z"} <= set(session.result.design.columns)
    session.update({"design.confounds": ("rot_z",)})
    assert "trans_x" not in session.result.design.columns
    session.update({"design.confounds": ("none_such",)})
    assert session.status.stage == "confounds"
    assert "no column none_such" in session.status.message


def test_undo_and_redo_bring_settings_and_map_back(session):
    first = session.result.z.copy()
    session.update({"design.hrf_model": "glover"})
    second = session.result.z.copy()
    assert session.undo()
    np.testing.assert_array_equal(session.result.z, first)
    assert session.redo()
    np.testing.assert_array_equal(session.result.z, second)
    assert not session.redo()
    assert session.ledger.n_models == 2
    words = [e.words for e in session.ledger.entries]
    assert words == ["first look", "HRF spm → glover", "HRF glover → spm", "HRF spm → glover"]
    session.return_to(1)
    assert session.settings.design.hrf_model == "spm"
    assert session.undo()
    assert session.settings.design.hrf_model == "glover"
    with pytest.raises(ValueError, match="no entry 99"):
        session.return_to(99)


def test_undo_leaves_a_setting_that_could_not_be_computed(session):
    session.update({"contrast.expression": "face - huose"})
    assert session.status.suggestion == "face - house"
    session.undo()
    assert session.settings.contrast.expression == "face"
    assert session.status.state == "idle"
    assert session.ledger.n_contrasts == 1


def test_a_contrast_that_the_response_took_away_gets_a_proposal(session):
    session.update({"contrast.expression": "face_delay_0 + face_delay_1"})
    assert session.status.stage == "contrast"
    assert session.status.suggestion == "face"
    session.update({"contrast.expression": session.status.suggestion})
    assert session.is_current
    assert session.status.suggestion == ""


def test_the_locked_model_covers_the_listed_contrasts(session):
    session.update({"contrast.names": ("", ""), "contrast.expressions": ("face", "face - house")})
    session.lock_model()
    session.update({"contrast.active": 1})
    assert session.ledger.entries[-1].role == "confirmatory"
    session.update({"noise.model": "ols"})
    assert session.ledger.is_exploratory


def test_long_stages_are_announced_and_quick_ones_are_not(session):
    seen = []
    session.observe_locked(lambda change: seen.append(change["new"]), "status")
    session.update({"design.hrf_model": "glover"})
    assert [s.running for s in seen] == ["", ""]
    seen.clear()
    session._seconds |= {"fit": 3.0}
    session.update({"design.hrf_model": "glover + derivative"})
    assert [(s.running, s.step, s.n_steps) for s in seen if s.running] == [("fit", 2, 10)]


def test_cancelled_work_says_so_and_the_last_map_stays(live):
    good = live.result
    with live.analysis.graph._lock:  # the worker waits before its first stage
        live.update({"design.hrf_model": "glover"})
        live.cancel()
    assert live.wait_until_idle(60)
    assert live.result is good
    assert (live.status.state, live.status.message) == ("idle", "cancelled")
    assert not live.is_current
    live.refresh()
    assert live.wait_until_idle(60)
    assert live.is_current


def test_cancel_with_a_job_running_and_another_waiting_leaves_nothing_busy(live):
    with live.analysis.graph._lock:
        for period in (50, 60, 70):
            live.update({"design.high_pass": 1 / period})
        live.cancel()
    assert live.wait_until_idle(60)
    assert live.status.state == "idle"


def test_a_result_is_pinned_by_itself_or_by_its_settings(session):
    first = session.result
    session.pin()
    session.update({"noise.model": "ols"})
    assert session.pinned is first
    session.pin(session.settings.updated({"design.hrf_model": "glover"}))
    assert session.pinned.settings.design.hrf_model == "glover"
    assert session.result.settings.design.hrf_model == "spm"
    session.unpin()
    assert session.pinned is None


def test_an_f_test_is_thresholded_on_its_one_side(session):
    """fpr .001 of one side is z = 3.0902, and what is below chance is no cluster."""
    session.update({"contrast.expression": "face; house", "threshold.two_sided": True, "threshold.cluster_size": 0})
    assert session.result.contrast.stat_type == "F"
    assert session.result.threshold == pytest.approx(3.0902, abs=1e-4)
    assert not session.result.thresholding.two_sided
    session.update({"threshold.height_control": "fixed", "threshold.value": 1.0})
    assert session.result.z.min() < -1
    assert all(cluster.sign == 1 for cluster in session.clusters.found)


def test_another_view_of_a_result_is_undone_but_neither_computed_nor_counted(session):
    session.update({"noise.model": "ols"})
    result, entries = session.result, len(session.ledger.entries)
    session.update({"series.place": "sphere"})
    assert session.result is result
    assert session.is_current
    assert len(session.ledger.entries) == entries
    session.undo()
    assert session.settings.series.place == "voxel"
    assert session.settings.noise.model == "ols"
    session.update({"series.radius": 9.0})
    session.return_to(1)
    assert session.settings.noise.model == "ar1-reml"
    assert session.settings.series.radius == 9.0
    assert session.ledger.entries[-1].words == "noise OLS (white) → AR(1) REML"


def test_weights_that_are_typed_keep_their_meaning_in_another_model(session):
    columns = list(session.result.design.columns)
    weights = [1, -1] + [0] * (len(columns) - 2)
    session.update({"contrast.expression": str(weights)})
    typed = session.result.contrast.stat()
    session.update({"contrast.expression": f"{columns[0]} - {columns[1]}"})
    np.testing.assert_array_equal(session.result.contrast.stat(), typed)
    session.update({"contrast.expression": "[1 -1]"})
    assert f"2 weights for {len(columns)} columns; give one for each of {columns[0]}" in session.status.message
    # Another model may have as many columns in another order: what was asked of the first is said by names.
    session.update({"contrast.expression": " ".join(map(str, weights))})
    session.update({"design.drift_model": "none"})
    assert session.settings.contrast.expression == f"{columns[0]} - {columns[1]}"
    session.undo()
    assert session.settings.contrast.expression == " ".join(map(str, weights))
    session.update({"design.hrf_model": "fir"})
    assert session.settings.contrast.expression == f"{columns[0]} - {columns[1]}"
    session.undo()
    session.update(session.event_edits.renamed(columns[0], "zebra"))
    assert session.settings.contrast.expression == f"zebra - {columns[1]}"


def test_waiting_computes_what_nobody_asked_for(run):
    session = Session(run, {"noise.model": "ols"})
    assert session.wait_until_idle(60)
    assert session.is_current
    assert session.current_result() is session.result
    session.close()
    assert session.wait_until_idle(1)  # nothing more is computed of what is closed


def test_what_is_set_is_returned_or_its_error_raised(run):
    session = Session(run, {"noise.model": "ols"})
    first = session.current_result(60)
    assert session.clusters is not None
    session.update({"contrast.expression": "no_such_event"})
    for _ in range(2):
        with pytest.raises(
            NoResult, match="the current settings have no result: no column named 'no_such_event'"
        ) as told:
            session.current_result(60)
        assert told.value.stage == "contrast"
        assert isinstance(told.value.__cause__, StageError)
    assert session.result is first
    session.undo()
    assert session.current_result(60).settings.same_analysis(first.settings)
    with session.lock:
        session.update({"threshold.value": 2.0, "threshold.height_control": "fixed"})
        with pytest.raises(NoResult, match="still being computed"):
            session.current_result()
    assert session.current_result(60).threshold == 2.0
    session.close()


def test_a_session_says_that_a_run_is_to_be_opened():
    with pytest.raises(TypeError, match=r"not of str: open_run\(\.\.\.\) opens it"):
        Session("bold.nii.gz")
