"""Percent signal change of regions: against dense generalised least squares, and where the truth is known."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy.linalg import toeplitz
from scipy.stats import t as student

from glmwidgets.analysis.signal_change import change_table, region_series, signal_changes
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.regions.interest import RegionOfInterest
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session

T_R, SHAPE = 2.0, (5, 5, 4)
TRUTH = {"face": 2.0, "house": -0.75}


def ball(shape=(10, 9, 6), at=(3, 3, 2), radius=1.6):
    places = np.moveaxis(np.indices(shape), 0, -1)
    return RegionOfInterest("ball", np.linalg.norm(places - at, axis=-1) <= radius, "made")


def dense_changes(session, region, rho):
    """The same by generalised least squares on the mean of the image's own values: no moments, no scaling."""
    result, run = session.result, session.run
    data = np.asarray(run.img.dataobj, dtype=float)
    y = data[region.mask & result.mask].mean(axis=0)
    x, names = result.design.to_numpy(dtype=float), list(result.design.columns)
    n = len(y)
    inverse = np.linalg.inv(toeplitz(rho ** np.arange(n)))
    bread = np.linalg.inv(x.T @ inverse @ x)
    b = bread @ x.T @ inverse @ y
    e = y - x @ b
    dof = n - x.shape[1]
    variance = e @ inverse @ e / dof
    task = [names.index(c) for c in ("face", "house")]
    baseline = np.mean(y - x[:, task] @ b[task])
    for k in task:
        by = 100 * np.abs(x[:, k]).max() / baseline
        reach = student.ppf(0.975, dof) * np.sqrt(variance * bread[k, k])
        yield names[k], by * b[k], by * (b[k] - reach), by * (b[k] + reach), dof, baseline


@pytest.mark.parametrize("scaling", ["voxel", "none", "grand"])
@pytest.mark.parametrize("noise", ["ols", "ar1-reml"])
def test_changes_are_those_of_dense_least_squares(session, noise, scaling):
    """To the precision that the image has once it is scaled, float32: the data are read as they are and as percent."""
    assert session.update({"noise.model": noise, "data.signal_scaling": scaling}), session.status.message
    region = ball()
    found = signal_changes(session.result, region)
    rho = 0.0
    if noise != "ols":
        data = np.asarray(session.run.img.dataobj, dtype=float)[region.mask & session.result.mask].mean(axis=0)
        own = fit_glm(Moments(data[:, None]), session.result.design, noise)
        rho = float(own.parameters["rho"][0])
        assert abs(rho) > 0.01
    for each, (name, effect, low, high, dof, baseline) in zip(found, dense_changes(session, region, rho), strict=True):
        assert each.change.name == name
        got = each.change.effect, each.change.low, each.change.high
        np.testing.assert_allclose(got, (effect, low, high), rtol=1e-4, atol=2e-5)
        assert each.dof == dof
        assert each.baseline == pytest.approx(baseline, rel=1e-6)


def test_an_interval_tells_the_degrees_of_freedom_that_it_was_made_with(session):
    """Under a noise model whose estimate counts they differ between conditions."""
    assert session.update({"noise.model": "ar-auto"}), session.status.message
    result, region = session.result, ball()
    series, away = region_series(result, np.flatnonzero(region.mask[result.mask]))
    fit = fit_glm(Moments((series - away)[:, None]), result.design, "ar-auto")
    for each in signal_changes(result, region):
        contrast = compute_contrast(fit, each.change.name)
        scale = 100 * each.height / each.baseline
        reach = scale * student.ppf(0.975, each.dof) * np.sqrt(contrast.covariance[0, 0, 0])
        assert each.dof == pytest.approx(contrast.dofs[0], rel=1e-4)
        assert each.dof < fit.dof - 0.1
        assert each.change.high - each.change.low == pytest.approx(2 * reach, rel=1e-4)


def made_session(noise, n_scans=150, **settings):
    """A run whose conditions change each voxel's signal by a known percent of its baseline, where they peak."""
    rng = np.random.default_rng(0)
    onsets = np.arange(8, n_scans * T_R - 30, 22.0)
    events = pd.DataFrame({"onset": onsets, "duration": 6.0, "trial_type": np.resize(["face", "house"], onsets.size)})
    baseline = rng.uniform(400, 1600, (*SHAPE, 1))

    def opened(change):
        data = baseline * (1 + change) + noise * rng.standard_normal((*SHAPE, n_scans))
        mask = nib.Nifti1Image(np.ones(SHAPE, np.uint8), np.diag([3.0, 3, 3, 1]))
        run = open_run(nib.Nifti1Image(data, mask.affine), events, T_R, mask=mask)
        return Session(run, {"noise.model": "ols", **settings}, synchronous=True)

    quiet = opened(0.01 * rng.standard_normal(n_scans))
    x = quiet.analysis.design(quiet.settings)
    quiet.close()
    session = opened(sum(TRUTH[c] / 100 * x[c].to_numpy() / np.abs(x[c]).max() for c in TRUTH))
    session.refresh()
    return session


@pytest.mark.parametrize("scaling", ["voxel", "none", "grand"])
def test_a_known_change_is_found_where_there_is_hardly_any_noise(scaling):
    """Whatever the scaling of the data; noise of 0.005 in 1,000, as a fit without residuals has no interval."""
    session = made_session(0.005, **{"data.signal_scaling": scaling})
    region = RegionOfInterest("all", np.ones(SHAPE, bool))
    found = {each.condition: each.change.effect for each in signal_changes(session.result, region)}
    assert found == pytest.approx(TRUTH, abs=5e-5)
    session.close()


def test_intervals_hold_the_known_change_as_often_as_they_say():
    """Two conditions in each of 100 voxels with noise of their own: 95 % of 200, within four standard errors."""
    session, held = made_session(12), []
    for voxel in np.ndindex(*SHAPE):
        mask = np.zeros(SHAPE, bool)
        mask[voxel] = True
        for each in signal_changes(session.result, RegionOfInterest("one", mask)):
            held.append(each.change.low <= TRUTH[each.condition] <= each.change.high)
    session.close()
    share = np.mean(held)
    assert len(held) == 200
    assert abs(share - 0.95) < 4 * np.sqrt(0.95 * 0.05 / len(held)), share


def test_delays_have_a_change_each_and_derivatives_none(session):
    session.update({"design.hrf_model": "spm + derivative", "contrast.expression": "face"})
    assert [each.change.name for each in signal_changes(session.result, ball())] == ["face", "house"]
    session.update({"design.hrf_model": "fir", "design.fir_delays": (0, 1), "contrast.expression": "face_delay_0"})
    names = [each.change.name for each in signal_changes(session.result, ball())]
    assert names == ["face_delay_0", "face_delay_1", "house_delay_0", "house_delay_1"]


def test_percent_that_mean_nothing_are_refused(session):
    session.update({"data.standardize": "zscore_sample"})
    with pytest.raises(InputError, match="ball: series in sd have no mean"):
        change_table(session.result, [ball()])
    session.update({"data.standardize": None})
    with pytest.raises(InputError, match="holds no analysed voxel"):
        signal_changes(session.result, ball(at=(0, 0, 0), radius=0.5))


def test_the_table_says_where_its_numbers_are_from(session):
    region = RegionOfInterest("blob", ball().mask, "the cluster 1", "found in this same map")
    table = change_table(session.result, [region, ball()])
    assert list(table["region"]) == ["blob", "blob", "ball", "ball"]
    assert set(table["circular"]) == {"found in this same map", "no"}
    assert (table["n_voxels"] == np.count_nonzero(region.mask & session.result.mask)).all()
    assert (table["lower"] < table["percent_change"]).all()
    assert (table["percent_change"] < table["upper"]).all()
