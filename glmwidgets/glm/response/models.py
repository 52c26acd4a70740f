"""Haemodynamic response models by name: read a name, make its kernels, draw its curve.

The models themselves are the rows of `HRFS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice

import numpy as np
import pandas as pd

from glmwidgets.glm.choices import nearest
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.response.exact import Exact, splines
from glmwidgets.glm.response.given_functions import HELD, functions_of, kernels_of, suffixes_of
from glmwidgets.glm.response.table import HRF, HRFS
from glmwidgets.glm.tables import some

# Seconds between the samples of a response that is made a spline.
FINE = 0.01

#: What ``hrf_model`` may be: a name, a function of ``(t_r, oversampling)``, several of them, or None.
HRFModel = str | Callable[[float, int], np.ndarray] | Sequence[Callable[[float, int], np.ndarray]] | None


def parse_hrf(text: str) -> tuple[HRF, tuple[float, ...]]:
    """Read the name of a response model, such as ``"spm + derivative"`` or ``"block(20)"``.

    Upper and lower case, and blanks around ``+``, commas and brackets, make no difference. Nothing is
    evaluated.

    Parameters
    ----------
    text : str
        A name of `HRFS`, with numbers in brackets where the model takes any; or one that
        `glmwidgets.glm.response.given_functions.hold_response` gave.

    Returns
    -------
    HRF
        The row of the table.
    tuple of float
        Its numbers, defaults filled in.

    Raises
    ------
    ValueError
        If no such model exists, or its numbers are wrong; the message names the models there are.

    Examples
    --------
    >>> row, values = parse_hrf("GAM( 8.6, 0.5 )")
    >>> row.label, values
    ('AFNI GAM', (8.6, 0.5))
    """
    if text in HELD:
        return HELD[text][0], ()
    match = re.fullmatch(r"\s*([^()]*?)\s*(?:\(([^()]*)\)\s*)?", text.lower())
    name = re.sub(r"\s*\+\s*", " + ", " ".join(match[1].split())) if match else text.lower()
    if "@" in text:
        called = text.partition("@")[0]
        raise InputError(
            f"the response {text} was given as a Python function, which no file holds",
            advice=f"define {called} as it was and hold it: glmwidgets.glm.response.hold_response({called})",
        )
    if name not in HRFS:
        near = nearest(name, HRFS)
        raise InputError(
            f"{text!r} is not a known hrf_model" + (f"; did you mean {near!r}?" if near else ""),
            advice=f"Names: {', '.join(HRFS)}; or a function, a list of functions, or None",
        )
    words = match[2].split(",") if match[2] and match[2].strip() else []
    try:
        values = [float(word) for word in words]
    except ValueError:
        raise ValueError(f"hrf_model {text!r}: the brackets must hold numbers") from None
    return HRFS[name], HRFS[name].check(values)


@dataclass(frozen=True)
class Response:
    """A response model with everything decided, as a design needs it.

    Attributes
    ----------
    suffixes : tuple of str
        Column names are a condition's name and these.
    kernels : callable
        ``kernels(t_r, oversampling)`` gives a tuple of float64 arrays, one per suffix.
    exact : callable
        ``exact(t_r)`` gives a `glmwidgets.glm.response.exact.Exact`, with one basis function per suffix.
    uses_duration, orthogonal, shifted_one_scan : bool
        As in `HRF`.
    on_grid : bool
        Whether it is one of nilearn's, whose numbers come of a grid.
    """

    suffixes: tuple[str, ...]
    kernels: Callable[[float, int], tuple[np.ndarray, ...]]
    exact: Callable[[float], Exact]
    uses_duration: bool
    orthogonal: bool
    shifted_one_scan: bool
    on_grid: bool

    def column_names(self, condition: str) -> list[str]:
        """Names of the columns of one condition.

        Examples
        --------
        >>> resolve_hrf("spm + derivative").column_names("face")
        ['face', 'face_derivative']
        """
        return [condition + suffix for suffix in self.suffixes]


@lru_cache(maxsize=64)
def _named_kernels(row: HRF, values: tuple[float, ...], t_r: float, oversampling: int) -> tuple[np.ndarray, ...]:
    kernels = tuple(np.asarray(kernel) for kernel in row.kernels(t_r, oversampling, *values))
    for kernel in kernels:
        kernel.flags.writeable = False  # shared by every caller
    return kernels


@lru_cache(maxsize=64)
def _named_exact(row: HRF, values: tuple[float, ...], t_r: float) -> Exact:
    if row.exact is not None:
        return row.exact(t_r, *values)
    return _splines(lambda *grid: row.kernels(*grid, *values), t_r, row.uses_duration)


def _splines(kernels: Callable, t_r: float, uses_duration: bool) -> Exact:
    """Splines of kernels that are sampled as finely as tells of any response."""
    oversampling = max(50, int(np.ceil(t_r / FINE)))
    return splines(kernels(t_r, oversampling), t_r / oversampling, per_second=uses_duration)


#: A response has no more columns and delays (in scans).
MOST_DELAYS, MOST_DELAY = 1_000, 20_000


def _unique(suffixes: Sequence[str], what: str) -> tuple[str, ...]:
    if len(set(suffixes)) != len(suffixes):
        raise ValueError(f"{what} would give two columns of one condition the same name: {', '.join(suffixes)}")
    return tuple(suffixes)


def _check_fir_delays(fir_delays: Iterable[int] | None) -> tuple[int, ...]:
    delays = (0,) if fir_delays is None else tuple(islice(fir_delays, MOST_DELAYS + 1))
    if len(delays) > MOST_DELAYS:
        raise ValueError(f"fir_delays are more than {MOST_DELAYS:,}: each is a column of the design")
    if not delays or any(delay != int(delay) or not 0 <= delay <= MOST_DELAY for delay in delays):
        raise ValueError(
            f"fir_delays must be whole numbers of scans, 0 or more (and up to {MOST_DELAY:,}), not {some(delays)}"
        )
    return tuple(int(delay) for delay in delays)


def resolve_hrf(hrf_model: HRFModel, fir_delays: Iterable[int] | None = None) -> Response:
    """Turn whatever ``hrf_model`` says into kernels and column names.

    Parameters
    ----------
    hrf_model : str, callable, sequence of callables, or None
        A name of `HRFS`; a function of ``(t_r, oversampling)`` that returns one kernel, sampled every
        ``t_r / oversampling`` seconds, or several such functions; None for no response (a boxcar).
    fir_delays : iterable of int, optional
        Delays in scans, for ``"fir"`` and others with ``by_delays``; ``[0]`` by default.

    Returns
    -------
    Response

    Raises
    ------
    ValueError
        If the model is unknown, its numbers are wrong, or its column names are not unique.
    TypeError
        If it is none of these things.

    Examples
    --------
    >>> resolve_hrf("fir", fir_delays=[0, 1, 2]).suffixes
    ('_delay_0', '_delay_1', '_delay_2')
    """
    if hrf_model is None or (isinstance(hrf_model, str) and hrf_model not in HELD):
        row, values = parse_hrf("none" if hrf_model is None else hrf_model)
        if row.by_delays:
            values = _check_fir_delays(fir_delays)
        suffixes = row.suffixes(values) if callable(row.suffixes) else row.suffixes
        return Response(
            suffixes=_unique(suffixes, f"hrf_model {row.name!r}"),
            kernels=partial(_named_kernels, row, values),
            exact=partial(_named_exact, row, values),
            on_grid=row.nilearn is not None,
            uses_duration=row.uses_duration,
            orthogonal=row.orthogonal,
            shifted_one_scan=row.shifted_one_scan,
        )
    functions = HELD[hrf_model][1] if isinstance(hrf_model, str) else functions_of(hrf_model)
    kernels = partial(kernels_of, functions)
    return Response(
        suffixes=_unique(suffixes_of(functions), "the list of functions in hrf_model"),
        kernels=kernels,
        exact=lambda t_r: _splines(kernels, t_r, True),
        on_grid=True,
        uses_duration=True,
        orthogonal=True,
        shifted_one_scan=False,
    )


def hrf_curve(
    hrf_model: HRFModel, t_r: float = 2.0, dt: float = 0.1, fir_delays: Iterable[int] | None = None
) -> pd.DataFrame:
    """The response over time, as a design with this repetition time uses it; to be drawn.

    Parameters
    ----------
    hrf_model : str, callable, sequence of callables, or None
        See `resolve_hrf`.
    t_r : float
        Repetition time in seconds.
    dt : float
        Seconds between the rows.
    fir_delays : iterable of int, optional
        Delays in scans for ``"fir"``.

    Returns
    -------
    DataFrame
        One row per time, indexed by seconds since the event (``time``), and one column per basis function,
        named by its suffix (``response`` where there is none). Models that use the event's duration are given
        per second of stimulation, so their height does not depend on `t_r`; the others as they are.

    Examples
    --------
    >>> curve = hrf_curve("spm12 + derivative", t_r=2.0, dt=1.0)
    >>> list(curve.columns), float(curve["response"].idxmax())
    (['response', 'derivative'], 5.0)
    """
    oversampling = 50
    response = resolve_hrf(hrf_model, fir_delays)
    step = t_r / oversampling
    kernels = response.kernels(t_r, oversampling)
    longest = max(kernel.size for kernel in kernels)
    times = dt * np.arange(int(np.floor(longest * step / dt)) + 1)
    scale = 1.0 / step if response.uses_duration else 1.0
    columns = {
        suffix.strip("_") or "response": np.interp(times, step * np.arange(kernel.size), scale * kernel, right=0.0)
        for suffix, kernel in zip(response.suffixes, kernels, strict=True)
    }
    return pd.DataFrame(columns, index=pd.Index(times, name="time"))
