#!/usr/bin/env bash
# nilearn 0.14.1: save_glm_to_bids(contrast_types={name: "F"}) writes the t statistic to a file called stat-F.
#
# The type that is asked for goes into the file's name and not into the test: a contrast of one row is computed as t.
# Guess beforehand: stat-F_statmap.nii.gz holds F, which is never negative and, of one row, t squared.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nilearn==0.14.1 matplotlib
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import nibabel as nib, nilearn, numpy as np, pandas as pd
from nilearn.glm.first_level import FirstLevelModel
from nilearn.interfaces.bids import save_glm_to_bids
print("nilearn", nilearn.__version__)
rng = np.random.default_rng(0)
img = nib.Nifti1Image(100 + rng.normal(size=(6, 6, 6, 40)), np.eye(4))
design = pd.DataFrame({"task": rng.normal(size=40), "constant": 1.0})
mask = nib.Nifti1Image(np.ones((6, 6, 6), np.uint8), np.eye(4))
model = FirstLevelModel(mask_img=mask, minimize_memory=False).fit(img, design_matrices=design)
save_glm_to_bids(model, {"task": np.array([1.0, 0.0])}, contrast_types={"task": "F"}, out_dir="out", prefix="sub-01")
saved = nib.load("out/sub-01/sub-01_contrast-task_stat-F_statmap.nii.gz").get_fdata()
t, f = (model.compute_contrast(np.array([1.0, 0.0]), stat_type=kind, output_type="stat").get_fdata() for kind in "tF")
print(f"stat-F: {saved.min():.2f} to {saved.max():.2f}; t: {t.min():.2f} to {t.max():.2f}; F: {f.min():.2f} to {f.max():.2f}")
assert np.allclose(saved, t) and saved.min() < 0 <= f.min()
PY
