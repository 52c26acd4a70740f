"""A run on a design matrix that was made elsewhere: fitted, edited, saved, written as a script, told."""

import runpy

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import FirstLevelModel as Nilearn
from nilearn.glm.first_level import make_first_level_design_matrix

from glmwidgets.glm.design.given import ALL_OTHERS, edited_design
from glmwidgets.report.exports.bids_derivatives import save_glm_to_bids
from glmwidgets.report.exports.script import write_script
from glmwidgets.report.exports.stats_model import stats_model
from glmwidgets.report.page.methods import methods_text
from glmwidgets.report.page.subject import study_of_session
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session
from glmwidgets.session.single.store import load_session, save_session
from glmwidgets.specification.encoding import digest
from glmwidgets.specification.model import Model

T_R = 2.0

#: The first columns of the matrix.
FACE, HOUSE = '"0"', '"1"'


@pytest.fixture
def made(run):
    """A run, and numbered columns that it was modelled with elsewhere: two tasks, drifts, a constant."""
    times = np.arange(run.n_scans) * T_R
    design = make_first_level_design_matrix(times, run.events, hrf_model="spm", drift_model="cosine")
    return run.img, run.mask_img, pd.DataFrame(design.to_numpy())


def opened(made, **more):
    img, mask, design = made
    session = Session(open_run(img, mask=mask, **{"design": design, **more}), {"noise.model": "ols"}, synchronous=True)
    session.refresh()
    assert session.status.state == "idle", session.status.message
    return session


def test_numbered_columns_give_what_nilearn_gives(made):
    img, mask, design = made
    session = opened(made)
    assert session.settings.design.source == "given"
    assert session.settings.contrast.expression == FACE
    assert session.conditions == ()
    theirs = Nilearn(mask_img=mask, noise_model="ols", signal_scaling=0).fit(img, design_matrices=design)
    weights = np.zeros(design.shape[1])
    weights[:2] = 1, -1
    expected = theirs.compute_contrast(weights).get_fdata()[session.result.mask]
    assert session.update({"contrast.expression": f"{FACE} - {HOUSE}"})
    np.testing.assert_allclose(session.result.z, expected, atol=1e-6)


def test_columns_are_left_out_shifted_and_made_orthogonal_live(made):
    img, _, design = made
    session = opened(made)
    session.update(
        {"design.left_out": ["3"], "design.shifted": [("0", 2 * T_R)], "design.orthogonalised": [("1", "0")]}
    )
    assert session.is_current
    x = design.drop(columns=3).to_numpy()
    x[2:, 0], x[:2, 0] = design[0].to_numpy()[:-2], design[0].to_numpy()[0]
    x[:, 1] -= x[:, 0] * (x[:, 0] @ x[:, 1]) / (x[:, 0] @ x[:, 0])
    np.testing.assert_allclose(session.result.design.to_numpy(), x, atol=1e-12)
    voxel = session.result.z.argmax()
    y = img.get_fdata()[session.result.mask][voxel]
    y = 100 * (y / y.mean() - 1)
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    np.testing.assert_allclose(session.result.contrast.effect[0, voxel], beta[0], rtol=1e-5)
    session.undo()
    np.testing.assert_array_equal(session.result.design.to_numpy(), design.to_numpy())


def test_what_is_not_there_is_said(made):
    session = opened(made)
    session.update({"design.left_out": ["no such"]})
    assert "has no column 'no such'" in " ".join(session.warned["design"])
    session.update({"design.left_out": list(session.result.design)})
    assert "every column of the design matrix is left out" in session.status.message
    session.undo()
    session.update({"design.orthogonalised": [("8", ALL_OTHERS), ("0", "0")]})
    session.update({"design.source": "events"})
    assert session.status.stage == "contrast"  # a run without events has drifts alone
    plain = Session(open_run(made[0], mask=made[1]), {"design.source": "given"}, synchronous=True)
    plain.refresh()
    assert "the run was given no design matrix" in plain.status.message


def test_half_a_scan_is_halfway_between_two():
    design = pd.DataFrame({"a": [0.0, 2.0, 4.0, 0.0]})
    times = np.arange(4) * 2.0
    assert edited_design(design, times, shifted=[("a", 1.0)])["a"].tolist() == [0.0, 1.0, 3.0, 2.0]
    assert edited_design(design, times, shifted=[("a", -2.0)])["a"].tolist() == [2.0, 4.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="nothing of the column 'b' is left once it is made orthogonal to 'a'"):
        edited_design(design.assign(b=2 * design["a"]), times, orthogonalised=[("b", "a")])


def test_a_saved_session_holds_the_matrix(made, tmp_path):
    session = opened(made)
    session.update({"design.shifted": [("0", 1.0)]})
    path = save_session(session, tmp_path / "session.json")
    again = load_session(path, made[0], mask=made[1], synchronous=True)
    again.refresh()
    np.testing.assert_allclose(again.result.z, session.result.z, atol=1e-12)
    assert again.settings == session.settings
    with pytest.warns(UserWarning, match="design: other values than when session.json was saved"):
        load_session(path, made[0], mask=made[1], design=made[2] * 2)
    table = tmp_path / "design.csv"
    made[2].to_csv(table, index=False, float_format="%.17g")
    named = opened(made, design=str(table))
    assert named.settings.inputs.design == str(table)
    named_again = load_session(save_session(named, tmp_path / "named.json"), made[0], mask=made[1])
    assert named_again.run.design.shape == made[2].shape
    other = opened(made, design=made[2] * 2)
    assert other.settings != session.settings  # told apart by what they hold
    assert digest(named.settings.part(Model)) != digest(Model())


@pytest.mark.parametrize("dialect", ["glmwidgets", "nilearn"])
def test_a_script_repeats_it(made, tmp_path, monkeypatch, dialect):
    monkeypatch.chdir(tmp_path)
    session = opened(made)
    session.update(
        {
            "design.left_out": ["3"],
            "design.shifted": [("0", 1.0)],
            "design.orthogonalised": [("1", ALL_OTHERS)],
            "data.drop_scans": 2,
        }
    )
    script = write_script(session, tmp_path / "again.py", dialect)
    runpy.run_path(str(script), run_name="__main__")
    (found,) = (tmp_path / "again_results").glob("*z_score.nii.gz")
    found = nib.load(found).get_fdata()[session.result.mask]
    np.testing.assert_allclose(found, session.result.z, atol=0 if dialect == "glmwidgets" else 1e-6)


def test_report_and_exports_tell_it(made, tmp_path):
    session = opened(made)
    session.update({"design.left_out": ["3"], "design.shifted": [("0", 1.0)], "design.orthogonalised": [("1", "0")]})
    text = methods_text(study_of_session(session))
    assert f"The design matrix was given, with {made[2].shape[1] - 1} columns." in text
    assert "Columns of the given design matrix were left out: 3." in text
    assert "The column 0 was shifted by 1 s." in text
    assert "The column 1 was made orthogonal to 0." in text
    assert "convolved" not in text
    save_glm_to_bids(session, out_dir=tmp_path, report=False, pictures=False)
    (design,) = tmp_path.rglob("*design.tsv")
    # The file holds every bit. pandas before 3 rounds numbers that it reads by itself; as text first, as scripts do it.
    written = pd.read_csv(design, sep="\t", dtype=str).astype(float)
    np.testing.assert_array_equal(written.to_numpy(), session.result.design.to_numpy())
    with pytest.raises(ValueError, match="given design matrices cannot be written as a Stats Model"):
        stats_model(session)


def test_time_is_counted_in_scans_where_nobody_says_it(made):
    img, mask, design = made
    silent = nib.Nifti1Image(np.asarray(img.dataobj), img.affine)
    run = open_run(silent, mask=mask, design=design)
    assert run.t_r == 1.0
    assert "time is counted in scans" in run.told_clock
    timed = design.set_axis(np.arange(len(design)) * 2.5)
    run = open_run(silent, mask=mask, design=timed)
    assert run.t_r == 2.5
    assert "the index of the design matrix" in run.told_clock
    with pytest.raises(ValueError, match="79 rows for 80 scans"):
        open_run(img, design=design[:-1])


def test_events_and_a_matrix_are_each_a_model(run, made):
    session = opened(made, events=run.events)
    given = session.result.z
    session.update({"design.source": "events", "contrast.expression": "face"})
    assert session.conditions == ("face", "house")
    assert session.is_current
    assert not np.array_equal(session.result.z, given)
    session.undo()
    np.testing.assert_array_equal(session.result.z, given)
