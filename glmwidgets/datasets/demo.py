"""The run of the tour: a simulated one, or the one that was named when the tour was started."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from glmwidgets.datasets.simulate import SimulatedRun, simulate_run
from glmwidgets.files.envelope import opened
from glmwidgets.files.paths import resolved

#: Stands beside the notebook if the tour is of a person's own run.
DEMO_FILE = "demo.json"
#: What such a file says of itself.
DEMO_FORMAT = "glmwidgets demo"


@dataclass(frozen=True)
class NamedRun:
    """A run of one's own, as `glmwidgets.explore` takes it.

    Attributes
    ----------
    img, events : str
        Paths.
    t_r : float
        Seconds between scans.
    confounds : None
    """

    img: str
    events: str
    t_r: float
    confounds: Any = None


def demo_run(folder: str | PathLike[str] = ".") -> SimulatedRun | NamedRun:
    """The run that the tour explores.

    Parameters
    ----------
    folder : str or path
        Where the tour's notebook is.

    Returns
    -------
    SimulatedRun or NamedRun
        The run that ``glmwidgets demo BOLD EVENTS`` named for this folder, otherwise a simulated one.

    Raises
    ------
    ValueError
        If the file that names it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / DEMO_FILE
    ...     _ = path.write_text('{"bold": "/data/bold.nii.gz", "events": "/data/events.tsv", "t_r": 2.0}')
    ...     demo_run(folder)
    NamedRun(img='/data/bold.nii.gz', events='/data/events.tsv', t_r=2.0, confounds=None)
    """
    path = Path(folder) / DEMO_FILE
    if not path.is_file():
        return simulate_run()
    try:
        named = opened(path.read_bytes(), DEMO_FORMAT, path, headless=True)
        return NamedRun(named["bold"], named["events"], named["t_r"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{resolved(path)} does not name a run: start the tour again ({error!r})") from None
