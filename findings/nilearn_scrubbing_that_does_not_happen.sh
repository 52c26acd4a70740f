#!/usr/bin/env bash
# nilearn 0.14.1: first_level_from_bids with the strategy "scrub" returns and fits models in which no scan is scrubbed.
#
# load_confounds answers a strategy with two things, the table and the scans to keep. first_level_from_bids, which
# names "scrub" in its own examples, hands on the first only: 5 of 60 scans have moved by 3 mm, load_confounds keeps 55,
# the table that comes out has 60 rows and no regressor of outliers, and the model fits all 60. Nothing is said. Guess
# beforehand: the mask is among what is returned, or a warning.
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
from nilearn.interfaces.fmriprep import load_confounds
scans, rng, name = 60, np.random.default_rng(0), "sub-01_task-rest"
raw, made = Path("bids/sub-01/func"), Path("bids/derivatives/sub-01/func")
raw.mkdir(parents=True), made.mkdir(parents=True)
image = nib.Nifti1Image(rng.normal(100, 1, size=(4, 4, 4, scans)).astype("f4"), np.eye(4))
image.header.set_zooms((1, 1, 1, 2.0))
about = json.dumps({"RepetitionTime": 2.0, "StartTime": 1.0, "TaskName": "rest", "SkullStripped": False})
nib.save(image, raw / f"{name}_bold.nii.gz")
nib.save(image, made / f"{name}_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz")
(raw / f"{name}_bold.json").write_text(about)
(made / f"{name}_space-MNI152NLin2009cAsym_desc-preproc_bold.json").write_text(about)
events = pd.DataFrame({"onset": [5.0, 45, 85], "duration": 2.0, "trial_type": "a"})
events.to_csv(raw / f"{name}_events.tsv", sep="\t", index=False)
table = pd.DataFrame({f"{kind}_{axis}": rng.normal(size=scans) for kind in ("trans", "rot") for axis in "xyz"})
table["framewise_displacement"], table["std_dvars"] = 0.1, 1.0
table.loc[20:24, "framewise_displacement"] = 3.0
table.to_csv(made / f"{name}_desc-confounds_timeseries.tsv", sep="\t", index=False)
(made / f"{name}_desc-confounds_timeseries.json").write_text("{}")
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    models, runs, events, confounds = first_level_from_bids(
        "bids", "rest", "MNI152NLin2009cAsym", img_filters=[("desc", "preproc")], derivatives_folder="derivatives",
        confounds_strategy=("motion", "scrub"), confounds_motion="basic", confounds_scrub=0, confounds_fd_threshold=0.5,
    )
    models[0].mask_img = nib.Nifti1Image(np.ones((4, 4, 4), "i1"), np.eye(4))
    models[0].fit(runs[0], events[0], confounds[0])
_, kept = load_confounds(runs[0], strategy=("motion", "scrub"), motion="basic", scrub=0, fd_threshold=0.5)
words = [str(w.message) for w in said]
print("nilearn", nilearn.__version__)
print("scans that load_confounds keeps:", len(np.ravel(kept)))
print("rows and names of the confounds:", confounds[0].shape, list(confounds[0]))
print("rows of the fitted design:      ", len(models[0].design_matrices_[0]))
print("said:", words)
assert len(np.ravel(kept)) == 55 and confounds[0].shape == (60, 6) and len(models[0].design_matrices_[0]) == 60
assert not any("scrub" in word or "sample" in word or "outlier" in word for word in words)
PY
