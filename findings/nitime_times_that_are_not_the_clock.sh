#!/usr/bin/env bash
# nitime 0.12.1: an event at 40 s is looked up 40 s after the first scan, also where the series says that it starts at 20 s.
#
# A TimeSeries has a start, t0, and at(), during() and slices by time go by it. EventRelatedAnalyzer divides the times
# of Events by the sampling interval and leaves t0 out, as after the first scans were cut off: the average is of scans
# ten later than the events. And a window that begins before the first scan takes its values from the end of the run.
# Nothing is said. Guess beforehand: event and series are on one clock, and a scan before the first one is refused.
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
from nitime.timeseries import Events, TimeSeries

onsets = np.array([40.0, 80.0, 120.0])
response = np.array([0, 1, 2, 1, 0, 0, 0, 0.0])
sticks = np.zeros(110)
sticks[(onsets / 2).astype(int)] = 1
whole = np.convolve(sticks, response)[:110]
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    series = {"from 0 s": TimeSeries(whole, sampling_interval=2.0), "from 20 s, ten scans cut off": TimeSeries(whole[10:], sampling_interval=2.0, t0=20.0)}
    at = {name: float(given.at(44.0)) for name, given in series.items()}
    eta = {name: EventRelatedAnalyzer(given, Events(onsets), len_et=8).eta.data.round(3).tolist() for name, given in series.items()}
    ramp = TimeSeries(np.arange(100.0), sampling_interval=2.0)
    before = EventRelatedAnalyzer(ramp, Events(np.array([2.0, 2.0])), len_et=4, offset=-3).eta.data.tolist()
print("nitime", nitime.__version__)
for name in series:
    print(f"{name:30} value at 44 s: {at[name]}  average after the events: {eta[name]}")
print("scans 2 before to 1 after the first of 0 .. 99:", before)
print("said:", [str(w.message) for w in said])
assert set(at.values()) == {2.0}
assert eta["from 0 s"] == response.tolist() and eta["from 20 s, ten scans cut off"] == [0] * 8
assert before == [98, 99, 0, 1]
assert not said
PY
