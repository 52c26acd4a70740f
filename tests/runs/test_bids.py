"""A BIDS tree made of the real small run: what belongs to a run is found, and what is not clear is asked."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from glmwidgets.runs.bids import BidsQuestion, find_run, find_runs
from glmwidgets.runs.bids_confounds import load_confounds
from glmwidgets.runs.opening import open_run

MOTION = [f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"]
PREP = "fmriprep-23.1.3"


def _json(path, **content):
    path.write_text(json.dumps(content))


def _confounds(n_scans):
    """A table as fMRIPrep writes it: derivatives have no first value."""
    rng = np.random.default_rng(0)
    table = {}
    for name in [*MOTION, "csf", "white_matter", "global_signal"]:
        values = rng.normal(size=n_scans)
        steps = np.concatenate([[np.nan], np.diff(values)])
        table |= {name: values, f"{name}_derivative1": steps}
        table |= {f"{name}_power2": values**2, f"{name}_derivative1_power2": steps**2}
    table["framewise_displacement"] = np.concatenate([[np.nan], rng.uniform(0, 0.4, n_scans - 1)])
    table["std_dvars"] = np.concatenate([[np.nan], rng.uniform(0.8, 1.3, n_scans - 1)])
    for i in range(4):
        table[f"cosine{i:02}"] = np.cos(np.arange(n_scans) * (i + 1) / 10)
        table[f"a_comp_cor_{i:02}"] = rng.normal(size=n_scans)
        table[f"t_comp_cor_{i:02}"] = rng.normal(size=n_scans)
    frame = pd.DataFrame(table)
    frame.loc[[12, 15, 30], "framewise_displacement"] = 0.9
    frame.loc[40, "std_dvars"] = 2.0
    return frame


def _write_confounds(folder, stem, n_scans):
    _confounds(n_scans).to_csv(folder / f"{stem}_desc-confounds_timeseries.tsv", sep="\t", index=False, na_rep="n/a")
    masks = ["combined", "combined", "CSF", "WM"]
    said = {
        f"a_comp_cor_{i:02}": {"Mask": mask, "Method": "aCompCor", "Retained": True, "CumulativeVarianceExplained": 0.1}
        for i, mask in enumerate(masks)
    }
    said |= {f"t_comp_cor_{i:02}": {"Method": "tCompCor", "Retained": True} for i in range(4)}
    (folder / f"{stem}_desc-confounds_timeseries.json").write_text(json.dumps(said))


@pytest.fixture
def tree(tmp_path, audiovisual_dir):
    """Two raw runs of one subject, one without a number of another, with sidecars at three levels."""
    root = tmp_path / "ds"
    bold, events = (audiovisual_dir / f"av_5slices_45vols_{name}" for name in ("bold.nii.gz", "events.tsv"))
    for sub, stems in {"01": ("task-av_run-1", "task-av_run-2"), "02": ("task-av",)}.items():
        folder = root / f"sub-{sub}" / "func"
        folder.mkdir(parents=True)
        for stem in stems:
            shutil.copy(bold, folder / f"sub-{sub}_{stem}_bold.nii.gz")
            shutil.copy(events, folder / f"sub-{sub}_{stem}_events.tsv")
    _json(root / "dataset_description.json", Name="av", BIDSVersion="1.9.0")
    _json(root / "task-av_bold.json", RepetitionTime=9.0, TaskName="av")
    _json(root / "sub-01" / "sub-01_task-av_bold.json", RepetitionTime=3.0)
    _json(root / "sub-01" / "func" / "sub-01_task-av_run-2_bold.json", EchoTime=0.03)
    return root


@pytest.fixture
def prepared(tree):
    """The same with derivatives of sub-01, in two spaces for its first run."""
    folder = tree / "derivatives" / PREP / "sub-01" / "func"
    folder.mkdir(parents=True)
    raw = tree / "sub-01" / "func"
    for stem in ("sub-01_task-av_run-1_space-MNI152NLin2009cAsym", "sub-01_task-av_run-1", "sub-01_task-av_run-2"):
        shutil.copy(raw / "sub-01_task-av_run-1_bold.nii.gz", folder / f"{stem}_desc-preproc_bold.nii.gz")
        shutil.copy(raw / "sub-01_task-av_run-1_bold.nii.gz", folder / f"{stem}_desc-brain_mask.nii.gz")
        _json(
            folder / f"{stem}_desc-preproc_bold.json",
            RepetitionTime=3.0,
            SliceTimingCorrected=True,
            StartTime=1.455,
        )
    for run in (1, 2):
        _write_confounds(folder, f"sub-01_task-av_run-{run}", 45)
    return tree


def test_a_raw_run_and_what_belongs_to_it(tree):
    found = find_run(tree, "sub-01", run=2)
    func = tree / "sub-01" / "func"
    assert found.bold == func / "sub-01_task-av_run-2_bold.nii.gz"
    assert found.events == func / "sub-01_task-av_run-2_events.tsv"
    # sub-01's own sidecar wins over the dataset's, which stands for sub-02
    assert found.t_r == 3.0
    assert (found.mask, found.confounds, found.slice_time_ref) == (None, None, 0.0)
    run = open_run(found)
    assert (run.t_r, run.n_scans) == (3.0, 45)
    assert run.conditions
    with pytest.warns(UserWarning, match=r"the sidecar gives a TR of 9 s, the image's header 3 s"):
        assert find_run(tree, "02").t_r == 9.0


def test_more_than_one_run_is_a_question_with_choices(tree):
    with pytest.raises(BidsQuestion) as asked:
        find_run(tree, "01")
    assert asked.value.choices == ("run=1", "run=2")
    assert "sub-01" in str(asked.value)
    assert "which one? run=1; run=2. Narrow it with run=" in str(asked.value)
    assert asked.value.said("terminal").endswith("Narrow it with --run")


def test_a_question_names_every_entity_that_differs(prepared):
    with pytest.raises(BidsQuestion) as asked:
        find_run(prepared, "01")
    assert asked.value.choices == ("run=1 space=none", "run=1 space=MNI152NLin2009cAsym", "run=2 space=none")
    assert str(asked.value).endswith("Narrow it with run=, space=")


def test_every_choice_that_a_question_offers_can_be_made(prepared):
    with pytest.raises(BidsQuestion) as asked:
        find_run(prepared, "01")
    for choice in asked.value.choices:
        found = find_run(prepared, "01", **dict(part.split("=") for part in choice.split()))
        assert ("space-" in found.bold.name) == ("space=none" not in choice)
    assert find_run(prepared, "01", run=2, entities={"space": None}).entities.get("space") is None


def test_what_other_pipelines_made_is_found(prepared):
    folder = next(prepared.glob("derivatives/*/sub-01/func"))
    shutil.copy(
        next(folder.glob("*run-2*desc-preproc_bold.nii*")), folder / "sub-01_task-av_run-2_desc-denoised_bold.nii.gz"
    )
    assert find_run(prepared, "01", run=2).entities["desc"] == "preproc"
    assert find_run(prepared, "01", run=2, entities={"desc": "denoised"}).entities["desc"] == "denoised"


@pytest.mark.parametrize("subject", ["01/../02", "..", "sub-01\n", ""])
def test_what_is_no_label_is_no_participant(tree, subject):
    with pytest.raises(ValueError, match="is not a participant"):
        find_run(tree, subject)


@pytest.mark.parametrize("where", ["dataset", "derivatives", "named"])
def test_a_preprocessed_run_has_mask_confounds_and_slice_timing(prepared, where):
    place = prepared / "derivatives" / PREP if where == "derivatives" else prepared
    options = {"derivatives": f"derivatives/{PREP}"} if where == "named" else {}
    found = find_run(place, "01", run="01", space="MNI152NLin2009cAsym", confounds=("motion", "wm_csf"), **options)
    func = prepared / "derivatives" / PREP / "sub-01" / "func"
    assert found.bold == func / "sub-01_task-av_run-1_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz"
    assert found.mask == func / "sub-01_task-av_run-1_space-MNI152NLin2009cAsym_desc-brain_mask.nii.gz"
    assert found.confounds_file == func / "sub-01_task-av_run-1_desc-confounds_timeseries.tsv"
    assert found.events == prepared / "sub-01" / "func" / "sub-01_task-av_run-1_events.tsv"
    assert list(found.confounds.columns) == [*MOTION, "csf", "white_matter"]
    assert found.slice_time_ref == pytest.approx(1.455 / 3.0)
    assert "sub-01_task-av_run-1_events.tsv" in found.describe()


def test_the_raw_run_can_be_asked_for(prepared):
    found = find_run(prepared, "01", run=1, derivatives=False)
    assert found.bold == prepared / "sub-01" / "func" / "sub-01_task-av_run-1_bold.nii.gz"
    assert found.slice_time_ref == 0.0


def test_two_pipelines_are_a_question(prepared):
    shutil.copytree(prepared / "derivatives" / PREP, prepared / "derivatives" / "other")
    with pytest.raises(BidsQuestion, match=r"Name the folder of one pipeline: derivatives="):
        find_run(prepared, "01", run=2)
    assert find_run(prepared, "01", run=2, derivatives="derivatives/other").t_r == 3.0


def test_events_of_all_runs_are_inherited(tree):
    func = tree / "sub-02" / "func"
    (func / "sub-02_task-av_events.tsv").rename(tree / "task-av_events.tsv")
    with pytest.warns(UserWarning, match="TR"):
        assert find_run(tree, "02").events == tree / "task-av_events.tsv"
    # those that are nearer to the run win
    assert find_run(tree, "01", run=1).events.parent == tree / "sub-01" / "func"


def test_sessions_and_further_entities_narrow_the_choice(tree):
    func = tree / "sub-03" / "ses-b" / "func"
    func.mkdir(parents=True)
    source = tree / "sub-01" / "func" / "sub-01_task-av_run-1_bold.nii.gz"
    for acq in ("fast", "slow"):
        shutil.copy(source, func / f"sub-03_ses-b_task-av_acq-{acq}_bold.nii.gz")
    _json(tree / "task-av_bold.json", RepetitionTime=3.0)
    with pytest.raises(BidsQuestion, match=r'entities=\{"acq": \.\.\.\}'):
        find_run(tree, "03", session="ses-b")
    found = find_run(tree, "03", session="b", entities={"acq": "slow"})
    assert found.bold.name == "sub-03_ses-b_task-av_acq-slow_bold.nii.gz"
    assert found.events is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"subject": "09"}, r"there is no sub-09 in .*; there are sub-01, sub-02"),
        ({"subject": "01", "task": "rest"}, "no run with task=rest; there are: run=1; run=2"),
        ({"subject": "01", "run": 3}, "no run with run=3"),
        ({"subject": "01", "derivatives": "nowhere"}, "there are no derivatives at"),
    ],
)
def test_what_is_not_there_is_said(tree, call, words):
    with pytest.raises(FileNotFoundError, match=words):
        find_run(tree, **call)


def test_folders_that_are_no_datasets(tmp_path, tree):
    with pytest.raises(FileNotFoundError, match="missing"):
        find_run(tmp_path / "nothing", "01")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="is not a BIDS dataset"):
        find_run(tmp_path / "empty", "01")
    (tree / "sub-01" / "sub-01_task-av_bold.json").write_text("{")
    with pytest.raises(ValueError, match=r"sub-01_task-av_bold.json is not valid JSON"):
        find_run(tree, "01", run=1)
    (tree / "sub-01" / "sub-01_task-av_bold.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"sub-01_task-av_bold.json must hold a JSON object"):
        find_run(tree, "01", run=1)


@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        (("motion",), {"motion": "basic"}),
        (("motion",), {"motion": "power2"}),
        (("motion",), {"motion": "derivatives"}),
        (("motion", "wm_csf"), {"motion": "full", "wm_csf": "derivatives"}),
        (("motion", "high_pass", "global_signal"), {"global_signal": "power2"}),
        (("high_pass", "compcor"), {"compcor": "anat_combined", "n_compcor": 1}),
        (("high_pass", "compcor"), {"compcor": "anat_separated"}),
        (("high_pass", "compcor"), {"compcor": "temporal_anat_combined"}),
        (("motion", "scrub"), {"scrub": 5, "fd_threshold": 0.5, "std_dvars_threshold": 1.5}),
        (("motion", "scrub"), {"scrub": 0, "fd_threshold": 0.3, "std_dvars_threshold": 1.2}),
    ],
)
def test_strategies_choose_what_nilearn_chooses(prepared, strategy, options):
    from nilearn.interfaces.fmriprep import load_confounds as reference

    func = prepared / "derivatives" / PREP / "sub-01" / "func"
    ours, kept = load_confounds(func / "sub-01_task-av_run-1_desc-confounds_timeseries.tsv", strategy, **options)
    theirs, theirs_kept = reference(
        str(func / "sub-01_task-av_run-1_desc-preproc_bold.nii.gz"), strategy=strategy, demean=False, **options
    )
    assert sorted(ours.columns) == sorted(theirs.columns)
    # The first value of a derivative does not exist; nilearn and we fill it differently. Before version 3 pandas, by
    # which nilearn reads, takes a third of all decimals for a neighbouring number, up to two roundings away.
    rounding = 0 if int(pd.__version__.partition(".")[0]) >= 3 else 1e-15
    np.testing.assert_allclose(ours[theirs.columns].to_numpy()[1:], theirs.to_numpy()[1:], rtol=rounding, atol=rounding)
    assert np.isfinite(ours.to_numpy()).all()
    if theirs_kept is None:
        assert kept is None
    else:
        np.testing.assert_array_equal(kept, theirs_kept)


def test_scans_to_leave_out_become_columns(prepared):
    found = find_run(prepared, "01", run=2, confounds=("motion", "scrub"))
    names = [name for name in found.confounds.columns if name.startswith("left_out_")]
    # 12 and 15, with the two scans between them; 30; 40, with the four after it
    assert names == [f"left_out_{scan}" for scan in (12, 13, 14, 15, 30, *range(40, 45))]
    assert (found.confounds[names].sum() == 1).all()


def test_strategies_that_do_not_fit_say_so(prepared):
    func = prepared / "derivatives" / PREP / "sub-01" / "func"
    path = func / "sub-01_task-av_run-1_desc-confounds_timeseries.tsv"
    with pytest.raises(ValueError, match=r"strategy must be one of 'motion', .*, not 'ica'"):
        load_confounds(path, "ica")
    with pytest.raises(ValueError, match="motion must be one of 'basic'"):
        load_confounds(path, "motion", motion="some")
    bare = path.with_name("bare.tsv")
    pd.DataFrame({"trans_x": [0.0, 1]}).to_csv(bare, sep="\t", index=False)
    with pytest.raises(ValueError, match="has no column trans_y, trans_z, rot_x, rot_y, rot_z, which strategy"):
        load_confounds(bare, "motion", motion="basic")


def test_all_runs_of_a_task(tree, prepared):
    raw = find_runs(tree, "01", derivatives=False)
    assert [run.entities["run"] for run in raw] == ["1", "2"]
    assert [run.bold for run in raw] == [find_run(tree, "01", run=n, derivatives=False).bold for n in (1, 2)]
    assert [run.entities["run"] for run in find_runs(tree, "01", runs=[2], derivatives=False)] == ["2"]
    assert len(find_runs(tree, "02")) == 1
    with pytest.raises(FileNotFoundError, match=r"no run 7; there are: run=1; run=2"):
        find_runs(tree, "01", runs=[1, 7], derivatives=False)
    # One run in two spaces is not two runs.
    with pytest.raises(BidsQuestion, match="differ in more than their run"):
        find_runs(prepared, "01")


def test_all_runs_of_a_task_open_as_tabs(tree):
    pytest.importorskip("anywidget")
    from glmwidgets.panels.explore import explore

    several = explore("sub-01", dataset=tree, task="av", run="all")
    assert several.runs.names == ("run 1", "run 2", "fixed effects")
    assert [session.run.t_r for session in several.runs.sessions] == [3.0, 3.0]
    several.close()
    one = explore("sub-01", dataset=tree, task="av", run=[2])
    assert one.session.run.name == "sub-01_task-av_run-2_bold"
    one.close()


@pytest.fixture
def table(tmp_path):
    """Where a table of confounds is, and a way to write it with some cells in another way."""

    def write(said=None, **cells):
        frame = _confounds(60).astype(object)
        for name, (row, cell) in cells.items():
            frame.loc[row, name] = cell
        path = tmp_path / "sub-01_desc-confounds_timeseries.tsv"
        frame.to_csv(path, sep="\t", index=False, na_rep="n/a")
        if said is not None:
            path.with_suffix(".json").write_text(json.dumps(said))
        return path

    return write


def test_a_cell_that_is_a_word_is_refused_where_its_column_is_used(table):
    path = table(trans_y=(7, "bad"), framewise_displacement=(9, "0,9"))
    assert len(load_confounds(path, "wm_csf")[0].columns) == 2
    with pytest.raises(ValueError, match=r"timeseries.tsv: 'bad' in column 'trans_y', row 7"):
        load_confounds(path, "motion")
    with pytest.raises(ValueError, match=r"'0,9' in column 'framewise_displacement', row 9"):
        load_confounds(path, "scrub")


def test_only_derivatives_have_no_first_value(table):
    chosen, _ = load_confounds(table(trans_x=(0, np.nan)), "motion", motion="derivatives")
    assert chosen.loc[0, "trans_x_derivative1"] == 0
    assert np.isnan(chosen.loc[0, "trans_x"])


@pytest.mark.parametrize("n", [-1, 0, 2.5, "some", True])
def test_a_number_of_components_is_one(table, n):
    with pytest.raises(ValueError, match="n_compcor is the number of components of each mask"):
        load_confounds(table(), "compcor", n_compcor=n)


def test_what_a_strategy_does_not_find_is_said(table, tmp_path):
    with pytest.warns(UserWarning, match="has 4 components from a_comp_cor_00 on, not 6"):
        assert load_confounds(table(), "compcor", n_compcor=6)[0].shape == (60, 4)
    with pytest.raises(ValueError, match="is not a sidecar of confounds: it holds a list"):
        load_confounds(table(said=["a"]), "compcor")
    old = pd.read_csv(table(said={"a_comp_cor_00": "combined"}), sep="\t").filter(regex="^(?!cosine)")
    old.to_csv(tmp_path / "old.tsv", sep="\t", index=False, na_rep="n/a")
    with pytest.warns(UserWarning, match="has no column cosine00: strategy 'high_pass' takes none"):
        assert load_confounds(tmp_path / "old.tsv", "high_pass")[0].shape == (60, 0)
