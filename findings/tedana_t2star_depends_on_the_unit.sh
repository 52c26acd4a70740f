#!/usr/bin/env bash
# tedana 26.0.3: T2* grows fourfold when the images are divided by a thousand.
#
# The decay of a signal over echoes has no unit: T2* of images in any scale of intensity is the same. The default fit is
# of log(signal + 1), the one being there for zeros. For values in the hundreds that does nothing; for images scaled to
# a mean of one, or floating point values of a scanner that are as small, T2* comes out as 132 ms instead of 30, and as
# the echoes are combined by T2* the combined run has other weights. Nothing is said. Guess beforehand: the same T2*, S0
# a thousandth.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet tedana==26.0.3 six nilearn==0.14.1 nibabel==5.4.2 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" -W ignore - 2>"$work/log" <<'PY' || { cat "$work/log" >&2; exit 1; }
import nibabel as nib, numpy as np, tedana
from tedana.workflows import t2smap_workflow

rng = np.random.default_rng(0)
times, t2star = [0.015, 0.039, 0.063], 0.030
signal = rng.uniform(800, 1200, (8, 8, 8, 1)) * (1 + 0.01 * rng.normal(size=(8, 8, 8, 40)))
nib.save(nib.Nifti1Image(np.ones((8, 8, 8), "i1"), np.eye(4)), "mask.nii.gz")
print("tedana", tedana.__version__, "true T2* 30 ms")
found = {}
for scale in (1, 0.01, 0.001):
    paths = [f"echo{i}_{scale}.nii.gz" for i in range(3)]
    for path, time in zip(paths, times):
        nib.save(nib.Nifti1Image((scale * signal * np.exp(-time / t2star)).astype("f4"), np.eye(4)), path)
    t2smap_workflow(paths, times, out_dir=f"out{scale}", mask="mask.nii.gz", quiet=True)
    maps = [nib.load(f"out{scale}/{name}.nii.gz").get_fdata() for name in ("T2starmap", "S0map", "desc-optcom_bold")]
    found[scale] = np.median(maps[0]) * 1000, np.median(maps[1]) / scale, np.median(maps[2]) / scale
    print(f"images times {scale}: T2* {found[scale][0]:.1f} ms, S0 {found[scale][1]:.0f} and combined run {found[scale][2]:.0f} in the first unit")
assert abs(found[1][0] - 30) < 0.5 and 40 < found[0.01][0] < 43 and 125 < found[0.001][0] < 140
assert found[0.001][1] > 1.6 * found[1][1] and found[0.001][2] < 0.8 * found[1][2]
PY
