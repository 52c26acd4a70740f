"""A task: a function of a module and plain values, and what came of it as plain values; never an exception."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from threadpoolctl import threadpool_limits

from glmwidgets.glm.errors import InputError, told


@dataclass(frozen=True)
class Task:
    """What is to be done.

    Attributes
    ----------
    name : str
        What messages call it.
    function : str
        ``module:name`` of a function that any Python with the same packages can import.
    arguments : tuple
        Values that JSON can hold.
    """

    name: str
    function: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Attributes
    ----------
    name : str
        Of the task.
    value : object
        What the function returned, as JSON holds it; None where it failed.
    why_not : str
        Why it failed, in a sentence; empty where it did not.
    tries : int
        How often it was begun.
    """

    name: str
    value: Any = None
    why_not: str = ""
    tries: int = 1


def task_of(name: str, function: Callable[..., Any], *arguments: Any) -> Task:
    """A task of a function.

    Parameters
    ----------
    name : str
    function : callable
        Of a module: one of a notebook's cell, or within another function, is not known to a worker.
    *arguments : object
        Numbers, texts, None, or lists and mappings of these.

    Returns
    -------
    Task

    Raises
    ------
    InputError
        If the function cannot be imported by others, or an argument is no plain value.

    Examples
    --------
    >>> import math
    >>> task_of("root", math.sqrt, 4.0)
    Task(name='root', function='math:sqrt', arguments=(4.0,))
    >>> task_of("root", lambda x: x)
    Traceback (most recent call last):
    glmwidgets.glm.errors.InputError: <lambda> is not a function of a module, so a worker cannot import it; put it in \
a file of its own
    """
    where, called = getattr(function, "__module__", "__main__"), getattr(function, "__qualname__", str(function))
    if where == "__main__" or "<" in called or "." in called:
        raise InputError(
            f"{called.rpartition('.')[2]} is not a function of a module, so a worker cannot import it",
            advice="put it in a file of its own",
        )
    try:
        json.dumps(arguments, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"an argument of {called} cannot be sent to a worker: {error}") from None
    return Task(name, f"{where}:{called}", tuple(arguments))


def do(function: str, arguments: list[Any] | tuple[Any, ...]) -> dict[str, Any]:
    """Do a task; whatever it raises is said in the answer.

    Some exceptions cannot be taken to another process, and one of them would end a whole pool.

    Parameters
    ----------
    function : str
        ``module:name``.
    arguments : sequence

    Returns
    -------
    dict
        ``value`` or ``why_not``.

    Examples
    --------
    >>> do("math:sqrt", [4.0]), do("math:sqrt", [-4.0])
    ({'value': 2.0}, {'why_not': 'math domain error'})
    """
    try:
        module, _, name = function.partition(":")
        work = getattr(import_module(module), name)
        with threadpool_limits(1):  # so that the bits are those of every other place
            value = work(*arguments)
        return json.loads(json.dumps({"value": value}, allow_nan=False))
    except Exception as error:
        expected = isinstance(error, ValueError | OSError | MemoryError)
        return {"why_not": told(error, "terminal") if expected else f"{type(error).__name__}: {told(error)}"}


def outcome_of(task: Task, answer: Mapping[str, Any], tries: int) -> Outcome:
    """The outcome from what `do` gave."""
    return Outcome(task.name, answer.get("value"), answer.get("why_not", ""), tries)
