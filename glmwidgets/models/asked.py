"""What the arguments of an estimator ask for, as a specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glmwidgets.glm.errors import DOORS, InputError
from glmwidgets.specification.arguments import changes_of
from glmwidgets.specification.field import SettingsError
from glmwidgets.specification.model import Model

__all__ = ["model_of"]


def model_of(arguments: Mapping[str, Any]) -> Model:
    """The model that arguments of `glmwidgets.models.FirstLevelModel` describe.

    Parameters
    ----------
    arguments : mapping from str to object
        Those that no setting stands for are passed over.

    Returns
    -------
    Model

    Raises
    ------
    ValueError
        If a value cannot be used; the message names the argument.

    Examples
    --------
    >>> model_of({"hrf_model": None, "signal_scaling": (0, 1), "n_jobs": 2}).data.signal_scaling
    'grand'
    >>> model_of({"high_pass": -1})
    Traceback (most recent call last):
    glmwidgets.glm.errors.InputError: high_pass must be at least 0, not -1
    """
    try:
        return Model().updated(changes_of(arguments, Model))
    except SettingsError as error:
        advice = {door: error.advice_at(door) for door in DOORS}
        name = Model.field(error.path).argument.name
        raise InputError(f"{name} {error.message}", advice=advice) from error
