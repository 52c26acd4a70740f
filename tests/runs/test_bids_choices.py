"""Every run of a dataset that a question offers can be had, at each door, in that door's words."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.cli import main
from glmwidgets.runs.bids import NARROW, BidsQuestion, find_run, find_runs

MNI = "space-MNI152NLin2009cAsym_"

# Datasets: what tells their runs apart, and which of these no one else may be taken for.
DATASETS = {
    "native and template spaces": [f"sub-01_task-x_{space}desc-preproc" for space in ("", "space-T1w_", MNI)],
    "combined and single echoes": [f"sub-01_task-x_{echo}desc-preproc" for echo in ("", "echo-1_", "echo-2_")],
    "raw echoes": [f"sub-01_task-x_echo-{echo}" for echo in "123"],
    "runs in two spaces": [f"sub-01_task-x_run-{run}_{space}desc-preproc" for run in "12" for space in ("", MNI)],
    "other pipelines": [f"sub-01_task-x_{MNI}desc-{desc}" for desc in ("denoised", "optcom", "denoisedSmoothed")],
    "a resolution": [f"sub-01_task-x_{MNI}{res}desc-preproc" for res in ("", "res-2_")],
}


def _write(folder, stem):
    folder.mkdir(parents=True, exist_ok=True)
    img = nib.Nifti1Image(np.random.default_rng(0).normal(1000, 10, (4, 4, 3, 40)).astype(np.float32), np.eye(4))
    img.header.set_zooms((1, 1, 1, 2.0))
    img.header.set_xyzt_units("mm", "sec")
    nib.save(img, folder / f"{stem}_bold.nii.gz")
    return folder / f"{stem}_bold.nii.gz"


def _write_events(folder, stem="sub-01_task-x"):
    folder.mkdir(parents=True, exist_ok=True)
    events = pd.DataFrame({"onset": np.arange(6, 60, 12.0), "duration": 4.0, "trial_type": "a"})
    events.to_csv(folder / f"{stem}_events.tsv", sep="\t", index=False)


@pytest.fixture(params=DATASETS)
def offered(request, tmp_path):
    """A dataset, its images, and the question that it raises."""
    stems = DATASETS[request.param]
    for stem in stems:
        _write(tmp_path / "data" / "sub-01" / "func", stem)
    for name in ("sub-01_task-x", "sub-01_task-x_run-1", "sub-01_task-x_run-2"):
        _write_events(tmp_path / "data" / "sub-01" / "func", name)
    with pytest.raises(BidsQuestion) as asked:
        find_run(tmp_path / "data", "01", confounds=None)
    return tmp_path / "data", {f"{stem}_bold.nii.gz" for stem in stems}, asked.value


def _pairs(choice):
    return dict(part.split("=") for part in choice.split())


def test_every_choice_finds_its_own_run(offered):
    root, names, question = offered
    found = set()
    for choice in question.choices:
        pairs = _pairs(choice)
        narrow = {name: pairs.pop(name) for name in NARROW if name in pairs}
        found.add(find_run(root, "01", confounds=None, entities=pairs, **narrow).bold.name)
    assert found == names


def test_every_choice_can_be_typed(offered, tmp_path, capsys):
    root, names, question = offered
    nib.save(nib.Nifti1Image(np.ones((4, 4, 3), np.uint8), np.eye(4)), tmp_path / "mask.nii.gz")
    common = ["fit", "--bids", str(root), "--subject", "01", "--mask", str(tmp_path / "mask.nii.gz"), "--contrast", "a"]
    found = set()
    for i, choice in enumerate(question.choices):
        typed = []
        for name, value in _pairs(choice).items():
            typed += [f"--{name}", value] if name in NARROW else ["--entity", f"{name}={value}"]
            assert typed[-2] in question.said("terminal")
        assert main([*common, *typed, "--out", str(tmp_path / f"out{i}")]) == 0
        out = capsys.readouterr().out
        (name,) = {name for name in names if name in out}
        found.add(name)
    assert found == names
    assert main([*common, "--out", str(tmp_path / "none")]) == 2
    assert "entities={" not in capsys.readouterr().err


def test_an_entity_that_is_no_pair_is_said(tmp_path, capsys):
    assert (
        main(["fit", "--bids", str(tmp_path), "--subject", "1", "--entity", "echo", "--out", str(tmp_path / "o")]) == 2
    )
    assert "--entity takes KEY=VALUE, such as echo=2, not 'echo'" in capsys.readouterr().err


def test_all_runs_without_an_entity_open_together(tmp_path):
    for stem in [f"sub-01_task-x_run-{run}_{echo}desc-preproc" for run in "12" for echo in ("", "echo-1_")]:
        _write(tmp_path / "sub-01" / "func", stem)
    found = find_runs(tmp_path, "01", entities={"echo": None})
    assert [run.bold.name for run in found] == [f"sub-01_task-x_run-{run}_desc-preproc_bold.nii.gz" for run in "12"]


def test_fmriprep_goes_before_the_raw_run_and_that_before_other_pipelines(tmp_path):
    raw = _write(tmp_path / "sub-01" / "func", "sub-01_task-x")
    other = _write(tmp_path / "derivatives" / "xcp_d" / "sub-01" / "func", "sub-01_task-x_desc-denoised")
    assert find_run(tmp_path, "01").bold == raw
    assert find_run(tmp_path, "01", entities={"desc": "denoised"}).bold == other
    assert find_run(tmp_path, "01", derivatives="derivatives/xcp_d").bold == other
    prepared = _write(tmp_path / "derivatives" / "fmriprep" / "sub-01" / "func", "sub-01_task-x_desc-preproc")
    assert find_run(tmp_path, "01").bold == prepared
    assert find_run(tmp_path, "01", derivatives=False).bold == raw


@pytest.mark.parametrize(
    "described",
    [
        {"DatasetLinks": {"raw": "../somewhere/raw data"}},
        {"DatasetLinks": {"raw": "file://{root}/somewhere/raw%20data"}},
        {"SourceDatasets": [{"URL": "{root}/somewhere/raw data"}, {"URL": "https://doi.org/10.18112/x"}]},
        None,  # a folder sourcedata/raw, as the standard proposes
    ],
)
def test_events_lie_in_the_dataset_that_the_derivative_names(tmp_path, described):
    derived = tmp_path / "prepared"
    _write(derived / "sub-01" / "func", "sub-01_task-x_desc-preproc")
    raw = tmp_path / "somewhere" / "raw data"
    if described is None:
        raw = derived / "sourcedata" / "raw"
    else:
        text = json.dumps(described).replace("{root}", str(tmp_path))
        (derived / "dataset_description.json").write_text(text)
    _write(raw / "sub-01" / "func", "sub-01_task-x")
    _write_events(raw / "sub-01" / "func")
    (raw / "task-x_bold.json").write_text(json.dumps({"RepetitionTime": 2.0}))
    found = find_run(derived, "01")
    assert found.events == raw / "sub-01" / "func" / "sub-01_task-x_events.tsv"
    assert found.t_r == 2.0


def test_a_description_that_cannot_be_read_is_said(tmp_path):
    _write(tmp_path / "sub-01" / "func", "sub-01_task-x_desc-preproc")
    (tmp_path / "dataset_description.json").write_text("{")
    with pytest.raises(ValueError, match=r"dataset_description.json is not valid JSON"):
        find_run(tmp_path, "01")
    (tmp_path / "dataset_description.json").write_text("[]")
    with pytest.raises(ValueError, match=r"dataset_description.json must hold a JSON object"):
        find_run(tmp_path, "01")
