"""Two models beside each other, against a dense likelihood."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from glmwidgets.analysis.compare import Comparison, aicc
from glmwidgets.session.single.session import Session


def results(session, *changes):
    out = []
    for change in changes:
        assert session.update(change)
        assert session.is_current, session.status.message
        out.append(session.result)
    return out


@pytest.mark.parametrize("noise", ["ols", "ar1"])
def test_aicc_is_that_of_the_dense_gaussian(session, noise):
    """At the voxel's own rho: the density of its series under beta, the variance and V that were fitted.

    1e-6 of some hundred, the data being float32.
    """
    (result,) = results(session, {"noise.model": noise, "design.hrf_model": "glover"})
    fit, x = result.fit, result.design.to_numpy()
    n = len(x)
    for voxel in (0, 50):
        y = fit.data(slice(voxel, voxel + 1))[:, 0]
        rho = fit.parameters["rho"][voxel] if noise == "ar1" else 0.0
        # whitening that leaves the first scan as it is
        w = np.eye(n) - rho * np.eye(n, k=-1)
        v = np.linalg.inv(w.T @ w)
        beta = np.linalg.lstsq(w @ x, w @ y, rcond=None)[0]
        variance = np.square(w @ (y - x @ beta)).sum() / n
        log_density = stats.multivariate_normal(x @ beta, variance * v).logpdf(y)
        k = np.linalg.matrix_rank(x) + 1 + (noise == "ar1")
        expected = -2 * log_density + 2 * k + 2 * k * (k + 1) / (n - k - 1)
        constant = n * (1 + np.log(2 * np.pi))
        assert aicc(fit)[voxel] + constant == pytest.approx(expected, abs=1e-6 * abs(expected) + 1e-6)


def test_a_model_with_the_task_is_better_where_the_task_is(session):
    without, with_task = results(
        session,
        {"noise.model": "ols", "design.conditions": (), "contrast.expression": "constant"},
        {"design.conditions": None, "contrast.expression": "face"},
    )
    both = Comparison(without, with_task)
    where = with_task.volume(both.aicc)
    assert (where[2:5, 2:5, 2:4] < -10).all()
    assert np.median(both.aicc) > 0
    assert (both.r_square > -1e-9).all()
    assert both.words == ("event types none → all", "contrast constant → face")


def test_maps_are_compared_voxel_by_voxel(session):
    a, b = results(session, {"noise.model": "ols"}, {"noise.model": "ar1"})
    both = Comparison(a, b)
    difference = both.volume(both.z[1] - both.z[0])
    np.testing.assert_allclose(difference[a.mask], (b.z - a.z).astype(np.float32))
    assert np.isnan(difference[~a.mask]).all()
    np.testing.assert_array_equal(both.z[0], a.z)


def test_masks_that_differ_are_compared_where_they_overlap(session, run):
    smaller = run.mask_img.get_fdata() > 0
    smaller[1] = False
    import nibabel as nib

    other = Session(
        replace(run, mask_img=nib.Nifti1Image(smaller.astype(np.uint8), run.img.affine)),
        synchronous=True,
    )
    other.refresh()
    both = Comparison(session.result, other.result)
    assert both.z[0].shape == both.z[1].shape == (smaller.sum(),)
    np.testing.assert_allclose(both.z[0], both.z[1], atol=1e-9)


def test_what_cannot_be_compared_says_why(session):
    a, b, c = results(session, {"noise.model": "ols"}, {"data.smoothing_fwhm": 5.0}, {"noise.model": "ar2"})
    assert Comparison(a, b).aicc is None
    assert "different data" in Comparison(a, b).why_no_aicc
    assert "not known under AR(2)" in Comparison(b, c).why_no_aicc
    assert Comparison(a, a).why_no_aicc == ""
