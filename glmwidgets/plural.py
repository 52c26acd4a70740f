"""A number with its noun, as every message writes it."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """A number with its noun.

    Parameters
    ----------
    number : int
    noun : str
        Of one thing; its plural ends in s.

    Returns
    -------
    str

    Examples
    --------
    >>> count(1, "cluster"), count(12345, "voxel")
    ('1 cluster', '12,345 voxels')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
