"""Options of the command line, as the settings themselves say what they are called, ask for and take."""

from __future__ import annotations

import argparse
import types
import typing
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from glmwidgets.glm.choices import refusal
from glmwidgets.specification.field import Field, Option, SettingsError
from glmwidgets.specification.settings import Settings
from glmwidgets.specification.tree import SettingsTree

# Headings of the help, and the groups of settings below each.
TITLES = {
    "the run": ("inputs", "data"),
    "the model": ("events", "design", "noise"),
    "the question": ("contrast", "threshold"),
}

# Settings without an option of their own, and those whose option decides them.
DECIDED_BY = {"design.source": "inputs.design"}


def add_settings(
    parser: argparse.ArgumentParser,
    titles: Mapping[str, Sequence[str]] = MappingProxyType(TITLES),
    begun: SettingsTree | None = None,
) -> None:
    """Give a parser the options of every setting that has any; what a person gives is there by the setting's path.

    Parameters
    ----------
    parser : ArgumentParser
        Two flags may write one setting, so a flag that was not given writes nothing.
    titles : mapping of str to sequence of str
        Headings of the help, and the groups of settings, or single ones, below each.
    begun : SettingsTree, optional
        What the help says for defaults; by default what the command line begins with.
    """
    for title, groups in titles.items():
        heading = parser.add_argument_group(title)
        for path, known in Settings.known().items():
            if path in groups or path.partition(".")[0] in groups:
                for option in known.options:
                    heading.add_argument(
                        option.flag,
                        dest=path,
                        default=argparse.SUPPRESS,
                        help=_help(path, known, option, begun).replace("%", "%%"),
                        **_taken(path, known, option),
                    )


def begun_with() -> Settings:
    """What the command line begins with, where no file of settings was named."""
    known = Settings.known().items()
    return Settings().updated({path: each.default for path, row in known for each in row.options if each.default})


def as_options_say(error: SettingsError) -> SettingsError:
    """The error with the flag in the place of the path: the person typed an option, and knows no path."""
    path = DECIDED_BY.get(error.path, error.path)
    options = Settings.field(path).options if path in Settings.known() else ()
    return SettingsError(options[0].flag, error.message, error.advice_at("terminal")) if options else error


def _help(path: str, known: Field, option: Option, begun: SettingsTree | None) -> str:
    """What an option asks for, what it needs to have an effect, its choices and its default."""
    needs = "".join(f", for {need.words}" for need in known.needs if need.words != "none")
    choices = "" if known.choices is None or known.closed else f": {', '.join(known.choices)}"
    default = option.default or Settings().get(path) if begun is None else begun.get(path)
    written = ",".join(map(str, default)) if isinstance(default, tuple) else f"{default}"
    shown = default not in (None, "") and not isinstance(default, bool)
    return f"{option.help}{needs}{choices}" + (f" (default: {written})" if shown else "")


def _taken(path: str, known: Field, option: Option) -> dict[str, Any]:
    """What argparse has to know of the value."""
    if option.const is not None:
        return {"action": "store_const", "const": option.const}
    if known.choices is not None and known.closed:
        names = [name for name in known.choices if name is not None]
        return {"type": partial(_one_of, names), "metavar": f"{{{','.join(names)}}}"}
    how: dict[str, Any] = {"metavar": option.metavar or option.flag.rpartition("-")[2].upper()}
    hint = Settings.hint(path)
    (kind,) = {*(typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,))} - {type(None)}
    if kind in (float, int):
        return {**how, "type": kind}
    if typing.get_origin(kind) is tuple and known.read is not None:
        return {**how, "type": partial(_read, known)}
    if typing.get_origin(kind) is tuple:
        return {**how, "action": "append"} if typing.get_args(kind)[0] is str else {**how, "type": _whole_numbers}
    return how


def _one_of(names: Sequence[str], text: str) -> str:
    refused = refusal(text, names)
    if refused is not None:
        raise argparse.ArgumentTypeError("; ".join(filter(None, refused)))
    return text


def _read(known: Field, text: str) -> Any:
    try:
        return known.read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _whole_numbers(text: str) -> list[int]:
    return [int(word) for word in text.replace(",", " ").split()]
