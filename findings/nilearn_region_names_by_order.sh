#!/usr/bin/env bash
# nilearn 0.14.1: a labels masker pairs names and label values by order where a value is absent from the image.
#
# A list of the atlas's six names beside a label image in which only values 1 and 5 occur (the usual case after
# cropping or resampling): region 5 is called by the second name. A warning says that there are too many names and
# that the surplus is dropped, not that the names are now of other regions.
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
from nilearn.maskers import NiftiLabelsMasker
labels = np.zeros((6, 6, 6), dtype="i4")
labels[:3], labels[3:5] = 1, 5
names = ["Background", "One", "Two", "Three", "Four", "Five"]
masker = NiftiLabelsMasker(nib.Nifti1Image(labels, np.eye(4)), labels=names, standardize=None)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    masker.fit_transform(nib.Nifti1Image(np.random.default_rng(0).normal(size=(6, 6, 6, 3)).astype("f4"), np.eye(4)))
value_of = {k: v for k, v in masker.region_ids_.items() if k != "background"}
named = {int(value_of[column]): name for column, name in masker.region_names_.items()}
print("nilearn", nilearn.__version__, "value: name", named, [str(w.message) for w in said])
assert named == {1: "One", 5: "Two"}
assert any("Too many names" in str(w.message) for w in said)
PY
