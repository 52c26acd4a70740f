#!/usr/bin/env bash
# mne-nirs 0.7.3: create_boxcar places events late by what was cut off the start of a recording.
#
# After raw.crop(tmin=30) the recording starts at 30 s; MNE keeps the annotations, and make_first_level_design_matrix
# puts an event of 50 s at 20 s of what is left. create_boxcar takes the sample number of the uncut recording: its box
# stands at 50 s. Nothing is said. Guess beforehand: both follow the recording.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet mne-nirs==0.7.3 mne==1.13.2 nilearn==0.14.1 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import warnings
import mne, mne_nirs, numpy as np
from mne_nirs.experimental_design import create_boxcar, make_first_level_design_matrix

mne.set_log_level("ERROR")
rate = 5.0
raw = mne.io.RawArray(np.zeros((1, int(200 * rate))), mne.create_info(["S1_D1 hbo"], rate, "hbo"))
raw.set_annotations(mne.Annotations([50.0, 100.0, 150.0], 5.0, "tap"))
print("mne-nirs", mne_nirs.__version__, "mne", mne.__version__)
begin = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for cut in (0, 30):
        left = raw.copy().crop(tmin=cut)
        box = create_boxcar(left, stim_dur=5)[:, 0]
        design = make_first_level_design_matrix(left, hrf_model=None, drift_model=None, stim_dur=5.0)["tap"].to_numpy()
        begin[cut] = {name: np.round((np.flatnonzero(np.diff(values) > 0.5) + 1) / rate).tolist() for name, values in (("boxcar", box), ("design", design))}
        print(f"{cut:2} s cut off: boxcar begins at {begin[cut]['boxcar']} s, design at {begin[cut]['design']} s of {left.times[-1]:.0f} s")
print("said:", [str(w.message)[:80] for w in said])
assert begin[0] == {"boxcar": [50, 100, 150], "design": [50, 100, 150]}
assert begin[30] == {"boxcar": [50, 100, 150], "design": [20, 70, 120]}
assert not any("crop" in str(w.message) or "first_samp" in str(w.message) for w in said)
PY
