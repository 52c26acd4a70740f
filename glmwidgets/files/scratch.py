"""Tables of numbers that are written once and read often: in memory while they are small, on disk where they are not.

What lies on disk has no name there: the system takes it away with the last process that has it open, however that ends,
and nobody else can open it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import tempfile
import threading
from typing import IO, Any

import numpy as np

#: Environment variable that names the folder; by default that of the system's temporary files.
FOLDER = "GLMWIDGETS_SCRATCH"

#: Bytes of a table from which on it lies on disk.
ON_DISK = 64 * 2**20

#: Share of the free disk that one table may take.
MOST_OF_DISK = 0.5


class Rows:
    """A table that is written row by row, in any order and on any thread.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    dtype : dtype

    Raises
    ------
    NotADirectoryError
        If the folder that `FOLDER` names is none.

    Examples
    --------
    >>> rows = Rows((2, 3), np.int16)
    >>> rows.put(1, np.arange(3, 6))
    >>> rows.put(0, np.arange(3))
    >>> rows.done()
    array([[0, 1, 2],
           [3, 4, 5]], dtype=int16)
    """

    def __init__(self, shape: tuple[int, int], dtype: Any):
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._file = _opened(int(np.prod(shape, dtype=float)) * self.dtype.itemsize)
        self._array = np.empty(shape, dtype) if self._file is None else None
        self._busy = threading.Lock()

    def put(self, number: int, row: np.ndarray) -> None:
        """Write a row."""
        if self._file is None:
            self._array[number] = row
            return
        row = np.ascontiguousarray(row, self.dtype)
        with self._busy:
            self._file.seek(number * row.nbytes)
            self._file.write(row)

    def done(self) -> np.ndarray:
        """The table, to be read only where it lies on disk."""
        if self._file is None:
            return self._array
        self._file.flush()
        with self._file as file:
            return np.memmap(file, self.dtype, "r", shape=self.shape)


def table_of(shape: tuple[int, int], dtype: Any) -> np.ndarray:
    """A table of zeros to be written in any order, in memory or on disk.

    Examples
    --------
    >>> table_of((1, 2), np.float32)
    array([[0., 0.]], dtype=float32)
    """
    file = _opened(int(np.prod(shape, dtype=float)) * np.dtype(dtype).itemsize)
    if file is None:
        return np.zeros(shape, dtype)
    with file:
        return np.memmap(file, dtype, "w+", shape=shape)


def keep_in_memory(n_bytes: int) -> None:
    """Let tables of this process lie on disk from so many bytes on: where memory was set aside for it."""
    global ON_DISK
    ON_DISK = n_bytes


def let_go(array: np.ndarray) -> None:
    """Take what was read of a table on disk out of the process's memory; the system may keep it at hand."""
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def lies_on_disk(n_bytes: int) -> bool:
    """Whether a table of so many bytes would lie on disk: it is large, and the disk has room for it."""
    if n_bytes < ON_DISK:
        return False
    with contextlib.suppress(OSError):
        return n_bytes <= MOST_OF_DISK * shutil.disk_usage(_folder()).free
    return False


def _folder() -> str:
    return os.environ.get(FOLDER) or tempfile.gettempdir()


def _opened(n_bytes: int) -> IO[bytes] | None:
    """A file without a name; None where the table is small, or the disk has no room for it."""
    if n_bytes < ON_DISK:
        return None
    folder = _folder()
    if not os.path.isdir(folder):
        raise NotADirectoryError(f"{FOLDER} names {folder}, which is not a folder: name one, or leave the variable out")
    with contextlib.suppress(OSError):
        if lies_on_disk(n_bytes):
            return tempfile.TemporaryFile(dir=folder)
    return None
