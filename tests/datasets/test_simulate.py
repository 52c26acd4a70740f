"""The simulated run is what its truth says that it is: to the bit, to rounding, or to the noise that it declares."""

import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import make_first_level_design_matrix as reference_design
from scipy.linalg import toeplitz
from scipy.ndimage import map_coordinates

from glmwidgets.datasets import simulate_run
from glmwidgets.datasets.phantom import make_phantom
from glmwidgets.datasets.simulate import FIELD_CENTRE, REGIONS, Region, motion_volumes
from glmwidgets.images.load import header_t_r, image_data
from glmwidgets.images.mask import find_brain


@pytest.fixture(scope="module")
def run():
    return simulate_run("small", seed=3)


@pytest.fixture(scope="module")
def full_size():
    return simulate_run(n_scans=40)


def design(run):
    """All columns that the run is made of, and the constant."""
    motion = run.confounds - run.confounds.mean()
    return np.column_stack([run.truth.tasks, run.truth.drift_columns, motion, np.ones(len(motion))])


def test_same_seed_same_bits_and_another_seed_another_run(run):
    again, other = simulate_run("small", seed=3), simulate_run("small", seed=4)
    np.testing.assert_array_equal(image_data(again.img), image_data(run.img))
    np.testing.assert_array_equal(image_data(again.anatomy), image_data(run.anatomy))
    pd.testing.assert_frame_equal(again.events, run.events)
    pd.testing.assert_frame_equal(again.confounds, run.confounds)
    assert not again.events.equals(other.events)
    assert np.mean(image_data(other.img) != image_data(run.img)) > 0.9


def test_parts_draw_from_streams_of_their_own(run):
    still = simulate_run("small", seed=3, motion=0, drift=2, noise=0.5)
    pd.testing.assert_frame_equal(still.events, run.events)
    np.testing.assert_array_equal(still.truth.mean, run.truth.mean)
    np.testing.assert_allclose(still.truth.drift_maps, 2 * run.truth.drift_maps, rtol=1e-6)
    assert not still.confounds.to_numpy().any()


def test_regressors_are_the_fields(run):
    times = np.arange(120) * 2.0
    expected = reference_design(times, run.events, hrf_model="glover", drift_model=None)[list(run.conditions)]
    np.testing.assert_allclose(run.truth.tasks, expected - expected.mean(), atol=1e-12)


def test_without_noise_the_truth_is_found_to_rounding(run):
    clean = simulate_run("small", seed=3, noise=0)
    mask = clean.truth.mask & (clean.truth.mean > 300)
    series = image_data(clean.img)[mask].T / clean.truth.mean[mask] * 100
    found = np.linalg.lstsq(design(clean), series, rcond=None)[0]
    # The least that rounding to integers can leave: a uniform error of one unit in at least 300.
    sd = np.sqrt(1 / 12) / 3 * np.sqrt(np.diag(np.linalg.inv(design(clean).T @ design(clean))))
    for i, condition in enumerate(clean.conditions):
        np.testing.assert_allclose(found[i], clean.truth.betas[condition][mask], atol=5 * sd[i])
    np.testing.assert_allclose(found[5:8].T, clean.truth.drift_maps[mask], atol=5 * sd[5:8].max())
    np.testing.assert_allclose(found[-1], 100, atol=5 * sd[-1])


def test_exact_gls_errors_are_standard_normal(run):
    """Estimates minus truth, over the standard error that the truth's own noise implies, voxel by voxel."""
    truth, x = run.truth, design(run)
    chosen = np.flatnonzero(truth.mask & (truth.mean > 300))
    chosen = np.random.default_rng(0).choice(chosen, 400, replace=False)
    flat = [np.asarray(v).reshape(-1)[chosen] for v in (truth.mean, truth.noise_sd, truth.white_share, truth.rho)]
    series = image_data(run.img).reshape(-1, 120)[chosen]
    errors, chi2 = [], []
    for voxel, y, mean, sd, white, rho in zip(chosen, series, *flat, strict=True):
        covariance = sd**2 * ((1 - white) * toeplitz(rho ** np.arange(120)) + white * np.eye(120))
        root = np.linalg.inv(np.linalg.cholesky(covariance))
        wx, wy = root @ x, root @ (100 * (y / mean))
        beta = np.linalg.lstsq(wx, wy, rcond=None)[0]
        se = np.sqrt(np.diag(np.linalg.inv(wx.T @ wx)))
        true = [truth.betas[c].reshape(-1)[voxel] for c in run.conditions]
        errors.append((beta[:5] - true) / se[:5])
        chi2.append(np.sum((wy - wx @ beta) ** 2) / (120 - x.shape[1]))
    # 2,000 nearly independent numbers: four standard errors of a mean, and of a standard deviation.
    assert np.mean(errors) == pytest.approx(0, abs=4 / np.sqrt(2000))
    assert np.std(errors) == pytest.approx(1, abs=4 / np.sqrt(2 * 2000))
    # 400 residual variances, each over 105 degrees of freedom
    assert np.mean(chi2) == pytest.approx(1, abs=4 * np.sqrt(2 / 105 / 400))


def test_null_run_has_no_truth_and_coloured_noise():
    null = simulate_run("small", effect=0, motion=0, drift=0, rho=0.6, white_share=0)
    truth = null.truth
    assert not any(beta.any() for beta in truth.betas.values())
    assert set(null.events["trial_type"]) == set(null.conditions)
    grey = truth.mask & (truth.rho > 0.55) & (truth.mean > 500)
    series = image_data(null.img)[grey].astype(float)
    series -= truth.mean[grey][:, None]
    lagged = np.sum(series[:, 1:] * series[:, :-1]) / np.sum(series[:, :-1] ** 2)
    assert lagged == pytest.approx(truth.rho[grey].mean(), abs=0.02)
    variance = np.mean((truth.noise_sd * truth.mean / 100)[grey] ** 2)
    # 120 scans with rho 0.6 are worth about 60, in some hundred voxels that vary together
    assert np.mean(series**2) == pytest.approx(variance, rel=0.1)


def test_coloured_noise_is_as_smooth_as_said(full_size):
    smooth = simulate_run(n_scans=40, effect=0, motion=0, drift=0, white_share=0, rho=0, smoothness=8.0)
    truth = smooth.truth
    z = (image_data(smooth.img) - truth.mean[..., None]) / np.maximum(truth.noise_sd * truth.mean / 100, 1)[..., None]
    both = truth.mask[1:] & truth.mask[:-1]
    neighbour = np.mean(z[1:][both] * z[:-1][both])
    # correlation at a distance d of noise smoothed by a Gaussian of width w: exp(-2 ln 2 d^2 / w^2)
    assert neighbour == pytest.approx(np.exp(-2 * np.log(2) * (3.5 / 8) ** 2), abs=0.02)


def test_motion_of_the_mean_is_that_of_a_rigid_head(full_size):
    mean, affine = full_size.truth.mean.astype(float), full_size.img.affine
    volumes = motion_volumes(mean, affine)
    mm = np.einsum("ij,jxyz->ixyz", affine[:3, :3], np.indices(mean.shape)) + affine[:3, 3].reshape(3, 1, 1, 1)
    centre = np.reshape(FIELD_CENTRE, (3, 1, 1, 1))
    inner = (slice(3, -3),) * 3
    for axis in range(3):
        step = np.zeros((3, 1, 1, 1))
        step[axis] = 0.2
        # What a voxel shows after the head has moved was where the motion came from.
        for volume, came_from, size in (
            (volumes[axis], mm - step, 0.2),
            (volumes[3 + axis], mm - 0.003 * np.cross(np.eye(3)[axis], (mm - centre).T).T, 0.003),
        ):
            voxels = [(came_from[i] - affine[i, 3]) / affine[i, i] for i in range(3)]
            moved = (map_coordinates(mean, voxels, order=3, mode="nearest") - mean)[inner]
            slope = np.sum(moved * volume[inner]) / np.sum(volume[inner] ** 2) / size
            assert np.corrcoef(moved.ravel(), volume[inner].ravel())[0, 1] > 0.95
            # central differences flatten a slope that changes from voxel to voxel, as it does at the skull
            assert 0.95 < slope < 1.25


def test_confounds_start_where_the_head_was(run):
    assert list(run.confounds) == ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]
    assert not run.confounds.iloc[0].any()
    assert run.confounds.iloc[:, :3].abs().to_numpy().max() < 2
    assert run.confounds.iloc[:, 3:].abs().to_numpy().max() < np.deg2rad(2)


def test_left_is_left(full_size):
    affine = full_size.img.affine
    assert affine[0, 0] > 0
    x = affine[0, 0] * np.arange(full_size.img.shape[0]) + affine[0, 3]
    for condition, side in (("motor_left", 1), ("motor_right", -1), ("faces", None)):
        where = np.argwhere(full_size.truth.betas[condition] > 2.6)
        if side:
            assert np.all(side * x[where[:, 0]] > 20)
    faces = full_size.truth.betas["faces"]
    z = affine[2, 2] * np.arange(faces.shape[2]) + affine[2, 3]
    ventral = faces[:, :, z < -12].sum(axis=(1, 2))
    assert ventral[x > 0].sum() > 2 * ventral[x < 0].sum()
    oil = make_phantom(full_size.img.shape[:3], affine).tissues["oil"].sum(axis=(1, 2))
    assert oil[x > 0].sum() > 3
    assert oil[x < 0].sum() == 0


def test_regions_lie_where_they_are_said_to(full_size):
    truth, affine = full_size.truth, full_size.img.affine
    for number, name in enumerate(truth.region_names, start=1):
        voxels = np.argwhere(truth.regions == number)
        mm = voxels @ affine[:3, :3].T + affine[:3, 3]
        assert len(voxels) > 20
        distance = np.linalg.norm(mm - REGIONS[name].centre, axis=1)
        assert distance.max() <= REGIONS[name].radius
        for condition, size in REGIONS[name].effects.items():
            inside = truth.betas[condition][truth.regions == number]
            assert np.sign(inside.sum()) == np.sign(size)
    active = np.any([beta != 0 for beta in truth.betas.values()], axis=0)
    assert not active[truth.regions == 0].any()
    assert not active[~truth.mask].any()


def test_head_is_a_head(full_size):
    truth, voxel = full_size.truth, 3.5**3 / 1e6
    head = make_phantom(full_size.img.shape[:3], full_size.img.affine)
    shares = sum(head.tissues.values())
    assert shares.max() <= 1 + 1e-5
    assert min(share.min() for share in head.tissues.values()) >= 0
    # litres: adult intracranial volume, grey and white matter
    assert 1.3 < truth.mask.sum() * voxel < 1.9
    assert 0.45 < head.tissues["grey"].sum() * voxel < 0.85
    assert 0.4 < head.tissues["white"].sum() * voxel < 0.75
    # anatomy and mean signal tell tissues apart, in opposite ways
    pure = {name: head.tissues[name] > 0.95 for name in ("grey", "white", "csf")}
    t1, epi = ([np.median(img[pure[name]]) for name in ("csf", "grey", "white")] for img in (head.t1, head.epi))
    assert t1 == sorted(t1)
    assert epi == sorted(epi, reverse=True)


def test_automatic_mask_finds_the_brain(full_size):
    mask = find_brain(full_size.img)
    truth = full_size.truth.mask
    assert 2 * np.sum(mask & truth) / (mask.sum() + truth.sum()) > 0.95


def test_image_says_where_and_when(full_size):
    assert full_size.img.get_data_dtype() == np.int16
    assert header_t_r(full_size.img) == full_size.t_r == 2.0
    np.testing.assert_allclose(full_size.img.header.get_zooms()[:3], 3.5)
    np.testing.assert_array_equal(full_size.anatomy.affine, full_size.img.affine)
    assert int(full_size.img.header["sform_code"]) == 4
    assert full_size.confounds.shape == (40, 6)


def test_sizes_share_one_field_of_view():
    flat = simulate_run(shape=(32, 32, 16), n_scans=40, t_r=1.5, noise=0)
    assert flat.img.shape == (32, 32, 16, 40)
    assert header_t_r(flat.img) == 1.5
    np.testing.assert_allclose(np.multiply(flat.img.header.get_zooms()[:3], flat.img.shape[:3]), (161, 196, 154))


@pytest.mark.parametrize(("size", "n_scans", "n_events"), [("small", 200, 50), ("small", 300, 75)])
def test_events_are_many_and_balanced_and_inside(size, n_scans, n_events):
    events = simulate_run(size, n_scans=n_scans).events
    assert len(events) >= n_events
    assert events["onset"].is_monotonic_increasing
    assert (events["onset"].diff().dropna() >= 4.9).all()
    assert events["onset"].min() > 0
    assert (events["onset"] + events["duration"]).max() < n_scans * 2 - 8
    counts = events["trial_type"].value_counts()
    assert counts.max() - counts.min() <= 1


def test_own_events_and_own_regions():
    events = pd.DataFrame({"onset": [10.0, 50.0], "duration": [10.0, 10.0], "trial_type": ["words", "words"]})
    regions = {"temporal": Region((-50, -20, 8), 20, {"words": 2.0, "music": 1.0})}
    own = simulate_run("small", n_scans=60, events=events, regions=regions)
    assert own.conditions == ("words",)
    assert own.truth.region_names == ("temporal",)
    assert set(own.truth.betas) == {"words"}
    with pytest.raises(ValueError, match="no region answers to faces, songs"):
        simulate_run("small", events=events.assign(trial_type=["songs", "faces"]), regions=regions)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": "huge"}, "size must be one of 'small', 'default', 'benchmark'"),
        ({"shape": (4, 30, 30)}, "three numbers of voxels, 8 or more"),
        ({"n_scans": 5}, "at least 10 scans"),
        ({"n_scans": 10, "t_r": 1.0}, "a run of 10 s is too short for events"),
        ({"rho": 1.0}, "rho must be between -1 and 1"),
        ({"noise": -1}, "noise must be between 0"),
        ({"white_share": 1.5}, "white_share must be between 0 and 1"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate_run(**arguments)
