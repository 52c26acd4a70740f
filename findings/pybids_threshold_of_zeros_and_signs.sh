#!/usr/bin/env bash
# pybids 0.22.0: Threshold(binarize) makes ones of zeros, and Threshold(signed=False) turns negative values over.
#
# Its documentation: "binarizes all non-zero values", and without a sign "all absolute values > 3 would be retained". By
# default the cut is at 0 and zero passes it, so a column of right (1) and wrong (0) answers becomes one of ones. And
# with signed=False the value that is retained is not the value but its size: -5 comes back as 5, and a regressor of it
# points the other way. Nothing is said. Guess beforehand: zeros stay zeros, and what is retained is kept.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pybids==0.22.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import json
from pathlib import Path
import bids, nibabel as nib, numpy as np, pandas as pd
from bids.modeling import transformations

root, func = Path("data"), Path("data/sub-01/func")
func.mkdir(parents=True)
(root / "dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.9.0"}))
image = nib.Nifti1Image(np.zeros((2, 2, 2, 60), "f4"), np.eye(4))
image.header.set_zooms((1, 1, 1, 2.0))
nib.save(image, func / "sub-01_task-x_bold.nii.gz")
(func / "sub-01_task-x_bold.json").write_text(json.dumps({"RepetitionTime": 2.0, "TaskName": "x"}))
events = pd.DataFrame({"onset": [10.0, 30, 50, 70], "duration": 5.0, "correct": [1, 0, 1, 0], "valence": [-5, 1, 4, -1]})
events.to_csv(func / "sub-01_task-x_events.tsv", sep="\t", index=False)
collection = bids.BIDSLayout(root).get_collections("run", task="x")[0]
transformations.Threshold(collection, "correct", binarize=True, output="binarized")
transformations.Threshold(collection, "valence", threshold=3, signed=False, output="strong")
seen = {name: collection.variables[name].values.tolist() for name in ("correct", "binarized", "valence", "strong")}
print("pybids", bids.__version__, seen)
assert "binarizes all non-zero values" in transformations.Threshold.__doc__
assert "all absolute values > 3 would be retained" in transformations.Threshold.__doc__
assert seen["correct"] == [1, 0, 1, 0] and seen["binarized"] == [1, 1, 1, 1]
assert seen["valence"] == [-5, 1, 4, -1] and seen["strong"] == [5, 0, 4, 0]
PY
