"""Delays of a FIR model as a person writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from glmwidgets.plural import count

_PIECE = re.compile(r"(\d+)(?:\s*[-\u2013]\s*(\d+))?")

#: Runs of delays at least this long are written with a dash.
LONG = 4


def parse_delays(text: str, n_scans: int) -> tuple[int, ...]:
    """Read delays such as ``"0-7"`` or ``"0, 1, 2, 5-8"``.

    Parameters
    ----------
    text : str
    n_scans : int
        Scans of the run; a delay must be shorter.

    Returns
    -------
    tuple of int
        In scans, rising.

    Raises
    ------
    ValueError
        If it is no list of whole numbers, one comes twice, or is longer than the run.

    Examples
    --------
    >>> parse_delays("0-3, 6", n_scans=100)
    (0, 1, 2, 3, 6)
    """
    text = re.sub(r"\s*[-\u2013]\s*", "-", text.strip())
    delays: list[int] = []
    for piece in re.split(r"\s*,\s*|\s+", text):
        match = _PIECE.fullmatch(piece)
        if match is None:
            raise ValueError(f"delays must be whole numbers of scans, such as 0-7 or 0, 1, 2; not {text!r}")
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if last < first:
            raise ValueError(f"delays {piece}: the first is larger than the last; write {last}-{first}")
        if last >= n_scans:
            raise ValueError(f"a delay of {count(last, 'scan')} is longer than the run, which has {n_scans}")
        delays += range(first, last + 1)
    if len(set(delays)) < len(delays):
        twice = sorted({delay for delay in delays if delays.count(delay) > 1})
        raise ValueError(f"delays come twice: {', '.join(map(str, twice))}")
    return tuple(sorted(delays))


def format_delays(delays: Sequence[int]) -> str:
    """Write delays so that `parse_delays` reads them.

    Parameters
    ----------
    delays : sequence of int
        In scans, rising.

    Returns
    -------
    str

    Examples
    --------
    >>> format_delays((0, 1, 2, 3, 6)), format_delays((0, 1, 2))
    ('0-3, 6', '0, 1, 2')
    """
    runs: list[list[int]] = []
    for delay in delays:
        if runs and delay == runs[-1][-1] + 1:
            runs[-1].append(delay)
        else:
            runs.append([delay])
    pieces = [[f"{run[0]}-{run[-1]}"] if len(run) >= LONG else map(str, run) for run in runs]
    return ", ".join(word for piece in pieces for word in piece)
