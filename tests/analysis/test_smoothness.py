"""Smoothness of what was fitted, beside that of explicit residuals, and the heights of random fields on every door."""

import runpy

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.analysis.smoothness import field_of_width
from glmwidgets.cli import main
from glmwidgets.glm.inference.random_fields import RandomField
from glmwidgets.glm.inference.smoothness import SMOOTHNESS, neighbour_pairs, smoothness_of_residuals
from glmwidgets.models import FirstLevelModel, SecondLevelModel, threshold_stats_img
from glmwidgets.report.exports.runs import write_runs_script
from glmwidgets.report.exports.script import write_script
from glmwidgets.report.page.methods import methods_text
from glmwidgets.report.page.subject import study_of_session
from glmwidgets.runs.domain import Domain
from glmwidgets.session.group.data import open_group
from glmwidgets.session.group.session import GroupSession
from glmwidgets.session.several.runs import RunSet
from glmwidgets.session.single.analysis import Analysis

BY_FIELD = {"threshold.height_control": "rft", "threshold.alpha": 0.05}


def asked(analysis, **changes):
    settings = analysis.default_settings().updated({"contrast.expression": "face", "data.smoothing_fwhm": 8.0})
    return settings.updated({path.replace("__", "."): value for path, value in changes.items()})


@pytest.mark.parametrize("method", SMOOTHNESS)
def test_a_runs_smoothness_is_that_of_its_residuals(run, method):
    """To 1e-6: by products, no residual is formed."""
    analysis = Analysis(run)
    settings = asked(analysis, noise__model="ols", noise__choice="name", threshold__smoothness=method)
    result = analysis.result(settings)
    direct = smoothness_of_residuals(result.fit.residuals(), neighbour_pairs(result.mask), method)
    assert result.smoothness.fwhm == pytest.approx(direct.fwhm, rel=1e-6)
    assert result.smoothness.resel_size == pytest.approx(direct.resel_size, rel=1e-6)


def test_autocorrelated_noise_is_whitened_first(run):
    analysis = Analysis(run)
    result = analysis.result(asked(analysis, noise__model="ar1-reml", noise__choice="name"))
    white = result.fit.noise_process().innovations(result.fit.residuals())
    direct = smoothness_of_residuals(white, neighbour_pairs(result.mask))
    assert result.smoothness.fwhm == pytest.approx(direct.fwhm, rel=1e-6)


def test_nothing_is_found_until_it_is_asked_for(run, monkeypatch):
    """A threshold that needs no field pays for none; one that does finds it once for all thresholds."""
    import glmwidgets.analysis.smoothness as module

    asked_for, real = [], module.fit_smoothness
    monkeypatch.setattr(module, "fit_smoothness", lambda *a, **k: asked_for.append(a) or real(*a, **k))
    analysis = Analysis(run)
    settings = asked(analysis)
    analysis.result(settings)
    assert not asked_for
    for alpha in (0.05, 0.01):
        analysis.result(settings.updated({**BY_FIELD, "threshold.alpha": alpha}))
    assert len(asked_for) == 1


def test_runs_are_as_rough_as_they_are_on_average(two_runs):
    """1 / FWHM^2 is the mean of that of each, on the voxels that all have; one that is left out does not count."""
    runs = RunSet(two_runs, {"noise.model": "ols", "contrast.expression": "face", **BY_FIELD}, synchronous=True)
    try:
        runs.bring_all()
        fixed = runs.fixed.analysis
        settings = runs.fixed.settings
        result = fixed.result(settings)
        mask = result.mask
        each = [
            smoothness_of_residuals(analysis.graph.get("fit", model).residuals(), neighbour_pairs(mask))
            for analysis, model in zip(
                fixed.on(result.domain, fixed.models(settings)), fixed.models(settings), strict=True
            )
        ]
        rough = np.mean([1 / np.square(one.fwhm) for one in each], axis=0)
        assert 1 / np.square(result.smoothness.fwhm) == pytest.approx(rough, rel=1e-6)
        alone = fixed.result(settings.updated({"runs.left_out": (2,)}))
        assert alone.smoothness.fwhm == pytest.approx(each[0].fwhm, rel=1e-6)
    finally:
        runs.close()


def maps(n=12, shape=(12, 12, 10)):
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(2)
    noise = [gaussian_filter(rng.standard_normal(shape), 1.2, mode="wrap") for _ in range(n)]
    return [nib.Nifti1Image(volume / volume.std() + 0.5, np.diag([3, 3, 3, 1])) for volume in noise]


def test_a_groups_smoothness_is_that_of_what_its_design_leaves():
    group = GroupSession(open_group(maps()), synchronous=True)
    group.refresh()
    group.update(BY_FIELD)
    result = group.result
    values = result.values
    direct = smoothness_of_residuals(values - values.mean(axis=0), neighbour_pairs(result.mask))
    assert result.smoothness.fwhm == pytest.approx(direct.fwhm, rel=1e-9)
    model = SecondLevelModel(mask_img=result.domain.mask_image()).fit(maps())
    z = model.compute_contrast("intercept")
    _, height = threshold_stats_img(
        z, model.mask_img_, 0.05, height_control="rft", field=model.random_field("intercept")
    )
    assert height == pytest.approx(result.threshold, rel=1e-9)
    group.close()


# Every door -----------------------------------------------------------------------------------------------------------


def test_a_width_in_mm_is_enough_for_a_map():
    """The field of a box of 3 mm voxels and noise of 9 mm, counted by hand; degrees of freedom are the header's."""
    img = nib.Nifti1Image(np.ones((11, 11, 11)), np.diag([3, 3, 3, 1.0]))
    img.header["descrip"] = b"z_score [t, dof 84] of face"
    edge = 10 / 3
    field = RandomField((1, 3 * edge, 3 * edge**2, edge**3), 27.0, 11**3, dof=84, two_sided=True)
    _, height = threshold_stats_img(img, alpha=0.05, height_control="rft", field=9.0)
    assert height == pytest.approx(field.threshold(0.05), rel=1e-9)
    with pytest.raises(ValueError, match="needs the smoothness of the noise"):
        threshold_stats_img(img, alpha=0.05, height_control="rft")
    with pytest.raises(ValueError, match="positive number of mm"):
        field_of_width(Domain.of(img), [3.0, 0.0, 3.0])


def test_a_model_that_let_go_of_its_series_says_how_to_keep_them():
    img = nib.Nifti1Image(np.random.default_rng(0).normal(100, 1, (3, 3, 3, 30)), np.eye(4))
    events = pd.DataFrame({"onset": [5.0], "duration": 9.0, "trial_type": "a"})
    model = FirstLevelModel(t_r=2.0, mask_img=False).fit(img, events)
    with pytest.raises(ValueError, match="minimize_memory=False"):
        model.random_field("a")


def test_the_methods_text_and_the_script_have_it(session, tmp_path, monkeypatch, capsys):
    assert session.update({**BY_FIELD, "contrast.expression": "face", "threshold.smoothness": "derivatives"})
    assert "random field theory over" in methods_text(study_of_session(session))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(write_script(session, tmp_path / "analysis.py")))
    assert f"z above {session.result.threshold:.3f}" in capsys.readouterr().out
    runpy.run_path(str(write_script(session, tmp_path / "theirs.py", "nilearn")))
    assert f"z above {session.result.threshold:.3f}" in capsys.readouterr().out


@pytest.mark.parametrize("weighting", ["precision", "equal"])
def test_the_script_of_several_runs_has_it(two_runs, weighting, tmp_path, monkeypatch, capsys):
    start = {"noise.model": "ar1", "contrast.expression": "face", **BY_FIELD}
    runs = RunSet(two_runs, start, synchronous=True)
    try:
        runs.bring_all()
        runs.fixed.update({"runs.weighting": weighting, **BY_FIELD})
        height = runs.fixed.analysis.result(runs.fixed.settings).threshold
        monkeypatch.chdir(tmp_path)
        runpy.run_path(str(write_runs_script(runs, tmp_path / "both.py")))
        assert f"z above {height:.3f}" in capsys.readouterr().out
    finally:
        runs.close()


def test_the_command_line_takes_it(run, tmp_path, capsys):
    nib.save(run.img, tmp_path / "bold.nii.gz")
    nib.save(run.mask_img, tmp_path / "mask.nii.gz")
    run.events.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    words = [tmp_path / "bold.nii.gz", "--events", tmp_path / "events.tsv", "--contrast", "face", "--noise", "ols"]
    words += ["--mask", tmp_path / "mask.nii.gz"]
    words += ["--threshold", "rft", "--alpha", "0.05", "--smoothness", "derivatives", "--out", tmp_path / "out"]
    assert main(["fit", *map(str, words)]) == 0
    assert "random field" in capsys.readouterr().out
