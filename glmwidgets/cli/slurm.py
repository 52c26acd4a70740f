"""Scripts by which SLURM fits a study: a job array of its runs, and a job that gathers once all elements have ended."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import NamedTuple

from glmwidgets.files.writing import write_text
from glmwidgets.plural import count

#: Elements that a job array may have where nobody changed SLURM's MaxArraySize of 1001.
MOST_ELEMENTS = 1000

# Asked for each run of an element, beyond what most take; and of a run's maps in the memory of the group, with room.
MINUTES, MIB = 10, 16

RUN_SCRIPT = """#!/bin/bash
#SBATCH --job-name=glmwidgets
#SBATCH --array=0-{last}
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --time={hours:02d}:00:00
#SBATCH --output={log}
# Each element does {each} of {n}. What is in the store already is not done again.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
exec {python} -m glmwidgets study run {folder} --per-task {per_task}
"""

GATHER_SCRIPT = """#!/bin/bash
#SBATCH --job-name=glmwidgets-gather
#SBATCH --cpus-per-task=1
#SBATCH --mem={gather_gib}G
#SBATCH --time=01:00:00
#SBATCH --output={gather_log}
exec {python} -m glmwidgets study gather {folder}
"""

SUBMIT_SCRIPT = """#!/bin/bash
# Options of sbatch may follow, for both jobs: bash submit.sh --account=lab --partition=short
# gather waits for the end of all elements, of those that failed too: afterok would wait for ever.
set -e
here=$(dirname "$0")
if [ -e "$here/study.json" ] && [ ! "$here" -ef {folder} ]; then
    echo "Nothing was submitted. This study was moved or copied; write its scripts anew:" >&2
    printf 'glmwidgets study scripts %q\\n' "$here" >&2
    exit 1
fi
job=$(sbatch --parsable "$@" {run}) || {{
    echo "Nothing was submitted. If the array has too many elements, {elements}, ask for fewer:" >&2
    echo {again} >&2
    exit 1
}}
job=${{job%%;*}}  # a cluster's name may follow
echo "Submitted job array $job"
sbatch --dependency=afterany:"$job" "$@" {gather}
"""


class Scripts(NamedTuple):
    """What was written.

    Attributes
    ----------
    submit : Path
        The script that a person calls.
    said : str
        How many elements the array has, and what to do if they are more than SLURM allows by default.
    """

    submit: Path
    said: str


def write_scripts(folder: Path, n: int, per_task: int | None = None) -> Scripts:
    """Write ``run.sbatch``, ``gather.sbatch`` and ``submit.sh`` to the folder of a study.

    Parameters
    ----------
    folder : Path
    n : int
        Runs of the study.
    per_task : int, optional
        Runs of an element; by default as few as `MOST_ELEMENTS` allow.

    Returns
    -------
    Scripts
    """
    fewest = max(1, -(-n // MOST_ELEMENTS))
    per_task = min(per_task or fewest, max(1, n))
    elements = -(-n // per_task)
    logs, scripts = folder / "logs", {name: folder / name for name in ("run.sbatch", "gather.sbatch", "submit.sh")}
    logs.mkdir(exist_ok=True)
    again = f"glmwidgets study scripts {shlex.quote(str(folder))} --per-task {max(fewest, 2 * per_task)}"
    say = {
        **{"n": count(n, "run"), "each": count(per_task, "run"), "elements": f"{elements:,}", "per_task": per_task},
        **{"last": elements - 1, "hours": max(1, -(-per_task * MINUTES // 60)), "again": shlex.quote(again)},
        "gather_gib": max(4, -(-n * MIB // 1024)),
        "log": _pattern(logs, "run-%A_%a.log"),
        "gather_log": _pattern(logs, "gather-%j.log"),
        **{"python": shlex.quote(sys.executable), "folder": shlex.quote(str(folder))},
        **{name: shlex.quote(str(scripts[f"{name}.sbatch"])) for name in ("run", "gather")},
    }
    for path, text in zip(scripts.values(), (RUN_SCRIPT, GATHER_SCRIPT, SUBMIT_SCRIPT), strict=True):
        write_text(path, text.format(**say), "SLURM script", overwrite=True)
    said = f"a job array of {count(elements, 'element')}, {count(per_task, 'run')} each"
    if elements > MOST_ELEMENTS:
        said += (
            f"; SLURM takes {MOST_ELEMENTS:,} unless its MaxArraySize was raised: ask for --per-task {fewest} or more"
        )
    return Scripts(scripts["submit.sh"], said)


def _pattern(folder: Path, name: str) -> str:
    """A file name for SLURM, to which a percent sign begins a number of its own."""
    return shlex.quote(f"{folder}/".replace("%", "%%") + name)
