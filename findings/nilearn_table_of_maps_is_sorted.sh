#!/usr/bin/env bash
# nilearn 0.14.1: SecondLevelModel sorts the maps of a table by subject and leaves the design matrix in the order it was given.
#
# A table of maps and a design matrix in one order, as they come from one participants file, fit another model than the
# list of the same maps: map and row no longer belong together, and a difference of ten between groups comes out as
# minus three. The sorting is documented as a help against inconsistent order. That the rows of the design are named by
# the same subjects does not matter, and nothing is said. Guess beforehand: rows are matched by name, or sorted with the
# maps.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nilearn==0.14.1 nibabel==5.4.2 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import warnings
import nibabel as nib, nilearn, numpy as np, pandas as pd
from nilearn.glm.second_level import SecondLevelModel

rng = np.random.default_rng(0)
subjects, group = ["s3", "s1", "s4", "s2", "s6", "s5"], [1, 0, 1, 0, 0, 1]
mask = nib.Nifti1Image(np.ones((3, 3, 3), "i1"), np.eye(4))
maps = [f"{subject}.nii" for subject in subjects]
for path, member in zip(maps, group):
    nib.save(nib.Nifti1Image((10 * member + rng.normal(size=(3, 3, 3))).astype("f4"), np.eye(4)), path)
table = pd.DataFrame({"subject_label": subjects, "map_name": "face", "effects_map_path": maps})
design = pd.DataFrame({"group": group, "intercept": 1}, index=subjects)
found = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, given, more in (("list", maps, {}), ("table", table, {"first_level_contrast": "face"})):
        model = SecondLevelModel(mask_img=mask).fit(given, design_matrix=design)
        found[name] = float(model.compute_contrast("group", output_type="effect_size", **more).get_fdata().mean())
print("nilearn", nilearn.__version__, "difference between the groups:", {name: round(value, 2) for name, value in found.items()})
print("said:", [str(w.message) for w in said])
assert found["list"] > 9 and found["table"] < -3
assert not any("order" in str(w.message) or "sort" in str(w.message) for w in said)
PY
