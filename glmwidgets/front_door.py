"""Front doors: the names that a package hands on from its modules, imported when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def front_door(
    package: str, exports: Mapping[str, str], rooms: tuple[str, ...] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package, so that importing it costs nothing.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    exports : mapping from str to str
        Names that are handed on, and the module that each stands in.
    rooms : tuple of str
        Packages within it that are handed on themselves.

    Returns
    -------
    getattr, dir : callable
    """

    def look(name: str) -> Any:
        if name in exports:
            value = getattr(import_module(exports[name]), name)
        elif name in rooms:
            value = import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *exports, *rooms})

    return look, listed
