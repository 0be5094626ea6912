"""Serving an ASGI application until a signal: the port is taken first, so that a port in use is one clear sentence."""

import asyncio
import gc
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradepost.cli import console
from tradepost.cli.quick_http import QuickProtocol
from tradepost.foundation.errors import SetupError
from tradepost.settings import Settings, Tls

GRACE_SECONDS = 10
BACKLOG = 2048
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def take_port(host: str, port: int) -> socket.socket:
    """A listening socket. Raises SetupError when the address cannot be had."""
    return _bound(host, port, shared=False)


def share_port(host: str, port: int) -> socket.socket:
    """A socket on an address that other processes of this user may have, too. It does not listen yet: nobody is sent
    to it before it does. Raises SetupError."""
    return _bound(host, port, shared=True)


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, because asyncio turns Nagle off only then: else each answer waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        if not shared:
            listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        reason = "it is in use by another program" if error.errno == 98 else (error.strerror or str(error))
        raise SetupError(
            f"Cannot listen on {host}:{port}: {reason}.",
            hint="Choose another port with --port, or stop the other program.",
        ) from error
    listener.setblocking(False)
    return listener


def _settle_memory() -> None:
    """What is imported stays until the end. Looking through it for garbage again and again is what a burst of new
    connections would wait for."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


class _Server(uvicorn.Server):
    """Uvicorn raises a signal again once it has shut down, which would end the process before its caller has cleaned
    up; here the first one only means: stop. Streams to clients that only listen end then, answers are still given."""

    stopping: asyncio.Event
    on_stop: Callable[[], None] | None = None
    on_ready: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.on_ready is not None and self.started:
            self.on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        wanted = (signal.SIGINT, signal.SIGTERM)
        for number in wanted:
            loop.add_signal_handler(number, self._stop, number)
        try:
            yield
        finally:
            for number in wanted:
                loop.remove_signal_handler(number)

    def _stop(self, number: signal.Signals) -> None:
        self.handle_exit(number, None)
        if self.on_stop is not None:
            self.on_stop()
        self.stopping.set()


def _with_ending_streams(app: ASGIApp, stopping: asyncio.Event) -> ASGIApp:
    """The application, to which a listening client (GET) seems to leave when the server stops."""

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_or_stop() -> Message:
            message, stop = asyncio.ensure_future(receive()), asyncio.ensure_future(stopping.wait())
            try:
                await asyncio.wait((message, stop), return_when=asyncio.FIRST_COMPLETED)
                return message.result() if message.done() else {"type": "http.disconnect"}
            finally:
                message.cancel()
                stop.cancel()

        await app(scope, receive_or_stop, send)

    def wrapped(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        listens = scope["type"] == "http" and scope["method"] == "GET"
        return listening(scope, receive, send) if listens else app(scope, receive, send)

    return wrapped


def warn_of_clear_text(settings: Settings) -> None:
    """Keys that leave the machine unencrypted are as good as published."""
    if settings.host in _LOOPBACK or settings.url.startswith("https://"):
        return
    console.warn(
        f"The hub listens on {settings.host} without TLS: keys travel in clear text.",
        "Set TRADEPOST_TLS_CERTIFICATE and TRADEPOST_TLS_KEY, or TRADEPOST_PUBLIC_URL=https://… behind a proxy.",
    )


def _load(config: uvicorn.Config) -> None:
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise SetupError(
            f"The port's certificate and key cannot be used: {error.strerror or error}.",
            hint="TRADEPOST_TLS_CERTIFICATE and TRADEPOST_TLS_KEY name PEM files of one pair, without a pass phrase.",
        ) from error


async def serve_asgi(
    app: ASGIApp,
    listener: socket.socket,
    on_stop: Callable[[], None] | None = None,
    on_ready: Callable[[], None] | None = None,
    tls: Tls | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; what is under way is finished first. `on_ready` is called when the port is served,
    `on_stop` at the first signal: an application that holds streams open ends them then. Raises SetupError where the
    files of `tls` cannot be used."""
    stopping = asyncio.Event()
    config = uvicorn.Config(
        _with_ending_streams(app, stopping),
        interface="asgi3",
        http=QuickProtocol,
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whoever is behind a proxy says so in the settings; a client's word for it counts nothing
        date_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=75,
        ssl_certfile=tls.certificate if tls is not None else None,
        ssl_keyfile=tls.key if tls is not None else None,
    )
    _load(config)
    _settle_memory()
    server = _Server(config)
    server.stopping = stopping
    server.on_stop, server.on_ready = on_stop, on_ready
    try:
        await server.serve(sockets=[listener])
    finally:
        listener.close()
