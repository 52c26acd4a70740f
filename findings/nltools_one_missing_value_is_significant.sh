#!/usr/bin/env bash
# nltools 0.5.1: with one missing value one_sample_permutation finds any mean significant, at the smallest p there is.
#
# The mean of the data leaves out what is missing, the means of the flipped data do not. So each flip gives NaN, none is
# at least as large as the mean, and p is 1 / (n + 1): 0.0005 of 2,000 flips, for values whose p is 0.36 without it.
# Nothing is said. Guess beforehand: the test of the values that are there, or p NaN.
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
from nltools.stats import one_sample_permutation

whole = np.random.default_rng(0).normal(size=20)
gap = whole.copy()
gap[3] = np.nan
settings = {"n_permute": 2000, "n_jobs": 1, "random_state": 1}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    found = {name: one_sample_permutation(values, **settings) for name, values in (("without the value", np.delete(whole, 3)), ("NaN in its place", gap))}
print("nltools", nltools.__version__)
for name, result in found.items():
    print(f"{name:18} mean {result['mean']:.4f} p {result['p']:.4f}")
print("said:", [str(w.message) for w in said])
without, missing = found.values()
assert without["mean"] == missing["mean"]
assert without["p"] > 0.2 and missing["p"] == 1 / 2001
assert not said
PY
