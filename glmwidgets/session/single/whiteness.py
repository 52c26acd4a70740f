"""Are the residuals white? Asked of every result that stays on screen for a moment, beside the live analysis."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import traitlets

from glmwidgets.glm.errors import told
from glmwidgets.glm.fit.whiteness import Whiteness, residual_whiteness

if TYPE_CHECKING:
    from glmwidgets.analysis.answers import RunAnswer
    from glmwidgets.session.single.session import Session

log = logging.getLogger(__name__)

# Seconds that a result has to stay before its residuals are tested, which takes longer than a fit: a hand that halts in
# a drag is not to wait for it.
QUIET = 0.8

KEPT = 12


@dataclass(frozen=True, eq=False)
class ResidualVerdict:
    """What the residuals of one fit look like.

    Attributes
    ----------
    key : tuple
        Of the fit, in the analysis' graph.
    whiteness : Whiteness or None
    message : str
        Why there is no verdict.
    """

    key: tuple
    whiteness: Whiteness | None = None
    message: str = ""


class WhitenessWatch(traitlets.HasTraits):
    """Tests the residuals of the result on screen once it has stayed for a moment.

    Up to 4000 voxels, spread evenly over those that vary, are looked at: a verdict on shares needs no more.

    Parameters
    ----------
    session : Session
    quiet : float
        Seconds without a newer result. A synchronous session is answered at once.

    Attributes
    ----------
    verdict : ResidualVerdict or None
        The last that was made; `is_current` tells whether it is of the result on screen.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> watch = WhitenessWatch(session)
    >>> session.refresh()
    >>> watch.is_current
    True
    """

    verdict = traitlets.Instance(ResidualVerdict, allow_none=True)

    def __init__(self, session: Session, quiet: float = QUIET):
        super().__init__()
        self._session = session
        self._quiet = quiet
        self._kept: OrderedDict[tuple, ResidualVerdict] = OrderedDict()
        self._asked: tuple | None = None
        self._timer: threading.Timer | None = None
        session.observe_locked(self._follow, "result")
        self._follow()

    @property
    def is_current(self) -> bool:
        """Whether the verdict is of the fit on screen."""
        return self.verdict is not None and self.verdict.key == self._asked

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the test that was asked for is made; False if `timeout` seconds were not enough."""
        with self._session.lock:
            timer = self._timer
        if timer is not None:
            timer.join(timeout)
        return self.is_current

    def _follow(self, _change: object = None) -> None:
        result = self._session.result
        if result is None:
            return
        key = self._session.analysis.graph.key("fit", result.settings)
        if key == self._asked:
            return
        self._asked = key
        if self._timer is not None:
            self._timer.cancel()
        if key in self._kept:
            self._kept.move_to_end(key)
            self.verdict = self._kept[key]
        elif self._session.is_synchronous:
            self._make(key, result)
        else:
            self._timer = threading.Timer(self._quiet, self._make_if_current, (key,))
            self._timer.daemon = True
            try:
                self._timer.start()
            except RuntimeError:  # no thread can be started any more
                self._timer = None
                self._make(key, result)

    def _make_if_current(self, key: tuple) -> None:
        # The timer itself holds no result: it may outlive the last one by hours.
        with self._session.lock:
            result = self._session.result if key == self._asked else None
        if result is not None:
            self._make(key, result)

    def _make(self, key: tuple, result: RunAnswer) -> None:
        pooled = result.settings.noise.pooling is not None
        try:
            if not self._session.run.is_even:
                raise ValueError(
                    f"The test of whiteness needs scans in even steps, but this run has {self._session.run.clock}."
                )
            verdict = ResidualVerdict(key, residual_whiteness(result.fit, self._session.run.t_r, pooled=pooled))
        except Exception as error:
            # Beside the analysis: what cannot be tested is said, and stops nothing.
            log.info("the residuals could not be tested", exc_info=True)
            verdict = ResidualVerdict(key, message=told(error, "notebook"))
        with self._session.lock:
            self._kept[key] = verdict
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            if key == self._asked:
                self.verdict = verdict
