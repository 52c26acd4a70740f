#!/usr/bin/env bash
# nilearn 0.14.1: plot_stat_map(transparency=image, transparency_range=(1, 3)) raises; the same numbers in a list work.
#
# The message for a range of the wrong length asks for "a list or tuple" of two numbers, but the range is written into.
# Guess beforehand: a tuple does as a list does.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nilearn==0.14.1 matplotlib
cd "$work"
MPLBACKEND=agg "$work/venv/bin/python" -W ignore - <<'PY'
import nibabel as nib, nilearn, numpy as np
from nilearn.plotting import plot_stat_map
print("nilearn", nilearn.__version__)
z = nib.Nifti1Image(np.random.default_rng(0).normal(size=(8, 8, 8)) * 3, np.diag([4.0, 4, 4, 1]))
plot_stat_map(z, bg_img=None, transparency=z, transparency_range=[1, 3]).close()
print("list: drawn")
try:
    plot_stat_map(z, bg_img=None, transparency=z, transparency_range=(1, 3)).close()
    said = "drawn"
except TypeError as error:
    said = f"TypeError: {error}"
print("tuple:", said)
assert said == "TypeError: 'tuple' object does not support item assignment", said
PY
