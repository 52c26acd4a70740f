"""Scans left out, the mask's threshold, confounds by name and pooled noise: what each changes, and what it leaves."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import FirstLevelModel as Reference

from glmwidgets.datasets import simulate_run
from glmwidgets.glm.design.confound_groups import MOTION, motion_columns
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session
from glmwidgets.specification.settings import Settings, SettingsError
from glmwidgets.specification.words import describe_changes


def whole_table(n_scans, seed=0):
    """A table of confounds as fMRIPrep writes it: the first row of differences is empty, two scans are bad."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(0, 0.1, (n_scans, 6)).cumsum(axis=0), columns=MOTION)
    for name in MOTION:
        table[f"{name}_derivative1"] = table[name].diff()
    fd = np.abs(rng.normal(0.1, 0.05, n_scans))
    fd[[20, 21]] = 2.0
    fd[0] = np.nan
    table["framewise_displacement"], table["std_dvars"] = fd, 1.0 + fd / 10
    table["cosine00"] = np.cos(np.pi * (np.arange(n_scans) + 0.5) / n_scans)
    return table


@pytest.fixture
def moved(run):
    """A session whose confounds are a whole table of fMRIPrep's."""
    opened = open_run(run.img, run.events, 2.0, confounds=whole_table(run.n_scans), mask=run.mask_img)
    session = Session(opened, synchronous=True)
    session.refresh()
    yield session
    session.close()


# Scans --------------------------------------------------------------------------------------------------------------


def test_the_clock_stays_when_initial_scans_are_left_out(session):
    session.update({"data.drop_scans": 5})
    design = session.result.design
    assert design.index[0] == 10.0
    assert session.result.fit.data().shape[0] == session.run.n_scans - 5
    assert session.series().times[0] == 10.0
    whole = session.analysis.graph.get("design", session.settings.updated({"data.drop_scans": 0}))
    pd.testing.assert_frame_equal(design, whole.iloc[5:])


def test_leaving_scans_out_is_the_references_sample_mask(session):
    """The same z as nilearn with sample_masks, to 1e-6: both are the same algebra in float64."""
    session.update({"data.drop_scans": 6, "noise.model": "ar1", "contrast.expression": "face"})
    session.update({"design.convolution": "grid"})  # the reference's
    run = session.run
    model = Reference(
        t_r=2.0, hrf_model="spm", mask_img=run.mask_img, signal_scaling=0, noise_model="ar1", minimize_memory=False
    )
    model.fit(run.img, run.events, run.confounds, sample_masks=np.arange(6, run.n_scans))
    z = model.compute_contrast("face").get_fdata()[session.result.mask]
    assert np.abs(z - session.result.z).max() < 1e-6


def test_smoothed_series_are_not_made_again_for_it(session):
    session.update({"data.smoothing_fwhm": 4.0})
    session.update({"data.drop_scans": 2})
    assert {"moments", "design", "fit"} <= set(session.result.timings)
    assert not {"mask", "series"} & set(session.result.timings)


def test_more_scans_than_there_are(session):
    before = session.result
    session.update({"data.drop_scans": 78})
    assert session.status.stage == "scans"
    assert "leave at most 77 out" in session.status.message
    assert session.result is before


# Mask ---------------------------------------------------------------------------------------------------------------


def test_the_mask_grows_and_shrinks_with_its_threshold():
    head = simulate_run(shape=(26, 30, 24), n_scans=40)
    session = Session(open_run(head.img, head.events, head.t_r), synchronous=True)
    sizes = []
    for cut in (0.5, 1.0, 1.5):
        session.update({"data.mask_cut": cut})
        sizes.append(session.result.z.size)
    assert sizes[0] > sizes[1] > sizes[2]
    last = session.result
    session.update({"data.mask_cut": 9.0})
    assert session.status.stage == "mask"
    assert "no brain was found" in session.status.message
    assert session.result is last


# Confounds ----------------------------------------------------------------------------------------------------------


def test_a_whole_table_begins_with_six_parameters(moved):
    columns = moved.result.design.columns
    assert moved.settings.design.confounds == MOTION
    assert set(MOTION) <= set(columns)
    assert "framewise_displacement" not in columns


def test_the_empty_first_row_is_zero(moved):
    assert (moved.run.confounds.iloc[0][list(motion_columns(12)[6:])] == 0).all()
    assert moved.run.confounds["framewise_displacement"].iloc[0] == 0


def test_expansions_and_scrubbed_scans_are_columns(moved):
    moved.update({"design.confounds": motion_columns(24), "design.scrub_fd": 0.5})
    design = moved.result.design
    assert set(motion_columns(24)) <= set(design.columns)
    assert [c for c in design.columns if c.startswith("censored_")] == ["censored_20", "censored_21"]
    np.testing.assert_array_equal(design["rot_x_power2"], moved.run.confounds["rot_x"] ** 2)
    moved.update({"data.drop_scans": 21})
    assert [c for c in moved.result.design.columns if c.startswith("censored_")] == ["censored_21"]


def test_a_scrubbed_scan_says_nothing(moved):
    """Whatever stands in a scan that has its own column, the least-squares map is the same, to rounding."""
    moved.update({"design.scrub_fd": 0.5, "noise.model": "ols", "data.signal_scaling": "none"})
    data = np.asarray(moved.run.img.dataobj).copy()
    data[..., 20] += 500
    img = nib.Nifti1Image(data, moved.run.img.affine, moved.run.img.header)
    spoilt = Session(
        open_run(img, moved.run.events, 2.0, confounds=moved.run.confounds, mask=moved.run.mask_img),
        moved.settings,
        synchronous=True,
    )
    spoilt.refresh()
    np.testing.assert_allclose(spoilt.result.z, moved.result.z, atol=1e-8)


def test_no_confound_at_all(moved):
    moved.update({"design.confounds": ()})
    assert not set(moved.run.confounds.columns) & set(moved.result.design.columns)


# Noise --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["ar1", "ar1-reml", "ar2"])
def test_noise_is_shared(session, model):
    session.update({"noise.model": model})
    name = next(iter(session.result.fit.parameters))
    alone = np.std(session.result.fit.parameters[name])
    session.update({"noise.pooling": "local"})
    local = np.std(session.result.fit.parameters[name])
    session.update({"noise.pooling": "global"})
    assert np.ptp(session.result.fit.parameters[name]) < 1e-9 < local < alone


def test_pooling_gives_way_to_a_model_that_has_nothing_to_share():
    pooled = Settings().updated({"noise.model": "arma11", "noise.pooling": "local"})
    assert pooled.updated({"noise.model": "ar2"}).noise.pooling == "local"
    assert pooled.updated({"noise.model": "ols"}).noise.pooling is None
    with pytest.raises(SettingsError, match=r"noise\.pooling: the noise model ols cannot be pooled"):
        Settings().updated({"noise.model": "ols", "noise.pooling": "global"})
    with pytest.raises(SettingsError, match="'local', 'global'"):
        Settings().updated({"noise.pooling": "tissue"})


def test_choices_in_words():
    changed = Settings().updated(
        {"data.drop_scans": 4, "noise.pooling": "local", "design.scrub_fd": 0.5, "data.mask_cut": 0.8}
    )
    assert describe_changes(changed, Settings()) == (
        "initial scans left out 0 → 4 · mask threshold × 1 → × 0.8 · scrubbing above FD none → 0.5 mm · "
        "noise pooled each voxel's own → with neighbours"
    )
