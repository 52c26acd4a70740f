#!/usr/bin/env bash
# nilearn 0.14.1: smooth_img takes a missing voxel for zero and darkens its neighbours; nibabel spreads the gap.
#
# One scan of one voxel is not a number in data around 100. nilearn's smooth_img puts 0 in its place and smooths, so
# that the neighbour falls by five percent in that scan, without a word: a spike in a time series that was flat.
# nibabel's own smoothing makes every voxel within its kernel (343 here) missing. Neither smooths over what is there.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nilearn==0.14.1 nibabel==5.4.2 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import warnings
import nilearn, numpy as np, nibabel as nib
from nibabel.processing import smooth_image
from nilearn.image import smooth_img
data = np.full((21, 21, 21), 100.0, dtype="f4")
data[10, 10, 10] = np.nan
image = nib.Nifti1Image(data, np.eye(4))
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    ours = smooth_img(image, 2.0).get_fdata()
print("nilearn", nilearn.__version__, "nibabel", nib.__version__)
print("neighbour after nilearn's smooth_img:", ours[11, 10, 10].round(1), "warnings:", [str(w.message) for w in said])
gap = int(np.isnan(smooth_image(image, 2.0).get_fdata()).sum())
print("voxels lost by nibabel's smooth_image:", gap)
assert 90 < ours[11, 10, 10] < 95 and not np.isnan(ours).any() and not said and gap == 343
PY
