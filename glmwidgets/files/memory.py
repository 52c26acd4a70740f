"""How much memory there is, so that what could never be held is refused before it is taken; and giving it back."""

from __future__ import annotations

import ctypes
import gc
import os
from pathlib import Path

__all__ = ["available_memory", "give_memory_back", "human_bytes", "need_memory"]

#: Limits that a container sets: of cgroups, version 2 and 1, with what is used of each.
_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def available_memory() -> int | None:
    """Bytes that can still be taken: of the machine, or of the container's limit if that is less.

    Returns
    -------
    int or None
        None where the system does not tell.
    """
    found = [_of_machine(), *(_of_container(*files) for files in _LIMITS)]
    known = [n for n in found if n is not None]
    return min(known) if known else None


def need_memory(n_bytes: float, what: str) -> None:
    """Refuse what needs more memory than there is.

    Parameters
    ----------
    n_bytes : float
    what : str
        What needs it, as the beginning of a sentence.

    Raises
    ------
    ValueError
        With both numbers.

    Examples
    --------
    >>> need_memory(1000, "a small image")
    >>> need_memory(1e18, "a large image")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: a large image would need 931,322,574.6 GiB of memory, and ... are available
    """
    there = available_memory()
    if there is not None and n_bytes > there:
        raise ValueError(f"{what} would need {human_bytes(n_bytes)} of memory, and {human_bytes(there)} are available")


def give_memory_back() -> None:
    """Return what is free to the system: the C library keeps what threads once took."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def human_bytes(n_bytes: float) -> str:
    """A size for people, such as ``1.5 GiB``."""
    return f"{n_bytes / 2**30:,.1f} GiB" if n_bytes >= 0.1 * 2**30 else f"{n_bytes / 2**20:,.1f} MiB"


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _of_container(limit: str, used: str) -> int | None:
    try:
        most = Path(limit).read_text().strip()
        return None if most == "max" else max(0, int(most) - int(Path(used).read_text()))
    except (OSError, ValueError):
        return None
