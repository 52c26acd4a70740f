"""Real runs that are demanded are not skipped: without them a test fails, and says what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("named", [True, False])
def test_a_named_folder_has_to_hold_them(named, tmp_path):
    # A copy of the tests whose neighbour has no data, as a checkout elsewhere has none.
    suite = tmp_path / "checkout" / "tests"
    suite.mkdir(parents=True)
    (suite / "conftest.py").write_bytes((Path(__file__).parent / "conftest.py").read_bytes())
    (suite / "test_one.py").write_text("def test_one(auditory_dir):\n    assert auditory_dir.is_dir()\n")
    environment = {name: value for name, value in os.environ.items() if name != "GLMWIDGETS_DATA"}
    environment |= {"GLMWIDGETS_DATA": str(tmp_path / "nowhere")} if named else {}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "."],
        cwd=suite,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == (1 if named else 0), done.stdout
    assert ("1 error" if named else "1 skipped") in done.stdout
    assert "GLMWIDGETS_DATA" in done.stdout
