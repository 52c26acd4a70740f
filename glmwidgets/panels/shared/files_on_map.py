"""Images from files on the map: an underlay at its own resolution, and the contour of another map."""

from __future__ import annotations

from functools import lru_cache

import nibabel as nib
import numpy as np

from glmwidgets.images.load import image_data, load_image
from glmwidgets.images.resample import resample_img
from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.session.core.live import LiveSession
from glmwidgets.specification.field import SettingsError

__all__ = ["FilesOnMap"]


class FilesOnMap:
    """Keeps the images of the settings ``map.underlay`` and ``map.contour`` on a viewer.

    Parameters
    ----------
    session : LiveSession
    viewer : SliceViewer
    """

    def __init__(self, session: LiveSession, viewer: SliceViewer):
        self._session, self._viewer = session, viewer
        self._contour: tuple[str, float] | None = None
        self._values = lru_cache(maxsize=1)(self._read_contour)
        session.observe_locked(self.show_contour, "settings")

    def underlay(self) -> nib.Nifti1Image | None:
        """Image to lay the map over in the place of its background; the run's anatomical one has its own resolution."""
        look = self._session.settings.map
        if look.underlay:
            return self._image("map.underlay", look.underlay)
        run = getattr(self._session, "run", None)
        return run.anatomical if look.background == "anatomical" and run is not None else None

    def show_contour(self, _change: object = None) -> None:
        """Draw the contour that is set."""
        look = self._session.settings.map
        wanted = (look.contour, look.contour_level)
        if wanted == self._contour:
            return
        self._contour = wanted
        values = self._values(look.contour) if look.contour else None
        self._viewer.set_contour(None if values is None else np.abs(values) >= look.contour_level)

    def _read_contour(self, path: str) -> np.ndarray:
        img, session = self._image("map.contour", path), self._session
        return image_data(resample_img(img, session.affine, session.shape, interpolation="linear"))

    def _image(self, setting: str, path: str) -> nib.Nifti1Image:
        try:
            img = load_image(path, wildcards=False)
        except (OSError, ValueError) as error:
            raise SettingsError.of(setting, error) from None
        if len(img.shape) != 3:
            raise SettingsError(setting, f"must be the path of one 3-D image; {path} has {len(img.shape)} dimensions")
        return img
