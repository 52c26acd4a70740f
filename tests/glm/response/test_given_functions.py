"""A response that is given as a function is spoken of by a name and a hash of what it does."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

import glmwidgets as gw
from glmwidgets.glm.design.matrix import frame_times, make_first_level_design_matrix
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.response.given_functions import HELD, hold_response
from glmwidgets.glm.response.models import parse_hrf, resolve_hrf
from glmwidgets.report.exports.script import script_text
from glmwidgets.report.exports.stats_model import stats_model
from glmwidgets.session.single.store import load_session, not_kept, save_session
from glmwidgets.specification.encoding import digest


def shaped(length, height=1.0):
    def response(t_r, oversampling):
        return height * np.ones(int(length * oversampling / t_r))

    return response


def scaled(t_r, oversampling, height):
    return np.full(oversampling, height)


def test_a_name_tells_functions_apart_by_what_they_do_and_not_by_where_they_are():
    assert hold_response(shaped(4)) == hold_response(shaped(4))
    functions = [
        shaped(4),
        shaped(5),
        shaped(4, 2.0),
        lambda t_r, oversampling: np.ones(4),
        partial(scaled, height=2.0),
    ]
    several = [*functions, partial(scaled, height=3.0), [shaped(4), scaled]]
    assert len({hold_response(each) for each in several}) == len(several)


def test_a_global_that_a_function_reads_is_part_of_what_it_does():
    space = {"np": np, "HEIGHT": np.ones(5000)}
    exec("def response(t_r, oversampling):\n    return HEIGHT", space)
    before = hold_response(space["response"])
    space["HEIGHT"] = space["HEIGHT"].copy()
    space["HEIGHT"][2500] = 3.0
    assert hold_response(space["response"]) != before


def test_what_is_held_makes_the_columns_of_the_function():
    events = pd.DataFrame({"onset": [4.0, 30.0], "duration": 3.0, "trial_type": "a"})
    functions = [shaped(4), scaled_by_two := partial(scaled, height=2.0)]
    scaled_by_two.__name__ = "late"
    given, held = (
        make_first_level_design_matrix(frame_times(40, 2.0), events, hrf_model)
        for hrf_model in (functions, hold_response(functions))
    )
    pd.testing.assert_frame_equal(given, held, check_exact=True)
    assert resolve_hrf(hold_response(functions)).column_names("a") == ["a_response", "a_late"]


def test_a_session_takes_it_and_everything_speaks_of_it(run, tmp_path):
    name = hold_response(shaped(6))
    session = gw.Session(run, {"noise.model": "ols", "contrast.expression": "face"}, synchronous=True)
    session.refresh()
    before = digest(session.settings), session.result.z
    session.update({"design.hrf_model": name, "contrast.expression": "face_response"})
    model = gw.FirstLevelModel(
        2.0, hrf_model=shaped(6), mask_img=run.mask_img, noise_model="ols", drift_model="cosine", high_pass=0.01
    )
    asked = session.settings.design
    model.set_params(drift_model=asked.drift_model, high_pass=asked.high_pass, convolution=asked.convolution)
    model.fit(run.img, run.events, run.confounds)
    # The estimator takes voxels in other blocks, and some kernels of OpenBLAS then sum in another order.
    np.testing.assert_allclose(model.contrast("face_response").z_score(), session.result.z, rtol=1e-12, atol=1e-12)
    assert digest(session.settings) != before[0]
    assert f"hold_response({name.partition('@')[0]})" in script_text(session)
    assert f"the response {name}" in not_kept(session.run, session.settings)
    with pytest.raises(ValueError, match="function of your own"):
        stats_model(session)
    path = save_session(session, tmp_path / "saved.json")
    session.undo()
    np.testing.assert_array_equal(session.result.z, before[1])
    given = {"bold": run.img, "mask": run.mask_img}
    assert load_session(path, **given, synchronous=True).settings.design.hrf_model == name
    # Where the function is not there, one is told which, and what to do.
    row = HELD.pop(name)
    try:
        with pytest.warns(UserWarning, match=rf"{name} was given as a Python function, which no file holds"):
            load_session(path, **given)
    finally:
        HELD[name] = row


def test_what_is_no_function_is_not_held():
    for wrong in (3, [], [3]):
        with pytest.raises((TypeError, ValueError), match="hrf_model"):
            hold_response(wrong)
    with pytest.raises(InputError, match="no file holds"):
        parse_hrf("mine@0123456789ab")


def test_another_mask_in_memory_is_another_analysis(run):
    import nibabel as nib

    other = np.asarray(run.mask_img.dataobj).copy()
    other[tuple(np.argwhere(other)[0])] = 0
    masks = (run.mask_img, nib.Nifti1Image(other, run.mask_img.affine))
    opened = [gw.Analysis(gw.open_run(run.img, run.events, t_r=2.0, mask=mask)).default_settings() for mask in masks]
    assert digest(opened[0]) != digest(opened[1])
