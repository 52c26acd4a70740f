"""Responses given as functions, held under a name and a hash of what they do, by which settings speak of them."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from glmwidgets.glm.response.table import HRF

#: Responses by the names that `hold_response` gave them: each a row as those of `HRFS`, and its functions.
HELD: dict[str, tuple[HRF, tuple[Callable, ...]]] = {}

#: A response has no more samples.
MOST_SAMPLES = 1_000_000


def hold_response(hrf_model: Any) -> str:
    """Hold a response that is given as a function, or as several, for as long as Python runs.

    Parameters
    ----------
    hrf_model : callable or sequence of callables
        Functions of ``(t_r, oversampling)``, each of which returns one kernel.

    Returns
    -------
    str
        What ``hrf_model`` is in settings: the functions' names and a hash of their code and of what that refers to. The
        same functions have the same name in the same version of Python, whenever they are held.

    Raises
    ------
    ValueError, TypeError
        If it is no such thing.

    Examples
    --------
    >>> def early(t_r, oversampling):
    ...     return np.ones(4 * oversampling)
    >>> name = hold_response(early)
    >>> name.partition("@")[0], name == hold_response(early)
    ('early', True)
    """
    functions = functions_of(hrf_model)
    called = "+".join(map(_name, functions))
    content = hashlib.sha256(b"\0".join(part for each in functions for part in _contents(each, set())))
    name = f"{called}@{content.hexdigest()[:12]}"
    row = HRF(
        name,
        f"function {called}",
        f"A response that was given as the Python function {called}.",
        "",
        "given as a Python function",
        kernels=partial(kernels_of, functions),
        normalisation="",
        suffixes=suffixes_of(functions),
        orthogonal=True,
    )
    HELD[name] = row, functions
    return name


def functions_of(hrf_model: Any) -> tuple[Callable, ...]:
    """The functions that a response is given as."""
    functions = [hrf_model] if callable(hrf_model) else hrf_model
    functions = tuple(functions) if isinstance(functions, Iterable) else (functions,)
    if not all(callable(function) for function in functions):
        raise TypeError(
            "hrf_model must be a name, a function of (t_r, oversampling), a list of such functions or None, "
            f"not {type(hrf_model).__name__}"
        )
    if not functions:
        raise ValueError("hrf_model is an empty list; give at least one function")
    return functions


def suffixes_of(functions: Iterable[Callable]) -> tuple[str, ...]:
    """What is added to a condition's name for the column of each function."""
    return tuple(f"_{_name(function)}" for function in functions)


def kernels_of(functions: Iterable[Callable], t_r: float, oversampling: int) -> tuple[np.ndarray, ...]:
    """The kernel of each function, checked."""
    return tuple(_call(function, t_r, oversampling) for function in functions)


def _name(function: Callable) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _call(function: Callable, t_r: float, oversampling: int) -> np.ndarray:
    name = _name(function)
    try:
        kernel = function(t_r, oversampling)
    except TypeError as error:
        raise ValueError(
            f"the custom hrf_model {name} could not be called as {name}(t_r, oversampling): {error}"
        ) from error
    except Exception as error:
        raise ValueError(f"the custom hrf_model {name} raised {type(error).__name__}: {error}") from error
    if np.size(kernel) > MOST_SAMPLES:
        raise ValueError(
            f"the custom hrf_model {name} returned {np.size(kernel):,} values, and a response has no more than "
            f"{MOST_SAMPLES:,}, one per step of {t_r / oversampling:g} s"
        )
    try:
        kernel = np.asarray(kernel, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"the custom hrf_model {name} returned something else than numbers") from None
    if kernel.ndim != 1 or kernel.size == 0 or not np.isfinite(kernel).all():
        raise ValueError(
            f"the custom hrf_model {name} must return a non-empty one-dimensional array of finite numbers, "
            f"one per step of {t_r / oversampling:g} s; it returned an array of shape {kernel.shape}"
        )
    return kernel


def _contents(value: Any, seen: set[int]) -> Iterator[bytes]:
    """What a function does, as bytes: its code, and the values that this refers to."""
    code = getattr(value, "__code__", None)
    if isinstance(code, CodeType) and id(value) not in seen:
        seen.add(id(value))
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        used = [value.__globals__[name] for name in code.co_names if name in value.__globals__]
        yield from _contents(code, seen)
        for each in (value.__defaults__, value.__kwdefaults__, *cells, *used):
            yield from _contents(each, seen)
    elif isinstance(value, CodeType):
        yield value.co_code + repr((value.co_names, value.co_varnames)).encode()
        for each in value.co_consts:
            yield from _contents(each, seen)
    elif isinstance(value, partial):
        for each in (value.func, value.args, value.keywords):
            yield from _contents(each, seen)
    elif isinstance(value, ModuleType):
        yield value.__name__.encode()
    elif id(value) not in seen:
        try:
            yield pickle.dumps(value)
        except Exception:  # what cannot be written is told by where it is: it is like nothing else
            yield f"{type(value).__name__} {id(value)}".encode()
