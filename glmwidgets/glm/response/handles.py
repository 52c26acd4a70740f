"""A double gamma held by points of its curve: what dragging one of them means for its numbers."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

import numpy as np

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.response.curves import double_gamma, gamma_density
from glmwidgets.glm.response.table import HRFS

#: Points by which the curve can be held.
HANDLES = ("peak", "undershoot", "width")

_TIMES = np.arange(0.0, 60.0, 0.05)


@dataclass(frozen=True)
class GammaShape:
    """Numbers of the response model ``gamma``, in the order of its brackets; see `double_gamma`.

    Attributes
    ----------
    delay, undershoot : float
        Times of the two gammas' peaks, in seconds.
    dispersion, u_dispersion : float
        Their widths.
    ratio : float
        Height of the undershoot as a share of the peak's.
    """

    delay: float = 6.0
    undershoot: float = 16.0
    dispersion: float = 1.0
    u_dispersion: float = 1.0
    ratio: float = 0.167

    @property
    def values(self) -> tuple[float, ...]:
        """The numbers, as `glmwidgets.glm.response.table.format_hrf` takes them."""
        return astuple(self)


def handle_places(shape: GammaShape) -> dict[str, tuple[float, float]]:
    """Where the handles lie on the curve, drawn with peak 1.

    Parameters
    ----------
    shape : GammaShape

    Returns
    -------
    dict from name to (seconds, height)
        ``peak`` is the mode of the response, ``undershoot`` that of the undershoot, ``width`` one standard deviation
        after the response's mean.

    Examples
    --------
    >>> places = handle_places(GammaShape())
    >>> [(name, round(x, 2), round(y, 2)) for name, (x, y) in places.items()]
    [('peak', 5.0, 1.0), ('undershoot', 15.0, -0.09), ('width', 8.45, 0.43)]
    """
    times = {
        "peak": shape.delay - shape.dispersion,
        "undershoot": shape.undershoot - shape.u_dispersion,
        "width": shape.delay + np.sqrt(shape.delay * shape.dispersion),
    }
    height = _peak(shape)
    return {name: (float(t), float(_curve(np.array(t), shape)) / height) for name, t in times.items()}


def dragged(shape: GammaShape, handle: str, seconds: float, height: float) -> GammaShape:
    """The shape after a handle was pulled to a place; as near to it as the model's limits allow.

    Parameters
    ----------
    shape : GammaShape
    handle : {"peak", "undershoot", "width"}
        The peak moves in time. The undershoot moves in time, and its depth is the ratio. The width leaves the peak
        where it is.
    seconds, height : float

    Returns
    -------
    GammaShape
        Numbers to three digits after the point.

    Examples
    --------
    >>> dragged(GammaShape(), "peak", 6.5, 1.0).delay
    7.5
    >>> dragged(GammaShape(), "undershoot", 14.0, -0.2)
    GammaShape(delay=6.0, undershoot=15.0, dispersion=1.0, u_dispersion=1.0, ratio=0.366)
    """
    check_choice("handle", handle, HANDLES)
    if handle == "peak":
        return _limited(shape, delay=seconds + shape.dispersion)
    if handle == "undershoot":
        return _deep(_limited(shape, undershoot=seconds + shape.u_dispersion), height)
    # x = p + d + sqrt((p + d) d) for the dispersion d of a response whose mode p stays
    peak = shape.delay - shape.dispersion
    reach = max(seconds - peak, 0.0)
    dispersion = _limited(shape, dispersion=reach**2 / max(peak + 2 * reach, 1e-9)).dispersion
    return _limited(shape, delay=peak + dispersion, dispersion=dispersion)


def _curve(t: np.ndarray, shape: GammaShape) -> np.ndarray:
    return double_gamma(t, *shape.values)


def _peak(shape: GammaShape) -> float:
    return max(float(_curve(_TIMES, shape).max()), 1e-12)


def _deep(shape: GammaShape, height: float) -> GammaShape:
    """The ratio at which the undershoot is that deep beside a peak of 1."""
    t = np.array(shape.undershoot - shape.u_dispersion)
    response = gamma_density(t, shape.delay / shape.dispersion, shape.dispersion)
    under = gamma_density(t, shape.undershoot / shape.u_dispersion, shape.u_dispersion)
    for _ in range(6):  # the peak itself depends on the ratio, but hardly
        shape = _limited(shape, ratio=float((response - height * _peak(shape)) / under))
    return shape


def _limited(shape: GammaShape, **new: float) -> GammaShape:
    parameters = {p.name: p for p in HRFS["gamma"].parameters}
    values = {name: float(np.clip(value, parameters[name].low, parameters[name].high)) for name, value in new.items()}
    shape = replace(shape, **{name: round(value, 3) for name, value in values.items()})
    # A delay no longer than its dispersion is no response: the curve would jump at the event.
    return replace(
        shape,
        delay=max(shape.delay, round(shape.dispersion + 0.1, 3)),
        undershoot=max(shape.undershoot, round(shape.u_dispersion + 0.1, 3)),
    )
