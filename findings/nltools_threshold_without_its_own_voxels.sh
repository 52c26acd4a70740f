#!/usr/bin/env bash
# nltools 0.5.1: a map thresholded by FDR lacks the voxels whose p is the threshold, with permutations often all.
#
# fdr gives the largest p that passes, as the method of Benjamini and Hochberg has it: tests at or below it are
# rejected. threshold keeps voxels whose p is below it. The weakest voxel is always lost; and p values of permutations
# have ties, so that fifty voxels that share the smallest p that 5,000 permutations can give all pass and none is left
# on the map. ttest and randomise with threshold_dict={"fdr": q} go this way. Guess beforehand: what fdr finds stays.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nltools==0.5.1 nilearn==0.13.1 nibabel==5.3.3 numpy==1.23.5 pandas==2.3.3 scipy==1.15.3
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import nibabel as nib, nltools, numpy as np
from nltools.data import Brain_Data
from nltools.stats import fdr, threshold

rng = np.random.default_rng(0)
shape = (10, 10, 10)
mask = nib.Nifti1Image(np.ones(shape, "f4"), np.eye(4))
nib.save(mask, "mask.nii")
found = {}
for name, tied in (("ties", True), ("no ties", False)):
    p = rng.uniform(0.1, 1, 1000)
    p[:50] = 1 / 5001 if tied else rng.uniform(1e-5, 1e-3, 50)
    maps = [Brain_Data(nib.Nifti1Image(values.reshape(shape), np.eye(4)), mask="mask.nii") for values in (np.where(p < 0.1, 5.0, 0.5), p)]
    cut = fdr(maps[1].data, q=0.05)
    found[name] = int((maps[1].data <= cut).sum()), int((threshold(maps[0], maps[1], cut).data != 0).sum())
    print(f"nltools {nltools.__version__}, {name}: {found[name][0]} voxels pass an FDR of 5 %, {found[name][1]} are left on the map")
assert found == {"ties": (50, 0), "no ties": (50, 49)}
PY
