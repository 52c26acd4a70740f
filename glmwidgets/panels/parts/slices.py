"""The slice viewer: background and statistic map on a canvas that repaints without asking the kernel.

The browser (`web/slices.js`) holds both volumes, so threshold, opacity, colours, cursor and slice cost no round trip.
The kernel sends volumes and gets the cursor. `SlicesState` lists what both exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import RLock
from typing import Any

import nibabel as nib
import numpy as np
import traitlets as t

from glmwidgets.images.load import image_data
from glmwidgets.images.resample import resample_img
from glmwidgets.panels.parts.first_planes import NOTHING, in_sight
from glmwidgets.panels.parts.grid import Grid, Inside, cuts_by_axis, grey_levels
from glmwidgets.panels.parts.slices_state import AXES, LOOKS, SlicesState
from glmwidgets.panels.parts.slider import Slider
from glmwidgets.panels.parts.state import state_of
from glmwidgets.specification.looks import MapSettings
from glmwidgets.web import script, style


class SliceViewer(SlicesState):
    """Orthogonal slices of a statistic map over a background image, live in the browser.

    Indices are those of the data array, whatever the affine; the display turns the volume to right-anterior-superior.

    Parameters
    ----------
    lock : threading.RLock, optional
        Held whenever the viewer's state changes, from either side. Give the lock of whoever also calls from other
        threads: two locks for one conversation can wait for each other forever.
    **traits
        Initial values of the traits below.

    Attributes
    ----------
    cursor : tuple of 3 int
        Voxel under the crosshair, data indices; moved into the volume when it is outside. Observe it to follow the
        person: while they drag, it changes at most every 150 ms, and once more when they stop.
    threshold : float
        Voxels with ``|value| >= threshold`` survive.
    sign : {'two-sided', 'positive', 'negative'}
        Which values are shown.
    cluster_threshold : int
        Smallest cluster (voxels, connected by faces, one sign) that counts as surviving. 0 and 1 keep all.
    opacity : float
        Of the map, 0 to 1.
    fade_below : bool
        Below the threshold let the map fade with ``|value|`` instead of hiding it.
    show_outline, show_crosshair, show_mask, show_readout : bool
        Outline around what survives; crosshair; border of the mask; the line with voxel, mm and value.
    vmax : float
        Value at the end of the colour bar. Colours belong to values: they do not move with the threshold.
    colormap, sequential : str
        A name in `COLORMAPS`; of a sequential one, for a shown statistic that has no sign.
    sides_known : bool
        Whether the image says which side is left; the letters L and R have a question mark otherwise.
    shown_label, shown_unit : str
        What the statistic that gives the colours is, where that is another than the one that is thresholded; empty
        where it is the same. Set together with the map, see `set_map`.
    warm, cold : str
        What values above and below zero are more of, at the ends of the colour bar; empty where it says nothing.
    signed, whole : bool
        Of the shown statistic: whether zero is in the middle of its colours; and whether it is seen everywhere,
        instead of fading with the thresholded one.
    reach : float
        With a shown statistic, the value of the thresholded one that hardly any voxel exceeds: where the threshold is
        out of its reach, opacity grows up to this.
    convention : {'neurological', 'radiological'}
        Left side of the brain at the left, or at the right.
    view : {'ortho', 'mosaic', 'glass'}
        Three planes; rows of cuts; or the largest value along each line of sight.
    cut_axes : str
        Rows of the mosaic, a choice of x (sagittal), y (coronal) and z (axial) such as 'z' or 'zyx'.
    n_cuts : int
        Cuts in each row of the mosaic.
    zoom : tuple of float
        How many times as large, 1 to 16, and the place in mm (x, y, z) in the middle; empty for the whole picture.
    compare : {"side", "flicker", "difference", "off"}
        How another map, see `set_beside`, is shown with this one.
    label : str
        What the values are, with their unit: 'z', 't', 'R²', '% signal'.
    stale : bool
        Dims the map: what is on screen no longer answers the settings.
    max_height : int
        Largest height of the picture in CSS pixels.
    brush, erases : float, bool
        Of `glmwidgets.panels.parts.brush.Brush`.

    Notes
    -----
    The map is kept as float32 (what survives and what is read at the crosshair must be the values themselves) and only
    inside the mask, whose voxels are sent once. After the first, `set_map` sends no more than the planes on screen;
    once they are painted and no newer map has come, the browser asks for the rest.

    Examples
    --------
    >>> import numpy as np
    >>> viewer = SliceViewer(threshold=3.1, label="z")
    >>> viewer.set_background(np.random.default_rng(0).random((10, 12, 8)), np.diag([-3.0, 3, 3, 1]))
    >>> viewer.set_map(np.zeros((10, 12, 8)))
    >>> viewer.cursor
    (5, 6, 4)
    >>> viewer.cursor_mm
    (-15.0, 18.0, 12.0)
    """

    _esm = script("slices.js")
    _css = style("slices.css")

    def __init__(self, lock: Any = None, **traits: Any) -> None:
        self._lock = RLock() if lock is None else lock
        self._grid: Grid | None = None
        self._inside: Inside | None = None
        self._mask_given = False
        self._values = np.empty(0, dtype=np.float32)
        self._shown = self._values
        self._serial = 0
        self._ahead = -1
        super().__init__(**traits)
        self.on_msg(self._on_message)

    @t.validate("cursor")
    def _keep_cursor_inside(self, proposal: dict[str, Any]) -> tuple[int, ...]:
        if self._grid is None:
            return proposal["value"]
        return tuple(min(max(c, 0), n - 1) for c, n in zip(proposal["value"], self._grid.shape, strict=True))

    @t.observe("n_cuts")
    def _on_cuts(self, _change: Any) -> None:
        self._place_cuts()

    @property
    def cursor_mm(self) -> tuple[float, float, float]:
        """Position of the cursor in mm (RAS+)."""
        grid = self._require_grid("cursor_mm")
        return tuple(float(x) for x in (grid.affine @ [*self.cursor, 1.0])[:3])

    def set_background(self, volume: np.ndarray, affine: np.ndarray, limits: tuple[float, float] | None = None) -> None:
        """Show another background image.

        Parameters
        ----------
        volume : array (i, j, k)
            Real numbers, any scale.
        affine : array (4, 4)
            Voxel to mm (RAS+), any orientation.
        limits : (low, high), optional
            Values shown black and white; see `grey_levels`.

        Raises
        ------
        ValueError
            If the volume is not 3-D or empty, or the affine has no direction for one of its axes.

        Notes
        -----
        On another grid than before, the map and the mask are forgotten and the cursor goes to the middle.
        """
        volume = np.asarray(volume)
        if volume.ndim != 3 or volume.size == 0:
            raise ValueError(
                f"the background must be one 3-D volume, got shape {volume.shape}; of a run, take the mean over time"
            )
        grid = Grid.of(volume.shape, affine)
        greys = grid.to_display(grey_levels(volume, limits)).tobytes()
        with self._lock, self.hold_sync():
            if not grid.same_as(self._grid):
                if self._grid is not None:
                    self._forget_map()
                self._grid = grid
                self._geometry = grid.message()
                self.cursor = tuple(n // 2 for n in grid.shape)
            self._background, self._parts = greys, [1, 1, 1]
            self._place_cuts()

    def greys_of(self, volume: np.ndarray) -> bytes:
        """Greys of a background on the grid of the one that is shown, as the page has them."""
        return self._require_grid("greys_of").to_display(grey_levels(volume)).tobytes()

    def whole_state(self) -> dict[str, Any]:
        """What is shown, with the whole map however little of it was sent yet; for a page without a kernel."""
        with self._lock:
            return state_of(self) | {"_map": self._whole_map(), "_planes": NOTHING}

    def set_underlay(self, img: nib.Nifti1Image) -> None:
        """Lay the map over an image of any grid, at its own resolution as far as the page can hold that.

        Parameters
        ----------
        img : Nifti1Image
            3-D. `set_background` takes it away.

        Raises
        ------
        ValueError
            If there is no background yet, or the image is not one volume or lies elsewhere.
        """
        self.lay_under(*self.underlay_of(img))

    def underlay_of(self, img: nib.Nifti1Image) -> tuple[bytes, list[int]]:
        """Greys of an underlay, and the parts that they cut each voxel into, for `lay_under`: what takes the time.

        Parameters
        ----------
        img : Nifti1Image
            As in `set_underlay`, which does both.

        Returns
        -------
        greys : bytes
        parts : list of 3 int
        """
        grid = self._require_grid("set_underlay")
        if len(img.shape) != 3:
            raise ValueError(f"an underlay is one 3-D volume, not {' × '.join(map(str, img.shape))}")
        parts, affine = grid.finer(float(np.linalg.norm(img.affine[:3, :3], axis=0).min()))
        shape = tuple(n * k for n, k in zip(grid.display_shape, parts, strict=True))
        greys = grey_levels(image_data(resample_img(img, affine, shape, interpolation="linear")))
        return np.ascontiguousarray(greys).tobytes(), list(parts)

    def lay_under(self, greys: bytes, parts: list[int]) -> None:
        """Lay the map over what `underlay_of` gave."""
        with self._lock, self.hold_sync():
            self._background, self._parts = greys, parts

    def set_contour(self, inside: np.ndarray | None) -> None:
        """Draw a line around some voxels, of another map or a region.

        Parameters
        ----------
        inside : bool array (i, j, k) or None
            On the background's grid. None takes the line away.
        """
        grid = self._require_grid("set_contour")
        if inside is not None and inside.shape != grid.shape:
            raise ValueError(f"the contour has shape {inside.shape}, but the background {grid.shape}")
        with self._lock:
            self._contour = b"" if inside is None else np.packbits(grid.to_display(inside).ravel()).tobytes()

    def set_mask(self, mask: np.ndarray) -> None:
        """Say which voxels a map may have values in.

        Parameters
        ----------
        mask : bool array (i, j, k)
            On the background's grid. Maps can then be given as values in mask order, too.

        Raises
        ------
        ValueError
            If there is no background yet, or the shape is another, or the mask is empty.

        Notes
        -----
        A mask that differs from the one before takes the map off the screen.
        """
        grid = self._require_grid("set_mask")
        mask = np.asarray(mask).astype(bool)
        if mask.shape != grid.shape:
            raise ValueError(f"the mask has shape {mask.shape}, but the background {grid.shape}")
        if not mask.any():
            raise ValueError("the mask holds no voxel")
        with self._lock, self.hold_sync():
            self._mask_given = True
            if self._inside is None or not np.array_equal(mask, self._inside.mask):
                self._use_mask(mask)
                self._map = {"serial": self._next_serial(), "values": b""}
                self._values = self._shown = np.empty(0, dtype=np.float32)

    def set_map(self, volume: np.ndarray | None, visible_first: bool = True, shown: np.ndarray | None = None) -> None:
        """Show another statistic map; may be called from any thread.

        Parameters
        ----------
        volume : array (i, j, k) or (n_voxels,), or None
            Values on the background's grid, NaN outside the mask; or, after `set_mask`, one value for each voxel of
            the mask in C order. None takes the map away.
        visible_first : bool
            Send only the planes that are on screen, and the rest when the browser asks for it. The first map, and
            one with another mask, always travels whole.
        shown : array like `volume`, optional
            Another statistic that gives the colours, NaN where it says nothing; `volume` then only decides what
            survives and how opaque it is. Goes with ``shown_label`` and its like, which are best set in the same
            ``hold_sync()``.

        Raises
        ------
        ValueError
            If there is no background yet, or the shape fits neither the background nor the mask.
        """
        grid = self._require_grid("set_map")
        with self._lock, self.hold_sync():
            if volume is None:
                self._values = self._shown = np.empty(0, dtype=np.float32)
                self._map = {"serial": self._next_serial(), "values": b""}
                return
            values, same_mask = self._masked(np.asarray(volume), grid)
            first = not self._values.size
            self._values = values[self._inside.order].astype(np.float32, copy=False)
            self._shown = np.empty(0, dtype=np.float32) if shown is None else self._in_order(np.asarray(shown))
            self._next_serial()
            if visible_first and same_mask and not first and self.view != "glass":
                self._planes = self._in_sight()
            else:
                self._map = self._whole_map()

    def preview(self, voxels: np.ndarray, values: np.ndarray, shown: np.ndarray | None = None) -> bool:
        """Paint the planes on screen with values that come ahead of their map; the map follows with `set_map`.

        Parameters
        ----------
        voxels : array of int
            Numbers of voxels in the mask's order: all those of the three planes through the cursor.
        values, shown : array of the length of `voxels`
            The latter optional, as in `set_map`.

        Returns
        -------
        bool
            False before the first map, and where planes off the cursor are shown: nothing is done.
        """
        if self.view != "ortho" or not self._values.size:
            return False
        with self._lock, self.hold_sync():
            whole = self._values, self._shown
            self._values = self._ahead_of_map(voxels, values)
            self._shown = np.empty(0, np.float32) if shown is None else self._ahead_of_map(voxels, shown)
            self._ahead = self._next_serial()
            self._planes = {**self._in_sight(), "ahead": True}
            self._values, self._shown = whole
        return True

    def set_beside(
        self, volume: np.ndarray | None, name: str = "A", shown: np.ndarray | None = None, **look: Any
    ) -> None:
        """Hold another map with this one: the one that it is compared with, or their difference; see ``compare``.

        Parameters
        ----------
        volume : array (i, j, k) or None
            On the background's grid, NaN where it has no value. None takes it away.
        name : str
            What it is called on the picture.
        shown : array (i, j, k), optional
            Another statistic that gives the colours, as in `set_map`.
        **look
            Traits that it has of its own: ``threshold``, ``sign``, ``cluster_threshold``, ``vmax``, ``label`` ...

        Raises
        ------
        ValueError
            If there is no background yet, or the shape is another.
        """
        grid = self._require_grid("set_beside")
        if volume is not None and volume.shape != grid.shape:
            raise ValueError(f"the map beside has shape {volume.shape}, but the background {grid.shape}")
        with self._lock:
            self._beside = {} if volume is None else {"name": name, "look": look, **grid.packed(volume, shown=shown)}

    def look(self, chosen: MapSettings, names: Sequence[str] = LOOKS) -> None:
        """Look as a session's settings say, in one message; choices that are not among the names stay as they are."""
        with self._lock, self.hold_sync():
            for name in names:
                if getattr(self, name) != getattr(chosen, name):
                    setattr(self, name, getattr(chosen, name))

    def follow(self, slider: Slider, trait: str = "threshold") -> None:
        """Have the browser take a trait from a slider while that is being dragged, ahead of the kernel.

        What comes of the slider's value is for whoever observes it to say: what the trait is next set to after the drag
        counts again.

        Parameters
        ----------
        slider : Slider
        trait : {"threshold", "opacity"}
        """
        self._sliders = {**self._sliders, trait: slider.key}

    def flash(self, where: Any) -> None:
        """Light up some voxels for a moment, so that the eye finds them.

        Parameters
        ----------
        where : array (n, 3) of int, or array (i, j, k)
            Data indices, or a volume that is non-zero (a mask, a label image) where it shall flash.

        Raises
        ------
        ValueError
            If there is no background yet, or the shape is neither.
        """
        grid = self._require_grid("flash")
        where = np.asarray(where)
        if where.shape == grid.shape:
            where = np.argwhere(where)
        if where.ndim != 2 or where.shape[1] != 3:
            raise ValueError(f"flash wants voxel indices (n, 3) or a volume {grid.shape}, got shape {where.shape}")
        if (where < 0).any() or (where >= grid.shape).any():
            raise ValueError(f"flash was given voxels outside the volume of {grid.shape}")
        flat = np.ravel_multi_index(tuple(grid.display_index(where).T), grid.display_shape).astype(np.uint32)
        with self._lock:
            self.send({"kind": "flash"}, buffers=[flat.tobytes()])

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take over what the browser sent, under the lock."""
        with self._lock:
            super().set_state(sync_data)

    def _on_message(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        """Send the whole map to a browser that has painted its first planes, unless a newer one is on its way."""
        with self._lock:
            # There is no whole map yet of planes that were painted ahead of it.
            if content.get("kind") == "want" and content.get("serial") == self._serial != self._ahead:
                self._map = self._whole_map()

    def _ahead_of_map(self, voxels: np.ndarray, values: np.ndarray) -> np.ndarray:
        ahead = np.full(self._values.size, np.nan, dtype=np.float32)
        ahead[voxels] = values
        return ahead[self._inside.order]

    def _in_order(self, shown: np.ndarray) -> np.ndarray:
        inside = shown[self._inside.mask] if shown.ndim == 3 else shown
        if inside.shape != self._inside.order.shape:
            raise ValueError(f"the statistic to show has {inside.size} values, but the map {len(self._inside.order)}")
        return inside[self._inside.order].astype(np.float32, copy=False)

    def _require_grid(self, what: str) -> Grid:
        if self._grid is None:
            raise ValueError(f"{what} needs a background: call set_background(volume, affine) first")
        return self._grid

    def _next_serial(self) -> int:
        self._serial += 1
        return self._serial

    def _forget_map(self) -> None:
        self._inside = None
        self._mask_given = False
        self._values = self._shown = np.empty(0, dtype=np.float32)
        self._mask = self._contour = self._region = b""
        self._beside = {}
        self._map = {"serial": self._next_serial(), "values": b""}

    def _use_mask(self, mask: np.ndarray) -> None:
        self._inside = Inside.of(mask, self._grid)
        self._mask = np.packbits(self._inside.place.ravel() >= 0).tobytes()
        self._place_cuts()

    def _masked(self, volume: np.ndarray, grid: Grid) -> tuple[np.ndarray, bool]:
        """Values inside the mask, in data order, and whether the mask is the one of the map before."""
        if volume.ndim == 1 and self._mask_given:
            n_voxels = len(self._inside.order)
            if len(volume) != n_voxels:
                raise ValueError(f"the map has {len(volume)} values, but the mask {n_voxels} voxels")
            return volume, True
        if volume.shape != grid.shape:
            raise ValueError(
                f"the map has shape {volume.shape}, but the background {grid.shape}; resample one of them to the "
                "other's grid, or give the mask (set_mask) and one value for each of its voxels"
            )
        if self._mask_given:
            return volume[self._inside.mask], True
        finite = np.isfinite(volume)
        same = self._inside is not None and np.array_equal(finite, self._inside.mask)
        if not same:
            self._use_mask(finite)
        return volume[finite], same

    def _whole_map(self) -> dict[str, Any]:
        shown = {"shown": self._shown.tobytes(), "name": self.shown_label} if self._shown.size else {}
        return {"serial": self._serial, "values": self._values.tobytes(), **shown}

    def _in_sight(self) -> dict[str, Any]:
        if self.view == "mosaic":
            wanted = [(AXES.index(a), index) for a in self.cut_axes for index in self._cuts[a]]
        else:
            wanted = list(enumerate(int(x) for x in self._grid.display_index(self.cursor)))
        parts = {"values": self._values, **({"shown": self._shown} if self._shown.size else {})}
        return in_sight(self._serial, self._inside, wanted, parts)

    def cuts_of(self, n_cuts: int) -> dict[str, list[int]]:
        """Where so many cuts of the mosaic lie, by axis."""
        grid = self._require_grid("cuts_of")
        occupied = self._inside.place >= 0 if self._inside else np.ones(grid.display_shape, dtype=bool)
        return dict(zip(AXES, cuts_by_axis(occupied, n_cuts), strict=True))

    def _place_cuts(self) -> None:
        if self._grid is not None:
            self._cuts = self.cuts_of(self.n_cuts)
