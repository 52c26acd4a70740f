#!/usr/bin/env bash
# nipype 1.11.0: SpecifyModel forgets the amplitudes of an event file if the last file has none.
#
# event_files may have one, two or three columns each, the third being amplitudes. A file without a third column removes
# the amplitudes of the whole run, those of files before it, too: a parametric modulator that was read becomes a
# constant one. Whether that happens depends on the order of the files, and nothing is said. Guess beforehand: a
# condition without amplitudes has 1, the others keep theirs.
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
Path("reward.run001.txt").write_text("10 2 0.5\n30 2 1.5\n50 2 3\n")
Path("cue.run001.txt").write_text("5 1\n25 1\n45 1\n")
print("nipype", nipype.__version__)

def amplitudes(files):
    model = SpecifyModel(input_units="secs", time_repetition=2.0, high_pass_filter_cutoff=128.0, functional_runs=["bold.nii"], event_files=[files])
    return {condition["name"]: condition.get("amplitudes") for condition in model.run().outputs.session_info[0]["cond"]}

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    alone, both = amplitudes(["reward.run001.txt"]), amplitudes(["reward.run001.txt", "cue.run001.txt"])
print("one file: ", alone)
print("two files:", both)
assert alone == {"reward": [0.5, 1.5, 3.0]} and both == {"reward": None, "cue": None}
assert not any("amplitude" in str(w.message) for w in said)
PY
