#!/usr/bin/env bash
# nilearn 0.14.1 models an event of negative duration as a response upside down.
#
# A presentation log whose offsets were subtracted the wrong way round has negative durations. The regressor dips
# where it should rise, without a warning, so the effect of the condition is halved or lost. Guess beforehand: an
# error.
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
import nilearn, numpy as np, pandas as pd
from nilearn.glm.first_level import make_first_level_design_matrix
scans = np.arange(60) * 2.0
def regressor(duration):
    events = pd.DataFrame({"onset": [40.0], "duration": [duration], "trial_type": "a"})
    return make_first_level_design_matrix(scans, events, drift_model=None)["a"].to_numpy()
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    right, wrong = regressor(5.0), regressor(-5.0)
print("nilearn", nilearn.__version__)
print("duration  5 s: from", right.min().round(2), "to", right.max().round(2))
print("duration -5 s: from", wrong.min().round(2), "to", wrong.max().round(2), "warnings:", [str(w.message) for w in said])
assert right.max() > 1.3 and wrong.min() < -1.2 and not said
PY
