"""Questions that a server of the older era asks on its session's own stream, and so without saying in which call: the
official SDK's `session.list_roots()` is one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import mcp_types as types
import pytest
from mcp.server import Server
from mcp.shared.exceptions import MCPError

from tests.hub.upstreams.test_watching import Hub, hub_before
from tests.hub.upstreams.watched_server import ONE, SECONDS, WatchedServer
from tradepost.foundation.caller import Caller, Principal
from tradepost.hub.upstreams.talk import Talk
from tradepost.protocol.hosting import CallExtras

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")

Json = dict[str, Any]
CALLER = Caller("ws_1", Principal("agent_key", "k"), "req_1")
ROOTS = {"roots": [{"uri": "file:///shop", "name": "shop"}]}
NO_CALL = "No call is under way that this could belong to."
TWO_CALLS = "2 calls are under way, and this names none: ask on the stream of its answer."


class AsideServer(WatchedServer):
    """`places` asks; `wait` lasts until it is given up, which sets `left`."""

    def __init__(self) -> None:
        self.waiting, self.left = asyncio.Event(), asyncio.Event()
        self.refused: asyncio.Queue[str] = asyncio.Queue()
        super().__init__("legacy")

    def _made(self) -> Server[Any]:
        return Server(
            "asides",
            version="1",
            on_list_resources=self._list_resources,
            on_subscribe_resource=self._subscribe,
            on_unsubscribe_resource=self._unsubscribe,
            on_list_tools=self._list_tools,
            on_call_tool=self._call,
        )

    @property
    def session(self) -> Any:
        """The one session, outside any call."""
        return self._sessions[ONE]

    async def _call(self, context: Any, params: Any) -> types.CallToolResult:
        if params.name == "wait":
            self.waiting.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.left.set()
        said = await self.ask(context.session)
        return types.CallToolResult(content=[types.TextContent(type="text", text=said)])

    async def ask(self, session: Any) -> str:
        """Where the client has its files, or why it does not say."""
        try:
            return str((await session.list_roots()).roots[0].uri)
        except MCPError as error:
            self.refused.put_nowait(error.message)
            return error.message


class UnannouncedServer(AsideServer):
    """Says nothing of itself but that it has tools. `listened` when the stream of its session is open."""

    def __init__(self) -> None:
        self.listened = asyncio.Event()
        super().__init__()

    def _made(self) -> Server[Any]:
        return Server("unannounced", version="1", on_list_tools=self._list_tools, on_call_tool=self._call)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: Any) -> None:
            await send(message)
            if scope["method"] == "GET" and message["type"] == "http.response.start":
                self.listened.set()

        await super().__call__(scope, receive, sent)


class Asked:
    """The channel to a client that says where its files are, at once or when `may_answer` is set."""

    wants_progress, log_level = False, None

    def __init__(self, *, can: bool = True, at_once: bool = True) -> None:
        self.can = can
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        if at_once:
            self.may_answer.set()

    def can_ask(self, method: str) -> bool:
        return self.can and method == "roots/list"

    async def notify(self, method: str, params: Json) -> None:
        raise AssertionError("nothing is told")

    async def ask(self, method: str, params: Json) -> Json:
        self.asked.set()
        await self.may_answer.wait()
        return {"result": ROOTS}

    def talk(self) -> Talk:
        return Talk(CallExtras(client_capabilities={"roots": {}} if self.can else {}, channel=self))


class Held:
    """A call whose client comes back with the answer."""

    channel = None

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def ask(self, method: str, params: Json) -> Json:
        self.asked.append(method)
        return {"result": ROOTS}


@pytest.fixture
async def server() -> AsyncIterator[AsideServer]:
    made = AsideServer()
    async with made.serving():
        yield made


@pytest.fixture
async def hub(server: AsideServer) -> AsyncIterator[Hub]:
    """With the session's stream open, since a resource is watched."""
    async with hub_before(server) as (hub, _), asyncio.timeout(SECONDS):
        assert await hub.watch(CALLER, None, ONE)
        await server.until_watched(ONE)
        yield hub


async def call(hub: Hub, name: str, talk: Talk) -> str:
    entry = replace(hub.entry, raw_name=name, tool_class="read")
    answer = (await hub.upstreams.call_tool(CALLER, entry, {}, None, talk=talk)).as_dict()
    return str(answer["content"][0]["text"])


async def test_it_is_put_to_the_client_of_the_only_call(hub: Hub, server: AsideServer) -> None:
    assert await call(hub, "places", Asked().talk()) == "file:///shop"
    held = Held()
    newer = CallExtras(client_capabilities={"roots": {}}, rounds=True)
    assert await call(hub, "places", Talk(newer, hold=held)) == "file:///shop"
    assert held.asked == ["roots/list"]
    await server.session.send_ping()


async def test_it_is_refused_at_once_where_nobody_can_be_asked(hub: Hub, server: AsideServer) -> None:
    assert await call(hub, "places", Asked(can=False).talk()) == "This client does not offer that."
    assert await server.ask(server.session) == NO_CALL


async def test_it_is_refused_at_once_where_it_may_be_another_callers(hub: Hub, server: AsideServer) -> None:
    other = asyncio.create_task(call(hub, "wait", Asked().talk()))
    await server.waiting.wait()
    asked = Asked()
    assert await call(hub, "places", asked.talk()) == TWO_CALLS
    assert not asked.asked.is_set()
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)
    await server.left.wait()
    assert await call(hub, "places", asked.talk()) == "file:///shop"


async def test_it_ends_with_the_call(hub: Hub, server: AsideServer) -> None:
    client = Asked(at_once=False)
    given_up = asyncio.create_task(call(hub, "wait", client.talk()))
    await server.waiting.wait()
    asking = asyncio.create_task(server.ask(server.session))
    await client.asked.wait()
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    assert await asking == "The call that this was asked in is over."
    assert await call(hub, "places", Asked().talk()) == "file:///shop"


async def test_a_server_that_announces_nothing_is_heard_as_well() -> None:
    server = UnannouncedServer()
    async with server.serving(), hub_before(server) as (hub, _), asyncio.timeout(SECONDS):
        await hub.upstreams.open(CALLER.workspace_id, hub.entry, SECONDS)
        await server.listened.wait()
        assert await call(hub, "places", Asked().talk()) == "file:///shop"
