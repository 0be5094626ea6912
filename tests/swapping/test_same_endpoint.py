"""S0.34: the same endpoint registered twice with different credentials is two servers, in everything."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from tests.hostile.double import Double, Raw, Request, running, said, tool
from tests.hostile.hub import Hub
from tradepost.hub.registration import limits
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.models import SealedHeader

Json = dict[str, Any]
READER, WRITER = "Bearer reader-secret-1234", "Bearer writer-secret-5678"
NUMBER: Json = {"type": "string"}


def by_credential() -> Double:
    """Reads for one credential, everything for the other; the shared tool is described to each in other words."""
    made = Double(name="erp")
    shared, words = tool("get_order", number=NUMBER), "Reads any order, also of other shops."
    made.by_credential = {
        READER: [shared],
        WRITER: [{**shared, "description": words}, tool("cancel_order", number=NUMBER)],
    }

    def answer(name: str, arguments: Json, request: Request) -> Json:
        return said(f"{name} as {request.credential}", who="reader" if request.credential == READER else "writer")

    made.answer = answer
    return made


async def code_of(hub: Hub, tool_name: str, key: str | None = None) -> str | None:
    """The error code of a call; None for one that went well."""
    result = await hub.call(tool_name, key, number="1")
    return str(result["structuredContent"]["code"]) if result.get("isError") else None


@pytest.fixture
async def expert_key(hub: Hub) -> str:
    """The agent that may only read."""
    return (await hub.world.key(agent_id=await hub.world.agent("product-expert", ("read:orders",)))).secret


@pytest.mark.behaviour("S0.34")
async def test_two_credentials_are_two_servers(hub: Hub, expert_key: str):
    async with running(by_credential()) as erp:
        first = await hub.add("erp-read", erp.url, READER, get_order="read")
        second = await hub.add("erp-write", erp.url, WRITER, get_order="read", cancel_order="write")
        assert (first.new, second.new) == (["get_order"], ["get_order", "cancel_order"])
        await hub.show("erp-read", "get_order", agent="product-expert")
        await hub.show("erp-write", "get_order")
        await hub.show("erp-write", "cancel_order")

        # Tools: each agent has those of its credential, and the definition that was told to it.
        assert [one["name"] for one in await hub.listed(expert_key)][:1] == ["get_order"]
        assert "cancel_order" not in [one["name"] for one in await hub.listed(expert_key)]
        assert "also of other shops" not in str(await hub.listed(expert_key))
        assert "also of other shops" in str(await hub.listed())
        unknown = await hub.ask("tools/call", expert_key, name="cancel_order", arguments={"number": "1"})
        assert unknown["error"]["code"] == -32602

        # Calls: beside each other, each with its own credential and never the other's.
        both = [hub.call("get_order", key, number=str(turn)) for turn in range(20) for key in (expert_key, None)]
        answers = [one["structuredContent"]["who"] for one in await asyncio.gather(*both)]
        assert answers == ["reader", "writer"] * 20
        sent = {(credential, arguments["number"]) for credential, _, arguments in erp.calls}
        assert len(sent) == 40

        # A credential that is echoed is masked for both, whoever's it is.
        shown = [str(await hub.call("get_order", key, number="x")) for key in (expert_key, None)]
        assert not any("secret" in text for text in shown)

        # What is kept of a connection: probed once each.
        async with hub.world.reading() as session:
            rows = {row.slug: row for row in await session.scalars(select(Server).where(Server.url == erp.url))}
            digests = await session.scalars(select(ToolEntry.digest).where(ToolEntry.name == "get_order"))
            assert rows["erp-read"].id != rows["erp-write"].id
            assert len(set(digests)) == 3  # with the bundled orders server's
            sealed = await session.scalars(select(SealedHeader.ciphertext))
            assert len(set(sealed)) == 2


@pytest.mark.behaviour("S0.34")
async def test_limits_breakers_and_changes_of_one_leave_the_other_alone(hub: Hub, expert_key: str):
    async with running(by_credential()) as erp:
        await hub.add("erp-read", erp.url, READER, get_order="read")
        await hub.add("erp-write", erp.url, WRITER, get_order="read", cancel_order="write")
        await hub.show("erp-read", "get_order", agent="product-expert")
        await hub.show("erp-write", "get_order")
        await hub.show("erp-write", "cancel_order")
        assert [await code_of(hub, "get_order"), await code_of(hub, "get_order", expert_key)] == [None, None]

        # The line: a full one of the writer's keeps no reader waiting.
        async with hub.world.changing() as session:
            await limits.change(session, hub.world.owner, "erp-write", given={"running": 1, "waiting": 0})
        erp.held["cancel_order"], erp.arrived["cancel_order"] = asyncio.Event(), asyncio.Event()
        held = asyncio.create_task(hub.call("cancel_order", number="1"))
        await erp.arrived["cancel_order"].wait()
        assert await code_of(hub, "get_order") == "unavailable"
        assert await code_of(hub, "get_order", expert_key) is None
        erp.held.pop("cancel_order").set()
        await held
        async with hub.world.changing() as session:
            await limits.change(session, hub.world.owner, "erp-write", dropped=["running", "waiting"])

        # The breaker: a credential that fails opens its own alone.
        def fails(request: Request) -> Raw | None:
            return Raw(500) if request.credential == READER and request.message.get("method") == "tools/call" else None

        erp.instead = fails
        codes = [await code_of(hub, "get_order", expert_key) for _ in range(8)]
        assert set(codes[:5]) == {"upstream_error"}
        reached = len(erp.calls)
        assert await code_of(hub, "get_order", expert_key) == codes[-1] is not None
        assert len(erp.calls) == reached  # not asked any more
        assert await code_of(hub, "get_order") is None
        erp.instead = lambda request: None

        # Tools that one credential loses are lost for it alone; a new credential is one server's.
        assert erp.by_credential is not None
        erp.by_credential[READER] = []
        gone = await hub.app.registration.discovery.discover(hub.world.owner, "erp-read")
        assert gone.removed == ["get_order"]
        assert await code_of(hub, "get_order") is None
        erp.by_credential["Bearer rotated-secret-9"] = erp.by_credential.pop(WRITER)
        rotated = [Header("Authorization", "Bearer rotated-secret-9")]
        await hub.app.registration.servers.set_headers(hub.world.owner, "erp-write", rotated)
        assert await code_of(hub, "get_order") is None
        assert erp.calls[-1][0] == "Bearer rotated-secret-9"
        await hub.app.registration.servers.delete(hub.world.owner, "erp-read")
        assert await code_of(hub, "get_order") is None


@pytest.mark.behaviour("S0.34")
async def test_a_swap_between_two_credentials_of_one_endpoint(hub: Hub):
    """From the read-only account to the other one: the same URL, another server."""
    async with running(by_credential()) as erp:
        await hub.add("erp-read", erp.url, READER, get_order="read")
        await hub.add("erp-write", erp.url, WRITER, get_order="read")
        await hub.show("erp-read", "get_order")
        assert (await hub.call("get_order", number="1"))["structuredContent"] == {"who": "reader"}
        assert (await hub.rest("POST", "/servers/erp-read/swap/erp-write", {})).status_code == 200
        assert (await hub.call("get_order", number="1"))["structuredContent"] == {"who": "writer"}
