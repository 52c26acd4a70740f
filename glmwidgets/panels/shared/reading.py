"""What is seen of a large run while it is read: the mean of the scans so far, and how many there are still to come."""

from __future__ import annotations

import base64
import html
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import nibabel as nib
import numpy as np

from glmwidgets.images.names import image_name
from glmwidgets.panels.shared.notebook import is_in_notebook
from glmwidgets.runs.reader import Reader, watched

#: Bytes of a run that are read in no time.
LARGE = 200 * 2**20

#: Seconds between two pictures.
EVERY = 0.3


@contextmanager
def reading_shown() -> Iterator[None]:
    """Show below the running cell what is read of large runs in this block; interrupting the kernel stops it."""
    if not is_in_notebook():
        yield
        return
    from IPython.display import HTML, display

    shown: Any = None
    last = 0.0

    def show(reader: Reader, n: int, mean: np.ndarray) -> None:
        nonlocal shown, last
        size = float(np.prod(reader.opened.shape)) * reader.opened.get_data_dtype().itemsize
        if size < LARGE or (time.monotonic() - last < EVERY and n < reader.n_scans):
            return
        last = time.monotonic()
        page = HTML(_page(reader, n, mean))
        if shown is None:
            shown = display(page, display_id=True)
        else:
            shown.update(page)

    try:
        with watched(show):
            yield
    finally:
        if shown is not None:
            shown.update(HTML(""))


def _page(reader: Reader, n: int, mean: np.ndarray) -> str:
    name = html.escape(image_name(reader.opened).rpartition("/")[2])
    picture = base64.b64encode(_png(_three_slices(mean, reader.opened.affine))).decode()
    return (
        f'<img alt="mean of the first {n} scans" src="data:image/png;base64,{picture}"><br>'
        f'<progress value="{n}" max="{reader.n_scans}"></progress> {n} of {reader.n_scans} scans of {name} are read. '
        "To stop, interrupt the kernel."
    )


def _three_slices(mean: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """The middle slices across the three axes, left on the left and up above, as grey values side by side."""
    volume = nib.apply_orientation(np.nan_to_num(mean), nib.io_orientation(affine))
    middle = [n // 2 for n in volume.shape]
    slices = [np.rot90(np.take(volume, middle[axis], axis=axis)) for axis in range(3)]
    out = np.zeros((max(len(s) for s in slices), sum(s.shape[1] for s in slices)))
    column = 0
    for s in slices:
        out[len(out) - len(s) :, column : column + s.shape[1]] = s
        column += s.shape[1]
    brightest = np.quantile(out, 0.995) or 1
    return (255 * np.clip(out / brightest, 0, 1)).astype(np.uint8)


def _png(grey: np.ndarray) -> bytes:
    """A picture of grey values as a PNG file (RFC 2083)."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = grey.shape
    lines = np.column_stack([np.zeros(height, np.uint8), grey]).tobytes()  # each line as it is, without a filter
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines, 1)) + chunk(b"IEND", b"")
