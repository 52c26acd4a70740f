"""Scans that are scrubbed in a session: all that is told is of the scans that remain."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.analysis.compare import aicc
from glmwidgets.glm.fit.statistics import StatisticsBook
from glmwidgets.models import FirstLevelModel
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session

SHAPE, N = (5, 5, 4), 90
GONE = np.array([20, 21, 55, 56, 57, 80])
KEPT = np.setdiff1d(np.arange(N), GONE)


@pytest.fixture(scope="module")
def spoilt():
    rng = np.random.default_rng(0)
    events = pd.DataFrame({"onset": np.arange(8, 2 * N - 20, 24.0), "duration": 10.0, "trial_type": "a"})
    y = 500 + 2 * rng.normal(size=(N, *SHAPE))
    y[GONE] *= 1.4
    fd = np.full(N, 0.1)
    fd[GONE] = 2.0
    table = pd.DataFrame({"framewise_displacement": fd, "trans_x": rng.normal(size=N)})
    img = nib.Nifti1Image(np.moveaxis(y, 0, -1).astype(np.float32), np.diag([3, 3, 3, 1.0]))
    mask = nib.Nifti1Image(np.ones(SHAPE, np.uint8), img.affine)
    return img, events, table, mask, y


def scrubbed(spoilt, **changes):
    img, events, table, mask, _ = spoilt
    session = Session(
        open_run(img, events, 2.0, confounds=table, mask=mask),
        {"noise.model": "ols", "design.scrub_fd": 0.5, "contrast.expression": "a", "design.confounds": ("trans_x",)}
        | changes,
        synchronous=True,
    )
    session.refresh()
    return session.result


def remaining(spoilt, confounds=("trans_x",)):
    img, events, table, mask, _ = spoilt
    settings = {"t_r": 2.0, "noise_model": "ols", "mask_img": mask, "minimize_memory": False}
    drift = scrubbed(spoilt).settings.design
    settings |= {"hrf_model": drift.hrf_model, "drift_model": drift.drift_model, "high_pass": drift.high_pass}
    settings["convolution"] = drift.convolution
    return FirstLevelModel(**settings).fit(img, events, table[list(confounds)] if confounds else None, KEPT)


def test_z_effect_and_r_square_are_those_of_the_scans_that_remain(spoilt):
    """1e-3: the scaled series are single precision, 40 % wild in some scans."""
    ours, model = scrubbed(spoilt), remaining(spoilt)
    theirs = model.contrast("a")
    np.testing.assert_allclose(ours.z, theirs.z_score(), atol=1e-3)
    np.testing.assert_allclose(ours.contrast.effect, theirs.effect, atol=1e-3 * np.abs(theirs.effect).max())
    np.testing.assert_allclose(ours.fit.r_square, model.fits_[0].r_square, atol=1e-3)


def test_tsnr_and_the_signal_are_those_of_the_scans_that_remain(spoilt):
    ours, y = scrubbed(spoilt), spoilt[-1][KEPT]
    found = StatisticsBook(ours.fit, ours.contrast, ours.z, False, "% signal").show("tsnr").values
    np.testing.assert_allclose(found, (y.mean(axis=0) / y.std(axis=0)).ravel(), rtol=1e-3)
    np.testing.assert_allclose(ours.signal, y.mean(axis=0).ravel(), rtol=1e-6)


def test_what_a_column_more_is_worth_is_the_same_by_both_ways_of_leaving_scans_out(spoilt):
    by_columns = aicc(scrubbed(spoilt).fit) - aicc(scrubbed(spoilt, **{"design.confounds": ()}).fit)
    by_rows = aicc(remaining(spoilt).fits_[0]) - aicc(remaining(spoilt, ()).fits_[0])
    np.testing.assert_allclose(by_columns, by_rows, atol=2e-3)
