#!/usr/bin/env bash
# pybids 0.22.0: an events file at the top of the dataset goes before the run's own one, and columns of both are mixed.
#
# BIDS lets a file at the top hold for all runs that have none of their own; of several tables the nearest alone counts.
# get_nearest names the run's own file. The collection that models are built of takes trial_type from the file at the
# top and reaction times, which only the run's own has, from that one: its table holds events of both files, none
# complete. Nothing is said. Guess beforehand: the collection reads what get_nearest names.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pybids==0.22.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import json, warnings
from pathlib import Path
import bids, nibabel as nib, numpy as np, pandas as pd
root, func = Path("data"), Path("data/sub-01/func")
func.mkdir(parents=True)
(root / "dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.9.0"}))
image = nib.Nifti1Image(np.zeros((2, 2, 2, 30), "f4"), np.eye(4))
image.header.set_zooms((1, 1, 1, 2.0))
for run in ("01", "02"):
    nib.save(image, func / f"sub-01_task-x_run-{run}_bold.nii.gz")
    (func / f"sub-01_task-x_run-{run}_bold.json").write_text(json.dumps({"RepetitionTime": 2.0, "TaskName": "x"}))
top = pd.DataFrame({"onset": [10.0, 30.0], "duration": 1.0, "trial_type": "top"})
top.to_csv(root / "task-x_events.tsv", sep="\t", index=False)
own = pd.DataFrame({"onset": [5.0, 20.0], "duration": 1.0, "trial_type": "own", "response_time": [0.5, 0.7]})
own.to_csv(func / "sub-01_task-x_run-01_events.tsv", sep="\t", index=False)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    layout = bids.BIDSLayout(root)
    first = layout.get(run=1, suffix="bold", extension=".nii.gz")[0]
    which = {"suffix": "events", "extension": ".tsv", "ignore_strict_entities": ["suffix", "extension"]}
    nearest = layout.get_nearest(first.path, full_search=True, **which)
    variables = layout.get_collections("run", task="x", run=1)[0].variables
print("pybids", bids.__version__, "nearest:", Path(nearest).name)
for name, variable in variables.items():
    print(name, "at", variable.onset.tolist(), "is", variable.values.tolist())
print("said:", [str(w.message) for w in said if "events" in str(w.message)])
assert Path(nearest).parent.name == "func"
assert variables["trial_type"].values.tolist() == ["top", "top"]
assert variables["trial_type"].onset.tolist() == [10.0, 30.0]
assert variables["response_time"].onset.tolist() == [5.0, 20.0]
assert not any("events" in str(w.message) for w in said)
PY
