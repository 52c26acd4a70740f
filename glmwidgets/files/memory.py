"""How much memory there is, so that what could never be held is refused before it is taken; and giving it back."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from pathlib import Path

#: Limits that a container sets, of cgroups of version 2 and 1: folder, name in /proc/self/cgroup, limit, what is used,
#: and what of that is given back when it is asked for, as files that were read are.
_LIMITS = (
    ("sys/fs/cgroup", "", "memory.max", "memory.current", "inactive_file"),
    ("sys/fs/cgroup/unified", "", "memory.max", "memory.current", "inactive_file"),
    ("sys/fs/cgroup/memory", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def available_memory() -> int | None:
    """Bytes that can still be taken: of the machine, or of the container's limit if that is less.

    Returns
    -------
    int or None
        None where the system does not tell.
    """
    known = [n for n in (_of_machine(), *_of_containers(Path("/"))) if n is not None]
    return min(known) if known else None


def need_memory(n_bytes: float, what: str, advice: str = "") -> None:
    """Refuse what needs more memory than there is.

    Parameters
    ----------
    n_bytes : float
    what : str
        What needs it, as the beginning of a sentence.
    advice : str
        What to do about it, as its end.

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
        raise ValueError(
            f"{what} would need {human_bytes(n_bytes)} of memory, and {human_bytes(there)} are available"
            + (f": {advice}" if advice else "")
        )


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


def _of_containers(root: Path) -> Iterator[int]:
    """What is left of each limit that holds for this process: those of its own group and of all groups above it."""
    for folder, kind, limit, used, reclaimed in _LIMITS:
        for group in control_groups(root, folder, kind):
            left = _left(group, limit, used, reclaimed)
            if left is not None:
                yield left


def control_groups(root: Path, folder: str, kind: str) -> list[Path]:
    """Folders of the control groups that this process is in: its own, and all above it.

    Parameters
    ----------
    root : Path
        Of the file system.
    folder : str
        Where the groups are mounted.
    kind : str
        What they limit; empty for cgroups of version 2, which limit all.
    """
    try:
        lines = [line.split(":", 2) for line in (root / "proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return []
    groups = {
        kind: Path(path.lstrip("/"))
        for _, kinds, path in (line for line in lines if len(line) == 3)
        for kind in kinds.split(",")
    }
    # Within a container the path may be that of the host, and the container's own group stands at the root.
    own = groups.get(kind, Path())
    return [root / folder / group for group in dict.fromkeys((own, *own.parents, Path()))]


def _left(group: Path, limit: str, used: str, reclaimed: str) -> int | None:
    """Bytes below the limit of a group; None where it has none."""
    try:
        most = (group / limit).read_text().strip()
        if most == "max":
            return None
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return max(0, int(most) - int((group / used).read_text()) + int(stat.get(reclaimed, 0)))
    except (OSError, ValueError):
        return None
