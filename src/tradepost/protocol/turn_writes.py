"""Writes that leave together, once everything that could run in this turn of the event loop has run.

Each write to a socket wakes whoever sleeps at its other end, which costs more than the copying does. Where many calls
are answered in one turn, their writes follow each other closely, and the other end wakes once for all of them.
"""

import asyncio
from weakref import WeakKeyDictionary


class TurnWrites:
    """Of one event loop. `sent` counts how often what was held has left."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._call_soon = loop.call_soon
        self._held: list[tuple[asyncio.Transport, bytes]] = []
        self.sent = 0

    def write(self, to: asyncio.Transport, data: bytes) -> None:
        """Send it at the end of the turn, unless the transport is closing by then."""
        if not self._held:
            self._call_soon(self.flush)
        self._held.append((to, data))

    def flush(self) -> None:
        """Send everything now."""
        held, self._held = self._held, []
        self.sent += 1
        for to, data in held:
            if not to.is_closing():
                to.write(data)


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, TurnWrites] = WeakKeyDictionary()


def writes_of(loop: asyncio.AbstractEventLoop) -> TurnWrites:
    """Those of a loop."""
    writes = _of_loop.get(loop)
    if writes is None:
        writes = _of_loop[loop] = TurnWrites(loop)
    return writes
