"""A matrix as a picture that can be read cell by cell; `web/matrix.js` is its other half.

bqplot draws a heat map but does not say what is under the pointer; a canvas of one pixel a cell does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import traitlets as t

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.panels.parts.page_messages import below, heard
from glmwidgets.web import script
from glmwidgets.web.palettes import matrix_table


class MatrixView(Drawn):
    """A picture of a matrix.

    Attributes
    ----------
    height : int
        Pixels.
    table : bytes
        256 colours from low to high, three bytes each.
    label : str
        For those who hear the page instead of seeing it.
    resting : str
        What stands below the picture while nothing is pointed at.

    Examples
    --------
    >>> import numpy as np
    >>> view = MatrixView()
    >>> view.show(np.eye(2), ["a", "b"], ["x", "y"], limits=(0, 1))
    >>> view.shape
    (2, 2)
    """

    _esm = script("matrix.js")

    shape = t.Tuple(t.Int(), t.Int(), default_value=(0, 0)).tag(sync=True)
    values = t.Bytes(b"").tag(sync=True)
    row_names = t.List(t.Unicode()).tag(sync=True)
    column_names = t.List(t.Unicode()).tag(sync=True)
    limits = t.Tuple(t.Float(), t.Float(), default_value=(0.0, 1.0)).tag(sync=True)
    table = t.Bytes(matrix_table("grey").tobytes()).tag(sync=True)
    height = t.Int(190).tag(sync=True)
    label = t.Unicode("matrix").tag(sync=True)
    resting = t.Unicode("").tag(sync=True)

    def show(
        self,
        matrix: np.ndarray,
        row_names: Sequence[str],
        column_names: Sequence[str],
        limits: tuple[float, float],
        colours: str = "grey",
    ) -> None:
        """Show another matrix.

        Parameters
        ----------
        matrix : array of shape (n_rows, n_columns)
        row_names, column_names : sequence of str
        limits : (low, high)
            Values at the ends of the colours.
        colours : {"grey", "diverging"}
        """
        with self.hold_sync():
            self.shape = matrix.shape
            self.row_names, self.column_names = list(row_names), list(column_names)
            self.limits = (float(limits[0]), float(limits[1]))
            self.table = matrix_table(colours).tobytes()
            self.values = np.ascontiguousarray(matrix, dtype=np.float32).tobytes()

    def on_pick(self, handler: Callable[[int, int], Any]) -> None:
        """Call a handler with the row and column of the cell that a person clicks."""
        heard(self, "pick", handler, row=below(lambda: self.shape[0]), column=below(lambda: self.shape[1]))
