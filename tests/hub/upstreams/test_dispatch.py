"""Calling servers: bundled ones as functions, remote ones in both eras, with nothing of ours leaking either way."""

import asyncio
import gc
import ipaddress
import json
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.hub.bundled import Bundled, tool
from tests.hub.remote import Remote, running
from tests.hub.world import World
from tests.protocol.raw_server import Seen, raw
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound, StateConflict, Unavailable, UpstreamError, UpstreamTimeout
from tradepost.hub.limits.settings import DEFAULTS, Limits
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.dispatch import Upstreams
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.talk import Talk
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import Vault, open_vault
from tradepost.protocol.builtin import Expects, Mode, ToolResult
from tradepost.protocol.parameter_headers import HeaderParameter
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

SECRET = "CANARY-93b1-token"


@dataclass(frozen=True)
class Entry:
    """An entry as the catalog has it."""

    server_id: str = "srv_1"
    server_slug: str = "tracker"
    server_kind: Literal["builtin", "remote"] = "remote"
    builtin_key: str | None = None
    server_url: str | None = None
    credential_version: int = 1
    limits: Limits = DEFAULTS
    tool_class: str = "write"
    raw_name: str = "track"
    name: str = "late"
    definition: dict[str, Any] = field(default_factory=dict)
    key_parameter: str | None = None
    mirrored: tuple[HeaderParameter, ...] = ()


class Talkative(Bundled):
    """A remote server that tells what it got, and fails on demand."""

    async def call(
        self,
        caller: Caller,
        name: str,
        arguments: dict[str, Any],
        key: str | None,
        mode: Mode = "execute",
        expects: Expects | None = None,
    ) -> ToolResult:
        if name == "unknown":
            raise NotFound(f"There is no tool; your token is Bearer {SECRET}\u202e.")
        self.calls.append((caller, name, arguments, key, mode))
        echoed = f"token {SECRET} reversed {SECRET[::-1]}"
        return ToolResult([{"type": "text", "text": echoed}], {"arguments": arguments, SECRET: [echoed]})


@pytest.fixture
def offered() -> Talkative:
    return Talkative(slug="tracker", title="Tracker", tools=[tool("track", number={"type": "string"})])


@pytest.fixture(params=["modern", "legacy"])
async def remote(request: pytest.FixtureRequest, offered: Talkative) -> AsyncIterator[Remote]:
    async with running(offered, request.param, bearer=SECRET) as found:
        yield found


@pytest.fixture
async def vault(world: World, tmp_path: Path) -> Vault:
    opened = await open_vault(world.database, tmp_path / "vault.keys")
    async with world.changing() as session:
        await opened.replace(session, "srv_1", [Header("Authorization", f"Bearer {SECRET}")])
    return opened


@pytest.fixture
async def upstreams(vault: Vault) -> AsyncIterator[Upstreams]:
    made = Upstreams({"orders": Bundled()}, Connections(vault, Guard([ipaddress.ip_network("127.0.0.0/8")])))
    yield made
    await made.close()


BUILTIN = Entry(server_kind="builtin", builtin_key="orders", server_slug="orders", raw_name="add_note")


async def test_a_bundled_server_is_called_with_caller_key_and_mode(world: World, vault: Vault):
    server = Bundled()
    upstreams = Upstreams({"orders": server}, Connections(vault, Guard()))
    caller = world.as_agent()
    result = await upstreams.call_tool(caller, BUILTIN, {"text": "x"}, "act_1", "preview")
    assert server.calls == [(caller, "add_note", {"text": "x"}, "act_1", "preview")]
    assert result.structured == {"arguments": {"text": "x"}, "key": "act_1", "mode": "preview"}
    assert (await upstreams.read_resource(caller, BUILTIN, "order://1"))["contents"][0]["uri"] == "order://1"
    assert (await upstreams.get_prompt(caller, BUILTIN, {}))["messages"]
    assert (await upstreams.complete(caller, BUILTIN, {}, "number", "88"))["values"] == ["881"]


async def test_what_a_call_held_is_gone_with_it(world: World, upstreams: Upstreams, remote: Remote):
    """In a cycle, all of it, the client's request too, would stay until garbage is collected: memory grows with the
    calls, and what goes on waits while thousands of them are taken apart."""
    entry = Entry(server_url=remote.url)
    await upstreams.call_tool(world.as_agent(), entry, {"number": "1"}, None)
    talk: Talk | None = Talk()
    held = weakref.ref(talk)
    gc.disable()
    try:
        await upstreams.call_tool(world.as_agent(), entry, {"number": "1"}, None, talk=talk)
        talk = None
        assert held() is None
    finally:
        gc.enable()


async def test_a_bundled_server_that_is_not_installed_is_unavailable(world: World, upstreams: Upstreams):
    with pytest.raises(Unavailable):
        await upstreams.call_tool(world.as_agent(), replace(BUILTIN, builtin_key="gone"), {}, None)


async def test_a_bundled_tool_is_cut_at_its_deadline(world: World, vault: Vault):
    class Slow(Bundled):
        async def call(self, *_arguments: Any, **_options: Any) -> ToolResult:
            raise TimeoutError

    upstreams = Upstreams({"orders": Slow()}, Connections(vault, Guard()))
    with pytest.raises(UpstreamTimedOut) as late:
        await upstreams.call_tool(world.as_agent(), BUILTIN, {}, None)
    assert late.value.dispatched


async def test_a_remote_tool_is_called_with_the_servers_credential_only(
    world: World, upstreams: Upstreams, remote: Remote
):
    entry = Entry(server_url=remote.url)
    result = await upstreams.call_tool(world.as_agent(), entry, {"number": "7"}, None)
    assert result.structured is not None
    assert result.structured["arguments"] == {"number": "7"}
    sent = remote.requests[-1]
    assert sent["authorization"] == f"Bearer {SECRET}"
    assert "cookie" not in sent
    assert not [name for name in sent if name.startswith("x-")]


async def test_an_echoed_credential_does_not_come_back(world: World, upstreams: Upstreams, remote: Remote):
    entry = Entry(server_url=remote.url)
    result = await upstreams.call_tool(world.as_agent(), entry, {"number": "7"}, None)
    assert SECRET not in str(result)
    assert SECRET[::-1] not in str(result)
    assert "[redacted]" in str(result)


async def test_a_servers_error_is_marked_as_its_words(world: World, upstreams: Upstreams, remote: Remote):
    entry = Entry(server_url=remote.url, raw_name="unknown")
    with pytest.raises(UpstreamFailed) as failed:
        await upstreams.call_tool(world.as_agent(), entry, {}, None)
    assert (failed.value.dispatched, failed.value.answered) == (True, True)
    shown = failed.value.as_dict()
    assert "There is no tool" in shown["details"]["server_said"]["untrusted"]
    assert SECRET not in str(shown)
    assert "\u202e" not in str(shown)
    assert SECRET not in str(failed.value.rpc_error)


async def test_resources_prompts_and_completions_of_a_remote_server(world: World, upstreams: Upstreams, remote: Remote):
    entry, caller = Entry(server_url=remote.url), world.as_agent()
    assert (await upstreams.read_resource(caller, entry, "order://1"))["contents"][0]["uri"] == "order://1"
    assert (await upstreams.get_prompt(caller, entry, {}))["messages"][0]["role"] == "user"
    reference = {"type": "ref/resource", "uri": "order://{number}"}
    assert (await upstreams.complete(caller, entry, reference, "number", "88"))["values"] == ["881"]


async def test_a_declared_key_parameter_carries_the_key(world: World, upstreams: Upstreams, remote: Remote):
    entry = Entry(server_url=remote.url, key_parameter="idempotency_key")
    result = await upstreams.call_tool(world.as_agent(), entry, {"number": "7"}, "act_9")
    assert result.structured is not None
    assert result.structured["arguments"] == {"number": "7", "idempotency_key": "act_9"}


async def test_a_foreign_tool_has_no_preview(world: World, upstreams: Upstreams, remote: Remote):
    before = len(remote.requests)
    with pytest.raises(StateConflict):
        await upstreams.call_tool(world.as_agent(), Entry(server_url=remote.url), {}, None, "preview")
    assert len(remote.requests) == before


async def test_a_server_that_is_down_was_not_reached(world: World, upstreams: Upstreams, offered: Talkative):
    async with running(offered) as gone:
        url = gone.url
    with pytest.raises((UpstreamError, UpstreamTimeout)) as failed:
        await upstreams.call_tool(world.as_agent(), Entry(server_url=url), {}, None)
    assert failed.value.dispatched is False  # type: ignore[attr-defined]


@pytest.mark.parametrize("tool_class", ["read", "write", "destructive"])
async def test_only_a_read_is_sent_again_when_a_warm_connection_was_closed(world: World, vault: Vault, tool_class: str):
    result = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "content": []}

    async def behave(seen: Seen) -> None:
        if seen.in_all == 2:
            raise ConnectionError
        body = json.dumps({"jsonrpc": "2.0", "id": json.loads(seen.body)["id"], "result": result}).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        await seen.write(head + body)

    upstreams = Upstreams({}, Connections(vault, Guard([ipaddress.ip_network("127.0.0.0/8")])))
    async with raw(behave) as server:
        call = upstreams.call_tool(world.as_agent(), Entry(server_url=server.url, tool_class=tool_class), {}, None)
        if tool_class == "read":
            assert not (await call).is_error
        else:
            with pytest.raises(UpstreamFailed) as failed:
                await call
            assert (failed.value.dispatched, failed.value.answered) == (True, False)
        await upstreams.close()
    assert len(server.requests) == (3 if tool_class == "read" else 2)


async def test_a_private_address_is_not_called_even_when_a_row_names_it(world: World, vault: Vault, offered: Talkative):
    strict = Upstreams({}, Connections(vault, Guard()))
    async with running(offered) as inside:
        with pytest.raises(UpstreamFailed) as failed:
            await strict.call_tool(world.as_agent(), Entry(server_url=inside.url), {}, None)
        assert failed.value.dispatched is False
        assert inside.requests == []
    await strict.close()


async def test_a_new_credential_gets_a_new_connection_and_ends_the_old(
    world: World, upstreams: Upstreams, vault: Vault, offered: Talkative
):
    async with running(offered, "legacy") as remote:
        entry = Entry(server_url=remote.url)
        await upstreams.call_tool(world.as_agent(), entry, {"number": "1"}, None)
        session = remote.requests[-1]["mcp-session-id"]
        async with world.changing() as session_of_database:
            await vault.replace(session_of_database, "srv_1", [Header("Authorization", "Bearer another-token")])
        await upstreams.call_tool(world.as_agent(), replace(entry, credential_version=2), {"number": "1"}, None)
        assert remote.requests[-1]["authorization"] == "Bearer another-token"
        assert remote.requests[-1]["mcp-session-id"] != session


async def test_another_workspaces_credential_is_never_used(world: World, upstreams: Upstreams, offered: Talkative):
    caller = replace(world.as_agent(), workspace_id="ws_other")
    async with running(offered) as remote:
        await upstreams.call_tool(caller, Entry(server_url=remote.url), {"number": "1"}, None)
        assert not any("authorization" in headers for headers in remote.requests)


async def test_connecting_takes_of_the_seconds_of_the_call(world: World, upstreams: Upstreams, remote: Remote):
    """The time of a call was over before its first connection: nothing is sent, whatever a handshake may take."""
    tool_ = Entry(server_url=remote.url, raw_name="track")
    over = asyncio.get_running_loop().time()
    with pytest.raises(UpstreamTimedOut) as late:
        await upstreams.call_tool(world.as_agent(), tool_, {}, None, ends_at=over)
    assert not late.value.dispatched


async def test_the_time_of_a_persons_answer_is_not_the_servers(world: World, upstreams: Upstreams, remote: Remote):
    talk = Talk()
    talk.waited_seconds = 60.0
    tool_ = Entry(server_url=remote.url, raw_name="track")
    over = asyncio.get_running_loop().time()
    result = await upstreams.call_tool(world.as_agent(), tool_, {"number": "1"}, None, talk=talk, ends_at=over)
    assert not result.is_error


async def test_a_server_that_was_opened_has_nothing_to_find_out(world: World, upstreams: Upstreams, remote: Remote):
    tool_ = Entry(server_url=remote.url, raw_name="track")
    await upstreams.open(world.workspace_id, tool_, 10.0)
    before = len(remote.requests)
    await upstreams.call_tool(world.as_agent(), tool_, {"number": "1"}, None)
    assert len(remote.requests) == before + 1
