"""Figures of a run's data against dense arithmetic of all voxels at once, and cells against voxels one by one."""

import nibabel as nib
import numpy as np
import pytest
from scipy.fft import dct
from scipy.stats import norm

from glmwidgets.runs.domain import Domain
from glmwidgets.study.cells import cells_of, grid_of_mask, standard_grid
from glmwidgets.study.facts import facts_of

N_SCANS, T_R = 90, 2.5

# Sums of some 1e5 numbers around 1000 in double precision, in another order.
TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def series():
    """Whole numbers, as scanners store them, with a trend, slow waves, a bad scan and voxels of very unlike noise."""
    rng = np.random.default_rng(7)
    shape = (11, 12, 9)
    n_voxels = int(np.prod(shape))
    t = np.linspace(-1, 1, N_SCANS)[:, None]
    y = 1000 + 40 * rng.standard_normal(n_voxels) + 8 * t * rng.standard_normal(n_voxels)
    y = y + 5 * np.cos(4 * t) * rng.standard_normal(n_voxels)
    y += rng.standard_normal((N_SCANS, n_voxels)) * rng.uniform(2, 20, n_voxels)
    y[33] += 60 * (rng.random(n_voxels) < 0.2)
    image = nib.Nifti1Image(np.zeros((*shape, N_SCANS), np.int16), np.diag([3.0, 3.0, 3.5, 1.0]))
    return np.round(y).astype(np.float32), Domain.of(image)


@pytest.fixture(scope="module")
def facts(series):
    return facts_of(*series, T_R)


@pytest.fixture(scope="module")
def dense(series):
    """The series in double precision, and what a quadratic trend leaves of them."""
    y = series[0].astype(np.float64)
    trend = np.vander(np.arange(N_SCANS, dtype=float), 3)
    return y, y - trend @ np.linalg.lstsq(trend, y, rcond=None)[0]


def test_signal_to_noise(facts, dense):
    y, rest = dense
    spread = np.sqrt((rest**2).sum(axis=0) / (N_SCANS - 3))
    assert facts["tsnr"] == pytest.approx(np.median(y.mean(axis=0) / spread), rel=TOLERANCE)


def test_changes_from_scan_to_scan(facts, dense):
    y, _ = dense
    dvars = np.sqrt((np.diff(y, axis=0) ** 2).mean(axis=1))
    assert facts["dvars"] == pytest.approx(100 * np.median(dvars) / np.median(y.mean(axis=0)), rel=TOLERANCE)
    assert facts["dvars_max"] == pytest.approx(dvars.max() / np.median(dvars), rel=TOLERANCE)
    assert facts["dvars_max"] > 1.2


def test_outliers_in_time(facts, dense):
    far = np.abs(dense[1])
    limit = norm.isf(0.001 / N_SCANS) / norm.isf(0.25) * np.median(far, axis=0)
    share = 100 * (far > limit).mean(axis=1)
    assert facts["outliers"] == pytest.approx(share.mean(), rel=TOLERANCE)
    assert facts["outliers_max"] == pytest.approx(share.max(), rel=TOLERANCE)
    assert share.argmax() == 33


def test_jumps_of_the_global_signal(facts, dense):
    mean = dense[1].mean(axis=1)
    change = np.diff(mean)
    spread = np.median(np.abs(change - np.median(change))) / norm.isf(0.25)
    # The factor between the median of distances and the SD is known to five digits.
    assert facts["spikes"] == pytest.approx(np.abs(change).max() / spread, rel=1e-4)


def test_slow_drift(facts, dense):
    y, _ = dense
    n_slow = int(2 * N_SCANS * T_R * 0.01)
    waves = dct(np.eye(N_SCANS), axis=0, norm="ortho")[1 : n_slow + 1].T
    slow = np.column_stack([np.vander(np.arange(N_SCANS, dtype=float), 3), waves])
    left = y - slow @ np.linalg.lstsq(slow, y, rcond=None)[0]
    share = 1 - (left**2).sum(axis=0) / ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    assert facts["slow_drift"] == pytest.approx(100 * np.median(share), rel=TOLERANCE)


@pytest.mark.parametrize("turned", [0.0, 0.2])
@pytest.mark.parametrize("space", ["MNI152NLin2009cAsym", ""])
def test_a_voxel_lies_in_the_nearest_cell(turned, space):
    rng = np.random.default_rng(3)
    affine = np.diag([-3.0, 3.0, 3.6, 1.0])
    affine[:3, :3] = nib.eulerangles.euler2mat(turned, -turned / 2, turned / 3) @ affine[:3, :3]
    affine[:3, 3] = 50, -70, -40
    whole = Domain.of(nib.Nifti1Image(np.zeros((30, 35, 26, 1), np.int16), affine))
    domain = whole.within(rng.random(whole.shape) < 0.8)
    grid = standard_grid(space) if space else grid_of_mask(domain.mask, affine, 700)
    found = cells_of(domain, grid)
    number, voxel = found.gather.nonzero()
    assert voxel.size > 1000
    mm = nib.affines.apply_affine(affine, np.argwhere(domain.mask)[voxel])
    centre = nib.affines.apply_affine(grid.affine, np.transpose(np.unravel_index(found.numbers[number], grid.shape)))
    size = np.linalg.norm(grid.affine[:3, :3], axis=0)
    away = (mm - centre) @ np.linalg.inv(grid.affine[:3, :3]).T * size
    assert (np.abs(away) <= size / 2 + 1e-4).all()
