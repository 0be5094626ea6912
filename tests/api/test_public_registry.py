"""A list of approved servers that the operator opened to everybody."""

from ipaddress import ip_network

import httpx2
import pytest

from tests.api.world import Side, good
from tradepost import settings
from tradepost.hub.registration.registries import Registries
from tradepost.hub.upstreams.guard import Guard


@pytest.fixture
def configured(configured: settings.Settings) -> settings.Settings:
    return configured.model_copy(update={"public_registry": "acme"})


async def test_one_workspace_s_list_without_a_key(http: httpx2.AsyncClient, url: str, acme: Side, rival: Side) -> None:
    """For clients whose setting is one URL. A wrong key is refused all the same, and a good one sees its own list."""
    page = good(await http.get("/v0.1/servers?limit=1"), 200)
    assert page["metadata"]["count"] == 1
    wrong = await http.get("/v0.1/servers", headers={"authorization": "Bearer tp_x"})
    assert wrong.status_code == 401
    assert (await http.get("/api/v1/servers")).status_code == 401
    guard = Guard([ip_network("127.0.0.0/8")])
    # A hub reads another one's list as it reads any registry.
    for key, seen in ((None, ["orders"]), (acme.secrets["other_agent"], []), (rival.secrets["viewer"], ["orders"])):
        reader = Registries(guard, key)
        found = await reader.browse(url, "tradepost/orders")
        assert [one.name.partition("/")[2] for one in found.items] == seen
        await reader.close()
