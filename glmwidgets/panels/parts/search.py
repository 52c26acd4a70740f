"""What a person probably means: entries whose words are those of a few typed ones, the likeliest first."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TypeVar


@dataclass(frozen=True)
class Entry:
    """What can be found.

    Attributes
    ----------
    key : str
        By which it is told from others.
    title : str
        What is shown of it.
    also : tuple of str
        Phrases by which it is looked for, too.
    about : str
        A sentence on it; its words count less.
    rank : float
        Of two that are as likely, the one of the lower rank comes first.
    """

    key: str
    title: str
    also: tuple[str, ...] = ()
    about: str = ""
    rank: float = 0.0


Found = TypeVar("Found", bound=Entry)

# What stands between two names of a contrast, in words.
_MINUS = {"minus", "versus", "vs", "against", "over", "than"}
# Words that mean one thing here.
_SAME = {"no": "none", "without": "none", "off": "none", "false": "none"}
# Words that say nothing of what is looked for.
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "a an the of to in on at by for from with and or is are be it its this that these my me i we you please can "
        "could do does how what which show set make use go want would like need least about",
    )
)
# Endings that words are without, the longest first.
_ENDINGS = ("ations", "ation", "ings", "ing", "ers", "ies", "est", "ed", "er", "es", "ly", "s", "e")

# Below this likeness two words are two words.
ALIKE = 0.78

# What a match in each place of an entry is worth.
IN_TITLE, IN_ALSO, IN_ABOUT = 1.0, 0.95, 0.45


def _split(text: str) -> list[str]:
    text = re.sub(r"\((\d+)\)", r"\1", text.casefold().replace("−", "-").replace("²", "2"))
    text = re.sub(r"(?<=\w)-(?=\w)", " ", text)
    return re.findall(r"\d+(?:[.,]\d+)?|[^\W\d_]+\d*|[-+?ρλφ]", text)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


@lru_cache(maxsize=20_000)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared: without endings, and without those that say nothing.

    Examples
    --------
    >>> words_of("Smoothing by 8 mm"), words_of("faces versus houses"), words_of("AR(1) noise")
    (('smooth', '8', 'mm'), ('fac', '-', 'hous'), ('ar1', 'nois'))
    """
    found = []
    for word in _split(text):
        if word in _EMPTY:
            continue
        word = "-" if word in _MINUS else _stem(_SAME.get(word, word))
        found.append(word)
    return tuple(found)


@lru_cache(maxsize=50_000)
def _likeness(typed: str, word: str) -> float:
    """How far a typed word is a word of an entry, from 0 to 1."""
    if typed == word:
        return 1.0
    if not typed.isalpha() or not word.isalpha():
        return 0.0
    if word.startswith(typed) and len(typed) >= 2:
        return 0.75 + 0.15 * len(typed) / len(word)
    if len(typed) < 4 or len(word) < 4:
        return 0.0
    if typed.startswith(word):
        return 0.8
    near = SequenceMatcher(None, typed, word).ratio()
    return 0.8 * near if near >= ALIKE else 0.0


def _all_words(entry: Entry) -> dict[str, float]:
    """Each word of an entry with what a match of it is worth."""
    worth: dict[str, float] = {}
    for text, value in (
        (entry.about, IN_ABOUT),
        *((phrase, IN_ALSO) for phrase in entry.also),
        (entry.title, IN_TITLE),
    ):
        for word in words_of(text):
            worth[word] = max(value, worth.get(word, 0.0))
    return worth


def _whole(typed: tuple[str, ...], text: str) -> float:
    """How far typed words and a text are the same: 1 for the same words in their order."""
    words = words_of(text)
    if not words:
        return 0.0
    shared = sum((Counter(typed) & Counter(words)).values())
    both = 2 * shared / (len(typed) + len(words))
    places = [words.index(word) for word in typed if word in words]
    return both if places == sorted(places) else 0.8 * both


def search(query: str, entries: Sequence[Found], most: int = 12) -> list[Found]:
    """Entries that a person probably means, the likeliest first.

    A word counts the more the fewer entries have it. Each typed word looks for the word of an entry that is most like
    it; an entry that lacks a typed word loses what that is worth.

    Parameters
    ----------
    query : str
        As typed; without a word, all entries are as likely.
    entries : sequence of Entry
    most : int

    Returns
    -------
    list of Entry

    Examples
    --------
    >>> there = [Entry("a", "More smoothing", ("smooth more",)), Entry("b", "Less smoothing"), Entry("c", "Undo")]
    >>> [found.key for found in search("smooth mor", there)]
    ['a', 'b']
    """
    typed = words_of(query)
    if not typed:
        return sorted(entries, key=lambda entry: entry.rank)[:most]
    worths = [_all_words(entry) for entry in entries]
    holders = Counter(word for worth in worths for word in worth)
    rare = {word: math.log1p(len(entries) / (1 + holders[word])) for word in {*holders, *typed}}
    vocabulary = {each: {w: like for w in holders if (like := _likeness(each, w))} for each in set(typed)}
    scored = []
    for entry, worth in zip(entries, worths, strict=True):
        got = total = 0.0
        for each in typed:
            near = [(like * worth[w], rare[w]) for w, like in vocabulary[each].items() if w in worth]
            best = max(near, default=(0.0, 0.0))
            # A word that nobody has is a slip of the tongue, and tells entries apart no more than a common one.
            weight = best[1] if near else min(rare[each], 2.0)
            got += best[0] * weight
            total += weight
        if got <= 0.25 * total:
            continue
        whole = max(_whole(typed, text) for text in (entry.title, *entry.also))
        scored.append((-(got / total) * (0.6 + 0.4 * whole), entry.rank, len(entry.title), len(scored), entry))
    return [entry for *_, entry in sorted(scored, key=lambda row: row[:4])[:most]]
