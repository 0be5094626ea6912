"""A foreign server in trouble: what an agent gets, and how often the server is asked (S0.27, F12, F13)."""

import pytest

from tests.hub.gateway.test_foreign import answers, guard
from tests.hub.gateway.world import World, error_of
from tradepost.hub.limits import attempts
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.protocol.builtin import Json, ToolResult
from tradepost.protocol.upstream_errors import UpstreamFailed

DOWN = UpstreamFailed("Connection refused.", dispatched=False)
WELL = ToolResult([{"type": "text", "text": "in transit"}])


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSE_SECONDS", 0.0)


async def test_a_read_that_did_not_get_through_is_repeated(world: World):
    await world.add_remote("track", "read")
    failures = [UpstreamFailed("busy", dispatched=True, status=503)]

    async def remote(tool: CatalogTool, arguments: Json, key: str | None) -> ToolResult:
        if failures:
            raise failures.pop()
        return WELL

    world.servers.remote = remote
    assert not (await world.call("track"))["isError"]
    assert len(world.servers.remote_calls) == 2
    await world.audit.drain()
    assert len([row for row in await world.audited() if row.tool == "track"]) == 1


async def test_after_five_failures_it_is_not_called_and_says_when_to_come_back(world: World):
    await guard(world)
    await world.add_remote("ship")
    await world.add_remote("track", "read")
    world.servers.remote = answers(DOWN)
    for number in range(5):
        assert error_of(await world.call("ship", idempotency_key=f"k{number}"))["message"] == "Connection refused."
    asked = len(world.servers.remote_calls)
    for name in ("ship", "track"):
        refused = error_of(await world.call(name))
        assert refused["message"] == "The server 'foreign' failed 5 times in a row and is not called now."
        assert 0 < refused["retry_after"] <= 30
    assert len(world.servers.remote_calls) == asked
    assert not (await world.call("get_stock", sku="A1"))["isError"]
    assert {(row.kind, row.outcome) for row in await world.audited() if row.tool == "track"} == {("refused", "error")}
