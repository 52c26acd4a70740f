"""Every figure of speed that the documentation quotes: ``python -m benchmarks [--size medium] [--quick]``.

Each row times us and nilearn 0.14.1 in one process and in turns; medians. Absolute times are those of the machine,
ratios travel.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import warnings

from benchmarks import engine, images, live, noise
from benchmarks.runs import SIZES, Size, make_run
from benchmarks.table import Row, medians, render


def import_time(repeats: int = 9) -> Row:
    """Seconds that ``import glmwidgets`` adds to a bare interpreter."""

    def start(code: str):
        return lambda _: subprocess.run([sys.executable, "-c", code], check=True)

    with_us, bare = medians(start("import glmwidgets"), start("pass"), repeats=repeats)
    return Row("import glmwidgets", with_us - bare, None, None, "≤ 300 ms")


def main() -> None:
    """Print one table a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=[*SIZES, "all"], default="medium")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in SIZES if arguments.size == "all" else [arguments.size]:
        report(name, SIZES[name], 3 if arguments.quick else 9)


def report(name: str, size: Size, repeats: int) -> None:
    """Print the tables of one size."""
    run = make_run(size)
    print(f"\n### {name}: {size.n_voxels:,} voxels × {size.n_scans} scans, {size.n_confounds} confounds\n", flush=True)
    table = [*engine.rows(run, repeats), *live.rows(run, repeats)]
    if size.beside_nilearn:
        table += [*images.rows(run, min(repeats, 3)), import_time(repeats)]
    print(render(table), flush=True)
    print(f"\n{render(noise.rows(run, min(repeats, 5)), noise.HEAD)}", flush=True)


if __name__ == "__main__":
    main()
