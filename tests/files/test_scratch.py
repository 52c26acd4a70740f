"""Tables that are written once: row by row, in any order and on any thread."""

import numpy as np
import pytest

from glmwidgets.files import scratch
from glmwidgets.files.scratch import Rows
from glmwidgets.glm.parallel import workers


@pytest.mark.parametrize("on_disk", [0, scratch.ON_DISK])
def test_rows_are_written_in_any_order_on_any_thread(monkeypatch, on_disk):
    monkeypatch.setattr(scratch, "ON_DISK", on_disk)
    written = np.random.default_rng(0).integers(-9, 9, (40, 300)).astype(np.int16)
    rows = Rows(written.shape, written.dtype)
    order = np.random.default_rng(1).permutation(len(written))
    with workers(4) as each:
        list(each(rows.put, order, written[order]))
    table = rows.done()
    assert isinstance(table, np.memmap) == (on_disk == 0)
    assert np.array_equal(table, written)
