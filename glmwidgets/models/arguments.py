"""What the arguments of an estimator ask for, as a specification."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, TypeVar

from glmwidgets.glm.errors import InputError
from glmwidgets.models.base import is_default
from glmwidgets.specification.arguments import ESTIMATOR, changes_of
from glmwidgets.specification.effects import without_effect
from glmwidgets.specification.field import SettingsError
from glmwidgets.specification.model import Model
from glmwidgets.specification.tree import SettingsTree

Tree = TypeVar("Tree", bound=SettingsTree)


def asked_by(arguments: Mapping[str, Any], kind: type[Tree], of: str = ESTIMATOR) -> Tree:
    """The specification that the arguments of an estimator, or of a function of inference, describe.

    Parameters
    ----------
    arguments : mapping from str to object
        Those that no setting stands for are passed over, and a smoothing kernel of three numbers.
    kind : type
        Of the specification, such as `glmwidgets.specification.model.Model`.
    of : str
        Whose arguments they are: a name of `glmwidgets.models`.

    Returns
    -------
    SettingsTree
        Of that kind.

    Raises
    ------
    ValueError
        If a value cannot be used; the message names the argument.

    Examples
    --------
    >>> asked_by({"hrf_model": None, "signal_scaling": (0, 1), "n_jobs": 2}, Model).data.signal_scaling
    'grand'
    >>> asked_by({"high_pass": -1}, Model)
    Traceback (most recent call last):
    glmwidgets.glm.errors.InputError: high_pass must be at least 0, not -1
    """
    said = {
        name: value
        for name, value in arguments.items()
        if name != "smoothing_fwhm" or value is None or isinstance(value, Real)
    }
    try:
        return kind().updated(changes_of(said, kind, of))
    except SettingsError as error:
        name = kind.field(error.path).argument.name
        raise InputError(f"{name} {error.message.removeprefix(f'{name} ')}", advice=error.advices) from error


def unused_arguments(
    asked: Model, arguments: Mapping[str, Any], defaults: Mapping[str, Any], gives_design: bool
) -> list[str]:
    """What to say of arguments that are not the usual ones and have no effect.

    Parameters
    ----------
    asked : Model
        What they ask for.
    arguments, defaults : mapping from str to object
        Of `glmwidgets.models.FirstLevelModel`.
    gives_design : bool
        Whether design matrices are given, and none is made.

    Returns
    -------
    list of str
    """
    if gives_design:
        known = Model.known().items()
        names = [each.argument.name for path, each in known if each.argument is not None and path.startswith("design.")]
        names.append("slice_time_ref")
        unused = [name for name in names if not is_default(arguments[name], defaults[name])]
        return [f"design_matrices are given, so that the model's {', '.join(unused)} has no effect"] if unused else []
    names = {error: Model.field(error.path).argument.name for error in without_effect(asked)}
    return [f"{name} {error.message}" for error, name in names.items()]
