"""The kernels of ``glmwidgets app``: one a page, no more than are allowed, and none for a page that was left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from jupyter_client.session import utcnow
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from traitlets import Int, default

__all__ = ["AppKernels"]

UNTIL_THE_FIRST_PAGE = timedelta(minutes=3)


class AppKernels(AsyncMappingKernelManager):
    """Voilà's manager of kernels, told in its configuration to be this one.

    Attributes
    ----------
    most : int
        Kernels that may live at once. A page above them is refused with status 503, and Voilà shows the template of
        that name.
    """

    most = Int(8, config=True, help="kernels that may live at once")

    @default("cull_idle_timeout")
    def _seconds_without_a_page(self) -> int:
        return 40

    @default("cull_interval")
    def _seconds_between_looks(self) -> int:
        return 5

    def __init__(self, **traits: Any):
        super().__init__(**traits)
        self._starting = 0
        self._met: set[str] = set()

    async def start_kernel(self, **how: Any) -> str:
        """Start a kernel for a page.

        Raises
        ------
        HTTPError
            503, if as many as may live are there.
        """
        if len(self.list_kernel_ids()) + self._starting >= self.most:
            pages = "1 page is" if self.most == 1 else f"{self.most} pages are"
            raise HTTPError(503, f"{pages} open, as many as may be")
        self._starting += 1
        try:
            return await super().start_kernel(**how)
        finally:
            self._starting -= 1

    def notify_connect(self, kernel_id: str) -> None:
        """A page has come."""
        super().notify_connect(kernel_id)
        self._met.add(kernel_id)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel without a page; one whose page has not come yet may have a slow machine."""
        idle = utcnow() - self.get_kernel(kernel_id).last_activity
        if kernel_id in self._met or idle > UNTIL_THE_FIRST_PAGE:
            await super().cull_kernel_if_idle(kernel_id)

    def notify_disconnect(self, kernel_id: str) -> None:
        """A page was left: from now on its kernel idles. Until then it does not, whatever its page does."""
        super().notify_disconnect(kernel_id)
        if kernel_id in self:
            self.get_kernel(kernel_id).last_activity = utcnow()
