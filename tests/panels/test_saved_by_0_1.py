"""Files that version 0.1 saved open, and mean what they meant: the same settings, and its sums of z."""

import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("bqplot")

import glmwidgets as gw

SAVED = Path(__file__).parents[1] / "session" / "saved_0_1"
AFFINE = np.array([[-3.0, 0, 0, 30], [0, 3, 0, -40], [0, 0, 4, -20], [0, 0, 0, 1]])


@pytest.fixture(autouse=True)
def _same_values():
    """The checksums in the files are of these very inputs."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


def test_one_run(run):
    given = {"confounds": run.confounds, "mask": run.mask_img}
    explorer = gw.explore.load(SAVED / "run.json", run.img, run.events[["onset", "duration", "trial_type"]], **given)
    session = explorer.session
    assert session.wait_until_idle(60)
    assert session.settings.get("design.hrf_model") == "glover"
    assert session.settings.get("contrast.expression") == "face - house"
    assert session.cursor == (2, 3, 4)
    assert session.pinned.settings.design.hrf_model == "spm"
    assert session.ledger.n_models == 2
    assert session.ledger.locked is not None
    assert session.result.z.sum() == pytest.approx(157.02024565878375, rel=1e-6)
    assert (explorer.map.viewer.opacity, explorer.map.viewer.view) == (0.5, "mosaic")
    assert explorer.map.viewer.convention == "radiological"
    explorer.close()


def test_several_runs(two_runs):
    # Saved with masks that are equal.
    mask = nib.Nifti1Image(np.zeros(two_runs[0].img.shape[:3], np.uint8), AFFINE)
    mask.dataobj[1:-1, 1:-1, 1:-1] = 1
    given = {"confounds": [run.confounds for run in two_runs], "mask": [mask, mask]}
    explorer = gw.explore.load(SAVED / "runs.json", [r.img for r in two_runs], [r.events for r in two_runs], **given)
    assert explorer.runs.wait_until_idle(60)
    assert (explorer.runs.shown, explorer.runs.own) == (2, (1,))
    assert explorer.runs.sessions[1].settings.data.drop_scans == 2
    assert explorer.session.settings.runs.weighting == "precision"
    assert explorer.session.cursor == (3, 4, 2)
    assert explorer.session.result.z.sum() == pytest.approx(144.1687097972439, rel=1e-6)
    assert explorer.shown.map.viewer.opacity == 0.5
    explorer.close()


def test_a_group():
    rng = np.random.default_rng(0)
    maps = [nib.Nifti1Image(rng.standard_normal((6, 6, 6)).astype(np.float32), AFFINE) for _ in range(8)]
    explorer = gw.explore_group.load(SAVED / "group.json", maps)
    session = explorer.session
    assert session.wait_until_idle(60)
    assert session.settings.design.terms == ("age",)
    assert session.settings.data.left_out == (session.settings.table.maps[2],)
    assert session.settings.threshold.alpha == 0.01
    assert session.cursor == (1, 2, 3)
    assert session.result.z.sum() == pytest.approx(9.901192011042365, rel=1e-6)
    assert explorer.map.viewer.opacity == 0.5
    explorer.close()
