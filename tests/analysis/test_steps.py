"""The steps without a cache are those of the session and of the estimator, bit for bit."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.analysis import steps
from glmwidgets.analysis.events import EventSource
from glmwidgets.analysis.smoothness import smoothness_of
from glmwidgets.analysis.thresholding import bounds_of, clusters_of, hommel_of, searched_of, threshold_of
from glmwidgets.models import FirstLevelModel
from glmwidgets.models.arguments import asked_by
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session
from glmwidgets.specification.model import Model
from glmwidgets.specification.settings import Settings

CHANGES = [
    {},
    {"data.drop_scans": 4, "data.smoothing_fwhm": 5.0, "data.signal_scaling": "grand"},
    {"design.hrf_model": "glover + derivative", "design.confounds": ("rot_z",), "noise.model": "ols"},
    {"design.conditions": ("face",), "noise.pooling": "local", "threshold.height_control": "fdr"},
    {"threshold.height_control": "ptfce", "threshold.search": "sphere 10 -20 -10 9"},
    {"threshold.height_control": "rft", "threshold.alpha": 0.05, "threshold.smoothness": "derivatives"},
    {"events.shift": 1.5, "threshold.two_sided": False, "threshold.cluster_size": 3},
]


def straight(run, asked):
    """Everything that follows from a run and a specification, one step after the other."""
    scans = steps.scans_of(run, asked)
    events = EventSource(run.events).events(asked.events)
    design = steps.design_of(run, asked, events, steps.confounds_of(run, asked, scans), scans)
    domain = steps.domain_of(run, asked)
    moments = steps.moments_of(asked, steps.series_of(run, asked, domain), scans)
    fit = steps.fit_of(asked, moments, design, domain)
    scored = steps.contrast_of(asked, fit)
    searched = searched_of(asked, scored, smoothness_of(asked, fit, domain))
    height = threshold_of(asked, searched)
    clusters = clusters_of(asked, searched, height)
    return scored, height, clusters, bounds_of(asked, domain, scored, clusters, hommel_of(asked, scored))


@pytest.mark.parametrize("changes", CHANGES)
def test_the_session_runs_the_same_steps(run, changes):
    asked = Settings().updated({"contrast.expression": "face", "noise.model": "ar1", **changes})
    with_cache = Session(run, asked, synchronous=True)
    with_cache.refresh()
    result, found = with_cache.result, with_cache.clusters
    (contrast, z), height, clusters, bounds = straight(run, asked)
    np.testing.assert_array_equal(z, result.z)
    np.testing.assert_array_equal(contrast.covariance, result.contrast.covariance)
    assert height == result.threshold
    np.testing.assert_array_equal(clusters.labels, found.labels)
    np.testing.assert_array_equal(bounds, found.bounds)
    with_cache.close()


def test_the_estimator_runs_the_same_steps(run):
    arguments = {"t_r": 2.0, "hrf_model": "glover + derivative", "drift_model": "polynomial", "smoothing_fwhm": 5.0}
    model = FirstLevelModel(**arguments, signal_scaling=(0, 1), noise_model="ar1", mask_img=run.mask_img)
    model.fit(run.img, run.events, run.confounds, sample_masks=np.arange(4, run.n_scans))
    asked = replace(Settings(), **vars(asked_by(model.get_params(deep=False), Model)))
    asked = asked.updated({"data.drop_scans": 4, "contrast.expression": "face - house"})
    (contrast, z), *_ = straight(run, asked)
    assert contrast.dof == model.contrast("face - house").dof
    np.testing.assert_array_equal(z, model.contrast("face - house").z_score())


def test_every_argument_that_shapes_the_numbers_reaches_the_specification():
    given = {
        "hrf_model": "fir",
        "fir_delays": [0, 2],
        "drift_model": None,
        "high_pass": 0.02,
        "drift_order": 2,
        "min_onset": -3,
        "smoothing_fwhm": 4,
        "signal_scaling": False,
        "noise_model": "ar2",
        "pooling": None,
    }
    asked = asked_by(given, Model)
    assert (asked.design.hrf_model, asked.design.fir_delays, asked.design.drift_model) == ("fir", (0, 2), "none")
    assert (asked.design.high_pass, asked.design.drift_order, asked.design.min_onset) == (0.02, 2, -3.0)
    assert (asked.data.smoothing_fwhm, asked.data.signal_scaling) == (4.0, "none")
    assert (asked.noise.model, asked.noise.pooling) == ("ar2", None)


def test_types_that_no_event_is_of_are_refused(run):
    asked = Settings().updated({"design.conditions": ("face", "tool")})
    with pytest.raises(ValueError, match="no event is of type tool; there are face, house"):
        steps.modelled_events(asked, run.events)


def test_a_series_keeps_some_scans(run):
    with pytest.raises(ValueError, match="leave at most 77 out"):
        steps.scans_of(run, Settings().updated({"data.drop_scans": 78}))


def test_the_whole_field_of_view_is_judged_as_a_mask_is():
    data = np.zeros((6, 6, 4, 40), np.float32)
    data[2:5, 2:5] = 1000 + np.random.default_rng(0).standard_normal((3, 3, 4, 40))
    data[2, 2, 2, 3] = np.nan
    img = nib.Nifti1Image(data, np.diag([3.0, 3, 3, 1]))
    img.header["sform_code"] = img.header["qform_code"] = 0
    run = open_run(img, pd.DataFrame({"onset": [4.0, 20], "duration": 2.0, "trial_type": "a"}), 2.0)
    asked = Settings().updated({"data.whole_field": True})
    with pytest.warns(UserWarning, match="which side is left|never change") as heard:
        assert steps.domain_of(run, asked).size == 35
    said = " ".join(str(one.message) for one in heard)
    assert "does not say which side is left" in said
    assert "109 of 144 voxels" in said
    still = np.broadcast_to(np.arange(144.0, dtype=np.float32).reshape(6, 6, 4, 1), data.shape)
    empty = open_run(nib.Nifti1Image(still, img.affine), run.events, 2.0)
    with pytest.raises(ValueError, match="none of the 144 voxels"):
        steps.domain_of(empty, asked)
