"""Images from files on the map: an underlay at its own resolution, and the contour of another map."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import nibabel as nib
import numpy as np

from glmwidgets.images.load import load_image
from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.runs.backgrounds import values_on_grid
from glmwidgets.session.core.live import LiveSession
from glmwidgets.session.core.scheduler import LatestWins, Ticket
from glmwidgets.specification.field import SettingsError

log = logging.getLogger(__name__)


class FilesOnMap:
    """Keeps the images of the settings ``map.underlay`` and ``map.contour`` on a viewer.

    They are read and brought to the map's grid on threads of their own: a large image takes seconds.

    Parameters
    ----------
    session : LiveSession
    viewer : SliceViewer
    """

    def __init__(self, session: LiveSession, viewer: SliceViewer):
        self._session, self._viewer = session, viewer
        self._under: str | None = None
        self._contour: tuple[str, float] | None = None
        self._values = lru_cache(maxsize=1)(self._read_contour)
        self._lanes = {name: LatestWins(session.is_synchronous) for name in ("underlay", "contour")}
        session.observe_locked(self.show_contour, "settings")

    def close(self) -> None:
        """End the threads."""
        for lane in self._lanes.values():
            lane.close()

    def show_underlay(self, wanted: bool) -> None:
        """Lay what is set over the background that has just been shown, or leave that as it is.

        The run's anatomical image has its own resolution, too.

        Parameters
        ----------
        wanted : bool
            Not over a scan that is looked at.
        """
        look = self._session.settings.map
        self._under = under = look.underlay if wanted and self.has_underlay else None
        if under is not None:
            anatomical = self._anatomical
            self._do(
                "underlay",
                lambda: self._viewer.underlay_of(self._image("map.underlay", under) if under else anatomical),
                lambda greys: self._viewer.lay_under(*greys),
                lambda: self._under == under,
            )

    @property
    def has_underlay(self) -> bool:
        """Whether an image comes in the place of a background: what is on screen stays until then."""
        return bool(self._session.settings.map.underlay) or self._anatomical is not None

    @property
    def _anatomical(self) -> nib.Nifti1Image | None:
        chosen = self._session.settings.map.background == "anatomical"
        return getattr(self._session.analysis, "anatomical", None) if chosen else None

    def show_contour(self, _change: object = None) -> None:
        """Draw the contour that is set."""
        look = self._session.settings.map
        wanted = (look.contour, look.contour_level)
        if wanted == self._contour:
            return
        self._contour = wanted
        path, level = wanted
        if not path:
            self._viewer.set_contour(None)
            return
        self._do(
            "contour",
            lambda: np.abs(self._values(path)) >= level,
            self._viewer.set_contour,
            lambda: self._contour == wanted,
        )

    def _do(
        self, name: str, make: Callable[[], Any], show: Callable[[Any], None], is_wanted: Callable[[], bool]
    ) -> None:
        def job(ticket: Ticket) -> None:
            try:
                made = make()
                with self._session.lock:
                    if is_wanted():
                        show(made)
            except SettingsError as error:
                self._session.show_error(error)
            except Exception as error:
                log.exception("the %s could not be shown", name)
                self._session.show_error(error)
            finally:
                if ticket.is_newest:
                    self._say("")

        self._say(f"bringing the {name} to the map's grid")
        self._lanes[name].submit(job)

    def _say(self, words: str) -> None:
        with self._session.lock:
            self._session.reading = words

    def _read_contour(self, path: str) -> np.ndarray:
        img, session = self._image("map.contour", path), self._session
        return values_on_grid(img, session.affine, session.shape)

    def _image(self, setting: str, path: str) -> nib.Nifti1Image:
        try:
            img = load_image(path, wildcards=False)
        except (OSError, ValueError) as error:
            raise SettingsError.of(setting, error) from None
        if len(img.shape) != 3:
            raise SettingsError(setting, f"must be the path of one 3-D image; {path} has {len(img.shape)} dimensions")
        return img
