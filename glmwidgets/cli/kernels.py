"""What the server of ``glmwidgets app`` does its own way: a kernel a page, none for a page that was left, who is heard.

Both classes are named in the configuration that Voilà is started with.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from jupyter_client.session import utcnow
from jupyter_server.auth.identity import PasswordIdentityProvider
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError, RequestHandler
from traitlets import Int, default

UNTIL_THE_FIRST_PAGE = timedelta(minutes=3)
GOODBYE = "/voila/api/shutdown/"


class AppIdentity(PasswordIdentityProvider):
    """Who is let in: a page says goodbye without the cookie against forged requests, so it is known by its origin."""

    def is_token_authenticated(self, handler: RequestHandler) -> bool:
        """Whether a request needs no such cookie."""
        said = handler.request
        own = urlsplit(said.headers.get("Origin", "")).netloc == said.headers.get("Host")
        return (GOODBYE in said.path and own) or super().is_token_authenticated(handler)


class AppKernels(AsyncMappingKernelManager):
    """Voilà's manager of kernels.

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
        self._ending: set[str] = set()
        self._met: set[str] = set()

    @property
    def n_living(self) -> int:
        """How many kernels there are; one that is told to end is listed until its process has."""
        return len(set(self.list_kernel_ids()) - self._ending)

    async def shutdown_kernel(self, kernel_id: str, now: bool = False, restart: bool = False) -> None:
        """End a kernel; from now on its place is free."""
        self._ending.add(kernel_id)
        try:
            await super().shutdown_kernel(kernel_id, now=now, restart=restart)
        finally:
            self._ending.discard(kernel_id)
            self._met.discard(kernel_id)

    async def start_kernel(self, **how: Any) -> str:
        """Start a kernel for a page.

        Raises
        ------
        HTTPError
            503, if as many as may live are there.
        """
        if self.n_living + self._starting >= self.most:
            pages = "1 page is" if self.most == 1 else f"{self.most} pages are"
            raise HTTPError(503, f"{pages} open, which is the limit (--most)")
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
