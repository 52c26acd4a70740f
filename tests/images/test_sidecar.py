"""Files that hold another part of the signal than magnitudes are refused at every door, by name or JSON file."""

import json
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

import glmwidgets as gw
from glmwidgets.cli import main
from glmwidgets.images import sidecar as sidecars
from glmwidgets.images.load import load_run
from glmwidgets.runs.opening import open_runs
from glmwidgets.study.index import runs_of_dataset, runs_of_table

EVENTS = pd.DataFrame({"onset": [10.0, 40.0], "duration": 10.0, "trial_type": "face"})


def _saved(path, sidecar=None):
    data = np.random.default_rng(0).normal(1000, 10, (6, 7, 5, 40)).astype(np.float32)
    img = nib.Nifti1Image(data, np.diag([3, 3, 3, 1]))
    img.header.set_xyzt_units("mm", "sec")
    img.header["pixdim"][4] = 2
    nib.save(img, path)
    if sidecar is not None:
        path.with_suffix(".json").write_text(json.dumps(sidecar))
    return path


# A name, what stands beside it, and what is said; nothing of magnitudes.
PARTS = {
    "by name": ("sub-1_task-a_part-phase_bold.nii", None, "holds phases (part-phase in its name), not magnitudes"),
    "imaginary": ("sub-1_part-imag_bold.nii", None, "holds imaginary parts (part-imag in its name)"),
    "by type": ("run.nii", {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, "holds phases (ImageType P in the JSON"),
    "philips": (
        "run.nii",
        {"ImageType": ["ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE"]},
        "holds phases (ImageType P",
    ),
    "by units": ("run.nii", {"Units": "rad"}, "holds phases (Units rad in the JSON file beside it)"),
    "magnitudes": ("sub-1_part-mag_bold.nii", {"ImageType": ["ORIGINAL", "PRIMARY", "M", "P"]}, ""),
    "nothing": ("apart-phases.nii", {"ImageType": ["ORIGINAL", "PRIMARY", "EPI"], "RepetitionTime": 2.0}, ""),
    "odd": ("run.nii", ["rad"], ""),
}


@pytest.mark.parametrize("case", PARTS)
def test_parts_of_a_complex_signal_are_no_magnitudes(tmp_path, capsys, case):
    name, sidecar, said = PARTS[case]
    path = _saved(tmp_path / name, sidecar)
    EVENTS.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    (row,) = runs_of_table(pd.DataFrame({"bold": [str(path)], "events": str(tmp_path / "events.tsv")}))
    if not said:
        assert gw.open_run(path, EVENTS).n_scans == 40
        assert row.why_not == ""
        return
    for door in (gw.open_run, load_run, gw.FirstLevelModel(noise_model="ols").fit):
        with pytest.raises(ValueError, match="not magnitudes") as error:
            door(path) if door is load_run else door(path, EVENTS)
        assert said in str(error.value)
    assert said in row.why_not
    words = ["fit", str(path), "--events", str(tmp_path / "events.tsv"), "--contrast", "face"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err


def test_values_that_were_taken_into_memory_are_as_they_are(tmp_path):
    img = nib.load(_saved(tmp_path / "sub-1_part-phase_bold.nii"))
    assert gw.open_run(nib.Nifti1Image(img.get_fdata(), img.affine, img.header), EVENTS).n_scans == 40


@pytest.fixture
def reads(monkeypatch):
    """Names of the JSON files that are read, in their order."""
    found, parse = [], sidecars.parse_json

    def counted(raw, source):
        found.append(Path(source).name)
        return parse(raw, source)

    monkeypatch.setattr(sidecars, "parse_json", counted)
    return found


def test_a_sidecar_is_read_once_while_a_run_is_opened(tmp_path, reads):
    path = _saved(tmp_path / "run.nii", {"RepetitionTime": 2.5})
    EVENTS.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    design = pd.DataFrame({"face": np.arange(40) // 10 % 2, "constant": 1.0})
    doors = (
        lambda: gw.open_run(path, EVENTS),
        lambda: gw.open_run(path, design=design),
        lambda: open_runs([path], [EVENTS]),
        lambda: gw.FirstLevelModel(noise_model="ols", mask_img=False).fit(path, EVENTS),
        lambda: runs_of_table(pd.DataFrame({"bold": [str(path)], "events": str(tmp_path / "events.tsv")})),
    )
    for number, door in enumerate(doors, start=1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            door()
        assert reads == ["run.json"] * number
    # The next opening reads it anew: it may be another by then.
    path.with_suffix(".json").write_text(json.dumps({"RepetitionTime": 3.0}))
    with pytest.warns(UserWarning, match="gives a TR of 3 s"):
        assert gw.open_run(path, EVENTS).t_r == 3.0


def test_sidecars_of_a_dataset_are_read_once_whatever_runs_they_are_of(tmp_path, reads):
    func = tmp_path / "sub-01" / "func"
    func.mkdir(parents=True)
    (tmp_path / "task-a_bold.json").write_text(json.dumps({"RepetitionTime": 2.0}))
    for run in (1, 2):
        _saved(func / f"sub-01_task-a_run-{run}_bold.nii", {"StartTime": 0.5})
        EVENTS.to_csv(func / f"sub-01_task-a_run-{run}_events.tsv", sep="\t", index=False)
    own = [f"sub-01_task-a_run-{run}_bold.json" for run in (1, 2)]
    assert gw.open_run("sub-01", dataset=tmp_path, task="a", run=1).slice_time_ref == 0.25
    assert sorted(reads) == [own[0], "task-a_bold.json"]
    reads.clear()
    assert len(open_runs("sub-01", dataset=tmp_path, task="a", run="all")) == 2
    assert sorted(reads) == [*own, "task-a_bold.json"]
    reads.clear()
    assert len(runs_of_dataset(tmp_path)) == 2
    assert sorted(reads) == [*own, "task-a_bold.json"]
