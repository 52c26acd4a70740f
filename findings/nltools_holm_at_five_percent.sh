#!/usr/bin/env bash
# nltools 0.5.1: holm_bonf(p, alpha) controls the family-wise error at 5 %, whatever alpha is.
#
# The level is an argument, documented as "alpha level", and goes nowhere. A person who asks for one in a thousand gets
# the threshold of one in twenty; ttest(threshold_dict={"holm-bonf": .001}) hands it on, to no effect. Guess beforehand:
# the smaller alpha, the smaller the threshold.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nltools==0.5.1 nilearn==0.13.1 nibabel==5.3.3 numpy==1.23.5 pandas==2.3.3 scipy==1.15.3
cd "$work"
"$work/venv/bin/python" - <<'PY'
import warnings
import nltools, numpy as np
from nltools.stats import holm_bonf

def step_down(p, alpha):
    ordered = np.sort(p)
    fails = ordered > alpha / (len(p) - np.arange(len(p)))
    return ordered[np.argmax(fails) - 1]

p = np.r_[1e-8, 1e-6, 1e-5, 4e-5, np.linspace(0.01, 1, 996)]
print("nltools", nltools.__version__)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for alpha in (0.05, 0.01, 0.001, 0.0001):
        cut, right = float(holm_bonf(p, alpha=alpha)), step_down(p, alpha)
        print(f"alpha {alpha}: threshold {cut:.0e}, by Holm's rule {right:.0e}")
        assert cut == 4e-5
        assert right == {0.05: 4e-5, 0.01: 1e-5, 0.001: 1e-6, 0.0001: 1e-8}[alpha]
assert "alpha level" in holm_bonf.__doc__ and not said
PY
