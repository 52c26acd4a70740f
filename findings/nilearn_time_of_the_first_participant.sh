#!/usr/bin/env bash
# nilearn 0.14.1: first_level_from_bids gives every participant the TR and the slice reference of the first one's file.
#
# Two participants of one task, TR 2 s with StartTime 0.5 s and TR 1.5 s with StartTime 0.75 s, each told by its own
# JSON file and NIfTI header. Both models get TR 2 s and a reference of a quarter, so that the second participant's scan
# 40 is put 20 s too late and the events meet other scans. Neither the files that disagree nor the header bring a
# warning. Guess beforehand: each model has its run's own times.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nilearn==0.14.1 nibabel==5.4.2 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import json, warnings
from pathlib import Path
import nilearn, numpy as np, pandas as pd, nibabel as nib
from nilearn.glm.first_level import first_level_from_bids
for label, tr, start in (("01", 2.0, 0.5), ("02", 1.5, 0.75)):
    raw, made = Path(f"bids/sub-{label}/func"), Path(f"bids/derivatives/sub-{label}/func")
    raw.mkdir(parents=True), made.mkdir(parents=True)
    name = f"sub-{label}_task-x"
    image = nib.Nifti1Image(np.random.default_rng(0).normal(100, 1, size=(4, 4, 4, 60)).astype("f4"), np.eye(4))
    image.header.set_zooms((1, 1, 1, tr))
    image.header.set_xyzt_units("mm", "sec")
    about = {"RepetitionTime": tr, "TaskName": "x"}
    nib.save(image, raw / f"{name}_bold.nii.gz")
    (raw / f"{name}_bold.json").write_text(json.dumps(about))
    events = pd.DataFrame({"onset": [5.0, 30, 60], "duration": 2.0, "trial_type": "a"})
    events.to_csv(raw / f"{name}_events.tsv", sep="\t", index=False)
    nib.save(image, made / f"{name}_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz")
    about |= {"StartTime": start, "SliceTimingCorrected": True, "SkullStripped": False}
    (made / f"{name}_space-MNI152NLin2009cAsym_desc-preproc_bold.json").write_text(json.dumps(about))
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    models, runs, events, _ = first_level_from_bids(
        "bids", "x", "MNI152NLin2009cAsym", img_filters=[("desc", "preproc")], derivatives_folder="derivatives"
    )
    for model, run, table in zip(models, runs, events):
        model.mask_img = nib.Nifti1Image(np.ones((4, 4, 4), "i1"), np.eye(4))
        model.fit(run, table)
words = [str(w.message) for w in said]
print("nilearn", nilearn.__version__)
for model in models:
    print("TR", model.t_r, "reference", model.slice_time_ref, "time of scan 40", model.design_matrices_[0].index[40])
print("said:", words)
assert [(m.t_r, m.slice_time_ref) for m in models] == [(2.0, 0.25)] * 2
assert models[1].design_matrices_[0].index[40] == 80.5  # 1.5 * 40 + 0.75 = 60.75 by the participant's own files
assert not any("epetition" in word or "StartTime" in word or "t_r" in word for word in words)
PY
