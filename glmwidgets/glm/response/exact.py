"""Responses without a grid: the values of the basis functions and their integrals, at any time since the event.

A boxcar of height 1 from a to b, convolved with h, is ``H(t - a) - H(t - b)`` with ``H(u)`` the integral of h from 0 to
u. Nearly every published response is a sum of gamma densities, whose integral is the incomplete gamma function; of any
other a fine cubic spline is integrated. An impulse is the limit of a short boxcar of unit area: ``h(t - a)``.

A design asks for ten thousand values in a moment. Both are therefore polynomials on short equal cells, and a table of
coefficients serves all basis functions of a response: the cell is looked up once for each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from scipy.special import gammainc

from glmwidgets.glm.response.curves import gamma_density

Array = np.ndarray

# Seconds after the event in which densities of small fractional shapes are not smooth enough for cells.
NEAR = 0.25


@dataclass(frozen=True)
class Exact:
    """All basis functions of a response.

    Attributes
    ----------
    integral : callable
        Of an array of n seconds since the event: integrals from 0 to there, shape (n_functions, n); 0 before.
    value : callable or None
        Of the same: values, shape (n_functions, n); 0 before. None for a delta function, which has none.
    seconds : float
        Where the last of them ends: from here on values are 0 and integrals stay as they are.
    heights : array of shape (n_functions,)
        About the largest value of each, of either sign; 1 for a delta function, whose boxes have height 1.
    """

    integral: Callable[[Array], Array]
    value: Callable[[Array], Array] | None
    seconds: float
    heights: Array


class _Cells:
    """Quintics on equal cells from 0 on; 0 before, and after the last cell as they end there, or 0.

    Parameters
    ----------
    values, slopes, curvatures : arrays of shape (n_functions, n_cells + 1)
        At the edges of the cells; per second, and per second squared.
    step : float
        Seconds of a cell.
    stay : bool
        Whether they stay as they end.
    """

    def __init__(self, values: Array, slopes: Array, curvatures: Array, step: float, *, stay: bool):
        self._given, self._step, self._stay = (values, slopes, curvatures), step, stay

    @cached_property
    def _powers(self) -> Array:
        """Coefficients by power of the share of a cell that has passed, shape (n_functions, 6, n_cells + 2)."""
        p, v, a = self._given
        rise, v, a = np.diff(p), self._step * v, self._step**2 / 2 * a
        v0, v1, a0, a1 = v[:, :-1], v[:, 1:], a[:, :-1], a[:, 1:]
        third = 10 * rise - 6 * v0 - 4 * v1 - 3 * a0 + a1
        fourth = -15 * rise + 8 * v0 + 7 * v1 + 3 * a0 - 2 * a1
        fifth = 6 * rise - 3 * (v0 + v1) - a0 + a1
        # The first cell stands for all that is before, the last for all that is after.
        powers = np.zeros((len(p), 6, p.shape[1] + 1))
        for power, cells in enumerate((p[:, :-1], v0, a0, third, fourth, fifth)):
            powers[:, power, 1:-1] = cells
        if self._stay:
            powers[:, 0, -1] = p[:, -1]
        return powers

    def __call__(self, t: Array) -> Array:
        place = np.asarray(t / self._step)
        place += 1.0
        last = self._powers.shape[2] - 1
        np.minimum(np.maximum(place, 0.0, out=place), last, out=place)
        cell = place.astype(np.intp)
        place -= cell
        totals, found = np.empty((len(self._powers), *cell.shape)), np.empty(cell.shape)
        for total, (*lower, highest) in zip(totals, self._powers, strict=True):
            # Cells are never out of range; with any other mode than "clip" `take` would fill a copy of `out`.
            highest.take(cell, out=total, mode="clip")
            for power in reversed(lower):
                total *= place
                total += power.take(cell, out=found, mode="clip")
        return totals


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

    def derivatives(self, t: Array) -> Array:
        """Its value, slope and curvature at some times, at its beginning from the right; shape (3, n)."""
        since = np.maximum(t - self.shift, 1e-12)
        rise, fall = (self.shape - 1) / since, 1 / self.scale
        found = np.empty((3, t.size))
        found[0] = self.weight * gamma_density(since, self.shape, self.scale)
        found[1] = rise - fall
        found[2] = rise * ((self.shape - 2) / since - 2 * fall) + fall**2
        found[1:] *= found[0]
        return np.where(t < self.shift, 0.0, found) if self.shift > 0 else found

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


def gammas(functions: Sequence[Terms], seconds: float, *, unit: bool = True) -> Exact:
    """Sums of gamma densities that end after some seconds.

    Parameters
    ----------
    functions : sequence of sequences of Term
    seconds : float
    unit : bool
        Scale each to unit area, so that the response to an event that never ends settles at 1.

    Returns
    -------
    Exact

    Notes
    -----
    Between the edges of cells stands the quintic that has there the integral, the density and its slope: off by less
    than ``max|h^(5)| step^6 / 46080``, some 1e-13; values have a quintic of their own. The integral over a cell is
    taken from the density and two derivatives at both its edges, off by ``max|h^(6)| step^7 / 100800``. Just after the
    event, where a density of a small fractional shape is not so smooth, the closed form is asked.

    Examples
    --------
    >>> spm12 = gammas([double_gamma_terms()], 32.0)
    >>> spm12.integral(np.array([-1.0, 0.0, 32.0, 50.0])).round(12).tolist()
    [[0.0, 0.0, 1.0, 1.0]]
    """
    every = [term for terms in functions for term in terms]
    step = min(0.04, min(term.scale * np.sqrt(term.shape) for term in every) / 60)
    # A whole number of cells up to the end, after which the response is cut.
    edges = np.linspace(0.0, seconds, int(np.ceil(seconds / step)) + 1)
    step = edges[1]
    v, a, j = found = np.stack([sum(term.derivatives(edges) for term in terms) for terms in functions], axis=1)
    rise = step / 2 * (v[:, :-1] + v[:, 1:]) - step**2 / 10 * np.diff(a) + step**3 / 120 * (j[:, :-1] + j[:, 1:])
    rough = any(term.shape < 5 and term.shape % 1 for term in every)
    if rough:
        near = edges[edges < NEAR + step]
        for row, terms in zip(rise, functions, strict=True):
            row[: near.size - 1] = np.diff(_sum_of(Term.integral, terms, near))
    p = np.zeros_like(v)
    np.cumsum(rise, axis=1, out=p[:, 1:])
    factor = 1 / p[:, -1:] if unit else np.ones((len(p), 1))
    p *= factor
    found *= factor
    integral, value = _Cells(p, v, a, step, stay=True), _Cells(v, a, j, step, stay=False)
    if rough:
        functions = [[term.times(float(by[0])) for term in terms] for terms, by in zip(functions, factor, strict=True)]
        integral, value = (_closed_near(*each, functions) for each in ((integral, Term.integral), (value, Term.value)))
    return Exact(integral, value, seconds, np.abs(v).max(axis=1))


def _sum_of(what: Callable[[Term, Array], Array], terms: Sequence[Term], t: Array) -> Array:
    return sum(what(term, t) for term in terms)


def _closed_near(
    cells: _Cells, closed: Callable[[Term, Array], Array], functions: Sequence[Sequence[Term]]
) -> Callable[[Array], Array]:
    """Cells, and just after the event the functions that they stand for."""

    def of(t: Array) -> Array:
        found, near = cells(t), np.flatnonzero((t >= 0) & (t < NEAR))
        for row, terms in zip(found, functions, strict=True):
            row[near] = _sum_of(closed, terms, t[near])
        return found

    return of


def orthogonal_gammas(functions: Sequence[Terms], seconds: float) -> Exact:
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
    return gammas(done, seconds, unit=False)


@cache
def _quadrature() -> tuple[Array, Array]:
    return np.polynomial.legendre.leggauss(400)


def splines(samples: Sequence[Array], step: float, *, per_second: bool = True) -> Exact:
    """Responses that are only known by their samples: a cubic spline through them, and its integral.

    Parameters
    ----------
    samples : sequence of arrays of shape (n,)
        At 0, step, 2 step, ...
    step : float
        Seconds.
    per_second : bool
        Whether the samples are those of a kernel, of which a sum is taken: its value is then ``samples / step``.

    Returns
    -------
    Exact
    """
    from scipy.interpolate import CubicSpline  # which brings much along that a first map can do without

    rows = [np.asarray(each, dtype=np.float64) / (step if per_second else 1.0) for each in samples]
    edges = step * np.arange(max(2, max(row.size for row in rows)))
    derivatives = np.zeros((4, len(rows), edges.size))
    for k, row in enumerate(rows):
        curve = CubicSpline(edges[: max(2, row.size)], np.repeat(row, 2) if row.size == 1 else row)
        for order, found in enumerate(derivatives[:, k]):
            found[: curve.x.size] = curve.antiderivative()(curve.x) if order == 0 else curve(curve.x, order - 1)
        derivatives[0, k, curve.x.size :] = derivatives[0, k, curve.x.size - 1]
    p, v, a, j = derivatives
    integral, value = _Cells(p, v, a, step, stay=True), _Cells(v, a, j, step, stay=False)
    return Exact(integral, value, float(edges[-1]), np.abs(v).max(axis=1))


def attached(curves: Sequence[Callable[[Array], Array]], seconds: float) -> Exact:
    """Functions of the seconds since the onset, which no duration changes."""

    def value(t: Array) -> Array:
        return np.stack([curve(t) for curve in curves])

    heights = np.abs(value(np.linspace(0.0, seconds, 129))).max(axis=1)
    return Exact(lambda t: np.zeros((len(curves), *np.shape(t))), value, seconds, heights)


def boxes(t_r: float, delays: Sequence[int]) -> Exact:
    """A box of one scan, of area 1, for each delay in scans; times count from one scan before the event."""
    begin = np.asarray(delays)[:, None] * t_r
    end = begin + t_r
    return Exact(
        lambda t: (np.clip(t, begin, end) - begin) / t_r,
        lambda t: np.where((t > begin) & (t <= end), 1.0 / t_r, 0.0),
        float(end.max()),
        np.full(len(delays), 1.0 / t_r),
    )


#: The events themselves: 1 while one lasts, from its onset to just before its end.
DELTA = Exact(lambda t: np.where(t < 0, 0.0, 1.0)[None], None, 0.0, np.ones(1))
