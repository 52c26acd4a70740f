"""The engine's tests under other kernels of OpenBLAS.

``python -m benchmarks.kernels [Haswell Zen ...] [--tests PATH ...]``

OpenBLAS chooses its kernels by the processor, and another kernel sums products in another order. ``OPENBLAS_CORETYPE``
makes it take those of an older processor: the tests that pass here then say something of other people's machines. The
variable is set for the subprocesses of this script alone, never in tests or in continuous integration. Libraries other
than OpenBLAS do not know it: the table says which kernel numpy really used.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence

TESTS = ("tests/glm", "tests/models")

KERNEL = """
import numpy, threadpoolctl
used = [each for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"]
print(", ".join(f"{each['internal_api']} {each.get('architecture', '')}".strip() for each in used) or "unknown")
"""


def environment(core_type: str | None) -> dict[str, str]:
    """The variables of a subprocess under one kernel; None leaves the choice to the library."""
    found = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    return found if core_type is None else {**found, "OPENBLAS_CORETYPE": core_type}


def kernel_of(core_type: str | None) -> str:
    """What numpy loads under it."""
    made = subprocess.run(
        [sys.executable, "-c", KERNEL], env=environment(core_type), capture_output=True, text=True, check=False
    )
    return made.stdout.strip() or f"none: numpy cannot be imported, exit status {made.returncode}"


def outcome(core_type: str | None, tests: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """Run the tests under it.

    Returns
    -------
    counts : dict
        Tests by what became of them: ``passed``, ``failed``, ``errors``, ``skipped``.
    lines : list of str
        One for each test that failed; the end of what was printed where no test ran.
    """
    command = [sys.executable, "-m", "pytest", *tests, "-q", "-p", "no:cacheprovider", "--tb=no", "-m", "not browser"]
    made = subprocess.run(command, env=environment(core_type), capture_output=True, text=True, check=False)
    lines = made.stdout.strip().splitlines()
    found = re.findall(r"(\d+) (passed|failed|errors?|skipped)", lines[-1] if lines else "")
    counts = {"errors" if what == "error" else what: int(number) for number, what in found}
    if not counts:
        return {"errors": 1}, [*lines, *made.stderr.strip().splitlines()][-5:]
    return counts, [line for line in lines if line.startswith(("FAILED", "ERROR"))]


def main() -> int:
    """Print a table with a row for each kernel, and the tests that failed; the exit status is 1 if any did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("core_types", nargs="*", default=["Haswell"], help="values of OPENBLAS_CORETYPE")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="files or folders of tests")
    arguments = parser.parse_args()
    print("| OPENBLAS_CORETYPE | kernel of numpy | passed | failed | errors | skipped |\n|---|---|---:|---:|---:|---:|")
    wrong: list[str] = []
    for core_type in (None, *arguments.core_types):
        name = core_type or "unset"
        counts, lines = outcome(core_type, arguments.tests)
        numbers = [str(counts.get(what, 0)) for what in ("passed", "failed", "errors", "skipped")]
        print("| " + " | ".join([name, kernel_of(core_type), *numbers]) + " |", flush=True)
        wrong += [f"{name}: {line}" for line in lines]
    print("".join(f"\n{line}" for line in wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
