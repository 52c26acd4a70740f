#!/usr/bin/env bash
# nilearn 0.14.1 takes contrasts that are not linear in the columns, and answers with a vector.
#
# A contrast typed as an expression is evaluated with the unit vectors of the columns in place of their names. So "a +
# 1" adds one to the weight of every column, drifts and constant included; "a * b" is a contrast of zeros; "a > b" is
# a vector of truth values. None is refused or warned of. Guess beforehand: an error.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nilearn==0.14.1 nibabel==5.4.2 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import nilearn, numpy as np
from nilearn.glm.contrasts import expression_to_contrast_vector as vector
columns = ["a", "b", "drift_1", "constant"]
print("nilearn", nilearn.__version__, "columns", columns)
seen = {text: vector(text, columns) for text in ("a + 1", "a * b", "a > b")}
for text, weights in seen.items():
    print(f"{text!r:8} -> {weights}")
np.testing.assert_array_equal(seen["a + 1"], [2, 1, 1, 1])
np.testing.assert_array_equal(seen["a * b"], [0, 0, 0, 0])
np.testing.assert_array_equal(seen["a > b"], [True, False, False, False])
PY
