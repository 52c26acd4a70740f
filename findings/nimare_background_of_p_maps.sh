#!/usr/bin/env bash
# NiMARE 0.22.1: ImagesToCoordinates finds the most significant peak of a p map outside the brain.
#
# A p map that nilearn writes is 0 outside its mask. Where a study has no z map its p map is turned over, 1 - p, and
# thresholded: the background is then one cluster of p 0 and its "peak", with a z of 38.5, enters the meta-analysis as a
# focus that lies nowhere near an activation, in every such study about the same. The z map of the same study gives the
# one true peak. Nothing is said but that the p map was used. Guess beforehand: voxels outside the brain are left out.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nimare==0.22.1 nilearn==0.13.1 nibabel==5.4.2 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 PyMARE==0.0.13
cd "$work"
"$work/venv/bin/python" - 2>"$work/log" <<'PY' || { cat "$work/log" >&2; exit 1; }
import json
from pathlib import Path
import nibabel as nib, nimare, numpy as np
from nilearn.datasets import load_mni152_brain_mask
from nimare.transforms import ImagesToCoordinates
from scipy import ndimage, stats

mask = load_mni152_brain_mask(resolution=4)
inside = mask.get_fdata() > 0
z = np.random.default_rng(0).normal(size=inside.shape)
centre = np.array(ndimage.center_of_mass(inside)).astype(int)
z[tuple(slice(at - 1, at + 2) for at in centre)] = 5
maps = {"z": np.where(inside, z, 0), "p": np.where(inside, stats.norm.sf(z), 0)}
place = nib.affines.apply_affine(mask.affine, centre).tolist()
print("NiMARE", nimare.__version__, "an activation of z 5 at", place)
found = {}
for kind, values in maps.items():
    nib.save(nib.Nifti1Image(values.astype("f4"), mask.affine), f"{kind}.nii.gz")
    contrast = {"images": {kind: str(Path(f"{kind}.nii.gz").resolve())}, "metadata": {"sample_sizes": [20]}}
    Path(f"{kind}.json").write_text(json.dumps({"study": {"contrasts": {"1": contrast}}}))
    dataset = nimare.dataset.Dataset(f"{kind}.json", target="mni152_2mm")
    foci = ImagesToCoordinates(merge_strategy="demolish", cluster_threshold=5).transform(dataset).coordinates
    found[kind] = sorted((float(row.z_stat), [float(row.x), float(row.y), float(row.z)]) for row in foci.itertuples())
    print(f"foci of the {kind} map:", [(round(height, 1), where) for height, where in found[kind]])
assert [where for _, where in found["z"]] == [place]
assert len(found["p"]) == 2 and found["p"][0][1] == place
assert found["p"][1][0] > 38 and 4.9 < found["p"][0][0] < 5.3
PY
