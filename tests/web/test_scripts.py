"""Functions of the front end that need no page are tested without one, by the tests in JavaScript beside this file."""

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_the_tests_in_javascript_pass():
    if not os.environ.get("GLMWIDGETS_REQUIRE_BROWSER"):
        pytest.importorskip("deno", reason="needs deno, of the test extra")
    from deno import find_deno_bin

    done = subprocess.run(
        [find_deno_bin(), "test", "--quiet", "--no-remote", str(HERE)],
        capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}, cwd=HERE.parents[1],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| 0 failed" in done.stdout
