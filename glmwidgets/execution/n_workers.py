"""How many workers a machine, or the part of it that a job may use, has room for; and why so many."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from glmwidgets.files.memory import available_memory, control_groups, human_bytes
from glmwidgets.glm.parallel import processors

#: Memory that is set aside for a worker.
WORKER_BYTES = 2**30


class Width(NamedTuple):
    """How many workers, and what limits them, in words."""

    n: int
    why: str


def local_width(root: Path = Path("/"), memory: int | None = None) -> Width:
    """Workers that can work at the same time here.

    Parameters
    ----------
    root : Path
        Of the file system.
    memory : int, optional
        Bytes that are available; what the system says by default.

    Returns
    -------
    Width
        At least 1.

    Examples
    --------
    >>> local_width().n >= 1
    True
    """
    limits = [local_processors(root)]
    memory = available_memory() if memory is None else memory
    if memory is not None:
        limits.append(Width(memory // WORKER_BYTES, f"{human_bytes(memory)} of memory, 1 GiB a worker"))
    if (given := _memory_of_job()) is not None:
        limits.append(Width(given.n // WORKER_BYTES, f"{given.why} ({human_bytes(given.n)} of memory), 1 GiB a worker"))
    return _least(limits)


def local_processors(root: Path = Path("/")) -> Width:
    """Processors that this process, or the job that it is part of, may use.

    A scheduler need not bind a job to its processors: then only its variables tell what the job was given.

    Parameters
    ----------
    root : Path
        Of the file system.

    Returns
    -------
    Width
        At least 1.
    """
    affinity = processors()
    limits = [Width(affinity, f"{affinity} processors")]
    for name in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"):
        if n := _number(name):
            limits.append(Width(n, f"{name}={n}"))
    limits += [Width(int(quota), f"a control group allows {quota:g} processors") for quota in _quotas(root)]
    return _least(limits)


def _least(limits: list[Width]) -> Width:
    least = min(limits, key=lambda limit: limit.n)
    return Width(max(1, least.n), least.why)


def _number(name: str) -> int:
    """A variable of the environment; 0 where there is none."""
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else 0


def _memory_of_job() -> Width | None:
    """Bytes of memory that SLURM gave to the job on this node; None outside a job, and where it sets no limit."""
    if each := _number("SLURM_MEM_PER_NODE"):
        return Width(each * 2**20, f"SLURM_MEM_PER_NODE={each}")
    each, n = _number("SLURM_MEM_PER_CPU"), _number("SLURM_CPUS_ON_NODE")
    return Width(each * n * 2**20, f"SLURM_MEM_PER_CPU={each}") if each and n else None


def _quotas(root: Path) -> list[float]:
    """Processors that the control groups of this process allow, of versions 2 and 1."""
    found = []
    for group in control_groups(root, "sys/fs/cgroup", ""):
        found.append(_ratio(group / "cpu.max"))
    for group in control_groups(root, "sys/fs/cgroup/cpu", "cpu"):
        found.append(_ratio(group / "cpu.cfs_quota_us", group / "cpu.cfs_period_us"))
    return [quota for quota in found if quota is not None]


def _ratio(*files: Path) -> float | None:
    """Quota over period; None where there is none."""
    try:
        quota, period = " ".join(path.read_text() for path in files).split()[:2]
        return int(quota) / int(period) if quota != "max" and int(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
