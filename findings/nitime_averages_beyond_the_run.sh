#!/usr/bin/env bash
# nitime 0.12.1: an event-related average counts the scans after the end of the run as zeros.
#
# The series is lengthened by zeros so that the window of the last event fits. What is not measured so enters eta, ets
# and FIR as a signal of zero: with data around 100 one of five events three scans before the end takes the average from
# 100 to 80 and its standard error from 0 to 20. Nothing is said. Guess beforehand: the event counts where there are
# scans, or is left out.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nitime==0.12.1 numpy==2.4.6 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import warnings
import nitime, numpy as np
from nitime.analysis import EventRelatedAnalyzer
from nitime.timeseries import TimeSeries

response = np.array([0, 1, 2, 1, 0, 0, 0, 0.0])
print("nitime", nitime.__version__)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, last in (("last event with its whole window", 90), ("last event three scans before the end", 97)):
        events = np.zeros(100)
        events[[10, 30, 50, 70, last]] = 1
        data = 100 + np.convolve(events, response)[:100]
        series = [TimeSeries(values, sampling_interval=2.0) for values in (data, events)]
        found = EventRelatedAnalyzer(*series, len_et=8)
        seen = {kind: np.real(getattr(found, kind).data) for kind in ("eta", "ets", "FIR")}
        print(name)
        for kind, values in seen.items():
            print("   ", kind, values.round(2).tolist())
        if last == 90:
            np.testing.assert_allclose(seen["eta"], 100 + response)
        else:
            for kind in ("eta", "FIR"):
                np.testing.assert_allclose(seen[kind], [100, 101, 102, 80.8, 80, 80, 80, 80])
            np.testing.assert_allclose(seen["ets"][4:], 20)
assert not [w for w in said if "end" in str(w.message) or "zero" in str(w.message)]
PY
