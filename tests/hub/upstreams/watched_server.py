"""A server with resources that can be watched: the official SDK's, of either era, over HTTP, the oldest event stream or
standard input and output (`python -m tests.hub.upstreams.watched_server`)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import mcp_types as types
from mcp.server import NotificationOptions, Server
from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated, ToolsListChanged
from mcp.shared.exceptions import MCPError
from starlette.responses import Response

from tests.protocol.conftest import served

SECONDS = 20.0
MODERN = "2026-07-28"
ONE, TWO, REFUSED = "note://one", "note://two", "note://refused"


class WatchedServer:
    """`asked` are the requests it got, by method and URI, `keys` the X-Key headers of them. `eras` are those it
    serves: `modern`, `legacy`, or `oldest` for the event stream on /sse."""

    def __init__(self, *eras: str) -> None:
        self.eras = eras
        self.asked: list[tuple[str, str | None]] = []
        self.keys: list[str] = []
        self.tools = ["look"]
        self.url = ""
        self._listening: dict[int, list[str]] = {}
        self._stirred = asyncio.Event()
        self._sessions: dict[str, Any] = {}
        self._told: list[Any] = []
        self._bus = InMemorySubscriptionBus()
        self._listeners = ListenHandler(self._bus)
        self._server = self._made()
        self._oldest = SseServerTransport("/messages/")
        self._app: Any = None
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    # --- what a test does ---

    async def change(self, uri: str) -> None:
        """A resource changes; whoever asked is told."""
        await self._bus.publish(ResourceUpdated(uri=uri))
        if uri in self._sessions:
            await self._sessions[uri].send_resource_updated(uri)

    async def change_tools(self, *names: str) -> None:
        """It has other tools now, and says so."""
        self.tools = list(names)
        await self._bus.publish(ToolsListChanged())
        for session in list(self._told):
            await session.send_tool_list_changed()

    @property
    def watched(self) -> set[str]:
        """What it is asked to tell of."""
        return {*self._sessions}.union(*self._listening.values())

    async def until_watched(self, *uris: str) -> None:
        """Wait until exactly these are watched."""
        async with asyncio.timeout(SECONDS):
            while self.watched != set(uris):
                self._stirred.clear()
                await self._stirred.wait()

    async def until_listened(self) -> None:
        """Wait until a client of the newer era listens."""
        async with asyncio.timeout(SECONDS):
            while not self._listening:
                self._stirred.clear()
                await self._stirred.wait()

    async def restart(self) -> None:
        """All streams break, and nothing is known of what was agreed."""
        await self._end()
        self._sessions.clear()
        self._told.clear()
        await self._start()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["WatchedServer"]:
        await self._start()
        try:
            async with served(self) as base:
                self.url = f"{base}/sse" if self.eras == ("oldest",) else f"{base}/mcp"
                yield self
                await self._end()
        finally:
            await self._end()

    # --- the server ---

    async def _start(self) -> None:
        self._server = self._made()
        self._app, self._stop, ready = self._server.streamable_http_app(), asyncio.Event(), asyncio.Event()
        self._running = asyncio.create_task(self._run(self._app, ready))
        await ready.wait()

    async def _run(self, app: Any, ready: asyncio.Event) -> None:
        async with app.router.lifespan_context(app):  # begins and ends in one task
            ready.set()
            await self._stop.wait()

    async def _end(self) -> None:
        self._stop.set()
        self._listeners.close()
        self._listeners = ListenHandler(self._bus)
        self._listening.clear()
        if self._running is not None:
            await self._running

    def _made(self) -> Server[Any]:
        made: Server[Any] = Server(
            "watched",
            version="1",
            on_list_tools=self._list_tools,
            on_list_resources=self._list_resources,
            on_subscribe_resource=self._subscribe,
            on_unsubscribe_resource=self._unsubscribe,
            on_subscriptions_listen=self._listen,
        )
        options = NotificationOptions(tools_changed=True)
        plain = made.create_initialization_options
        made.create_initialization_options = lambda *_args, **_more: plain(options)  # type: ignore[method-assign]
        return made

    async def _list_tools(self, context: Any, params: Any) -> types.ListToolsResult:
        self.asked.append(("tools/list", None))
        self._told = [context.session]
        return types.ListToolsResult(
            tools=[types.Tool(name=name, input_schema={"type": "object"}) for name in self.tools]
        )

    async def _list_resources(self, context: Any, params: Any) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=[types.Resource(uri=uri, name=uri) for uri in (ONE, TWO)])

    async def _subscribe(self, context: Any, params: Any) -> types.EmptyResult:
        uri = str(params.uri)
        self.asked.append(("resources/subscribe", uri))
        if uri == REFUSED:
            raise MCPError(code=types.INVALID_PARAMS, message=f"There is no {uri}.")
        self._sessions[uri] = context.session
        self._stirred.set()
        return types.EmptyResult()

    async def _unsubscribe(self, context: Any, params: Any) -> types.EmptyResult:
        uri = str(params.uri)
        self.asked.append(("resources/unsubscribe", uri))
        self._sessions.pop(uri, None)
        self._stirred.set()
        return types.EmptyResult()

    async def _listen(self, context: Any, params: Any) -> Any:
        uris = list(params.notifications.resource_subscriptions or ())
        self.asked.append(("subscriptions/listen", " ".join(uris)))
        if REFUSED in uris:
            raise MCPError(code=types.INVALID_PARAMS, message=f"There is no {REFUSED}.")
        self._listening[id(uris)] = uris
        self._stirred.set()
        try:
            return await self._listeners(context, params)
        finally:
            self._listening.pop(id(uris), None)
            self._stirred.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if (key := dict(scope["headers"]).get(b"x-key")) is not None:
            self.keys.append(key.decode())
        if self.eras == ("oldest",):
            await self._serve_oldest(scope, receive, send)
            return
        modern = dict(scope["headers"]).get(b"mcp-protocol-version") == MODERN.encode()
        if ("modern" if modern else "legacy") not in self.eras:
            await Response("unsupported", status_code=400)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _serve_oldest(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "GET" and scope["path"] == "/sse":
            async with self._oldest.connect_sse(scope, receive, send) as (reading, writing):
                await self._server.run(reading, writing, self._server.create_initialization_options())
        elif scope["method"] == "POST" and scope["path"] == "/messages/":
            await self._oldest.handle_post_message(scope, receive, send)
        else:
            await Response(status_code=405)(scope, receive, send)

    async def on_stdio(self) -> None:
        """Serve standard input and output; whatever begins to be watched changes at once."""

        async def changing() -> None:
            while True:
                await self._stirred.wait()
                self._stirred.clear()
                for uri in sorted(self.watched):
                    await self.change(uri)

        async with stdio_server() as (read, write):
            task = asyncio.create_task(changing())
            await self._server.run(read, write, self._server.create_initialization_options())
            task.cancel()


if __name__ == "__main__":
    asyncio.run(WatchedServer().on_stdio())
