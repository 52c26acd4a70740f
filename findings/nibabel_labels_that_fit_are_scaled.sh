#!/usr/bin/env bash
# nibabel 5.4.2: whole labels that fit an integer type are changed if their array is of floats.
#
# Regions 1000, 2035 and 11175 all fit int16. From an array of integers they are stored as they are; from one of
# floats, what get_fdata and every resampling hand out, they are stretched over the type's range and come back as
# 999.93, 2034.98 and 11175.0004: no region equals its number in the atlas's table any more, and casting to int makes
# 999 and 2034 of them. Guess beforehand: whole values within the type's range need no scaling.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nibabel==5.4.2 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import nibabel as nib, numpy as np
regions = [0, 1000, 2035, 11175]
labels = np.array(regions).repeat(16).reshape(4, 4, 4)
def saved(array):
    image = nib.Nifti1Image(array, np.eye(4))
    image.set_data_dtype("i2")
    return np.unique(nib.Nifti1Image.from_bytes(image.to_bytes()).get_fdata())
print("nibabel", nib.__version__)
print("from integers:", saved(labels.astype("i4")))
print("from floats:  ", saved(labels.astype("f4")), "as integers:", saved(labels.astype("f4")).astype(int))
assert saved(labels.astype("i4")).tolist() == regions
assert saved(labels.astype("f4")).astype(int).tolist() == [0, 999, 2034, 11175]
PY
