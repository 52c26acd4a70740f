"""Responses without a grid: the value of each basis function and its integral, at any time since the event.

A boxcar of height 1 from a to b, convolved with h, is ``H(t - a) - H(t - b)`` with ``H(u)`` the integral of h from 0 to
u. Nearly every published response is a sum of gamma densities, whose integral is the incomplete gamma function; of any
other a fine cubic spline is integrated. An impulse is the limit of a short boxcar of unit area: ``h(t - a)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import gammainc

from glmwidgets.glm.response.curves import gamma_density

__all__ = ["Exact", "Term", "boxes", "double_gamma_terms", "gammas", "orthogonal_gammas", "spline"]

Array = np.ndarray


@dataclass(frozen=True)
class Exact:
    """One basis function of a response.

    Attributes
    ----------
    integral : callable
        Of the seconds since the event: its integral from 0 to there, and 0 before.
    value : callable or None
        Of the seconds since the event: its value, 0 before. None for a delta function, which has none.
    seconds : float
        Where it ends: from here on the value is 0 and the integral stays as it is.
    """

    integral: Callable[[Array], Array]
    value: Callable[[Array], Array] | None
    seconds: float

    @cached_property
    def height(self) -> float:
        """About its largest value, of either sign; 1 for a delta function, whose boxes have height 1."""
        if self.value is None:
            return 1.0
        return float(np.abs(self.value(np.linspace(0.0, self.seconds, 129))).max())


@dataclass(frozen=True)
class Term:
    """A gamma density ``weight g(t - shift; shape, scale)``, see `glmwidgets.glm.response.curves.gamma_density`."""

    weight: float
    shape: float
    scale: float
    shift: float = 0.0

    def value(self, t: Array) -> Array:
        """Its value at some times."""
        return np.where(t < self.shift, 0.0, self.weight * gamma_density(t - self.shift, self.shape, self.scale))

    def slope(self, t: Array) -> Array:
        """Its derivative at some times, 0 up to its beginning."""
        since = np.maximum(t - self.shift, 1e-12)
        return np.where(t > self.shift, self.value(t) * ((self.shape - 1) / since - 1 / self.scale), 0.0)

    def integral(self, t: Array) -> Array:
        """Its integral up to some times."""
        return self.weight * gammainc(self.shape, np.maximum(t - self.shift, 0.0) / self.scale)

    def times(self, factor: float) -> Term:
        """The same, a number of times as large."""
        return Term(factor * self.weight, self.shape, self.scale, self.shift)


Terms = tuple[Term, ...]


def double_gamma_terms(
    delay: float = 6.0,
    undershoot: float = 16.0,
    dispersion: float = 1.0,
    u_dispersion: float = 1.0,
    ratio: float = 1.0 / 6.0,
    shift: float = 0.0,
) -> Terms:
    """Terms of `glmwidgets.glm.response.curves.double_gamma`, moved by some seconds."""
    return (
        Term(1.0, delay / dispersion, dispersion, shift),
        Term(-ratio, undershoot / u_dispersion, u_dispersion, shift),
    )


def unit_area(terms: Terms, seconds: float) -> Terms:
    """Terms whose integral up to some time is 1."""
    area = float(sum(term.integral(np.float64(seconds)) for term in terms))
    return tuple(term.times(1 / area) for term in terms)


def gammas(terms: Sequence[Term], seconds: float, *, unit: bool = True) -> Exact:
    """A sum of gamma densities that ends after some seconds.

    Parameters
    ----------
    terms : sequence of Term
    seconds : float
    unit : bool
        Scale it to unit area, so that the response to an event that never ends settles at 1.

    Returns
    -------
    Exact

    Examples
    --------
    >>> spm12 = gammas(double_gamma_terms(), 32.0)
    >>> spm12.integral(np.array([-1.0, 0.0, 32.0, 50.0])).round(12).tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    terms = unit_area(tuple(terms), seconds) if unit else tuple(terms)

    def value(t: Array) -> Array:
        return np.where((t < 0) | (t > seconds), 0.0, sum(term.value(t) for term in terms))

    return Exact(_Integral(terms, seconds), value, seconds)


class _Integral:
    """Integral of a sum of gamma densities, of which thousands of values are asked for in a moment.

    The closed form is taken at the knots of a quintic Hermite spline, with its first and second derivative; between
    them the spline is off by less than ``max|H^(6)| step^6 / 46080``, here some 1e-13. Near the event, where a density
    of a small fractional shape is not so smooth, the closed form itself is asked.
    """

    def __init__(self, terms: Terms, seconds: float):
        self._terms, self._seconds = terms, seconds
        self._cells: Array | None = None
        narrowest = min(term.scale * np.sqrt(term.shape) for term in terms)
        self._step = min(0.04, narrowest / 30)
        self._near = 1.0 if any(term.shape < 6 and term.shape % 1 for term in terms) else 0.0

    def __call__(self, t: Array) -> Array:
        t = np.minimum(np.asarray(t, dtype=np.float64), self._seconds)
        if self._cells is None:
            self._cells = self._tabulated()
        place = np.maximum(t, 0.0) / self._step
        cell = np.minimum(place.astype(np.intp), len(self._cells) - 1)
        rest, found = place - cell, self._cells[cell]
        total = found[..., 5]
        for power in range(4, -1, -1):
            total = total * rest + found[..., power]
        if self._near:
            near = np.flatnonzero(t < self._near)
            total[near] = self._closed(t[near])
        return total

    def _closed(self, t: Array) -> Array:
        return sum(term.integral(t) for term in self._terms)

    def _tabulated(self) -> Array:
        """Coefficients of each cell's polynomial, shape (n_cells, 6)."""
        step = self._step
        knots = step * np.arange(int(np.ceil(self._seconds / step)) + 2)
        p = self._closed(knots)
        v = step * sum(term.value(knots) for term in self._terms)
        a = step**2 * sum(term.slope(knots) for term in self._terms)
        rise, v0, v1, a0, a1 = np.diff(p), v[:-1], v[1:], a[:-1], a[1:]
        third = 10 * rise - 6 * v0 - 4 * v1 - 1.5 * a0 + 0.5 * a1
        fourth = -15 * rise + 8 * v0 + 7 * v1 + 1.5 * a0 - a1
        fifth = 6 * rise - 3 * (v0 + v1) - 0.5 * a0 + 0.5 * a1
        return np.column_stack([p[:-1], v0, a0 / 2, third, fourth, fifth])


def orthogonal_gammas(functions: Sequence[Terms], seconds: float) -> list[Exact]:
    """Sums of gamma densities, each made orthogonal on ``[0, seconds]`` to those before it.

    The inner products are integrals, by Gauss-Legendre quadrature.
    """
    nodes, weights = _quadrature()
    nodes, weights = (nodes + 1) * seconds / 2, weights * seconds / 2
    done: list[Terms] = []
    for terms in functions:
        # Of an orthogonal family, each projection can be taken from the function as it was.
        values = sum(term.value(nodes) for term in terms)
        rest = terms
        for before in done:
            other = sum(term.value(nodes) for term in before)
            share = float(weights @ (values * other) / (weights @ other**2))
            rest += tuple(term.times(-share) for term in before)
        done.append(rest)
    return [gammas(terms, seconds, unit=False) for terms in done]


@cache
def _quadrature() -> tuple[Array, Array]:
    return np.polynomial.legendre.leggauss(400)


def spline(samples: Array, step: float, *, per_second: bool = True) -> Exact:
    """A response that is only known by its samples: a cubic spline through them, and its integral.

    Parameters
    ----------
    samples : array of shape (n,)
        At 0, step, 2 step, ...
    step : float
        Seconds.
    per_second : bool
        Whether the samples are those of a kernel, of which a sum is taken: its value is then ``samples / step``.

    Returns
    -------
    Exact
    """
    values = np.asarray(samples, dtype=np.float64) / (step if per_second else 1.0)
    if values.size == 1:
        values = np.repeat(values, 2)
    seconds = step * (values.size - 1)
    curve = CubicSpline(step * np.arange(values.size), values)
    rising = curve.antiderivative()
    return Exact(
        lambda t: rising(np.clip(t, 0.0, seconds)),
        lambda t: np.where((t < 0) | (t > seconds), 0.0, curve(np.clip(t, 0.0, seconds))),
        seconds,
    )


def boxes(t_r: float, delays: Sequence[int]) -> list[Exact]:
    """A box of one scan, of area 1, for each delay in scans; times count from one scan before the event."""

    def box(delay: int) -> Exact:
        begin, end = delay * t_r, (delay + 1) * t_r
        return Exact(
            lambda t: (np.clip(t, begin, end) - begin) / t_r,
            lambda t: np.where((t > begin) & (t <= end), 1.0 / t_r, 0.0),
            end,
        )

    return [box(delay) for delay in delays]


#: The events themselves: 1 while one lasts, from its onset to just before its end.
DELTA = Exact(lambda t: np.where(t < 0, 0.0, 1.0), None, 0.0)
