#!/usr/bin/env bash
# pybids 0.22.0: Factor raises a TypeError for a trial_type with n/a, which BIDS allows.
#
# 286 of some 2,000 event files of public example datasets have such a row. The error names neither column nor row,
# but the order of a number and a text. Guess beforehand: rows without a type belong to no level.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pybids==0.22.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import bids, numpy as np, pandas as pd
from bids.modeling import transformations as T
from bids.variables import BIDSRunVariableCollection, SparseRunVariable
from bids.variables.entities import RunInfo
info = RunInfo(entities={"run": 1, "subject": "01"}, duration=120.0, tr=2.0, image=None, n_vols=60)
events = pd.DataFrame({"onset": [1.0, 2, 3, 4], "duration": 1.0, "amplitude": ["x", "y", np.nan, "x"]})
made = BIDSRunVariableCollection([SparseRunVariable(name="trial_type", data=events, run_info=[info], source="events")])
print("pybids", bids.__version__)
try:
    T.Factor(made, "trial_type")
except TypeError as error:
    print("TypeError:", error)
    assert "float" in str(error) and "str" in str(error)
else:
    raise AssertionError("Factor takes a missing level now")
PY
