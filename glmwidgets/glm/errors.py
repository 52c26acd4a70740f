"""Errors with fields: the problem, its place, and the advice for each interface.

A person comes in by a function, the terminal or a notebook. What is wrong is the same for all of them; what to do about
it is an argument for one, an option for another and a control for the third.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

#: Ways in which people come to the package.
DOORS = ("function", "terminal", "notebook")


class GlmwidgetsError(Exception):
    """What every error of the package is, beside the built-in type that its callers know.

    Parameters
    ----------
    message : str
        What is wrong.
    advice : str or dict of str, optional
        What to do about it. A dictionary has an advice for some of `DOORS`; the others then have none.
    where : str, optional
        The file, row, column or setting that `message` is about, if the message does not name it itself.

    Attributes
    ----------
    message, where : str
    advice : str
        For those who called a function.

    Examples
    --------
    >>> error = InputError("must be above 0", where="t_r", advice={"function": "give t_r=", "terminal": "give --t-r"})
    >>> print(error)
    t_r: must be above 0; give t_r=
    >>> error.said("terminal"), error.said("notebook", place=False)
    ('t_r: must be above 0; give --t-r', 'must be above 0')
    """

    def __init__(self, message: str = "", *, advice: str | Mapping[str, str] = "", where: str = ""):
        super().__init__(message)
        self.message, self.where = message, where
        self._advice = dict(advice) if isinstance(advice, Mapping) else dict.fromkeys(DOORS, advice)

    @property
    def advices(self) -> dict[str, str]:
        """What to do, by door."""
        return {door: self.advice_at(door) for door in DOORS}

    @property
    def advice(self) -> str:
        """What to do, for those who called a function."""
        return self.advice_at("function")

    def advice_at(self, door: str) -> str:
        """What to do for those who came in by one of `DOORS`; empty if nothing can be done there."""
        return self._advice.get(door, "")

    def said(self, door: str = "function", place: bool = True) -> str:
        """The whole text for one of `DOORS`, with `where` at its head or without.

        Parameters
        ----------
        door : str
        place : bool

        Returns
        -------
        str
        """
        text = f"{self.where}: {self.message}" if place and self.where else self.message
        advice = self.advice_at(door)
        if not advice:
            return text
        if text.endswith((".", "?", "!")):
            return f"{text} {advice}"
        return f"{text}{'; ' if advice[0].islower() else '. '}{advice}"

    def __str__(self) -> str:
        return self.said()

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is otherwise made again by its class called with `args`, which few constructors stand.
        return _restored, (type(self), self.args, self._state())

    def _state(self) -> dict[str, Any]:
        return self.__dict__


def _restored(cls: type[GlmwidgetsError], args: tuple[Any, ...], state: Mapping[str, Any]) -> GlmwidgetsError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class InputError(GlmwidgetsError, ValueError):
    """A value, a file or a combination of them that cannot be used."""


class KindError(InputError, TypeError):
    """What was given is not of a kind that can be used: also a TypeError, for scripts that catch nilearn's."""


class NotEstimableError(InputError):
    """A contrast that no data could tell under a design."""


class NoFreedomError(InputError):
    """A design with as many independent columns as there are scans."""


class MissingFileError(GlmwidgetsError, FileNotFoundError, ValueError):
    """A file that is not there: also a ValueError, for scripts that catch nilearn's."""


def about(name: str, error: BaseException) -> GlmwidgetsError:
    """An error as that of one among several, with the advice that it has.

    Parameters
    ----------
    name : str
        Of the run, the map or whatever it is about.
    error : exception

    Returns
    -------
    MissingFileError or InputError

    Examples
    --------
    >>> print(about("run 2", InputError("must be above 0", where="t_r", advice={"function": "give t_r="})))
    run 2: t_r: must be above 0; give t_r=
    """
    kind = MissingFileError if isinstance(error, FileNotFoundError) else InputError
    if not isinstance(error, GlmwidgetsError):
        return kind(told(error), where=name)
    where = f"{name}: {error.where}" if error.where else name
    return kind(error.message, where=where, advice=error.advices)


def told(error: BaseException, door: str = "function", place: bool = True) -> str:
    """What to say of any exception to those who came in by one of `DOORS`.

    Parameters
    ----------
    error : exception
    door : str
    place : bool
        With the place in front, where the error has one.

    Returns
    -------
    str
        Never empty.

    Examples
    --------
    >>> told(ValueError("no"), "terminal"), told(ValueError())
    ('no', 'ValueError')
    >>> told(PermissionError(13, "Permission denied", "/data/bold.nii"))
    '/data/bold.nii: permission denied'
    """
    if isinstance(error, GlmwidgetsError):
        text = error.said(door, place)
    elif isinstance(error, OSError) and error.strerror:  # without the number that the system gives it
        reason = f"{error.strerror[:1].lower()}{error.strerror[1:]}"
        text = reason if error.filename is None else f"{error.filename}: {reason}"
    else:
        text = str(error)
    return text or type(error).__name__


def portable(error: BaseException) -> BaseException:
    """The error itself if another process can read it, or else one of the package that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return InputError(f"{type(error).__name__}: {error}")
    return error
