#!/usr/bin/env bash
# nilearn 0.14.1 leaves events out of the design without a word where a cell is missing.
#
# BIDS allows n/a in any column but onset and duration. An event with a missing modulation has no response in its
# regressor and stays in no other: its scans count as rest. One with a missing trial_type leaves the design
# altogether; the only warning that comes speaks of duplicated events, of which there are none. A missing duration,
# however, is an error. Guess beforehand: an error or a warning for all three.
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
print("nilearn", nilearn.__version__)
scans = np.arange(60) * 2.0
def design(**columns):
    events = pd.DataFrame({"onset": [10.0, 40.0, 70.0], "duration": 5.0, "trial_type": "a"} | columns)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        table = make_first_level_design_matrix(scans, events, drift_model=None)
    return table, [str(w.message) for w in said]
whole = design(modulation=[1, 1, 1])[0]["a"].to_numpy()
second = (scans > 44) & (scans < 52)
print("peak of the second event:", whole[second].max().round(2))
table, said = design(modulation=[1, np.nan, 1])
print("with n/a as modulation:  ", table["a"].to_numpy()[second].max().round(2), said)
assert whole[second].max() > 1 and table["a"].to_numpy()[second].max() < 0.02 and not said
table, said = design(trial_type=["a", np.nan, "a"])
print("with n/a as trial_type:  ", table["a"].to_numpy()[second].max().round(2), said)
assert table["a"].to_numpy()[second].max() < 0.02 and list(table.columns) == ["a", "constant"]
assert len(said) == 1 and "Duplicated events" in said[0]
try:
    design(duration=[5, np.nan, 5])
except ValueError as error:
    print("with n/a as duration:    ", error)
else:
    raise AssertionError("n/a as duration is taken now")
PY
