"""Files for the browser to keep, where the kernel's folder is nobody's; `web/download.js` is its other half."""

from __future__ import annotations

import os

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.web import script

#: Set for the kernels of ``glmwidgets app``: their folder is gone when the app ends, so that keeping is downloading.
IN_APP = "GLMWIDGETS_APP"


class Download(Drawn):
    """Nothing to be seen; hands files to the page."""

    _esm = script("download.js")

    @staticmethod
    def is_wanted() -> bool:
        """Whether what is kept has to go through the page."""
        return bool(os.environ.get(IN_APP))

    def offer(self, name: str, content: bytes) -> None:
        """Have the browser keep a file of this name."""
        self.send({"name": name}, buffers=[content])
