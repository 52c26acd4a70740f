#!/usr/bin/env bash
# nipype 1.11.0: SpecifyModel rounds the times of BIDS events to whole seconds where the TR is 1 s or more.
#
# Onsets and durations of bids_event_file are rounded to as many decimals as the TR's magnitude has: none from 1 s on,
# one below. At TR 2 s an onset of 10.5 s becomes 10 s and a duration of 0.4 s becomes 0. What FEAT or SPM is given then
# is not in the events file. An event before the first scan, which BIDS allows and whose response reaches into the run,
# is moved to 0 s in any form of input. The documentation knows of neither, and nothing is said. Guess beforehand: the
# times of the file.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nipype==1.11.0 nibabel==5.4.2 numpy==2.4.6 scipy==1.17.1
cd "$work"
NIPYPE_NO_ET=1 "$work/venv/bin/python" - <<'PY'
import warnings
from pathlib import Path
import nibabel as nib, nipype, numpy as np
from nipype.algorithms.modelgen import SpecifyModel

nib.save(nib.Nifti1Image(np.zeros((2, 2, 2, 50), "f4"), np.eye(4)), "bold.nii")
onsets, durations = [-4.0, 10.5, 31.4, 60.0], [0.4, 0.4, 0.8, 1.5]
rows = [f"{onset}\t{duration}\tface\n" for onset, duration in zip(onsets, durations)]
Path("events.tsv").write_text("onset\tduration\ttrial_type\n" + "".join(rows))
print("nipype", nipype.__version__)
seen = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for tr in (0.8, 2.0):
        model = SpecifyModel(
            input_units="secs", time_repetition=tr, high_pass_filter_cutoff=128.0, functional_runs=["bold.nii"],
            bids_event_file=["events.tsv"], bids_condition_column="trial_type",
        )
        condition = model.run().outputs.session_info[0]["cond"][0]
        seen[tr] = [[float(value) for value in condition[key]] for key in ("onset", "duration")]
        print(f"TR {tr} s: onsets {seen[tr][0]} durations {seen[tr][1]}")
print("the file:  onsets", onsets, "durations", durations)
assert seen[0.8] == [[0.0, 10.5, 31.4, 60.0], [0.4, 0.4, 0.8, 1.5]]
assert seen[2.0] == [[0.0, 10.0, 31.0, 60.0], [0.0, 0.0, 1.0, 2.0]]
assert not any("round" in str(w.message) or "onset" in str(w.message) for w in said)
PY
