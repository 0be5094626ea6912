"""One of several processes that serve a port: a whole hub, which the others reach over a local socket."""

import asyncio
import os
import signal
import socket
from contextlib import nullcontext, suppress

import uvicorn
from starlette.types import Message, Receive, Scope, Send

from tradepost.app import Tradepost
from tradepost.cli.late import Late, open_or_wait
from tradepost.cli.one_write import OneWriteProtocol
from tradepost.cli.web import GRACE_SECONDS, serve_asgi, share_port
from tradepost.cli.welcome import say_welcome
from tradepost.protocol.peers import Peers
from tradepost.settings import Settings

READY = b"r"


class _BesideThePort(uvicorn.Server):
    """A server that leaves signals to the one that serves the port."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        return nullcontext()


class Reachable:
    """A hub whose local socket is served from before its port is until after."""

    def __init__(self, hub: Tradepost | Late, peers: Peers) -> None:
        self._hub = hub
        self._path = peers.socket_of(peers.name)
        config = uvicorn.Config(
            peers.door(hub),
            http=OneWriteProtocol,
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = _BesideThePort(config)
        self._serving: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._hub(scope, receive, send)
            return

        async def received() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._stop()
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                await self._start()
            await send(message)

        await self._hub(scope, received, sent)

    async def _start(self) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self._path))
        listener.setblocking(False)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="requests of other processes")

    async def _stop(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving


async def serve_worker(settings: Settings, peers: Peers, lifeline: int, ready: int, *, is_first: bool) -> None:
    """Serve the port until a signal, or until the other end of `lifeline` is closed: the process that started this one
    has ended, however. READY is written to `ready` when the port is served. The first one of all says how people get
    in. Raises SetupError."""
    listener = share_port(settings.host, settings.port)
    loop = asyncio.get_running_loop()
    alone = asyncio.Event()

    def stop_alone() -> None:
        loop.remove_reader(lifeline)
        alone.set()
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(lifeline, stop_alone)
    try:
        hub = await open_or_wait(settings, peers, say_welcome if is_first else None)
        await serve_asgi(Reachable(hub, peers), listener, hub.end_streams, lambda: _tell(ready), settings.tls)
    finally:
        loop.remove_reader(lifeline)
        listener.close()
        if alone.is_set():  # the last one tidies up
            with suppress(OSError):
                peers.socket_of(peers.name).parent.rmdir()


def _tell(ready: int) -> None:
    os.write(ready, READY)
    os.close(ready)
