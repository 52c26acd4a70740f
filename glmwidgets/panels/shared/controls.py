"""The control of a setting, made from what the specification knows of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import UnionType
from typing import Any, get_args

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.slider import Slider
from glmwidgets.specification.field import Field
from glmwidgets.specification.tree import SettingsTree

#: Stands for None in a menu, where None would be no choice at all.
NOTHING = ""

# Stands for no bound; JSON has no infinity.
FAR = 1e9

_KINDS = {bool: W.Checkbox, int: W.BoundedIntText, float: W.BoundedFloatText}

# Controls whose description stands beside them; a button's or a checkbox's is what they show.
_UNLABELLED = (W.Dropdown, W.Text, W.FloatText, W.BoundedFloatText, W.IntText, W.BoundedIntText, W.SelectMultiple)


def named(control: W.Widget, name: str) -> W.Widget:
    """Give a control a name for those who hear the page; who sees it reads the label above, or needs none."""
    if isinstance(control, _UNLABELLED) and (control.description or name):
        control.description = control.description or name
        control.add_class("glmw-named")
    return control


def control_of(
    tree: type[SettingsTree],
    path: str,
    *,
    kind: type[W.Widget] | None = None,
    offered: Iterable[Any] | None = None,
    titled: bool = False,
    **traits: Any,
) -> W.Widget:
    """Make the control of a setting: a menu of its choices, a tick, a number between its bounds, or a line of words.

    Parameters
    ----------
    tree : type
        Of the settings.
    path : str
    kind : type, optional
        Another widget than the setting's type asks for, such as a slider.
    offered : iterable, optional
        Values of the menu, where these are not all that the field knows.
    titled : bool
        Whether each line of the menu begins with what the control is called.
    **traits
        Of the widget, in the place of what the field says.

    Returns
    -------
    widget
        Called as the setting is, also for those who hear the page.

    Examples
    --------
    >>> from glmwidgets.specification.settings import Settings
    >>> made = control_of(Settings, "data.smoothing_fwhm")
    >>> made.description, made.max, made.tooltip
    ('smoothing, mm', 50.0, 'width of the Gaussian in mm, 0 for none')
    """
    known, hint = tree.field(path), tree.hint(path)
    types = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if offered is None and bool in types and known.say is not None:
        offered = (True, False)
    if kind is None:
        chosen = known.choices is not None or offered is not None
        kind = W.Dropdown if chosen else next((_KINDS[each] for each in _KINDS if each in types), W.Text)
    said: dict[str, Any] = {"label": known.title} if kind is Slider else {"tooltip": known.hint}
    if kind is W.Dropdown:
        head = f"{known.short or known.label} " if titled else ""
        said["options"] = [(head + label, NOTHING if value is None else value) for label, value in known.menu(offered)]
    elif kind is W.Checkbox:
        said |= {"description": known.title, "indent": False}
    elif kind is W.Text:
        said["continuous_update"] = False
    else:
        said |= _bounds(known, int if kind is W.BoundedIntText else float)
    return named(kind(**{**said, **traits}), known.title)


def _bounds(known: Field, number: type) -> dict[str, Any]:
    ends = {"min": known.low, "max": known.high}
    return {name: number(end if math.isfinite(end) else math.copysign(FAR, end)) for name, end in ends.items()} | {
        "step": number(known.step)
    }
