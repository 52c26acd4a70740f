"""What is asked, as arguments of the conventional interface: there, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glmwidgets.specification.settings import Settings
from glmwidgets.specification.tree import SettingsTree

ESTIMATOR = "FirstLevelModel"


def arguments_of(tree: SettingsTree, of: str = ESTIMATOR) -> dict[str, Any]:
    """Every argument of a function or class that a tree says the value of.

    Parameters
    ----------
    tree : SettingsTree
    of : str
        Its name in `glmwidgets.models`.

    Returns
    -------
    dict from name to value

    Examples
    --------
    >>> arguments_of(Settings(), "threshold_stats_img")
    {'height_control': 'fpr', 'alpha': 0.001, 'threshold': 3.1, 'share': 0.7, 'two_sided': True}
    """
    known = {path: field.argument for path, field in tree.known().items() if field.argument is not None}
    return {each.name: each.to(tree.get(path)) for path, each in known.items() if each.of == of}


def told_arguments(tree: SettingsTree, of: str = ESTIMATOR) -> dict[str, Any]:
    """Those that a script has to say: the ones that have an effect, less quiet ones at their defaults.

    Examples
    --------
    >>> list(told_arguments(Settings().updated({"design.drift_model": "none", "data.smoothing_fwhm": 0.0})))
    ['mask_img', 't_r', 'smoothing_fwhm', 'signal_scaling', 'hrf_model', 'convolution', 'drift_model', 'noise_model']
    """
    default, said = type(tree)(), arguments_of(tree, of)
    for path, field in tree.known().items():
        argument = field.argument
        if argument is not None and argument.of == of:
            quiet = argument.quiet and tree.get(path) == default.get(path)
            if quiet or field.lacking(tree):
                del said[argument.name]
    return said


def changes_of(
    arguments: Mapping[str, Any], kind: type[SettingsTree] = Settings, of: str = ESTIMATOR
) -> dict[str, Any]:
    """Changes of settings that arguments mean; those that no setting stands for are passed over.

    Parameters
    ----------
    arguments : mapping from name to value
    kind : type
        Of the tree that is to be changed.
    of : str
        Whose arguments they are.

    Returns
    -------
    dict from path to value

    Examples
    --------
    >>> changes_of({"signal_scaling": (0, 1), "drift_model": None, "n_jobs": 2})
    {'data.signal_scaling': 'grand', 'design.drift_model': 'none'}
    """
    known = {path: field.argument for path, field in kind.known().items() if field.argument is not None}
    return {
        path: each.back(arguments[each.name])
        for path, each in known.items()
        if each.of == of and each.name in arguments
    }
