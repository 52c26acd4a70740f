"""Two models beside each other, against a dense likelihood."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from glmwidgets.analysis.compare import Comparison, aicc
from glmwidgets.glm.noise.models import NOISE_MODELS
from glmwidgets.session.single.session import Session


def results(session, *changes):
    out = []
    for change in changes:
        assert session.update(change)
        assert session.is_current, session.status.message
        out.append(session.result)
    return out


def whitening(noise, parameters, voxel, n):
    """Matrix that makes the errors of a voxel independent: from the textbook's covariance, or nilearn's filter."""
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    at = {name: values[voxel] for name, values in parameters.items()}
    if noise in ("ar1", "ar2"):  # the first scans are left as they are
        phi = [at["rho"]] if noise == "ar1" else [at["phi1"], at["phi2"]]
        return np.eye(n) - sum(value * np.eye(n, k=-k - 1) for k, value in enumerate(phi))
    if noise == "ols":
        covariance = np.eye(n)
    elif noise == "ar1-reml":
        covariance = at["rho"] ** lag / (1 - at["rho"] ** 2)
    elif noise == "arma11":
        a, b = at["a"], at["b"]
        covariance = (1 + a * b) * (a + b) / (1 - a**2) * a ** np.maximum(lag - 1.0, 0)
        np.fill_diagonal(covariance, (1 + 2 * a * b + b**2) / (1 - a**2))
    else:
        # Wold's sum of the filter's answers to one innovation
        impulse = lfilter([1], [1, *(-at[f"phi{k}"] for k in range(1, 7))], np.eye(1, 2000)[0])
        covariance = np.correlate(impulse, impulse, "full")[1999 + lag]
    return np.linalg.inv(np.linalg.cholesky(covariance))


@pytest.mark.parametrize("noise", [name.replace("N", "2") for name in NOISE_MODELS])
def test_aicc_is_that_of_the_dense_gaussian(session, noise):
    """With the voxel's own parameters: the density of its series under beta, the variance and V that were fitted.

    1e-6 of some hundred, the data being float32.
    """
    (result,) = results(session, {"noise.model": noise, "design.hrf_model": "glover"})
    fit, x = result.fit, result.design.to_numpy()
    n = len(x)
    for voxel in (0, 50):
        y = fit.data(slice(voxel, voxel + 1))[:, 0]
        w = whitening(noise, fit.parameters, voxel, n)
        v = np.linalg.inv(w.T @ w)
        beta = np.linalg.lstsq(w @ x, w @ y, rcond=None)[0]
        variance = np.square(w @ (y - x @ beta)).sum() / n
        log_density = stats.multivariate_normal(x @ beta, variance * v).logpdf(y)
        estimated = {"ols": 0, "ar1": 1, "ar1-reml": 1, "ar2": 2, "arma11": 2}
        count = estimated[noise] if noise in estimated else fit.parameters["order"][voxel]
        k = np.linalg.matrix_rank(x) + 1 + count
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
    NOISE_MODELS["unknown"] = replace(NOISE_MODELS["ols"], name="unknown", label="mine", is_exact=None)
    a, b, c = results(session, {"noise.model": "ols"}, {"data.smoothing_fwhm": 5.0}, {"noise.model": "unknown"})
    assert Comparison(a, b).aicc is None
    assert "different data" in Comparison(a, b).why_no_aicc
    assert "not known under mine" in Comparison(b, c).why_no_aicc
    del NOISE_MODELS["unknown"]
    assert Comparison(a, a).why_no_aicc == ""
