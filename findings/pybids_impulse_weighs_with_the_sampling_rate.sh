#!/usr/bin/env bash
# pybids 0.22.0: an event of duration 0 weighs half as much when the collection is sampled twice as finely.
#
# Convolve of a Stats Model takes an event of duration 0 for one sample of the grid. Its regressor, and with it the
# effect that FitLins reports, is scaled by the sampling rate, while a block of 5 s has the same height at any rate,
# and as good as nilearn's. Guess beforehand: an impulse of unit area, whatever the grid.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pybids==0.22.0 nilearn==0.14.1 nibabel==5.4.2 numpy==2.4.6 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import bids, nilearn, numpy as np, pandas as pd
from bids.modeling import transformations as T
from bids.variables import BIDSRunVariableCollection, SparseRunVariable
from bids.variables.entities import RunInfo
from nilearn.glm.first_level import compute_regressor
info = RunInfo(entities={"run": 1, "subject": "01"}, duration=120.0, tr=2.0, image=None, n_vols=60)
def height(duration, rate):
    events = pd.DataFrame({"onset": [10.0], "duration": [duration], "amplitude": [1.0]})
    variable = SparseRunVariable(name="a", data=events, run_info=[info], source="events")
    made = BIDSRunVariableCollection([variable], sampling_rate=rate)
    T.Convolve(made, "a", model="spm")
    return float(np.max(made["a"].values))
block = compute_regressor(np.array([[10.0], [5.0], [1.0]]), "spm", np.arange(600) * 0.2, oversampling=10)[0].max()
print("pybids", bids.__version__, "nilearn", nilearn.__version__)
blocks = {rate: round(height(5.0, rate), 3) for rate in (10, 20)}
impulses = {rate: round(height(0.0, rate), 4) for rate in (10, 20)}
print("block of 5 s by rate in Hz:", blocks, "nilearn:", round(float(block), 3))
print("impulse by rate in Hz:     ", impulses)
assert abs(blocks[10] / blocks[20] - 1) < 0.02 and abs(blocks[10] / block - 1) < 0.02
assert 1.95 < impulses[10] / impulses[20] < 2.05
PY
