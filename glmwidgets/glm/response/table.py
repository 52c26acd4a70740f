"""The table of haemodynamic response models, read by the design, the panels and the documentation.

To add a model, write its curve in `glmwidgets.glm.response.curves` and one row here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from glmwidgets.glm.choices import Choices
from glmwidgets.glm.response import curves as c
from glmwidgets.glm.response import exact as e
from glmwidgets.glm.response import kernels as k

_UNIT_SUM = "Unit sum: the response to an event that never ends settles at 1."


@dataclass(frozen=True)
class Parameter:
    """A number in the name of a model, as the 20 in ``block(20)``.

    Attributes
    ----------
    name, unit, description : str
        For forms and messages.
    value : float
        Where a control starts, and the default unless `required`.
    low, high : float
        Values allowed, both included.
    step : float
        Step of a control.
    required : bool
        Whether the name must give it.
    """

    name: str
    unit: str
    description: str
    value: float
    low: float
    high: float
    step: float
    required: bool = False


@dataclass(frozen=True)
class HRF:
    """One response model.

    Attributes
    ----------
    name : str
        What ``hrf_model`` says, in lower case.
    label : str
        What a person reads in a list.
    description : str
        One sentence.
    formula, source, normalisation : str
        The mathematics, where it was published, and the scale of the regressors.
    kernels : callable
        ``kernels(t_r, oversampling, *parameters)`` gives one array per column.
    suffixes : tuple of str, or callable
        Added to a condition's name, one per column; a callable makes them from the parameters.
    parameters : tuple of Parameter
        Numbers in brackets after the name.
    uses_duration : bool
        False where the model is attached to the onset, and carries its duration itself.
    orthogonal : bool
        Whether each column of a condition is made orthogonal to those before it, after sampling.
    shifted_one_scan : bool
        Whether the kernel counts from the scan during which an event begins and not from its onset.
    spread : str
        What its columns count, where an event type is spread over columns of equal standing: ``"delay"`` for those that
        end in ``_delay_0``, ``_delay_1`` ...; empty where one column is the type's amplitude.
    by_delays : bool
        Whether ``fir_delays`` are its numbers, one column a delay in scans.
    draggable : bool
        Whether `parameters` are those of `glmwidgets.glm.response.handles.GammaShape`, so that the curve can be
        dragged.
    said : str
        What became of the events, in a methods section; may hold ``{name}``, with its numbers, and ``{source}``.
    exact : callable or None
        ``exact(t_r, *parameters)`` gives a `glmwidgets.glm.response.exact.Exact`. None makes splines of the kernels.
    nilearn : str or None
        What nilearn calls it, empty for nilearn's None. None if it has no such response: scripts for nilearn then bring
        the design matrix.
    bids : str
        ``Model`` of the Convolve of a BIDS Stats Model; empty if the format has no word for it.
    also : tuple of str
        Phrases by which a person looks for it.
    """

    name: str
    label: str
    description: str
    formula: str
    source: str
    kernels: Callable[..., list[np.ndarray]]
    normalisation: str = _UNIT_SUM
    suffixes: tuple[str, ...] | Callable[[tuple[float, ...]], tuple[str, ...]] = ("",)
    parameters: tuple[Parameter, ...] = ()
    uses_duration: bool = True
    orthogonal: bool = False
    shifted_one_scan: bool = False
    spread: str = ""
    by_delays: bool = False
    draggable: bool = False
    said: str = "were convolved with the response model “{name}” ({source})"
    exact: Callable[..., e.Exact] | None = None
    nilearn: str | None = None
    bids: str = ""
    also: tuple[str, ...] = ()

    def check(self, values: Sequence[float]) -> tuple[float, ...]:
        """Complete the numbers given in a name with their defaults, and check their ranges.

        Parameters
        ----------
        values : sequence of float
            As written, in the order of `parameters`.

        Returns
        -------
        tuple of float

        Raises
        ------
        ValueError
            If there are too many, a required one is missing, or one is out of range.

        Examples
        --------
        >>> HRFS["gam"].check([])
        (8.6, 0.547)
        """
        pattern = f"{self.name}({', '.join(p.name for p in self.parameters)})"
        if len(values) > len(self.parameters):
            raise ValueError(
                f"hrf_model {self.name!r} takes {len(self.parameters)} numbers, not {len(values)}"
                + (f": write {pattern}" if self.parameters else "")
            )
        for parameter in self.parameters[len(values) :]:
            if parameter.required:
                raise ValueError(
                    f"hrf_model {self.name!r} needs its {parameter.name} ({parameter.description}): "
                    f"write for example {format_hrf(self.name, [p.value for p in self.parameters])}"
                )
        complete = (*values, *(p.value for p in self.parameters[len(values) :]))
        for parameter, value in zip(self.parameters, complete, strict=True):
            if not parameter.low <= value <= parameter.high:
                unit = f" {parameter.unit}" if parameter.unit else ""
                raise ValueError(
                    f"hrf_model {pattern}: {parameter.name} must be between {parameter.low:g} and "
                    f"{parameter.high:g}{unit}, not {value:g}"
                )
        return complete


def _derivatives(
    stem: str,
    label: str,
    curve: str,
    source: str,
    kernels: Sequence[Callable],
    shape: Mapping[str, float],
    wide: Mapping[str, float],
) -> list[HRF]:
    """The three rows that nilearn makes of one double gamma: `wide` is the shape that its dispersion is varied from."""

    def exact(t_r: float, n: int) -> e.Exact:
        def unit(**how: float) -> e.Terms:
            return e.unit_area(e.double_gamma_terms(**how), k.KERNEL_SECONDS)

        later, broader = {**shape, "shift": 0.1}, {**wide, "dispersion": wide["dispersion"] + 0.01}
        pairs = [(unit(**shape), unit(**later), 0.1), (unit(**wide), unit(**broader), 0.01)]
        slopes = [
            (*(term.times(1 / by) for term in near), *(term.times(-1 / by) for term in far)) for near, far, by in pairs
        ]
        functions = [unit(**shape), *slopes][: n + 1]
        return e.gammas(functions, k.KERNEL_SECONDS, unit=False)

    ends = ("", " + derivative", " + derivative + dispersion")
    words = (
        "alone",
        "with a column that moves it in time",
        "with columns that move it in time and change its width",
    )
    formulas = (
        curve,
        f"{curve}; (h(t) - h(t - 0.1 s)) / 0.1 s",
        f"{curve}; (h(t) - h(t - 0.1 s)) / 0.1 s; (h(d) - h(d + 0.01)) / 0.01",
    )
    return [
        HRF(
            name=stem + ends[n],
            label=label + ends[n],
            description=f"{label}'s double gamma as nilearn samples it, {words[n]}.",
            formula=formulas[n],
            source=source,
            kernels=lambda t_r, oversampling, n=n: [f(t_r, oversampling) for f in kernels[: n + 1]],
            suffixes=("", "_derivative", "_dispersion")[: n + 1],
            exact=partial(exact, n=n),
            orthogonal=True,
            nilearn=stem + ends[n],
            bids=stem,
            also=(("canonical", "temporal derivative", "temporal and dispersion derivatives")[n],),
        )
        for n in range(3)
    ]


def _spm12_rows() -> list[HRF]:
    curve = "g(t; 6, 1) - g(t; 16, 1) / 6"
    formulas = (curve, f"{curve}; h(t) - h(t - 1 s)", f"{curve}; h(t) - h(t - 1 s); (h(1) - h(1.01)) / 0.01")
    ends = ("", " + derivative", " + derivative + dispersion")
    return [
        HRF(
            name="spm12" + ends[n],
            label="SPM12 (exact)" + ends[n],
            description="SPM12's canonical response at its published times"
            + ("." if n == 0 else ", with its informed basis functions, made orthogonal as SPM does."),
            formula=formulas[n],
            source="SPM12, spm_hrf and spm_get_bf; Friston et al. 1998, NeuroImage 7:30",
            kernels=partial(k.spm12_basis, n_functions=n + 1),
            normalisation=_UNIT_SUM if n == 0 else f"{_UNIT_SUM} Derivatives: per second, orthogonalised kernels.",
            suffixes=("", "_derivative", "_dispersion")[: n + 1],
            exact=partial(_spm12_exact, n_functions=n + 1),
        )
        for n in range(3)
    ]


def _spm12_exact(t_r: float, n_functions: int) -> e.Exact:
    """Limits of `glmwidgets.glm.response.kernels.spm12_basis`."""

    def unit(factor: float, **how: float) -> e.Terms:
        terms = e.unit_area(e.double_gamma_terms(**how), k.KERNEL_SECONDS)
        return tuple(term.times(factor) for term in terms)

    later = unit(1.0) + unit(-1.0, shift=1.0)
    wider = unit(100.0) + unit(-100.0, dispersion=1.01)
    return e.orthogonal_gammas([unit(1.0), later, wider][:n_functions], k.KERNEL_SECONDS)


def _sum_of(*terms: tuple[float, float, float], seconds: float = k.KERNEL_SECONDS, unit: bool = True) -> Callable:
    """Row's ``exact``: gamma densities by weight, shape and scale."""
    return lambda t_r: e.gammas([[e.Term(*term) for term in terms]], seconds, unit=unit)


def _custom(t_r: float, oversampling: int, *shape: float) -> list[np.ndarray]:
    delay, undershoot, dispersion, u_dispersion = shape[:4]
    if delay <= dispersion or undershoot <= u_dispersion:
        raise ValueError(
            f"hrf_model {format_hrf('gamma', shape)}: each delay must be longer than its dispersion, "
            "otherwise the curve jumps at the event instead of rising"
        )
    return k.sampled(lambda t: c.double_gamma(t, *shape), t_r, oversampling)


def _tents(t_r: float, oversampling: int, start: float, stop: float, n_knots: float) -> list[np.ndarray]:
    if stop <= start or n_knots != int(n_knots):
        raise ValueError(
            f"hrf_model {format_hrf('tent', (start, stop, n_knots))}: the stop must come after the start, "
            "and the number of knots must be whole"
        )
    t = k.sample_times(t_r, oversampling, stop)
    return [c.tent(t, start, stop, int(n_knots), knot) for knot in range(int(n_knots))]


def _block(t_r: float, duration: float) -> e.Exact:
    until = e.gammas([[e.Term(1, 5, 1)]], 60.0).integral
    curve = partial(c.afni_block, duration=duration, until=lambda t: until(t)[0])
    return e.attached([curve], duration + k.KERNEL_SECONDS)


def _seconds(name: str, description: str, value: float, low: float, high: float, **more) -> Parameter:
    return Parameter(name, "s", description, value, low, high, 0.1, **more)


_AFNI = "AFNI, help of 3dDeconvolve"
_ROWS = [
    *_derivatives(
        "spm",
        "SPM",
        "g(t; 6, 1) - 0.167 g(t; 16, 1)",
        "nilearn 0.14.1; Friston et al. 1998, NeuroImage 7:30",
        (k.spm_hrf, k.spm_time_derivative, k.spm_dispersion_derivative),
        k.SPM,
        k.SPM,
    ),
    *_derivatives(
        "glover",
        "Glover",
        "g(t; 6 / 0.9, 0.9) - 0.48 g(t; 12 / 0.9, 0.9)",
        "nilearn 0.14.1, after Glover 1999, NeuroImage 9:416",
        (k.glover_hrf, k.glover_time_derivative, k.glover_dispersion_derivative),
        k.GLOVER,
        k.GLOVER_DISPERSION,
    ),
    *_spm12_rows(),
    HRF(
        name="glover1999",
        label="Glover 1999",
        description="Glover's auditory response with the constants he published.",
        formula="(t / 5.4)^6 exp(-(t - 5.4) / 0.9) - 0.35 (t / 10.8)^12 exp(-(t - 10.8) / 0.9)",
        source="Glover 1999, NeuroImage 9:416; R package fmri",
        kernels=partial(k.sampled, c.glover1999),
        # Both lobes as densities: t^n exp(-t / s) is n! s^(n + 1) of one, and the peak of each is at n s.
        exact=_sum_of(
            (math.factorial(6) * 0.9**7 / 5.4**6 * math.exp(6), 7, 0.9),
            (-0.35 * math.factorial(12) * 0.9**13 / 10.8**12 * math.exp(12), 13, 0.9),
        ),
    ),
    HRF(
        name="fsl double gamma",
        label="FSL double gamma",
        description="FEAT's double gamma: SPM's curve, followed for 44 s.",
        formula="g(t; 6, 1) - g(t; 16, 1) / 6: mean lags 6 and 16 s, standard deviations sqrt(6) and 4 s",
        source="FSL FEAT",
        kernels=partial(k.sampled, c.fsl_double_gamma, seconds=44.0),
        exact=_sum_of((1, 6, 1), (-1 / 6, 16, 1), seconds=44.0),
    ),
    HRF(
        name="fsl gamma",
        label="FSL gamma",
        description="FEAT's single gamma, a response without undershoot.",
        formula="g(t; 4, 1.5): mean lag 6 s, standard deviation 3 s",
        source="FSL FEAT",
        kernels=partial(k.sampled, c.fsl_gamma),
        exact=_sum_of((1, 4, 1.5)),
    ),
    HRF(
        name="gam",
        label="AFNI GAM",
        description="AFNI's gamma variate, convolved with the event's duration.",
        formula="(t / (p q))^p exp(p - t / q), peak at p q = 4.7 s",
        source=f"Cohen 1997, NeuroImage 6:93; {_AFNI}",
        kernels=lambda t_r, oversampling, p, q: k.sampled(lambda t: c.afni_gam(t, p, q), t_r, oversampling),
        exact=lambda t_r, p, q: e.gammas([[e.Term(1, p + 1, q)]], k.KERNEL_SECONDS),
        normalisation=f"{_UNIT_SUM} (AFNI scales the curve itself to peak at 1.)",
        parameters=(
            Parameter("p", "", "power of the rise", 8.6, 1.0, 30.0, 0.1),
            _seconds("q", "time constant of the fall", 0.547, 0.1, 5.0),
        ),
    ),
    HRF(
        name="block",
        label="AFNI BLOCK",
        description="AFNI's response to a block of a given duration, attached to the onset.",
        formula="integral over s from 0 to min(t, d) of g(t - s), g(t) = t^4 exp(-t) / (4^4 exp(-4)), peak 1",
        source=f"{_AFNI}: BLOCK(d, 1)",
        kernels=lambda t_r, oversampling, duration: [
            c.afni_block(k.sample_times(t_r, oversampling, duration + k.KERNEL_SECONDS), duration)
        ],
        exact=_block,
        normalisation="Peak 1. The durations in the events are not used.",
        parameters=(_seconds("duration", "seconds of the block", 20.0, 0.1, 600.0, required=True),),
        uses_duration=False,
    ),
    HRF(
        name="spmg1",
        label="AFNI SPMG1",
        description="AFNI's form of SPM's canonical response, left at its own scale.",
        formula="exp(-t) (t^5 / 5! - t^15 / (6 * 15!))",
        source=_AFNI,
        kernels=lambda t_r, oversampling: [c.afni_spmg1(k.sample_times(t_r, oversampling)) * (t_r / oversampling)],
        exact=_sum_of((1, 6, 1), (-1 / 6, 16, 1), unit=False),
        normalisation="None: integral over seconds, so the response to an event that never ends settles at 5/6.",
    ),
    HRF(
        name="mion",
        label="AFNI MION",
        description="Blood volume with an iron-oxide contrast agent; the signal itself goes down.",
        formula="16.4486 (-0.184/1.5 exp(-t/1.5) + 0.330/4.5 exp(-t/4.5) + 0.670/13.5 exp(-t/13.5))",
        source=f"Leite et al. 2002, NeuroImage 16:283; {_AFNI}",
        kernels=partial(k.sampled, c.afni_mion, seconds=90.0),
        exact=_sum_of((-0.184, 1, 1.5), (0.330, 1, 4.5), (0.670, 1, 13.5), seconds=90.0),
    ),
    HRF(
        name="gamma",
        label="Custom double gamma",
        description="A double gamma of any shape: drag its peak, undershoot and ratio.",
        formula="g(t; delay / d, d) - ratio g(t; undershoot / d_u, d_u)",
        source="the parameters of SPM's spm_hrf",
        kernels=_custom,
        exact=lambda t_r, *shape: e.gammas([e.double_gamma_terms(*shape)], k.KERNEL_SECONDS),
        parameters=(
            _seconds("delay", "mean lag of the response", 6.0, 1.0, 20.0),
            _seconds("undershoot", "mean lag of the undershoot", 16.0, 2.0, 40.0),
            _seconds("dispersion", "width of the response", 1.0, 0.1, 5.0),
            _seconds("u_dispersion", "width of the undershoot", 1.0, 0.1, 5.0),
            Parameter("ratio", "", "area of the undershoot relative to the response", 0.167, 0.0, 0.9, 0.01),
        ),
        draggable=True,
    ),
    HRF(
        name="fir",
        label="FIR",
        description="One column for each delay in scans: no shape is assumed.",
        formula="a box of one scan, at each of fir_delays",
        source="nilearn 0.14.1; Dale 1999, Human Brain Mapping 8:109",
        kernels=lambda t_r, oversampling, *delays: k.fir_kernels(oversampling, delays),
        exact=lambda t_r, *delays: e.boxes(t_r, delays),
        normalisation="An event that lasts a whole scan gives 1; a shorter one gives its share of the scan.",
        suffixes=lambda delays: tuple(f"_delay_{delay}" for delay in delays),
        spread="delay",
        shifted_one_scan=True,
        by_delays=True,
        nilearn="fir",
        bids="fir",
        also=("finite impulse response", "no assumed shape"),
    ),
    HRF(
        name="tent",
        label="AFNI TENT",
        description="A piecewise linear response with its height at each knot, attached to the onset.",
        formula="1 - |t - knot| / spacing, knots from start to stop",
        source=f"{_AFNI}: TENT(b, c, n)",
        kernels=_tents,
        exact=lambda t_r, start, stop, n: e.attached(
            [partial(c.tent, start=start, stop=stop, n_knots=int(n), knot=knot) for knot in range(int(n))], stop
        ),
        normalisation="Height 1 at each knot. The durations in the events are not used.",
        suffixes=lambda values: tuple(f"_tent_{knot}" for knot in range(int(values[2]))),
        spread="tent",
        parameters=(
            _seconds("start", "first knot, seconds after the onset", 0.0, 0.0, 60.0, required=True),
            _seconds("stop", "last knot", 20.0, 0.1, 120.0, required=True),
            Parameter("n", "", "number of knots", 11, 2, 100, 1, required=True),
        ),
        uses_duration=False,
    ),
    HRF(
        name="none",
        label="None (boxcar)",
        description="The events themselves, without any response.",
        formula="delta function",
        source="nilearn 0.14.1 (hrf_model=None)",
        kernels=lambda t_r, oversampling: [np.r_[1.0, np.zeros(oversampling - 1)]],
        exact=lambda t_r: e.DELTA,
        normalisation="Height 1 while an event lasts.",
        said="entered the model as they are, without a response function",
        nilearn="",
        also=("no convolution", "boxcar"),
    ),
]

#: Every response model by its name.
HRFS: Choices[HRF] = Choices((row.name, row) for row in _ROWS)


def format_hrf(name: str, values: Sequence[float] = ()) -> str:
    """Write a model's name with its numbers.

    Parameters
    ----------
    name : str
        Key of `HRFS`.
    values : sequence of float
        In the order of its brackets; none leaves the brackets out.

    Returns
    -------
    str

    Examples
    --------
    >>> format_hrf("block", [20.0])
    'block(20)'
    """
    return f"{name}({', '.join(f'{value:g}' for value in values)})" if len(values) else name


def offered_hrfs() -> tuple[str, ...]:
    """Names that menus offer, with the usual numbers of those that need some.

    Examples
    --------
    >>> [name for name in offered_hrfs() if "(" in name]
    ['block(20)', 'tent(0, 20, 11)']
    """
    return tuple(format_hrf(name, [p.value for p in row.parameters if p.required]) for name, row in HRFS.items())
