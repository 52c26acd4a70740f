#!/usr/bin/env bash
# pybids 0.22.0: ToDense drops events of duration 0, and of two events that overlap keeps the later one alone.
#
# Convolve adds responses: two events that overlap add up, and one of duration 0 is an impulse. A variable that ToDense
# (or any step with dense=True) samples is filled in by assignment: an event of duration 0 fills no sample, so that a
# regressor of brief events is zero everywhere, and where a second event begins before the first is over the first ends.
# Nothing is said. Guess beforehand: the same sum of events at a finer time step.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pybids==0.22.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import json, warnings
from pathlib import Path
import bids, nibabel as nib, numpy as np, pandas as pd
from bids.modeling import transformations

def response(name, events, dense):
    root, func = Path(name), Path(name) / "sub-01" / "func"
    func.mkdir(parents=True, exist_ok=True)
    (root / "dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.9.0"}))
    image = nib.Nifti1Image(np.zeros((2, 2, 2, 60), "f4"), np.eye(4))
    image.header.set_zooms((1, 1, 1, 2.0))
    nib.save(image, func / "sub-01_task-x_bold.nii.gz")
    (func / "sub-01_task-x_bold.json").write_text(json.dumps({"RepetitionTime": 2.0, "TaskName": "x"}))
    pd.DataFrame(events).to_csv(func / "sub-01_task-x_events.tsv", sep="\t", index=False)
    collection = bids.BIDSLayout(root).get_collections("run", task="x")[0]
    if dense:
        transformations.ToDense(collection, "size", sampling_rate=10)
    transformations.Convolve(collection, "size")
    return collection.variables["size"].values.to_numpy().ravel()

brief = {"onset": [10.0, 30.0, 50.0], "duration": 0.0, "size": 1.0}
overlap = {"onset": [10.0, 15.0], "duration": [10.0, 10.0], "size": 1.0}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    seen = {(name, dense): response(name, events, dense) for name, events in (("brief", brief), ("overlap", overlap)) for dense in (False, True)}
print("pybids", bids.__version__)
for (name, dense), values in seen.items():
    print(f"{name:8} {'ToDense, Convolve' if dense else 'Convolve':18} highest {values.max():.4f} sum {values.sum() / 10:.3f} s")
about = [str(w.message) for w in said if "event" in str(w.message) or "duration" in str(w.message)]
print("said:", about)
assert seen["brief", False].max() > 0 and not seen["brief", True].any()
area = {dense: seen["overlap", dense].sum() / 10 for dense in (False, True)}
assert abs(area[False] - 20) < 0.1 and 15 < area[True] < 16
assert not about
PY
