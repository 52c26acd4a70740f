"""Lazy imports: the public names of a package, imported from its modules on first use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def modules_of(package: str, exports: Mapping[str, str]) -> dict[str, str]:
    """The module of each name that a package hands on.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    exports : mapping from str to str
        Modules, as they are called within the package, and the names of each, with spaces between.

    Returns
    -------
    dict from name to module

    Examples
    --------
    >>> modules_of("glmwidgets.glm", {"fit.contrasts": "Contrast fixed_effects"})
    {'Contrast': 'glmwidgets.glm.fit.contrasts', 'fixed_effects': 'glmwidgets.glm.fit.contrasts'}
    """
    inside = {module: module if module.startswith("glmwidgets.") else f"{package}.{module}" for module in exports}
    return {name: inside[module] for module, names in exports.items() for name in names.split()}


def front_door(
    package: str, exports: Mapping[str, str], rooms: tuple[str, ...] = ()
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """``__all__``, ``__getattr__`` and ``__dir__`` of a package, so that importing it costs nothing.

    Parameters
    ----------
    package, exports
        As in `modules_of`.
    rooms : tuple of str
        Packages within it that are handed on themselves.

    Returns
    -------
    names : list of str
    getattr, dir : callable
    """
    modules = modules_of(package, exports)

    def look(name: str) -> Any:
        if name in modules:
            value = getattr(import_module(modules[name]), name)
        elif name in rooms:
            value = import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules, *rooms})

    return [*rooms, *sorted(modules)], look, listed
