"""JSON that somebody else wrote, read with one sentence for whatever is wrong with it."""

from __future__ import annotations

import json
from typing import Any


def parse_json(raw: str | bytes, source: object) -> Any:
    """Read JSON.

    Parameters
    ----------
    raw : str or bytes
        Bytes are UTF-8, with or without a byte-order mark.
    source : object
        What messages call it: its path.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If it is empty, is no JSON, is nested too deeply, or holds a number of too many digits.

    Examples
    --------
    >>> parse_json('{"RepetitionTime": 2}', "bold.json")
    {'RepetitionTime': 2}
    >>> parse_json("[" * 100_000, "bold.json")
    Traceback (most recent call last):
    ValueError: bold.json is not valid JSON: it is nested too deeply
    >>> parse_json("", "bold.json")
    Traceback (most recent call last):
    ValueError: bold.json is empty, and JSON was expected
    """
    if not raw.strip():
        raise ValueError(f"{source} is empty, and JSON was expected")
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError(f"{source} is not valid JSON: it is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{source} is not valid JSON: {error}") from None
