#!/usr/bin/env bash
# atlasreader 0.3.2 cannot be imported beside nilearn 0.14.1, which its own requirements admit.
#
# It takes a private function from where nilearn kept it in earlier versions, and states no upper bound: pip installs
# the pair without a complaint. Who wants names of regions for clusters meets an ImportError. Guess beforehand: the
# requirement is bounded.
#
# Installs what it needs in a temporary folder, prints what it sees, and fails if that is no longer so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet atlasreader==0.3.2 nilearn==0.14.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import nilearn
print("nilearn", nilearn.__version__)
try:
    import atlasreader
except ImportError as error:
    print("ImportError:", str(error).partition(" (")[0])
    assert "check_niimg" in str(error)
else:
    raise AssertionError("atlasreader can be imported now")
PY
