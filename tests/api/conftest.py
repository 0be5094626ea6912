"""A served hub on both engines, and clients with the keys of everybody in it."""

from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network
from pathlib import Path
from typing import cast

import httpx2
import pytest

from tests.api.world import Client, Side, add_customers, prepare_hub, prepare_store
from tests.engines import DatabaseUrls, Template
from tests.protocol.conftest import served
from tradepost import settings
from tradepost.app import Tradepost, open_tradepost
from tradepost.protocol.guards import LOCAL_HOSTS

As = Callable[..., Client]


@pytest.fixture
def database_template() -> Template:
    return Template("rest", prepare_hub, prepare_store)


@pytest.fixture
def configured(database_urls: DatabaseUrls, tmp_path: Path) -> settings.Settings:
    """The settings of a hub over this test's databases, which may reach servers on this machine."""
    return settings.load(
        data=tmp_path / "data",
        hub_url=database_urls.hub,
        store_url=database_urls.store,
        allow_private=",".join(str(ip_network(one)) for one in settings.LOOPBACK),
        allowed_hosts=LOCAL_HOSTS,
    )


@pytest.fixture
def acme(database_urls: DatabaseUrls) -> Side:
    return cast(Side, database_urls.known["acme"])


@pytest.fixture
def rival(database_urls: DatabaseUrls) -> Side:
    return cast(Side, database_urls.known["rival"])


@pytest.fixture
async def hub(configured: settings.Settings, acme: Side, rival: Side) -> AsyncIterator[Tradepost]:
    """The hub as `serve` makes it."""
    configured.data.mkdir()
    opened = await open_tradepost(configured)
    await add_customers(opened.store, acme, (1, 2, 3))
    await add_customers(opened.store, rival, (1, 99))
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
async def url(hub: Tradepost) -> AsyncIterator[str]:
    async with served(hub) as base:
        yield base


@pytest.fixture
async def http(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def as_(http: httpx2.AsyncClient, acme: Side, rival: Side) -> As:
    """`as_("admin")`: a client with that key of acme; `as_("admin", rival)` of the other; `as_(None)` with none;
    `as_(secret="tp_…")` with any."""

    def client(role: str | None = None, side: Side = acme, *, secret: str | None = None) -> Client:
        return Client(http, side.secrets[role] if role is not None else secret)

    return client
