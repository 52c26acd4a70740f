#!/usr/bin/env bash
# nilearn 0.14.1: spm_hrf and glover_hrf with oversampling=1, one value per scan, come a scan late.
#
# Who convolves a series by hand asks for the response at the scans: spm_hrf(t_r, oversampling=1). The curve begins one
# step after the event, and its steps are not TR but 32 s divided by one less than their number. With fifty steps a
# scan, the default, that is nothing; with one step the response of TR 3 s peaks at 9 s rather than 5 s. Guess
# beforehand: oversampling sets how finely the curve is sampled, and the value at a time depends on it little.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nilearn==0.14.1 numpy==2.4.6 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import nilearn, numpy as np
from nilearn.glm.first_level import glover_hrf, spm_hrf

print("nilearn", nilearn.__version__)
for make in (spm_hrf, glover_hrf):
    for t_r in (1.0, 2.0, 3.0):
        fine, coarse = make(t_r), make(t_r, oversampling=1)
        times = np.arange(len(coarse)) * t_r
        right = np.interp(times, np.arange(len(fine)) * t_r / 50, fine * 50)
        late = np.interp(times - t_r, np.arange(len(fine)) * t_r / 50, fine * 50, left=0)
        peak = {"fine": fine.argmax() * t_r / 50, "coarse": coarse.argmax() * t_r}
        same = {name: np.corrcoef(coarse, curve)[0, 1] for name, curve in (("own time", right), ("a scan late", late))}
        print(f"{make.__name__:10} TR {t_r} s: peak of 50 steps a scan {peak['fine']:.1f} s, of one step {peak['coarse']:.1f} s;"
              f" correlation with the fine curve at its own time {same['own time']:.3f}, a scan late {same['a scan late']:.3f}")
        assert same["a scan late"] > same["own time"]
    assert abs(peak["fine"] - 5) < 0.3 and peak["coarse"] == 9.0
    assert same["own time"] < 0.75
PY
