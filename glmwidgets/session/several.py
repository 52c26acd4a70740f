"""Several runs as they were given: told from one run, opened, and each message with the run that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

from nibabel.spatialimages import SpatialImage

from glmwidgets.images.load import load_image
from glmwidgets.session.fixed_analysis import run_name
from glmwidgets.session.run import Run, open_run

__all__ = ["is_several", "open_runs"]


def is_several(bold: Any, events: Any = None) -> bool:
    """Whether several runs are meant, and not the volumes of one.

    Parameters
    ----------
    bold : object
        A list of 4-D images, of simulated runs or of lists of volumes holds runs; a list of 3-D images is one run.
    events : object
        A list of tables is one a run.

    Returns
    -------
    bool

    Examples
    --------
    >>> import nibabel as nib, numpy as np
    >>> run = nib.Nifti1Image(np.zeros((2, 2, 2, 5)), np.eye(4))
    >>> is_several(run), is_several([run, run]), is_several([run.slicer[..., 0], run.slicer[..., 1]])
    (False, True, False)
    """
    if not isinstance(bold, list | tuple) or not bold:
        return False
    if isinstance(events, list | tuple) or len(bold) == 1:
        return len(bold) > 1
    first = bold[0]
    if isinstance(first, list | tuple) or _is_simulated(first):
        return True
    return isinstance(first, str | PathLike | SpatialImage) and len(load_image(first).shape) == 4


def open_runs(bold: Sequence[Any], events: Any = None, t_r: Any = None, **given: Any) -> list[Run]:
    """Open several runs.

    Parameters
    ----------
    bold : sequence
        One a run, each as `glmwidgets.session.run.open_run` takes it, or simulated.
    events, t_r : list or one for all
    **given : list or one for all
        Further arguments of `open_run`. Confounds have to be a list.

    Returns
    -------
    list of Run

    Raises
    ------
    FileNotFoundError, ValueError
        If an input is missing or does not fit; the message names the run.
    """
    n = len(bold)
    lists = {"bold": list(bold)} | {
        name: _each(name, value, n) for name, value in {"events": events, "t_r": t_r, **given}.items()
    }
    runs = []
    for i in range(n):
        mine = {name: values[i] for name, values in lists.items()}
        if _is_simulated(mine["bold"]):
            simulated = mine["bold"]
            mine["bold"] = simulated.img
            for name in ("events", "confounds", "t_r"):
                if mine.get(name) is None:
                    mine[name] = getattr(simulated, name)
        try:
            runs.append(open_run(**mine))
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{run_name(i)}: {error}") from error
        except ValueError as error:
            raise ValueError(f"{run_name(i)}: {error}") from error
    return runs


def _is_simulated(given: Any) -> bool:
    return hasattr(given, "img") and hasattr(given, "events")


def _each(name: str, given: Any, n: int) -> list[Any]:
    """One value a run."""
    if isinstance(given, list | tuple):
        if len(given) != n:
            raise ValueError(f"{len(given)} entries of {name} were given for {n} runs: give one for each")
        return list(given)
    if name == "confounds" and given is not None:
        raise ValueError(f"confounds are of one run: give a list with one table for each of the {n} runs")
    return [given] * n
