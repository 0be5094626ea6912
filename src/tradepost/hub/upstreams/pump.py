"""Reading the streams of one server, each in a task of its own, until they end or fall silent."""

import asyncio
from collections.abc import Callable
from time import monotonic

from tradepost.hub.upstreams.watched import seen
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.notices import Notices
from tradepost.protocol.upstream_errors import UpstreamFailed

LOOK_SECONDS = 30.0
SILENT_SECONDS = 300.0  # what says nothing for so long, not even that it is alive, may be gone unnoticed
LINGER_SECONDS = 1.0  # for what was under way on a stream when its successor was open

Pump = asyncio.Task[None]


class Pumps:
    """`hear` gets each message."""

    def __init__(self, hear: Callable[[Json], None], name: str) -> None:
        self._hear = hear
        self._name = name
        self.running: set[Pump] = set()

    def start(self, stream: Notices) -> Pump:
        """Read a stream; it is closed at the end."""
        pump = asyncio.create_task(self._read(stream), name=f"stream of {self._name}")
        self.running.add(pump)
        pump.add_done_callback(self.running.discard)
        pump.add_done_callback(seen)
        return pump

    def retire(self, pump: Pump | None, seconds: float = LINGER_SECONDS) -> None:
        """Read a stream no longer than so many seconds."""
        if pump is not None:
            asyncio.get_running_loop().call_later(seconds, pump.cancel)

    async def _read(self, stream: Notices) -> None:
        try:
            while True:
                try:
                    async with asyncio.timeout(LOOK_SECONDS):
                        message = await stream.next()
                except TimeoutError:
                    if monotonic() - stream.heard_at > SILENT_SECONDS:
                        raise UpstreamFailed("The server's stream fell silent.", dispatched=True) from None
                    continue
                if message is None:
                    return
                self._hear(message)
        finally:
            stream.close()


async def goes_on(pump: Pump, changed: asyncio.Event) -> bool:
    """Wait until something is to be done, at most LOOK_SECONDS. False when the stream has ended. Raises
    UpstreamFailed."""
    waiting = asyncio.ensure_future(changed.wait())
    try:
        await asyncio.wait([waiting, pump], timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if pump.done():
        pump.result()
        return False
    return True
