"""Names of files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_WORDS = {"+": " plus ", "-": " minus ", "/": " by ", "*": " times ", ";": " and "}


def _words(text: str) -> list[str]:
    """Words of letters and digits, with the signs of an expression spelled out between them."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    # A hyphen within a name is no minus; one between blanks is.
    plain = re.sub(r"(?<=\s)([-+*/])(?=\s)|([;])", lambda m: _WORDS[m[0]], plain)
    return re.findall(r"[A-Za-z0-9]+", plain)


def slug(text: str) -> str:
    """A text as part of a file name: ASCII letters, digits and underscores, at most 60.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> slug("face - 'left hand'"), slug("../..")
    ('face_minus_left_hand', 'unnamed')
    """
    return "_".join(_words(text))[:60].strip("_") or "unnamed"


def camel(text: str) -> str:
    """A text as a BIDS label: letters and digits, as nilearn names files of a contrast; a label stays as it is.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> camel("face - house"), camel("aMinusB"), camel("Effects of interest"), camel("a>b")
    ('faceMinusHouse', 'aMinusB', 'effectsOfInterest', 'aGtB')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    if re.fullmatch(r"[A-Za-z0-9]+", plain):
        return plain[:80]
    for sign, word in {"-": "Minus", "+": "Plus", ">": "Gt", "<": "Lt", "_": ""}.items():
        plain = plain.replace(sign, f" {word} ")
    first, *others = plain.split(" ")
    label = first.lower() + "".join(word.title() for word in others)
    return "".join(re.findall(r"[A-Za-z0-9]+", label))[:80] or "unnamed"


def unique_slugs(texts: Sequence[str], write=slug) -> list[str]:
    """A different name for each text.

    Parameters
    ----------
    texts : sequence of str
    write : callable
        `slug` or `camel`.

    Returns
    -------
    list of str

    Examples
    --------
    >>> unique_slugs(["a b", "a-b", "c"])
    ['a_b', 'a_b2', 'c']
    """
    names: list[str] = []
    taken: set[str] = set()
    for text in texts:
        name, number = write(text), 2
        candidate = name
        # File systems may not tell letters of different case apart.
        while candidate.lower() in taken:
            candidate, number = f"{name}{number}", number + 1
        names.append(candidate)
        taken.add(candidate.lower())
    return names
