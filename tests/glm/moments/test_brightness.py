"""Scans that are brighter or darker than the others are found and told, and no others are."""

import warnings

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.datasets import simulate_run
from glmwidgets.glm.moments.brightness import odd_scans, robust_spread, scan_means, warn_of_odd_scans
from glmwidgets.glm.moments.series import Series


def _means(n=100, seed=0, sd=3.0, drift=0.0):
    return 1000 + np.random.default_rng(seed).normal(0, sd, n) + np.linspace(0, drift, n)


def test_the_spread_is_that_of_most_values():
    values = np.random.default_rng(0).normal(5, 2, 20000)
    values[:100] = 1e6
    assert robust_spread(values) == pytest.approx(2, rel=0.03)


@pytest.mark.parametrize("seed", range(20))
def test_noise_drift_and_steps_are_not_odd(seed):
    assert odd_scans(_means(seed=seed)).rows == ()
    assert odd_scans(_means(seed=seed, drift=150.0)).rows == ()
    assert odd_scans(_means(seed=seed) * np.where(np.arange(100) < 50, 1, 1.2)).rows == ()
    # In quiet data a change of 4 % stays unsaid, and so does all of what was centred.
    quiet = _means(seed=seed, sd=0.1)
    quiet[40] *= 1.04
    assert odd_scans(quiet).rows == ()
    assert odd_scans(_means(seed=seed) - 1000).rows == ()


def test_scans_before_the_steady_state_and_spikes_are():
    means = _means()
    means[:3] *= 1.4, 1.1, 1.04  # decays; the third alone would not be said
    means[[50, 99]] *= 1.1, 0.8
    found = odd_scans(means)
    assert found.rows == found.numbers == (0, 1, 2, 50, 99)
    assert found.n_first == 3
    assert np.round(found.percents, -1).tolist() == [40, 10, 0, 10, -20]
    dark = _means()
    dark[0] *= 0.5
    assert odd_scans(dark).n_first == 0
    assert odd_scans(dark).rows == (0,)


def test_means_of_many_voxels_are_of_some():
    y = np.random.default_rng(0).normal(1000, 20, (40, 30000)) * np.linspace(1, 1.5, 40)[:, None]
    np.testing.assert_allclose(scan_means(Series.of(y)), y.mean(axis=1), rtol=0.002)
    few = y[:, :50]
    np.testing.assert_allclose(scan_means(Series.of(few)), few.mean(axis=1), rtol=1e-12)


def _said(odd, design):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_odd_scans(odd, design)
    return [str(each.message) for each in caught]


def test_a_scan_that_has_a_column_of_its_own_is_not_told():
    means, constant = _means(), np.ones((100, 1))
    means[[0, 60]] *= 1.3
    odd, columns = odd_scans(means), np.eye(100)
    first, later = _said(odd, constant)
    assert first.startswith("scan 0 (counted from 0) is brighter than the others by 30 %")
    assert "data.drop_scans=1" in first
    assert later.startswith("scan 60 (counted from 0) is unlike the others")
    assert _said(odd, np.c_[constant, columns[:, 0]]) == [later]
    assert _said(odd, np.c_[constant, columns[:, 60] * 1e-3, columns[:, 60]]) == [first]
    assert _said(odd, np.c_[constant, columns[:, [0, 60]] @ [[1, 1], [1, -1]]]) == []


def test_real_and_simulated_runs(auditory_dir, visloc_dir, audiovisual_dir):
    found = {}
    for folder in (auditory_dir, visloc_dir, audiovisual_dir):
        (path,) = folder.glob("*bold.nii.gz")
        data = np.asarray(nib.load(path).dataobj)
        mean = data.mean(axis=3)
        found[folder.name] = odd_scans(data[mean > mean.mean()].mean(axis=0))
    # Its own tutorial leaves the first scans of the auditory run out, as they are before the steady state.
    assert found.pop("spm_auditory").rows == (0,)
    assert {odd.rows for odd in found.values()} == {()}
    for seed in range(5):
        run = simulate_run("small", shape=(12, 14, 11), seed=seed)
        assert odd_scans(run.img.get_fdata()[run.img.get_fdata().mean(axis=3) > 100].mean(axis=0)).rows == ()
