"""One door to every run: what is given goes before what a run brings, and a message names its run."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.datasets import simulate_run
from glmwidgets.datasets.run_files import FoundRun
from glmwidgets.models.first_level import FirstLevelModel
from glmwidgets.runs.opening import is_several, open_run, open_runs
from glmwidgets.runs.run import content_hash
from glmwidgets.specification.encoding import digest
from glmwidgets.specification.settings import Settings
from glmwidgets.specification.source import InputSettings


@pytest.fixture
def found(run, tmp_path):
    """The small run as files of a dataset: two of four confounds were chosen."""
    nib.save(run.img, tmp_path / "bold.nii")
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(run.n_scans, 4)), columns=list("abcd"))
    run.events.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    table.to_csv(tmp_path / "confounds.tsv", sep="\t", index=False)
    return FoundRun(
        tmp_path / "bold.nii",
        tmp_path / "events.tsv",
        confounds_file=tmp_path / "confounds.tsv",
        t_r=2.0,
        slice_time_ref=0.5,
        confounds=table[["a", "c"]],
    )


def test_a_found_run_brings_what_belongs_to_it_and_what_is_given_goes_before(found, run):
    opened = open_run(found)
    assert (opened.t_r, opened.slice_time_ref, list(opened.confounds)) == (2.0, 0.5, ["a", "c"])
    assert (opened.inputs.bold, opened.inputs.events) == (str(found.bold), str(found.events))
    assert opened.inputs.confounds is None
    given = open_run(found, run.events[:4], slice_time_ref=0.25, confounds=np.arange(run.n_scans) % 7)
    assert (len(given.events), given.slice_time_ref, given.confounds.shape[1]) == (4, 0.25, 1)
    assert given.inputs.events is None


def test_a_found_run_brings_its_whole_table_if_that_is_asked_for(found):
    opened = open_run(found, whole_table=True)
    assert list(opened.confounds) == ["a", "b", "c", "d"]
    assert opened.chosen_confounds == ("a", "c")
    assert opened.inputs.confounds == str(found.confounds_file)


def test_simulated_runs_are_runs(found):
    simulated = simulate_run("small", n_scans=30)
    one = open_run(simulated)
    assert (one.t_r, len(one.events), one.confounds.shape) == (2.0, len(simulated.events), (30, 6))
    assert is_several([simulated, simulated])
    assert is_several([found, found])
    assert [run.n_scans for run in open_runs([simulated, simulated])] == [30, 30]


def test_a_place_within_the_scan_is_a_fraction(run):
    with pytest.raises(ValueError, match=r"slice_time_ref must be at least 0 and at most 1, not 1\.5"):
        open_run(run.img, run.events, 2.0, slice_time_ref=1.5)


def test_a_word_that_chooses_needs_a_dataset(run):
    for door in (open_run, open_runs):
        with pytest.raises(TypeError, match=r"tr= chooses a run of a dataset.*did you mean 't_r'"):
            open_run(run.img, run.events, tr=2.0)
        with pytest.raises(TypeError, match="task= chooses a run of a dataset: name it with dataset="):
            door(run.img, run.events, 2.0, task="faces")


def test_several_runs_are_told_from_the_volumes_of_one(two_runs):
    img = two_runs[0].img
    assert is_several([img, img])
    assert is_several([img.slicer[..., 0], img.slicer[..., 1]], [two_runs[0].events] * 2)
    assert not is_several([img.slicer[..., 0], img.slicer[..., 1]], two_runs[0].events)
    assert not is_several(img)
    assert not is_several([img])


def test_a_list_of_one_is_one_run(two_runs):
    img, events = two_runs[0].img, two_runs[0].events
    for given in ((img, [events], 2.0), ([img], [events], [2.0]), ([img], events, 2.0), ([two_runs[0]],)):
        (run,) = open_runs(*given)
        assert run.n_scans == img.shape[3]
        assert run.t_r == 2.0
        assert run.conditions == ("face", "house")
    times = [2.0 * scan for scan in range(img.shape[3])]
    assert open_runs([img], events, frame_times=times)[0].inputs.frame_times == tuple(times)
    with pytest.raises(ValueError, match="events: 2 entries for 1 run; give one for each run"):
        open_runs([img], [events, events])


def test_what_is_given_for_several_runs(two_runs):
    images, events = [run.img for run in two_runs], [run.events for run in two_runs]
    with pytest.raises(ValueError, match="events: 1 entry for 2 runs"):
        open_runs(images, events[:1])
    with pytest.raises(ValueError, match="confounds are of one run"):
        open_runs(images, events, confounds=two_runs[0].confounds)
    with pytest.raises(ValueError, match=r"run 2: .*onset"):
        open_runs(images, [events[0], events[1].drop(columns="onset")])
    with pytest.raises(FileNotFoundError, match="run 1: "):
        open_runs(["none.nii.gz", images[1]], events)
    opened = open_runs(images, events[0], 2.0)
    assert all(run.conditions == ("face", "house") for run in opened)


def test_tables_in_memory_are_known_by_what_they_hold(run, found):
    def said(**given):
        inputs = open_run(run.img, t_r=2.0, **given).inputs
        return inputs.who("events"), inputs.who("confounds"), digest(Settings(inputs=InputSettings(**vars(inputs))))

    confounds, opened = np.arange(run.n_scans) % 7, open_run(run.img, run.events, 2.0).events
    events, noise, asked = said(events=run.events, confounds=confounds)
    assert events == said(events=run.events.copy())[0] == f"given in memory, {content_hash(opened):08x}"
    assert noise.startswith("given in memory, ")
    assert said(events=run.events, confounds=confounds)[2] == asked
    others = said(events=run.events.iloc[:-1], confounds=confounds), said(events=run.events, confounds=confounds + 1)
    assert len({events, others[0][0]}) == len({noise, others[1][1]}) == 2
    assert len({asked, others[0][2], others[1][2]}) == 3
    assert open_run(found).inputs.who("events") == "the dataset"
    assert open_run(found).inputs.who("confounds").startswith("the dataset, ")


def test_a_time_between_scans_with_a_comma_is_refused_in_words():
    run = simulate_run("small", shape=(8, 8, 8), n_scans=40)
    with pytest.raises(ValueError, match=r"t_r must be a number of seconds with a decimal point, such as .* not '3,0'"):
        open_run(run.img, run.events, "3,0")
    with pytest.raises(ValueError, match="t_r must be a number of seconds with a decimal point"):
        FirstLevelModel(t_r="3,0").fit(run.img, run.events)


def test_a_file_that_is_given_for_two_runs_is_pointed_out(run, tmp_path):
    nib.save(run.img, tmp_path / "one.nii")
    nib.save(run.img, tmp_path / "two.nii")
    (tmp_path / "link.nii").symlink_to(tmp_path / "one.nii")
    said = r"link\.nii was given for run 1 and for run 3: the fixed effects count its scans twice"
    three = [tmp_path / "one.nii", tmp_path / "two.nii", tmp_path / "link.nii"]
    with pytest.warns(UserWarning, match=said):
        opened = open_runs(three, run.events, t_r=run.t_r)
    assert [any("given for run" in text for text in one.warnings) for one in opened] == [True, False, False]
    with pytest.warns(UserWarning, match=said):
        FirstLevelModel(t_r=run.t_r, noise_model="ols", mask_img=False).fit(three, [run.events] * 3)
    assert not any("given for run" in text for one in open_runs(three[:2], run.events) for text in one.warnings)


def test_a_truth_value_is_no_time_between_scans(run):
    with pytest.raises(ValueError, match=r"t_r must be a number of seconds .*, not True"):
        open_run(run.img, run.events, t_r=True)
