#!/usr/bin/env bash
# nilearn 0.14.1: save_glm_to_bids writes the contrast called aMinusB as aminusb.
#
# An expression "a-b" becomes "aMinusB" in file names; a person who gives that very name to a contrast gets it in
# lower case. On a disk that ignores case the two maps have one name. Guess beforehand: a name that is valid already
# stays.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nilearn==0.14.1 nibabel==5.4.2 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 matplotlib==3.10.8
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import pathlib
import nilearn, numpy as np, pandas as pd, nibabel as nib
from nilearn.glm import save_glm_to_bids
from nilearn.glm.first_level import FirstLevelModel
rng = np.random.default_rng(0)
run = nib.Nifti1Image(rng.normal(100, 1, (5, 5, 5, 60)).astype("f4"), np.eye(4) * [3, 3, 3, 1])
mask = nib.Nifti1Image(np.ones((5, 5, 5), "u1"), run.affine)
events = pd.DataFrame({"onset": [10, 30, 50, 70], "duration": 5.0, "trial_type": list("abab")})
model = FirstLevelModel(t_r=2, mask_img=mask, minimize_memory=False).fit(run, events)
save_glm_to_bids(model, contrasts={"a-b": "a-b", "aMinusB": "b-a"}, out_dir="out", prefix="x")
names = sorted(path.name for path in pathlib.Path("out").rglob("*stat-t_statmap.nii.gz"))
print("nilearn", nilearn.__version__, names)
assert names == ["x_contrast-aMinusB_stat-t_statmap.nii.gz", "x_contrast-aminusb_stat-t_statmap.nii.gz"]
PY
