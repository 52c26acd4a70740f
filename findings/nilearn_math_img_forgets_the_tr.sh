#!/usr/bin/env bash
# nilearn 0.14.1: math_img of a run forgets its repetition time; smooth_img, clean_img and concat_imgs keep it.
#
# The result of a formula has a header of its own unless copy_header_from names an image, also where the formula has
# one image only. The time step becomes 1.0 without a unit being lost from sight: a tool that reads the TR from the
# header takes 1 s for 2.5 s. Guess beforehand: one image in, its header out.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nilearn==0.14.1 nibabel==5.4.2 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import nilearn, numpy as np, nibabel as nib
from nilearn import image
run = nib.Nifti1Image(np.random.default_rng(0).normal(size=(4, 4, 4, 50)).astype("f4"), np.eye(4))
run.header.set_zooms((1, 1, 1, 2.5))
run.header.set_xyzt_units("mm", "sec")
print("nilearn", nilearn.__version__)
seen = {
    "smooth_img": image.smooth_img(run, 3),
    "clean_img": image.clean_img(run, standardize=None),
    "concat_imgs": image.concat_imgs([run, run]),
    "math_img": image.math_img("i * 1", i=run),
    "math_img, copy_header_from": image.math_img("i * 1", i=run, copy_header_from="i"),
}
steps = {name: float(result.header.get_zooms()[3]) for name, result in seen.items()}
print(steps)
assert steps == {**dict.fromkeys(seen, 2.5), "math_img": 1.0}
PY
