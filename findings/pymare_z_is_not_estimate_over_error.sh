#!/usr/bin/env bash
# PyMARE 0.0.13: the z of random-effects estimators is not the estimate over its error, that of the fixed-effects one is.
#
# DerSimonian-Laird and its kin refer estimate / se to a t distribution with n - p degrees of freedom and turn that p
# back into a z; WeightedLeastSquares refers the same ratio to the normal. Both report est, se and z under one name,
# so a table in which the two are compared holds two kinds of z. Guess beforehand: z = est / se.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet PyMARE==0.0.13 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import pymare, numpy as np
from pymare import Dataset, estimators
from scipy import stats
data = Dataset(np.array([1.0, 2, 3, 4, 5]), np.ones(5))
print("PyMARE", pymare.__version__)
for name in ("WeightedLeastSquares", "DerSimonianLaird"):
    found = getattr(estimators, name)().fit_dataset(data).summary().get_fe_stats()
    est, se, z = (float(np.ravel(found[key])[0]) for key in ("est", "se", "z"))
    print(f"{name:22} est {est:.3f} se {se:.4f} est/se {est / se:.3f} z {z:.3f}")
    expected = est / se if name == "WeightedLeastSquares" else stats.norm.isf(stats.t.sf(est / se, 4))
    np.testing.assert_allclose(z, expected, rtol=1e-6)
PY
