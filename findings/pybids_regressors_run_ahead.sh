#!/usr/bin/env bash
# pybids 0.22.0: the regressors of a Stats Model run ahead of the scans, by nearly a TR at the end of the run.
#
# What is sampled ten times a second is brought to one value per scan by spreading the scans evenly from the first
# sample to the last. But the last sample lies a tenth of a second before the end of the run, and the last scan a whole
# TR before it: scan k gets the value of a time after its own, and more so the later it is. With TR 2 s an event 20 s
# into the run is right to 0.1 s, one in its middle comes 1 s early, one near its end 1.8 s. FitLins fits this table.
# Guess beforehand: scan k is the value at k TR.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pybids==0.22.0 nilearn==0.14.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import json
from pathlib import Path
import bids, bids.modeling, nibabel as nib, numpy as np, pandas as pd
from nilearn.glm.first_level import make_first_level_design_matrix

tr, n = 2.0, 200
root, func = Path("data"), Path("data/sub-01/func")
func.mkdir(parents=True)
(root / "dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.9.0"}))
image = nib.Nifti1Image(np.zeros((2, 2, 2, n), "f4"), np.eye(4))
image.header.set_zooms((1, 1, 1, tr))
nib.save(image, func / "sub-01_task-x_bold.nii.gz")
(func / "sub-01_task-x_bold.json").write_text(json.dumps({"RepetitionTime": tr, "TaskName": "x"}))
events = pd.DataFrame({"onset": [20.0, 200.0, 370.0], "duration": 4.0, "trial_type": "face"})
events.to_csv(func / "sub-01_task-x_events.tsv", sep="\t", index=False)
steps = [
    {"Name": "Factor", "Input": ["trial_type"]},
    {"Name": "Convolve", "Input": ["trial_type.face"], "Model": "spm"},
]
node = {
    "Level": "Run",
    "Name": "run",
    "GroupBy": ["run", "subject"],
    "Transformations": {"Transformer": "pybids-transforms-v1", "Instructions": steps},
    "Model": {"X": ["trial_type.face", 1], "Type": "glm"},
}
model = {"Name": "m", "BIDSModelVersion": "1.0.0", "Input": {"task": ["x"]}, "Nodes": [node]}
graph = bids.modeling.BIDSStatsModelsGraph(bids.BIDSLayout(root), model)
graph.load_collections()
given = graph.nodes["run"].run(group_by=["run", "subject"])[0].X["trial_type.face"].to_numpy()

fine = np.arange(0, n * tr, 0.1)
curve = make_first_level_design_matrix(fine, events, hrf_model="spm", drift_model=None, oversampling=10)["face"].to_numpy()
curve = curve * given.max() / curve.max()
scans = np.arange(n) * tr
early = []
for onset in events["onset"]:
    near = (scans > onset - 4) & (scans < onset + 24)
    shifts = np.arange(-1, 3, 0.02)
    apart = [np.square(np.interp(scans[near] + shift, fine, curve) - given[near]).sum() for shift in shifts]
    early.append(round(float(shifts[np.argmin(apart)]), 2))
own = np.corrcoef(given, np.interp(scans, fine, curve))[0, 1]
stretched = np.corrcoef(given, np.interp(np.linspace(0, n * tr - 0.1, n), fine, curve))[0, 1]
print("pybids", bids.__version__, "rows", len(given))
print("seconds that the response comes early, at 20, 200 and 370 s:", early)
print(f"correlation with the response at the times of the scans {own:.3f}, at times spread to the last sample {stretched:.5f}")
assert len(given) == n
assert early[0] < 0.2 and 0.8 < early[1] < 1.1 and 1.6 < early[2] < 1.9
assert own < 0.95 and stretched > 0.999
PY
