"""A specification as one short text, for an address or a message; and its hash, the same on every machine."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import zlib
from collections.abc import Mapping
from typing import Any, TypeVar

from glmwidgets.glm.errors import InputError
from glmwidgets.specification.settings import Settings
from glmwidgets.specification.tree import SettingsTree

Tree = TypeVar("Tree", bound=SettingsTree)

#: Characters that an address holds for sure.
LONGEST = 2000

# The first character tells the way of writing, and is raised when that changes.
VERSION = "1"

# What a text may open to.
MOST_BYTES = 1_000_000


def _asked(tree: SettingsTree) -> dict[str, Any]:
    """Settings that are not as a file means that does not say them, less which run they are of."""
    plain = type(tree).from_dict({})
    return {path: after for path, (_, after) in tree.changes_from(plain).items() if not path.startswith("inputs.")}


def encode(tree: SettingsTree) -> str:
    """Settings as a text of letters, digits, ``-`` and ``_``: what differs from the defaults, and not which run.

    Parameters
    ----------
    tree : SettingsTree

    Returns
    -------
    str
        At most `LONGEST` characters.

    Raises
    ------
    ValueError
        If it would be longer, as events that were edited may be.

    Examples
    --------
    >>> text = encode(Settings().updated({"design.hrf_model": "glover", "threshold.alpha": 0.01}))
    >>> decode(text).design.hrf_model, len(text) < 150
    ('glover', True)
    """
    told = json.dumps(_asked(tree), allow_nan=False, separators=(",", ":")).encode()
    text = VERSION + base64.urlsafe_b64encode(zlib.compress(told, 9)).decode().rstrip("=")
    if len(text) > LONGEST:
        longest = max(_asked(tree).items(), key=lambda item: len(str(item[1])))[0]
        raise InputError(
            f"these settings are a text of {len(text):,} characters, more than {LONGEST:,}; the longest is {longest}",
            advice={"function": "save the session to a file instead", "notebook": "save the session to a file instead"},
        )
    return text


def decode(text: str, kind: type[Tree] = Settings) -> Tree:
    """Settings from what `encode` wrote.

    Parameters
    ----------
    text : str
    kind : type
        Of tree that they are of.

    Returns
    -------
    SettingsTree

    Raises
    ------
    ValueError
        If it is no such text, or holds a setting that cannot be used.

    Examples
    --------
    >>> decode(encode(Settings())) == Settings()
    True
    >>> decode("1spm")
    Traceback (most recent call last):
    glmwidgets.glm.errors.InputError: '1spm' is not a state of settings; copy the whole text of an explorer's state
    """
    return kind.from_dict({}).updated(_told(text))


def begun_with(state: str, settings: Any = None, kind: type[SettingsTree] = Settings) -> dict[str, Any]:
    """What a session begins with that is given a state, and perhaps some settings that go before it.

    Parameters
    ----------
    state : str
        What `encode` wrote.
    settings : mapping from path to value, optional
    kind : type
        Of tree that they are of.

    Returns
    -------
    dict from path to value
        Every path but those that say which run it is.

    Raises
    ------
    ValueError
        If the state is none, or `settings` is a whole tree.
    """
    if isinstance(settings, SettingsTree):
        raise InputError("state and settings= describe the same thing", advice="give one of them")
    told = decode(state, kind).updated(settings or {})
    named = {path for path in settings or {} if path.startswith("inputs.")}
    return {path: told.get(path) for path in told.paths() if path in named or not path.startswith("inputs.")}


def _told(text: str) -> Mapping[str, Any]:
    try:
        if text[:1] != VERSION or len(text) > LONGEST:
            raise ValueError
        packed = base64.b64decode(text[1:] + "=" * (-len(text[1:]) % 4), altchars=b"-_", validate=True)
        opener = zlib.decompressobj()
        told = json.loads(opener.decompress(packed, MOST_BYTES))
        if not opener.eof or not isinstance(told, dict):
            raise ValueError
    except (ValueError, TypeError, RecursionError, binascii.Error, zlib.error):
        shown = f"{text[:40]}..." if isinstance(text, str) and len(text) > 40 else text
        raise InputError(
            f"{shown!r} is not a state of settings", advice="copy the whole text of an explorer's state"
        ) from None
    return told


def _canonical(value: Any) -> Any:
    """A value as JSON writes it in one way only: numbers with a fraction as hexadecimal text."""
    if isinstance(value, Mapping):
        return {str(name): _canonical(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [_canonical(each) for each in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no hash: settings must be finite numbers")
        return (value + 0.0).hex()  # -0 is 0
    return value


def digest(asked: SettingsTree | Mapping[str, Any]) -> str:
    """Hash of what is asked, not of how it is looked at or was chosen: 16 hexadecimal digits, the same everywhere.

    Parameters
    ----------
    asked : SettingsTree or mapping
        A tree, such as a `glmwidgets.specification.model.Model`, or plain values.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a number is not finite.

    Examples
    --------
    >>> from glmwidgets.specification.model import Model
    >>> settings = Settings().updated({"noise.model": "ols", "map.opacity": 0.5})
    >>> digest(settings.part(Model)) == digest(Model().updated({"noise.model": "ols"}))
    True
    """
    plain = asked.to_dict(views=False, origins=False) if isinstance(asked, SettingsTree) else asked
    text = json.dumps(_canonical(plain), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
