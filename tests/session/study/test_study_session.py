"""The live analysis of a study: answers, figures, decisions and undo, against the study's own functions."""

from html import escape

import numpy as np
import pandas as pd
import pytest

from glmwidgets.datasets import write_study
from glmwidgets.glm.design.diagnostics import efficiency
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.report.page.runs import study_report, study_session_report
from glmwidgets.session.study import StudySession
from glmwidgets.specification.model import Model
from glmwidgets.study import Study

N = 6


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = write_study(tmp_path_factory.mktemp("bids"), N, {2: "inverted"}, shape=(18, 22, 17), n_scans=60)
    study = Study.of(root, tmp_path_factory.mktemp("study"))
    assert study.build_previews() == {}
    return study


@pytest.fixture
def session(study):
    session = StudySession(study, synchronous=True)
    session.refresh()
    yield session
    session.close()


def test_what_is_on_screen_is_what_the_study_answers(study, session):
    answer = study.refit().answer(session.settings.contrast.expression)
    assert session.status.message == ""
    for i in range(N):
        np.testing.assert_array_equal(session.answer.z(i), answer.z(i))
    np.testing.assert_array_equal(session.result.z, answer.group().z)
    assert session.result.used == tuple(range(N))
    assert session.figures.values.equals(study.qc(answer).values)


def test_a_run_that_cannot_be_opened_is_left_out_at_every_door(tmp_path):
    root = write_study(tmp_path / "bids", 3, shape=(12, 14, 11), n_scans=40)
    (bold,) = root.glob("derivatives/fmriprep/sub-02/func/*bold.nii.gz")
    bold.write_bytes(bold.read_bytes()[:5000])
    damaged = Study.of(root, tmp_path / "study")
    why = damaged.build_previews()[1]
    session = StudySession(damaged, synchronous=True)
    session.refresh()
    said = f"1 of 3 runs left out: 1 as {why}"
    assert session.said() == said
    assert session.reasons == ("", why, "")
    assert said in damaged.gather().said
    for report in (study_session_report(session), study_report(damaged)):
        assert escape(said) in report.html
    # Nor does a decision to keep it bring it back.
    session.decide([1], "keep")
    assert session.reasons[1] == why
    session.close()


def test_another_model_answers_for_all_runs_and_the_group(study, session):
    assert session.update({"design.hrf_model": "glover", "noise.model": "ols"})
    answer = study.refit({"design.hrf_model": "glover", "noise.model": "ols"}).answer("faces")
    np.testing.assert_array_equal(session.result.z, answer.group().z)
    assert session.model.design.hrf_model == "glover"
    assert session.take_model(Model().updated({"noise.model": "ols"}))
    assert session.settings.design.hrf_model == "spm"


def test_who_is_left_out_leaves_the_group_and_undo_brings_back(study, session):
    assert session.decide([1], "drop", "asleep", "AB")
    assert session.result.used == (0, 2, 3, 4, 5)
    assert session.reasons[1] == "by hand (AB): asleep"
    assert session.said() == f"1 of {N} runs left out: 1 by hand (AB): asleep"
    np.testing.assert_array_equal(session.result.z, session.answer.group([0, 2, 3, 4, 5]).z)
    assert session.undo()
    assert session.result.used == tuple(range(N))


def test_a_rule_leaves_out_and_a_decision_goes_before_it(session):
    usual = session.figures.values["tsnr"].median()
    assert session.add_rule(f"tsnr lt {usual:.3f}")
    out = [i for i, reason in enumerate(session.reasons) if reason]
    assert out == [i for i in range(N) if session.figures.values["tsnr"][i] < round(usual, 3)]
    assert out
    assert session.result.used == tuple(i for i in range(N) if i not in out)
    assert session.decide(f"sub-{out[0] + 1:02d}", "keep")
    assert out[0] in session.result.used
    assert session.remove_rule(0)
    assert session.result.used == tuple(range(N))


def test_a_run_that_is_not_there_is_refused_with_those_that_are(session):
    for which, said in ((12, "counted from 0 to 5"), ("sub-2", "did you mean 'sub-02'"), (1.5, "not by 1.5")):
        with pytest.raises(ValueError, match=said):
            session.decide([which], "drop")
        with pytest.raises(ValueError, match=said):
            session.figures.said(which)
    with pytest.raises(ValueError, match="a decision must be one of"):
        session.decide("sub-02", "exclude")
    assert session.exclusions.by_hand == {}


def test_what_cannot_be_read_is_said_and_changes_nothing(session):
    before = session.settings
    assert not session.add_rule("tsnr below 40")
    assert "below" in session.status.message
    assert session.settings == before
    session.update({"contrast.expression": "faces - tools"})
    assert session.status.state == "error"
    assert "tools" in session.status.message
    assert session.result is not None
    session.update({"contrast.expression": "faces - huoses"})
    assert (session.status.stage, session.status.suggestion) == ("contrast", "faces - houses")
    # The study's first contrast is called by its expression, and is called so whatever that is.
    session.update({"contrast.expression": session.status.suggestion})
    assert session.as_set().contrasts[0] == ("faces - houses", "faces - houses")


def test_fewer_than_two_participants_have_no_group_and_their_maps_stay(session):
    session.decide(range(1, N), "drop")
    assert "two participants" in session.status.message
    assert session.result is None
    assert session.answer is not None
    session.undo()
    assert session.result.used == tuple(range(N))


def test_a_study_that_was_saved_opens_as_it_was(study, session):
    session.update({"design.hrf_model": "glover", "contrast.expression": "houses"})
    session.decide([3], "look", "odd", "CD")
    session.save()
    again = StudySession(Study.open(study.folder), synchronous=True)
    assert again.settings.design.hrf_model == "glover"
    assert again.exclusions.by_hand["sub-04"] == session.exclusions.by_hand["sub-04"]
    again.close()


def test_the_group_is_tested_by_flipping_participants_signs_and_the_test_follows_who_is_in(study, session):
    """Six participants have 2^6 - 1 flips beside the identity: all are done, and p are those of the plain function."""
    seen = []
    session.observe(lambda change: seen.append(change["new"]), "permuted")
    assert session.update({"permutation.n_perm": 500, "permutation.forming": 0.0})
    session.permute()
    permuted = session.permuted
    assert (permuted.state, permuted.result.scheme, permuted.result.n_perm) == ("done", "sign_flip", 2**N - 1)
    plain = study.refit().answer(session.settings.contrast.expression).group().permuted(500)
    np.testing.assert_array_equal(permuted.logp("t"), plain.logp("t"))
    assert session.decide([1], "drop")
    assert session.permuted is None
    assert session.undo()
    assert session.permuted is permuted


def test_whole_runs_are_fitted_beside_the_previews_and_gone_on_with_after_a_stop(study, tmp_path):
    """Counted are the results in the store, of the model that is looked at."""
    session = StudySession(study, synchronous=True)
    session.refresh()
    assert (session.whole.n, session.whole.done) == (N, 0)
    seen = []

    def look(change):
        seen.append(change["new"])
        if change["new"].done == 2:
            session.stop_whole()

    session.observe(look, "whole")
    session.fit_whole("here")
    assert [(each.done, each.is_running) for each in seen] == [(0, True), (1, True), (2, True), (2, False)]
    assert seen[1].said.startswith(f"1 of {N}, ")
    assert session.whole.said == "stopped; the next fit continues from here"
    assert len(session.as_set().done) == 2
    session.unobserve(look, "whole")
    assert session.figures.values["not_white"].isna().all()
    limit = round(session.as_set().result(0)["figures"]["not_white"] - 0.05, 1)
    assert session.add_rule(f"not_white ge {limit}")
    assert session.reasons == ("",) * N
    session.fit_whole("here")
    assert (session.whole.done, session.whole.said) == (N, "all are fitted")
    # Figures of whole runs are in the table, in the rules and in what is gathered: the same ones.
    gathered = session.as_set().gather(tmp_path).qc.values
    assert session.figures.values["not_white"].notna().all()
    pd.testing.assert_frame_equal(session.figures.values, gathered)
    assert [not why for why in session.reasons] == list(gathered["not_white"] < limit)
    assert session.result.used == tuple(np.flatnonzero(gathered["not_white"] < limit))
    assert session.undo()
    assert session.update({"contrast.expression": "faces - houses"})
    own = session.answer.parts[0].fitted.fit
    expected = efficiency(own.basis.x, contrast_vector("faces - houses", list(own.columns)))
    assert session.figures.values.loc[0, "efficiency"] == pytest.approx(expected)
    assert session.undo()
    assert session.update({"noise.model": "ols"})
    assert session.whole.done == 0
    assert session.figures.values["not_white"].isna().all()
    assert session.update({"noise.model": "ar1-reml"})
    assert session.whole.done == N
    session.close()
