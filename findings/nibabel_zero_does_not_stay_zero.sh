#!/usr/bin/env bash
# nibabel 5.4.2: a map saved with the header of an integer image comes back without zeros, gaps and infinities.
#
# A z map is made with the affine and header of an int16 scan, as tutorials do. The values are kept to 3e-5, as scaling
# allows. But scaling has an intercept and no step of it meets zero: every voxel outside the brain is 1.7e-5 in the
# file, so "not zero" finds the whole volume. A missing voxel gets the same small number and looks measured; an
# infinite one gets the largest finite value. No warning. Guess beforehand: zero stays zero, and a warning for what has
# no integer.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nibabel==5.4.2 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import warnings
import nibabel as nib, numpy as np
scan = nib.Nifti1Image(np.zeros((8, 8, 8), dtype="i2"), np.eye(4))
z = np.random.default_rng(0).normal(size=(8, 8, 8))
z[:4] = 0  # outside the brain
z[5, 5, 5], z[6, 6, 6] = np.nan, np.inf
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    saved = nib.Nifti1Image.from_bytes(nib.Nifti1Image(z, scan.affine, scan.header).to_bytes()).get_fdata()
finite = np.isfinite(z)
print("nibabel", nib.__version__, "said:", [str(w.message) for w in said])
print("largest change of a finite value: %.1e" % np.abs(saved - z)[finite].max())
print("voxels that are not zero: %d before, %d in the file" % ((z != 0).sum(), (saved != 0).sum()))
print("outside the brain: %.1e" % saved[0, 0, 0])
print("missing -> %.1e, infinite -> %.3f" % (saved[5, 5, 5], saved[6, 6, 6]))
assert np.abs(saved - z)[finite].max() < 1e-4 and not said
assert (saved != 0).all() and 0 < abs(saved[5, 5, 5]) < 1e-4
assert abs(saved[6, 6, 6] - z[finite].max()) < 1e-4
PY
