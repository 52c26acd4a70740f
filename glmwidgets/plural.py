"""A number with its noun, as every message writes it."""

from __future__ import annotations


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun.

    Parameters
    ----------
    number : int
    noun : str
        Of one thing.
    plural : str, optional
        Of more things, by default with an s at its end.

    Returns
    -------
    str

    Examples
    --------
    >>> count(1, "cluster"), count(12345, "voxel"), count(2, "entry", "entries")
    ('1 cluster', '12,345 voxels', '2 entries')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
