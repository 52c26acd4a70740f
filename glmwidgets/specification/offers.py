"""Values that a setting can take, for menus, typed values, and steps up or down."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from typing import Any, NamedTuple

from glmwidgets.specification.field import Field, SettingsError, number_in
from glmwidgets.specification.tree import SettingsTree

_NONE = ("", "none", "no", "off")


class Offer(NamedTuple):
    """A value that a setting can have.

    Attributes
    ----------
    value : object
    label : str
        What a person reads.
    also : tuple of str
        Phrases by which it is looked for.
    about : str
        A sentence on it.
    """

    value: Any
    label: str
    also: tuple[str, ...] = ()
    about: str = ""


def _kinds(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def is_number(hint: Any) -> bool:
    """Whether a setting of this type is one number."""
    kinds = set(_kinds(hint)) - {type(None)}
    return bool(kinds) and kinds <= {int, float}


def offers_of(path: str, kind: type[SettingsTree]) -> tuple[Offer, ...]:
    """Values of a setting that a list offers: rows of its table, yes and no, or those as defensible as another.

    Parameters
    ----------
    path : str
    kind : type
        Of the tree.

    Returns
    -------
    tuple of Offer
        Empty where a value can only be typed.

    Examples
    --------
    >>> from glmwidgets.specification.settings import Settings
    >>> [offer.value for offer in offers_of("threshold.two_sided", Settings)]
    [True, False]
    >>> [offer.label for offer in offers_of("data.smoothing_fwhm", Settings)]
    ['none', '4 mm', '6 mm', '8 mm']
    """
    field, hint = kind.field(path), kind.hint(path)
    if any(typing.get_origin(each) is tuple for each in _kinds(hint)):
        return ()
    if field.offers is not None:
        return tuple(map(lambda value: _offer(field, value), field.offers()))
    if field.choices is not None and field.closed:
        return tuple(_offer(field, value) for value in field.choices)
    if bool in _kinds(hint):
        return tuple(Offer(value, field.words(value)) for value in (True, False))
    return tuple(Offer(value, field.words(value)) for value in field.alternatives)


def _offer(field: Field, value: Any) -> Offer:
    row = field.choices.get(value) if isinstance(field.choices, Mapping) else None
    if row is None and field.row is not None:
        row = field.row(value)
    label = row if isinstance(row, str) else getattr(row, "label", None) or field.words(value)
    named = (str(value),) if isinstance(value, str) else ()
    return Offer(value, label, (*named, *getattr(row, "also", ())), getattr(row, "description", ""))


def stepped(field: Field, value: Any, up: bool) -> Any:
    """The next larger or smaller value of a number: of its alternatives, or a step further.

    Returns
    -------
    float, int or None
        None where there is none, or it is no number that is stepped.

    Examples
    --------
    >>> from glmwidgets.specification.settings import Settings
    >>> smoothing = Settings.field("data.smoothing_fwhm")
    >>> stepped(smoothing, 5.0, up=True), stepped(smoothing, None, up=True), stepped(smoothing, None, up=False)
    (6.0, 4.0, None)
    """
    if not field.stride:
        return None
    now = 0 if value is None else value
    known = sorted(each for each in field.alternatives if each is not None)
    beyond = [each for each in (known if up else known[::-1]) if (each > now if up else each < now)]
    after = beyond[0] if beyond else now + (field.stride if up else -field.stride)
    if isinstance(after, float):
        after = round(after, 10)
    return after if after != now and field.low <= after <= field.high else None


def read_value(path: str, text: str, kind: type[SettingsTree]) -> Any:
    """The value that a person means by what they type.

    Parameters
    ----------
    path : str
        Of the setting.
    text : str
        Such as ``"8 mm"``, ``"none"``, ``"face, house"``.
    kind : type
        Of the tree.

    Returns
    -------
    object
        What `SettingsTree.updated` takes; whether it can be used is for that to say.

    Raises
    ------
    SettingsError
        If it is no number where one is asked for.

    Examples
    --------
    >>> from glmwidgets.specification.settings import Settings
    >>> read_value("data.smoothing_fwhm", "8 mm", Settings), read_value("data.smoothing_fwhm", "none", Settings)
    (8.0, None)
    >>> read_value("design.high_pass", "128 s", Settings), read_value("design.conditions", "face, house", Settings)
    (0.0078125, ('face', 'house'))
    >>> read_value("threshold.two_sided", "no", Settings), read_value("design.drift_model", "Cosines", Settings)
    (False, 'cosine')
    """
    field, kinds, text = kind.field(path), _kinds(kind.hint(path)), text.strip()
    if type(None) in kinds and text.casefold() in _NONE:
        return None
    if field.read is not None:
        return field.read(text)
    if bool in kinds:
        return text.casefold() in ("yes", "true", "on", "1")
    for offer in offers_of(path, kind):
        if isinstance(offer.value, str) and text.casefold() in (offer.value.casefold(), offer.label.casefold()):
            return offer.value
    if is_number(kind.hint(path)):
        number = number_in(text)
        if number is None:
            raise SettingsError(path, f"must be a number{f' in {field.unit}' if field.unit else ''}, not {text!r}")
        return int(number) if int in kinds and number == int(number) else number
    return _several(text, kinds) if str not in kinds else text


def _several(text: str, kinds: tuple[Any, ...]) -> Any:
    (item,) = (typing.get_args(each)[0] for each in kinds if typing.get_origin(each) is tuple)
    if text.startswith("["):
        return tuple(tuple(each) if isinstance(each, list) else each for each in json.loads(text))
    words = [word.strip() for word in text.split(",") if word.strip()]
    if item is str:
        return tuple(words)
    return tuple(int(word) if item is int else float(word) for word in " ".join(words).split())
