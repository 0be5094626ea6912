"""The ASGI lifespan: what starts before the first request and stops after the last one."""

from collections.abc import Awaitable, Callable

from starlette.types import Receive, Send

from tradepost.foundation.errors import TradepostError


async def serve_lifespan(
    start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]], receive: Receive, send: Send
) -> None:
    """Start and stop when the web server says so. A start that is refused is told with its hint."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await start()
            except TradepostError as error:
                await send({"type": "lifespan.startup.failed", "message": f"{error.message} {error.hint or ''}"})
                return
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await stop()
            await send({"type": "lifespan.shutdown.complete"})
            return
