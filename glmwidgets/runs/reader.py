"""The series of a run as they were measured: nothing else asks an image of a run for its voxels."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from contextvars import ContextVar
from functools import cached_property
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from nibabel.volumeutils import apply_read_scaling

from glmwidgets.files.memory import need_memory
from glmwidgets.files.scratch import Rows, let_go
from glmwidgets.glm.moments.series import Series, columns_of
from glmwidgets.glm.parallel import ahead, one_thread, processors, workers
from glmwidgets.images.alive import Alive
from glmwidgets.images.load import VolumeChecks, image_name
from glmwidgets.images.mask import masked_series, voxel_taker
from glmwidgets.images.mean import Means
from glmwidgets.images.resample import resample_img
from glmwidgets.images.smooth import gaussian_sigma, n_cpus, reach_of, storage_dtype
from glmwidgets.images.voxels import Volume, each_volume, image_data, is_compressed, lies_in_file, scaling_of
from glmwidgets.runs.around import Around
from glmwidgets.runs.domain import Domain

#: Volumes that are worked on at once, each thread at some of them.
AT_ONCE = 8

#: Scans that are worked on at once where what is known of them lies on disk already.
ROWS_AT_ONCE = 32

#: Volumes that are read while those are worked on.
AHEAD = 8


#: Who watches while runs are read.
_watching: ContextVar[Callable[[Reader, int, np.ndarray], None] | None] = ContextVar("watching", default=None)


@contextmanager
def watched(watch: Callable[[Reader, int, np.ndarray], None]) -> Iterator[None]:
    """Have ``watch(reader, n, mean)`` called while files are read for the first time in this block.

    Parameters
    ----------
    watch : callable
        Gets the number of scans that were read and their mean, 3-D; what it raises ends the reading.
    """
    before = _watching.set(watch)
    try:
        yield
    finally:
        _watching.reset(before)


_NOBODY_SAID = object()

#: Smoothing that will be wanted of what is opened.
_foreseen: ContextVar[Any] = ContextVar("foreseen", default=_NOBODY_SAID)


@contextmanager
def foreseen(smoothing_fwhm: float | Sequence[float | None] | None) -> Iterator[None]:
    """Say that of runs that are opened in this block the series of the given mask will be wanted smoothed, too.

    A compressed file is then gone through once instead of twice.

    Parameters
    ----------
    smoothing_fwhm : float, three floats or None
        As in `Reader.series`.
    """
    before = _foreseen.set(smoothing_fwhm)
    try:
        yield
    finally:
        _foreseen.reset(before)


class _Take(NamedTuple):
    """A row of each volume: its length and type, what takes it, and of what, the stored values or the true ones.

    Rows that are stored become series by `computed`; without it they stay a table. Series that `is_summed` know their
    sum over the scans.
    """

    taker: Callable[[], Callable[[np.ndarray], np.ndarray]]
    n: int
    dtype: Any
    computed: Callable[..., np.ndarray] | None
    is_summed: bool
    of: Callable[[Any], np.ndarray] = itemgetter(1)


# Scans are asked for on any thread.
_one_at_a_time = threading.Lock()


class Reader:
    """Series in an image, of which the voxels of a mask, a scan or a mean are taken at a time.

    A file is read volume by volume, and never held whole. What one pass finds is kept: the means, which voxels have a
    signal, and the series of a mask, in the type in which the file stores them.

    Parameters
    ----------
    opened : Nifti1Image
        The image; its voxels may not have been read.
    used : array, optional
        Scans that are used, as booleans or indices; the others may be bad. All by default.
    checked : bool
        Whether volumes that cannot have been measured are refused when they are read.
    made : callable, optional
        ``made() -> Nifti1Image`` gives the image in memory, where `opened` holds its header alone.

    Attributes
    ----------
    opened : Nifti1Image
    domain : Domain
        All voxels of the image.

    Examples
    --------
    >>> reader = Reader(nib.Nifti1Image(np.arange(16, dtype=np.int16).reshape(2, 2, 2, 2), np.eye(4)))
    >>> reader.mean()[0].tolist(), reader.scan(1)[0].tolist()
    ([[0.5, 2.5], [4.5, 6.5]], [[1, 3], [5, 7]])
    >>> np.asarray(reader.series(reader.domain.within(reader.scan(0) > 10))).tolist()
    [[12.0, 14.0], [13.0, 15.0]]
    """

    def __init__(
        self,
        opened: nib.Nifti1Image,
        used: Any = None,
        checked: bool = False,
        made: Callable[[], nib.Nifti1Image] | None = None,
    ):
        self.opened = opened
        self._used = used
        self._checked = checked
        self._made = made
        self._stamp = _stamp(opened)
        self._found: _Found | None = None
        self._measured: tuple[np.ndarray, Series] | None = None
        self._smoothed: tuple[np.ndarray, Any, Series] | None = None
        self._around: Around | None = None
        self._is_looked_at = False
        self._playing: tuple[int, np.ndarray, Iterator[Volume]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Where in its file it is stays with the process, and what the file can give again.
        return {**vars(self), "_playing": None, "_around": None}

    @cached_property
    def domain(self) -> Domain:
        """All voxels of the image."""
        return Domain.of(self.opened)

    @property
    def n_scans(self) -> int:
        """Number of scans."""
        return self.opened.shape[3]

    @property
    def need(self) -> float:
        """Bytes of memory that reading takes: of a file, some volumes at a time and what is known of them all."""
        voxels = float(np.prod(self.opened.shape[:3], dtype=float))
        if not self._in_order:
            return 0.0
        size = self.opened.dataobj.dtype.itemsize + (0 if scaling_of(self.opened) is None else 8)
        return voxels * ((AT_ONCE + AHEAD + 2) * size + 3 * 8 + 1)

    @cached_property
    def image(self) -> nib.Nifti1Image:
        """The image, to be written or handed on: as it was opened, or in memory if it cannot be read in parts."""
        self._check_there()
        if self._made is not None:
            return self._made()
        if lies_in_file(self.opened) or not nib.is_proxy(self.opened.dataobj):
            return self.opened
        data = image_data(self.opened)
        image = type(self.opened)(
            data, self.opened.affine, self.opened.header, file_map=self.opened.file_map, dtype=data.dtype
        )
        image.header.set_slope_inter(1, 0)
        return image

    def closed(self) -> Reader:
        """Where the series lay and how many scans there were, without the series; to ask for those is an error."""
        empty = np.broadcast_to(np.float32(0), self.opened.shape)
        reader = Reader(nib.Nifti1Image(empty, self.opened.affine, self.opened.header))
        reader._stamp = _CLOSED
        return reader

    def look(self, mask: np.ndarray | None = None) -> None:
        """Read the image now, and keep the series of a mask for those who ask for voxels of it, smoothed ones too.

        Parameters
        ----------
        mask : array of bool, 3-D, optional

        Raises
        ------
        ValueError
            If it is damaged, or holds volumes that cannot have been measured.
        """
        self._is_looked_at = True
        if mask is not None:
            self._keep(mask)
        else:
            self._find()

    def mean(self, dtype: type | None = None) -> np.ndarray:
        """Mean over time, 3-D; in the type that numpy takes for it by default."""
        self._find()
        # Of what lies in memory in whatever order, numpy knows its own way.
        return self._found.means.mean(dtype) if self._in_order else image_data(self.image).mean(axis=3, dtype=dtype)

    def scan(self, number: int) -> np.ndarray:
        """One scan, 3-D. Of a compressed file those behind the last one that was asked for are found soonest."""
        number = range(self.n_scans)[number]
        if not self._in_order:
            return image_data(self.image)[..., number]
        self._check_there()
        if not is_compressed(self.opened):
            return np.asanyarray(self.opened.dataobj[..., number])
        with _one_at_a_time:
            if self._playing is None or number < self._playing[0]:
                volumes = each_volume(self.opened)
                self._playing = 0, next(volumes).values, volumes
            at, values, volumes = self._playing
            if number > at:
                values = next(islice(volumes, number - at - 1, None)).values
            self._playing = number, values, volumes
            return values

    def alive(self) -> np.ndarray:
        """Voxels whose series are finite and change in the scans that are used, 3-D, bool."""
        self._find()
        return self._found.alive.voxels

    def series(self, domain: Domain, smoothing_fwhm: float | Sequence[float | None] | None = None) -> Series:
        """Series of the voxels of a domain, to be read in blocks.

        Parameters
        ----------
        domain : Domain
            If it lies on another grid, the image is brought to that.
        smoothing_fwhm : float, three floats or None
            Full width at half maximum of a Gaussian, in mm.

        Returns
        -------
        Series
            float32 for integers and float32, otherwise float64; see `glmwidgets.images.mask.masked_series`.
        """
        if not domain.lies_on(self.opened):
            self._find()
            img = resample_img(self.image, domain.affine, domain.shape)
            return Series.of(masked_series(image_data(img), domain.mask, img.affine, smoothing_fwhm))
        if self._smooths(smoothing_fwhm):
            kept = self._smoothed
            if kept is not None and kept[1] == smoothing_fwhm and np.array_equal(kept[0], domain.mask):
                return kept[2]
            take = self._smooth_take(domain.mask, smoothing_fwhm)
            reach = reach_of(gaussian_sigma(self.opened.affine, smoothing_fwhm))
            if self._around is None or not self._around.holds(domain.mask, reach):
                return self._read([take])[0][1]
            taker = lambda: self._around.volumes(take.taker(), self._true)  # noqa: E731
            return self._read([take._replace(taker=taker, of=lambda row: row)], self._around.each_row())[0][1]
        mask, series = self._keep(domain.mask)
        if series.shape[1] == domain.size:
            return series
        return series.of_voxels(np.flatnonzero(domain.mask[mask]))

    def checksum(self, by_scan: bool = False) -> int:
        """Number that tells these values at this place from others.

        Parameters
        ----------
        by_scan : bool
            In the order of time, in which a file is read; else in that of the first axis, as saved sessions of 0.1
            have it.
        """
        found = zlib.crc32(np.round(self.opened.affine, 6).tobytes())
        if by_scan:
            blocks = (volume.values.ravel(order="F") for volume in self._volumes())
        else:
            blocks = image_data(self.image)
        for block in blocks:
            found = zlib.crc32(np.ascontiguousarray(block).view(np.uint8).reshape(-1), found)
        return found

    # Passes -----------------------------------------------------------------------------------------------------------

    def _find(self) -> None:
        """Go through the image, if nobody did."""
        if self._found is None:
            self._read()

    @property
    def _in_order(self) -> bool:
        return lies_in_file(self.opened)

    @cached_property
    def _values_dtype(self) -> np.dtype:
        if not self._in_order:
            return image_data(self.image).dtype
        stored = np.zeros((1, 1, 1), self.opened.dataobj.dtype)
        scale = scaling_of(self.opened)
        return stored.dtype if scale is None else apply_read_scaling(stored, *scale).dtype

    def _true(self, stored: np.ndarray) -> np.ndarray:
        """The values that stored ones stand for."""
        scale = scaling_of(self.opened)
        return stored if scale is None else apply_read_scaling(stored, *scale)

    def _smooths(self, fwhm: float | Sequence[float | None] | None) -> bool:
        return fwhm is not None and bool(np.any(gaussian_sigma(self.opened.affine, fwhm)))

    def _smooth_take(self, mask: np.ndarray, fwhm: float | Sequence[float | None]) -> _Take:
        dtype = storage_dtype(self._values_dtype)
        how = (mask, dtype, self.opened.affine, fwhm)
        n = int(np.count_nonzero(mask))
        return _Take(lambda: voxel_taker(*how), n, dtype, _computed(None, dtype), True)

    def _keep(self, mask: np.ndarray) -> tuple[np.ndarray, Series]:
        """The series of a mask, or of a larger one that was kept."""
        if self._measured is None or (mask & ~self._measured[0]).any():
            stored = self.opened.dataobj.dtype if self._in_order else self._values_dtype
            native, fwhm = stored.newbyteorder("="), _foreseen.get()
            computed = _computed(scaling_of(self.opened), storage_dtype(self._values_dtype))
            n, around = int(np.count_nonzero(mask)), None
            if fwhm is _NOBODY_SAID:
                fwhm = None
                if self._is_looked_at and is_compressed(self.opened):
                    around = Around.usual(mask, self.opened.affine, self.n_scans, native)
            smooths = self._smooths(fwhm)
            # The sum is for scaling, which is that of the smoothed series where they are wanted.
            takes = [_Take(lambda: voxel_taker(mask, native), n, native, computed, not smooths, itemgetter(0))]
            if smooths:
                takes.append(self._smooth_take(mask, fwhm))
            if around is not None:
                takes.append(_Take(around.taker, around.n, native, None, False, itemgetter(0)))
            (rows, measured), *more = self._read(takes)
            if around is not None:
                around.keep(rows, more.pop()[0])
            self._around = around
            if self._in_order and stored.kind in "iu" and stored.itemsize <= 2 and scaling_of(self.opened) is None:
                measured.known_mean = self._found.means.mean()[mask]  # whole numbers, of which no sum is rounded
            self._measured = (mask, measured)
            if more:
                self._smoothed = mask, fwhm, more.pop()[1]
        return self._measured

    def _read(self, takes: Sequence[_Take] = (), volumes: Iterable[Any] | None = None) -> list[tuple[Any, Any]]:
        """Go through the volumes once, or what stands for them: find what is not known yet, and take rows of each.

        Returns the table of each take, and its series.
        """
        need_memory(self.need, f"reading {image_name(self.opened)}")
        found = _Found(self) if self._found is None else None
        n_threads = n_cpus() if takes else 1
        if volumes is None and is_compressed(self.opened):
            n_threads = max(1, n_threads - 1)  # what decompresses would wait for a processor
        tables = [Rows((self.n_scans, take.n), take.dtype) for take in takes]
        totals, own = [_Total() for _ in takes], threading.local()

        def fill(number: int, volume: Any) -> list[np.ndarray]:
            if not hasattr(own, "takers"):
                own.takers = [take.taker() for take in takes]
            filled = []
            for take, taker, rows in zip(takes, own.takers, tables, strict=True):
                filled.append(np.asarray(taker(take.of(volume)), take.dtype))
                rows.put(number, filled[-1])
            return filled

        # Closed by name: an error that somebody keeps would keep the thread that reads, too.
        at_once = AT_ONCE if volumes is None else ROWS_AT_ONCE
        if processors() < 2 and _watching.get() is None:
            at_once = 1  # what was just read is still in the processor's cache
        with workers(n_threads) as each, closing(self._batches(volumes, at_once)) as batches:
            for first, some in batches:
                if found is not None:
                    found.see(first, some)
                    if (watch := _watching.get()) is not None and self._in_order:
                        watch(self, first + len(some), found.means.mean(n=first + len(some)))
                if takes:
                    with one_thread():
                        for filled in each(fill, range(first, first + len(some)), some):
                            for take, total, row in zip(takes, totals, filled, strict=True):
                                if take.is_summed:
                                    total.see(take.computed(row, copy=False))
        if found is not None:
            found.checks.done()
            self._found = found
        done = [
            (rows.done(), total.values, take.computed) for take, rows, total in zip(takes, tables, totals, strict=True)
        ]
        return [(rows, None if how is None else _series(rows, how, total)) for rows, total, how in done]

    def _batches(self, volumes: Iterable[Any] | None, at_once: int) -> Iterator[tuple[int, list[Any]]]:
        first = 0
        with closing(ahead(self._volumes() if volumes is None else volumes, AHEAD)) as coming:
            while some := list(islice(coming, at_once)):
                yield first, some
                first += len(some)

    def _volumes(self) -> Iterator[Volume]:
        self._check_there()
        return each_volume(self.image)

    def _check_there(self) -> None:
        if self._stamp is _CLOSED:
            raise ValueError("the session of this run was closed and released its series: open the run again")
        if self._stamp is not None and self._stamp != (now := _stamp(self.opened)):
            name = image_name(self.opened)
            if now is None:
                raise FileNotFoundError(f"{name} is no longer there: put it back, or open the run again")
            raise ValueError(f"{name} has changed since it was opened: open the run again")


_CLOSED = (-1, -1)


def _stamp(img: nib.Nifti1Image) -> tuple[int, int] | None:
    """What changes when a file does; None for what is in memory, and for what is not there."""
    if not lies_in_file(img):
        return None
    try:
        stat = Path(img.dataobj.file_like).stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


class _Found:
    """What is known of a run's volumes after one pass."""

    def __init__(self, reader: Reader):
        self.checks = VolumeChecks(reader.opened, reader._used)
        self.means, self.alive = Means(reader.n_scans), Alive()
        self._checked, self._sums = reader._checked, reader._in_order

    def see(self, first: int, volumes: list[Volume]) -> None:
        """Look at the next volumes, the first of which has this number."""
        for t, (_, values) in enumerate(volumes, first):
            if self._checked:
                self.checks.see(t, values)
            if self._sums:
                self.means.see(values)
            if self.checks.used[t]:
                self.alive.see(values)


class _Total:
    """The sum of rows, one added after the other; None of none."""

    values: np.ndarray | None = None

    def see(self, row: np.ndarray) -> None:
        """Add the next row."""
        if self.values is None:
            self.values = row.copy()
            return
        with np.errstate(invalid="ignore", over="ignore"):
            self.values += row


def _computed(scale: tuple[np.ndarray, np.ndarray] | None, dtype: np.dtype) -> Callable[..., np.ndarray]:
    """What makes what is stored into what is computed with."""

    def computed(block: np.ndarray, copy: bool = True) -> np.ndarray:
        return (block if scale is None else apply_read_scaling(block, *scale)).astype(dtype, order="C", copy=copy)

    return computed


def _series(rows: np.ndarray, computed: Callable[..., np.ndarray], total: np.ndarray | None) -> Series:
    """Series whose scans are the rows of an array."""
    n_bytes = 0 if isinstance(rows, np.memmap) else rows.nbytes
    dtype = computed(rows[:0]).dtype

    read, done = (lambda voxels: computed(columns_of(rows, voxels))), (lambda: let_go(rows))
    return Series(read, rows.shape, dtype, n_bytes, done, order="F", total=total)
