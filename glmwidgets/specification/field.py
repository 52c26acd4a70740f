"""Everything that is known of a setting, in its declaration.

A setting is a field of a frozen dataclass; `setting` declares one, with a `Field` as its metadata. Menus, the command
line and its help, the ledger's words, methods text, scripts, Stats Models and the table of a report read that row.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from glmwidgets.glm.choices import refusal
from glmwidgets.glm.errors import GlmwidgetsError, InputError, told

if TYPE_CHECKING:
    from glmwidgets.specification.tree import SettingsTree


class SettingsError(InputError):
    """A setting that cannot be used.

    Parameters
    ----------
    path : str
        Where it stands in the tree, such as ``design.high_pass``; also `where`.
    message, advice : str
        See `glmwidgets.glm.errors.GlmwidgetsError`.

    Attributes
    ----------
    path : str
    """

    def __init__(self, path: str, message: str, advice: str | Mapping[str, str] = ""):
        super().__init__(message, advice=advice, where=path)
        self.path = path

    @classmethod
    def of(cls, path: str, error: Exception) -> SettingsError:
        """What is wrong with a setting, as the engine says it."""
        if isinstance(error, GlmwidgetsError):
            return cls(path, error.message, error.advices)
        return cls(path, told(error))


def plain(value: Any) -> str:
    """A value in words.

    Examples
    --------
    >>> plain(None), plain(True), plain(0.00012345), plain(("face", "house")), plain("")
    ('none', 'yes', '0.0001234', 'face, house', 'none')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return ", ".join(map(plain, value)) or "none"
    return str(value) or "none"


_NUMBER = re.compile(r"[-−+]?\d+(?:[.,]\d+)?(?:e[-+]?\d+)?|[-−+]?[.,]\d+")


def number_in(text: str) -> float | None:
    """The first number of a text; None where it holds none.

    Examples
    --------
    >>> number_in("by 2,5 mm"), number_in(".05"), number_in("none")
    (2.5, 0.05, None)
    """
    found = _NUMBER.search(text)
    if found is None:
        return None
    value = float(found[0].replace("−", "-").replace(",", "."))
    return value if math.isfinite(value) else None


#: Stands for no value at all.
UNSAID: Any = object()


@dataclass(frozen=True)
class Option:
    """An option of the command line.

    Attributes
    ----------
    flag : str
    help : str
        What it asks for; which choices it has, what it needs and its default are added.
    metavar : str
        What stands for its value in the help; the end of the flag if empty.
    const : object
        What the flag alone means, where it takes no value.
    default : str
        What the command line begins with, where that is not the setting's own default.
    """

    flag: str
    help: str
    metavar: str = ""
    const: Any = None
    default: str = ""


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Argument:
    """What a setting is called in the conventional interface.

    Attributes
    ----------
    name : str
    of : str
        Function or class of `glmwidgets.models` that takes it.
    to, back : callable
        Its value there from the setting's, and the setting's from that.
    nilearn : str or None
        Its name in nilearn, the same if empty; None if nilearn has no such argument.
    lacks : callable
        What it means of a value that nilearn has no such argument, after a colon; empty if it means nothing.
    quiet : bool
        Whether a script leaves it out where it is the default.
    """

    name: str
    of: str = "FirstLevelModel"
    to: Callable[[Any], Any] = _same
    back: Callable[[Any], Any] = _same
    nilearn: str | None = ""
    lacks: Callable[[Any], str] = lambda value: ""
    quiet: bool = False

    @property
    def theirs(self) -> str | None:
        """Its name in nilearn; None if there is no such argument."""
        return self.name if self.nilearn == "" else self.nilearn


@dataclass(frozen=True)
class Needs:
    """Another setting without which a setting has no effect.

    Attributes
    ----------
    path : str
        Of the other.
    values : callable
        Gives the values of it under which this one has an effect. Called when asked, as rows of tables may be added.
    row : callable
        Which of these a value of the other means.
    """

    path: str
    values: Callable[[], Iterable[Any]]
    row: Callable[[Any], Any] = _same

    def met(self, settings: SettingsTree) -> bool:
        """Whether a tree has what is needed."""
        # A tree without the setting, as a study's that knows no one run's mask, cannot say that it is not met.
        return self.path not in settings.paths() or self.row(settings.get(self.path)) in list(self.values())

    @property
    def words(self) -> str:
        """The values, for a sentence that begins with "for".

        Examples
        --------
        >>> Needs("design.drift_model", lambda: ["cosine"]).words
        'cosine'
        """
        return ", ".join(map(plain, self.values()))


def _label(row: Any) -> str:
    """What a row of a table is called, where it says that: a table holds rows with a label, or labels."""
    return row if isinstance(row, str) else getattr(row, "label", "")


@dataclass(frozen=True)
class Field:
    """All that anybody asks of a setting.

    Attributes
    ----------
    label : str
        What a person calls it, in tables and the ledger.
    short : str
        What its control is called, where that is not the label.
    help : str
        What it asks for, to who points at its control; as the command line says it if empty.
    step : float
        By which its control moves.
    unit : str
        Of its value; empty without one.
    say : callable or None
        Its value in a few words, where the value itself with its unit is not that.
    said : callable or None
        Its value as a clause of a methods section, empty where there is nothing to tell.
    choices : table or sequence, or None
        What can be chosen. A table's rows may have a ``label``.
    closed : bool
        Whether nothing else can; otherwise the choices are families of names, and their owner checks a name.
    low, high : float
        Least and largest value.
    open_low : bool
        Whether the least value itself is not allowed.
    options : tuple of Option
        At the command line.
    argument : Argument or None
        In the conventional interface.
    bids : str
        Where a BIDS Stats Model holds it, as names of keys; empty where it can only be told in words.
    needs : tuple of Needs
        Without which it has no effect.
    alternatives : tuple
        Values that are as defensible as another, for who wants to know what depends on the choice.
    absent : object
        What a file means that does not say it, as it was written before there was such a setting; the default if this
        is not given.
    aside : bool
        Whether it changes no map, and is told of only where nothing else changed.
    is_origin : bool
        Whether it tells where the value of another came from: no result depends on it, and no hash.
    change : callable or None
        ``change(before, after)``: a change of it in words, where that is not "label before → after".
    also : tuple of str
        Phrases by which a person looks for it, beside its label.
    more, less : tuple of str
        Phrases that ask for a larger and for a smaller value.
    stride : float
        By how much more or less of it is, beyond its alternatives; 0 where nobody asks for more of it.
    offers : callable or None
        Gives the values that a menu offers, where `choices` are families of names.
    row : callable or None
        Gives the row that a value means, where `choices` are families of names.
    read : callable or None
        Its value from what a person types, where that is not the value itself.
    hold : callable or None
        Its value from what JSON cannot hold, such as a Python function.
    """

    label: str
    unit: str = ""
    say: Callable[[Any], str] | None = None
    said: Callable[[Any], str] | None = None
    choices: Any = None
    closed: bool = True
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    options: tuple[Option, ...] = ()
    argument: Argument | None = None
    bids: str = ""
    needs: tuple[Needs, ...] = ()
    alternatives: tuple[Any, ...] = ()
    absent: Any = UNSAID
    aside: bool = False
    is_origin: bool = False
    change: Callable[[Any, Any], str] | None = None
    short: str = ""
    help: str = ""
    step: float = 1
    also: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    stride: float = 0.0
    offers: Callable[[], Iterable[Any]] | None = None
    row: Callable[[Any], Any] | None = None
    read: Callable[[str], Any] | None = None
    hold: Callable[[Any], Any] | None = None

    @property
    def title(self) -> str:
        """What its control is called, with its unit.

        Examples
        --------
        >>> Field("smallest cluster", unit="voxels", short="cluster").title
        'cluster, voxels'
        """
        return ", ".join(filter(None, (self.short or self.label, self.unit)))

    @property
    def hint(self) -> str:
        """What it asks for, in a few words."""
        return self.help or next((option.help for option in self.options), "")

    def menu(self, offered: Iterable[Any] | None = None) -> list[tuple[str, Any]]:
        """Values to choose from, each after what it is called: all by default, or those that are offered.

        Examples
        --------
        >>> Field("sides", say=lambda both: "both" if both else "positive").menu((True, False))
        [('both', True), ('positive', False)]
        """
        rows = self.choices if isinstance(self.choices, Mapping) else {}
        values = self.choices if offered is None else offered
        return [(_label(rows.get(value)) or self._said(value), value) for value in values]

    def _said(self, value: Any) -> str:
        return plain(value) if self.say is None else self.say(value)

    def words(self, value: Any) -> str:
        """A value as a person reads it, with its unit.

        Examples
        --------
        >>> Field("smoothing", unit="mm").words(5.0), Field("smoothing", unit="mm").words(None)
        ('5 mm', 'none')
        >>> Field("sides", choices={"both": "both signs"}).words("both")
        'both signs'
        """
        if self.say is not None:
            return self.say(value)
        chosen = value if isinstance(value, tuple) else (value,)
        words = ", ".join(map(self._row_label, chosen)) or plain(None)
        return words + (f" {self.unit}" if self.unit and value is not None else "")

    def _row_label(self, value: Any) -> str:
        """What a value is called in the table."""
        row = self.choices.get(value) if isinstance(self.choices, Mapping) and self.closed else None
        return _label(row) or plain(value)

    def changed(self, before: Any, after: Any) -> str:
        """A change of it in words."""
        if self.change is not None:
            return self.change(before, after)
        return f"{self.label} {self.words(before)} → {self.words(after)}"

    def clause(self, value: Any) -> str:
        """A value as a clause of a methods section; empty where there is nothing to tell."""
        return "" if self.said is None else self.said(value)

    def lacking(self, settings: SettingsTree) -> tuple[Needs, ...]:
        """What it needs and a tree does not have."""
        return tuple(need for need in self.needs if not need.met(settings))

    def check(self, path: str, value: Any) -> None:
        """Refuse a value outside of the choices or the bounds.

        Raises
        ------
        SettingsError
        """
        if self.choices is not None and self.closed:
            for each in value if isinstance(value, tuple) else (value,):
                refused = refusal(each, self.choices)
                if refused is not None:
                    raise SettingsError(path, *refused)
        if (self.low > -math.inf or self.high < math.inf or isinstance(value, float)) and value is not None:
            low, high = self.low, self.high
            if not isinstance(value, Real):
                raise SettingsError(path, f"must be a number, not {value!r}")
            if not math.isfinite(value) or value > high or value < low or (self.open_low and value == low):
                bounds = f"above {low:g}" if self.open_low else f"at least {low:g}"
                bounds += "" if high == math.inf else f" and at most {high:g}"
                raise SettingsError(path, f"must be {bounds}, not {value:g}")


def setting(default: Any, label: str, **known: Any) -> Any:
    """Declare a setting: a field of a frozen dataclass, with what is known of it.

    Parameters
    ----------
    default : object
        What JSON can hold; lists are tuples.
    label : str
    **known
        See `Field`.
    """
    return dataclasses.field(default=default, metadata={"field": Field(label, **known)})


def field_of(declared: dataclasses.Field) -> Field:
    """What is known of a dataclass's field."""
    return declared.metadata["field"]


def arguments_in(group: Any) -> dict[str, Any]:
    """Arguments of the conventional interface that the settings of a group are, by their names there."""
    known = {declared.name: field_of(declared).argument for declared in dataclasses.fields(group)}
    return {each.name: each.to(getattr(group, name)) for name, each in known.items() if each is not None}


def check_group(group: Any, name: str) -> None:
    """Refuse a value of a group of settings that its fields do not allow.

    Parameters
    ----------
    group : dataclass
    name : str
        What the group is called in its tree.

    Raises
    ------
    SettingsError
    """
    for declared in dataclasses.fields(group):
        field_of(declared).check(f"{name}.{declared.name}", getattr(group, declared.name))
