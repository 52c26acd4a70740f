#!/usr/bin/env bash
# nilearn 0.14.1 and nibabel 5.4.2: an image in micrometres is smoothed as if it were in millimetres.
#
# NIfTI names the unit of space in xyzt_units; ex-vivo and rodent images use micrometres. nibabel hands out the affine
# in the file's unit, nilearn takes it for millimetres: smoothing by 6 mm of voxels of 2000 micrometres does nothing,
# and a cluster's volume comes out 10^9 times too large. Guess beforehand: one of the two converts.
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
from nilearn.image import smooth_img
from nilearn.reporting import get_clusters_table
data = np.zeros((21, 21, 21), dtype="f4")
data[10, 10, 10] = 1
def image(size, unit):
    made = nib.Nifti1Image(data, np.diag([size, size, size, 1.0]))
    made.header.set_xyzt_units(unit, "sec")
    return made
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    peaks = {unit: float(smooth_img(image(size, unit), 6.0).get_fdata().max()) for size, unit in ((2.0, "mm"), (2000.0, "micron"))}
    sizes = {unit: get_clusters_table(image(size, unit), 0.5)["Cluster Size (mm3)"][0] for size, unit in ((2.0, "mm"), (2000.0, "micron"))}
print("nilearn", nilearn.__version__, "nibabel", nib.__version__)
print("peak after 6 mm of smoothing:", peaks)
print("size of one voxel in mm3:    ", sizes)
assert peaks["mm"] < 0.05 and peaks["micron"] == 1.0 and sizes["micron"] == 10**9 * sizes["mm"]
assert not [w for w in said if "micron" in str(w.message)]
PY
