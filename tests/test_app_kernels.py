"""Kernels of the app without a server: which are ended, and how many may start."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest

pytest.importorskip("voila")

from jupyter_client.session import utcnow
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError

from glmwidgets.cli.kernels import AppIdentity, AppKernels


@pytest.fixture
def kernels(monkeypatch):
    """A manager of one kernel, which nobody starts; those that it would end are listed in ``ended``."""
    kernels = AppKernels(most=1)
    spec = SimpleNamespace(metadata={})
    kernels._kernels["a"] = SimpleNamespace(
        last_activity=utcnow(), execution_state="idle", kernel_name="python3", kernel_spec=spec
    )
    kernels._kernel_connections["a"] = 0
    kernels.ended = []

    async def shutdown_kernel(kernel_id):
        kernels.ended.append(kernel_id)

    monkeypatch.setattr(kernels, "shutdown_kernel", shutdown_kernel, raising=False)
    return kernels


def idle(kernels, seconds):
    kernels._kernels["a"].last_activity = utcnow() - timedelta(seconds=seconds)
    asyncio.run(kernels.cull_kernel_if_idle("a"))
    return list(kernels.ended)


def test_a_kernel_waits_longer_for_its_first_page_than_for_the_next(kernels):
    assert idle(kernels, 100) == []
    kernels.notify_connect("a")
    assert idle(kernels, 3600) == []
    kernels.notify_disconnect("a")
    asyncio.run(kernels.cull_kernel_if_idle("a"))
    assert kernels.ended == []  # it was used until now
    assert idle(kernels, 30) == []
    assert idle(kernels, 50) == ["a"]


def test_a_page_that_never_comes_is_not_waited_for_for_ever(kernels):
    assert idle(kernels, 200) == ["a"]


def test_no_more_start_than_may(kernels, monkeypatch):
    async def start(_self, **_how):
        return "b"

    monkeypatch.setattr(AsyncMappingKernelManager, "start_kernel", start)
    with pytest.raises(HTTPError) as refused:
        asyncio.run(kernels.start_kernel())
    assert refused.value.status_code == 503
    kernels.most = 2
    assert asyncio.run(kernels.start_kernel()) == "b"


def test_the_place_of_a_kernel_that_ends_is_free_at_once(monkeypatch):
    kernels = AppKernels(most=1)
    kernels._kernels["a"] = SimpleNamespace()
    order = []

    async def end(self, kernel_id, **_how):
        order.append("told")
        await asyncio.sleep(0.05)
        del self._kernels[kernel_id]
        order.append("ended")

    async def start(self, **_how):
        order.append("started")

    monkeypatch.setattr(AsyncMappingKernelManager, "shutdown_kernel", end)
    monkeypatch.setattr(AsyncMappingKernelManager, "start_kernel", start)

    async def leave_and_come():
        await asyncio.gather(kernels.shutdown_kernel("a"), kernels.start_kernel())

    asyncio.run(leave_and_come())
    assert order == ["told", "started", "ended"]


@pytest.mark.parametrize(
    ("path", "origin", "heard"),
    [
        ("/voila/api/shutdown/a", "http://localhost:8888", True),
        ("/voila/api/shutdown/a", "http://far.example", False),
        ("/voila/api/shutdown/a", None, False),
        ("/api/kernels/a", "http://localhost:8888", False),
    ],
)
def test_only_the_goodbye_of_a_page_of_its_own_needs_no_cookie(path, origin, heard):
    headers = {"Host": "localhost:8888"} | ({} if origin is None else {"Origin": origin})
    handler = SimpleNamespace(request=SimpleNamespace(path=path, headers=headers), current_user="somebody")
    assert AppIdentity(token="secret").is_token_authenticated(handler) is heard
