"""Data of the notebooks: taken from the folder where they are, simulated and said so where they are not."""

import numpy as np
import pytest

from glmwidgets.datasets.lessons import SENTENCES, auditory_run, group_maps, sentence_runs
from glmwidgets.glm.design.matrix import frame_times, make_first_level_design_matrix
from glmwidgets.models import FirstLevelModel, SecondLevelModel

pytest.importorskip("pooch")


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network, and an empty folder of data."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("GLMWIDGETS_DOWNLOADS", str(tmp_path))
    return tmp_path


def test_the_auditory_run_is_taken_from_the_folder(auditory_dir):
    run = auditory_run(auditory_dir.parent)
    assert run.is_real
    assert run.img.shape == (64, 64, 64, 96)
    assert run.events["onset"].tolist() == list(np.arange(1, 16, 2) * 42.0)
    assert "96 scans" in run.source


def test_without_it_a_run_of_the_same_experiment_is_simulated_and_said_to_be(offline):
    run = auditory_run(progress=False)
    assert not run.is_real
    assert run.source.startswith("Simulated, because SPM's auditory run could not be had: https://")
    assert str(offline / "spm_auditory") in run.source
    assert run.img.shape[3] == 96
    assert set(run.events["trial_type"]) == {"listening"}
    z = FirstLevelModel(t_r=7.0).fit(run.img, run.events).compute_contrast("listening").get_fdata()
    x, y, z_mm = np.linalg.solve(run.img.affine, [52, -16, 8, 1])[:3].round().astype(int)
    assert z[x, y, z_mm] > 5


def test_simulated_sentences_hold_the_differences_that_are_asked_for(offline):
    runs = sentence_runs(progress=False)
    assert not runs.is_real
    assert [tuple(design.columns[:5]) for design in runs.design_matrices] == [SENTENCES, SENTENCES]
    assert runs.design_matrices[0].shape == runs.design_matrices[1].shape
    model = FirstLevelModel(mask_img=runs.mask).fit(runs.imgs, design_matrices=runs.design_matrices)
    new = model.compute_contrast("(DSt_SSp + DSt_DSp) - (SSt_SSp + SSt_DSp)", output_type="stat").get_fdata()
    affine = runs.mask.affine

    def around(*mm):
        i, j, k = np.linalg.solve(affine, [*mm, 1])[:3].round().astype(int)
        return new[i - 1 : i + 2, j - 1 : j + 2, k - 1 : k + 2].max()

    assert around(-56, -38, 4) > 3.5  # where a new sentence matters
    assert new[runs.mask.get_fdata() > 0].std() < 2  # and not everywhere


def test_the_designs_are_those_of_the_events():
    """Columns are reordered, not changed."""
    from glmwidgets.datasets.lessons import _blocks_of_sentences

    events = _blocks_of_sentences(np.random.default_rng(1))
    assert (events["onset"] + events["duration"]).max() < 180 * 2.5
    assert events["trial_type"].value_counts().to_dict() == {"FirstSt": 16, **dict.fromkeys(SENTENCES[:4], 4)}
    design = make_first_level_design_matrix(frame_times(180, 2.5), events, "glover")
    assert np.linalg.matrix_rank(design) == design.shape[1]


def test_group_maps_are_taken_from_the_folder(wager_dir):
    group = group_maps(wager_dir.parent)
    assert group.is_real
    assert len(group.maps) == len(group.participants) == 30
    assert group.mask is not None


def test_a_simulated_group_answers_where_it_is_said_to(offline):
    group = group_maps(progress=False)
    assert not group.is_real
    assert len(group.maps) == len(group.participants) == 16
    model = SecondLevelModel(mask_img=group.mask).fit(group.maps)
    z = model.compute_contrast("intercept").get_fdata()
    inside = group.mask.get_fdata() > 0
    # no one answers there: a normal variable beyond 1.645 in 5 % (smooth maps scatter widely around that)
    silent = z[inside & ~group.truth]
    assert 0.01 < np.mean(silent > 1.645) < 0.12
    assert z[group.truth].max() > 4
    assert z[group.truth].min() < -4
