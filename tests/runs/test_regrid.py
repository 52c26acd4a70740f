"""A run opened on another grid: the estimator's numbers, and a choice that goes with the run wherever it is kept."""

import runpy

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.cli import main
from glmwidgets.cli.app import _notebook, _runs
from glmwidgets.datasets import simulate_run
from glmwidgets.images.mask import find_brain
from glmwidgets.models.first_level import FirstLevelModel
from glmwidgets.report.exports.script import write_script
from glmwidgets.report.page.methods import methods_text
from glmwidgets.report.page.subject import study_of_session
from glmwidgets.runs.opening import open_again, open_run, open_runs
from glmwidgets.runs.regrid import as_rows, target_matrix
from glmwidgets.session.single.session import Session
from glmwidgets.session.single.store import load_session, save_session
from glmwidgets.specification.encoding import digest
from glmwidgets.specification.settings import Settings

#: A turned grid with a corner of its own.
TURNED = np.array([[0, 10.0, 0, -60], [-11.0, 0, 0, 60], [0, 0, 12.0, -50], [0, 0, 0, 1]])
BEGUN = {"noise.model": "ar1", "contrast.expression": "face - house"}
SIMULATED = {"noise.model": "ar1", "contrast.expression": "faces - houses"}


@pytest.fixture
def files(run, tmp_path):
    """Image, events and mask of the small run as files."""
    nib.save(run.img, tmp_path / "bold.nii.gz")
    nib.save(run.mask_img, tmp_path / "mask.nii.gz")
    run.events.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    return [str(tmp_path / name) for name in ("bold.nii.gz", "events.tsv", "mask.nii.gz")]


def fitted(run):
    """A session of a run that has its first result."""
    session = Session(run, BEGUN, synchronous=True)
    session.refresh()
    assert session.status.state == "idle", session.status.message
    return session


@pytest.fixture(scope="module")
def head():
    """A simulated head, and its brain as a mask on its own grid and on a finer one."""
    simulated = simulate_run("small", shape=(14, 16, 12), n_scans=60)
    opened = open_run(simulated)
    brain = find_brain(opened.reader.mean()).astype(np.uint8)
    fine = np.kron(brain, np.ones((2, 2, 2), np.uint8))
    finer = nib.Nifti1Image(fine, opened.domain.affine @ np.diag([0.5, 0.5, 0.5, 1]))
    return simulated, {"found": None, "own": opened.domain.volume_image(brain), "finer": finer}


@pytest.mark.parametrize("which", ["found", "own", "finer"])
@pytest.mark.parametrize("target", [10, (9, 15, 12.3), TURNED], ids=["cubes", "edges", "turned"])
def test_the_numbers_are_those_of_the_estimator(head, target, which):
    """To the last bit: the grid, the voxels and the arithmetic are the same."""
    simulated, mask = head[0], head[1][which]
    session = Session(open_run(simulated, mask=mask, target_affine=target), SIMULATED, synchronous=True)
    session.refresh()
    result = session.result
    how = {"mask_img": mask, "target_affine": target_matrix(target), "noise_model": "ar1", "signal_scaling": 0}
    design = session.settings.design
    model = FirstLevelModel(2.0, hrf_model=design.hrf_model, convolution=design.convolution, **how)
    model.fit(simulated.img, simulated.events, simulated.confounds)
    np.testing.assert_array_equal(session.run.domain.affine, model.mask_img_.affine)
    np.testing.assert_array_equal(result.mask, model.mask_img_.get_fdata() > 0)
    expected = model.compute_contrast(SIMULATED["contrast.expression"]).get_fdata()
    np.testing.assert_array_equal(result.z, expected[result.mask])
    assert result.z.size > 300


def test_it_goes_where_the_run_goes(run, files, tmp_path):
    """Saved sessions, settings, methods, the hash, and another opening."""
    bold, events, mask = files
    session = fitted(open_run(bold, events, 2.0, mask=mask, target_affine="5 5 6"))
    rows = ((5.0, 0.0, 0.0), (0.0, 5.0, 0.0), (0.0, 0.0, 6.0))
    assert session.settings.inputs.target_affine == rows
    assert session.run.inputs.who("target_affine") == "given"
    path = save_session(session, tmp_path / "session.json")
    again = load_session(path, synchronous=True)
    again.refresh()
    np.testing.assert_array_equal(again.result.z, session.result.z)
    assert again.settings.inputs.target_affine == rows
    reopened = open_again(session.run.inputs)
    assert (reopened.inputs, reopened.domain.shape) == (session.run.inputs, session.run.domain.shape)
    settings = Settings.from_json(session.settings.to_json())
    assert settings.inputs == session.settings.inputs
    assert digest(settings) != digest(settings.updated({"inputs.target_affine": None}))
    assert "Series and mask were resampled to voxels of 5 × 5 × 6 mm." in methods_text(study_of_session(session))
    own = fitted(open_run(bold, events, 2.0, mask=mask))
    assert "resampled" not in methods_text(study_of_session(own))


def test_a_session_of_before_there_was_such_a_choice_is_on_its_own_grid(session):
    tree = session.settings.to_dict()
    del tree["inputs"]["target_affine"]
    assert Settings.from_dict(tree).inputs.target_affine is None


@pytest.mark.parametrize("dialect", ["glmwidgets", "nilearn"])
@pytest.mark.parametrize("in_memory", [False, True], ids=["files", "memory"])
def test_scripts_of_both_dialects_repeat_it(run, files, tmp_path, dialect, in_memory):
    bold, events, mask = (run.img, run.events, run.mask_img) if in_memory else files
    session = fitted(open_run(bold, events, 2.0, mask=mask, target_affine=(3.3, 5, 4)))
    path = write_script(session, tmp_path / "again.py", dialect=dialect)
    assert "target_affine=" in path.read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        runpy.run_path(str(path))
    z = nib.load(tmp_path / "again_results" / "face_minus_house_z_score.nii.gz").get_fdata()[session.result.mask]
    # The same algebra in double precision, in another order.
    np.testing.assert_allclose(z, session.result.z, atol=0 if dialect == "glmwidgets" else 1e-9)


def test_several_runs_share_one_grid(run):
    """Three rows of a matrix are no list of one for each of three runs."""
    runs = open_runs([run.img] * 3, [run.events] * 3, 2.0, target_affine=np.diag([5.0, 5, 6]).tolist())
    assert {one.domain.shape for one in runs} == {(7, 6, 5)}
    (one,) = open_runs([run.img], [run.events], 2.0, target_affine=[5, 5, 6])
    assert one.domain.shape == (7, 6, 5)


def test_what_lies_there_already_stays_as_it_is(run):
    same = open_run(run.img, run.events, 2.0, mask=run.mask_img, target_affine=run.img.affine)
    assert same.img is run.img


@pytest.mark.parametrize(
    "given",
    ["three", "3 3", "3 0 0 0 3 0 0 0 nan", "0", "-3", "3; import os", np.zeros((3, 3)), np.eye(2), {}, "inf"],
)
def test_what_is_no_grid_is_refused(run, given):
    with pytest.raises(ValueError, match="target_affine takes the edge of a voxel in mm, three edges, or"):
        open_run(run.img, run.events, 2.0, target_affine=given)


def test_a_grid_beside_the_run_and_one_beyond_memory_are_refused(run):
    beside = np.diag([3.0, 3, 4, 1])
    beside[:3, 3] = 500
    with pytest.raises(ValueError, match="contains no part of"):
        open_run(run.img, run.events, 2.0, target_affine=beside)
    with pytest.raises(ValueError, match=r"of memory, and .* are available: give a target_affine of larger voxels"):
        open_run(run.img, run.events, 2.0, target_affine=0.001)


def test_the_command_line(run, files, tmp_path, capsys):
    bold, events, mask = files
    words = [bold, "--events", events, "--mask", mask, "--contrast", "face - house", "--noise", "ar1"]
    assert main(["fit", *words, "--target-affine", "5,5,6", "--out", str(tmp_path / "out")]) == 0
    assert main(["fit", "--settings", str(tmp_path / "out/settings.json"), "--out", str(tmp_path / "again")]) == 0
    first, again = (nib.load(tmp_path / name / "z.nii.gz") for name in ("out", "again"))
    np.testing.assert_array_equal(first.header.get_zooms(), (5, 5, 6))
    np.testing.assert_array_equal(first.get_fdata(), again.get_fdata())
    with pytest.raises(SystemExit):
        main(["fit", *words, "--target-affine", "__import__('os')", "--out", str(tmp_path / "bad")])
    assert "argument --target-affine: target_affine takes the edge" in capsys.readouterr().err


def test_the_page_opens_it_there(files):
    asked = _runs(files[:2], 2.0, (), as_rows(target_matrix(5)))
    assert asked["target_affine"] == as_rows(target_matrix(5))
    assert "target_affine" in _notebook(asked)["cells"][0]["source"]
    with pytest.raises(ValueError, match="--target-affine needs a run of your own"):
        _runs([], None, (), as_rows(target_matrix(5)))
