"""Files that hold another part of the signal than magnitudes are refused at every door, by name or JSON file."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

import glmwidgets as gw
from glmwidgets.cli import main
from glmwidgets.images.load import load_run
from glmwidgets.study.index import runs_of_table

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
