"""Results kept on disk by joblib, under keys that tell when a file has changed."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Memory
from joblib import hash as content_hash
from nibabel import is_proxy
from nibabel.spatialimages import SpatialImage

from glmwidgets.files.paths import resolved


def open_memory(memory: Any, memory_level: int | None = 1) -> Memory:
    """Cache that an estimator's ``memory`` and ``memory_level`` stand for.

    Parameters
    ----------
    memory : None, str, path or joblib.Memory
        Folder, or a cache over one; None for no cache.
    memory_level : int or None
        0 or None for no cache, whatever `memory` is.

    Returns
    -------
    joblib.Memory
        Its ``location`` is None if nothing is kept.

    Raises
    ------
    TypeError
        If `memory` is none of these.
    """
    if not memory_level or memory is None:
        return Memory(location=None, verbose=0)
    if isinstance(memory, str | PathLike):
        return Memory(location=str(memory), verbose=0)
    if hasattr(memory, "cache") and hasattr(memory, "location"):
        return memory
    raise TypeError(f"memory must be a folder or a joblib.Memory, not {type(memory).__name__}")


def image_key(source: Any) -> str:
    """Text that is the same for the same voxels in the same place.

    Parameters
    ----------
    source : image, path or list of these

    Returns
    -------
    str
        Of a file: its path, size and time of change. Of an image in memory: of its values and affine.
    """
    if isinstance(source, list | tuple):
        return content_hash([image_key(part) for part in source])
    path = source
    if isinstance(source, SpatialImage):
        if not is_proxy(source.dataobj) or source.get_filename() is None:
            return content_hash((np.asanyarray(source.dataobj), source.affine))
        path = source.get_filename()
    stat = Path(path).stat()
    return content_hash((str(resolved(path)), stat.st_size, stat.st_mtime_ns))
