#!/usr/bin/env bash
# nilearn 0.14.1: scrubbed scans reach the filtered series where two of them lie as far from either end of the run.
#
# clean(sample_mask=..., low_pass=...) replaces scans that are left out by a spline through those that are kept, and then
# filters. The scans to replace are found by `~sample_mask`, with the sample mask as indices by then: ~i is -1 - i, so
# that it is the mirror images of the kept scans that are replaced. Guess beforehand: what a scrubbed scan holds changes
# nothing.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nilearn==0.14.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np, nilearn
from nilearn.signal import clean
print("nilearn", nilearn.__version__)
series = np.random.default_rng(0).normal(size=(60, 1))
how = {"t_r": 2.0, "low_pass": 0.1, "standardize": None}
for scrubbed in ([10], [10, 49]):
    kept = np.setdiff1d(np.arange(60), scrubbed)
    spiked = series.copy()
    spiked[scrubbed] += 1e4
    one, other = (clean(each.copy(), sample_mask=kept.copy(), **how) for each in (series, spiked))
    reached = float(np.abs(one - other).max())
    print(f"scans {scrubbed} left out, their values moved by 10000: the kept scans move by up to {reached:.0f}")
    assert (reached > 1000) == (len(scrubbed) == 2)
PY
