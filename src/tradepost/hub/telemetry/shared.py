"""One count of several processes that serve a port: each writes down now and then what it has counted, and whoever is
asked adds that up. What a process counted stays after its end; at most the last second of one that was killed is lost.
"""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import orjson
from sqlalchemy.exc import SQLAlchemyError

from tradepost.foundation.rounds import Rounds
from tradepost.hub.telemetry.meters import Counted, Meters, Told

PAUSE_SECONDS = 1.0
GONE_SECONDS = 5.0  # who has not written for so long has ended: its gauges are nobody's
_ENDING = ".metrics"

Gauges = Callable[[], dict[tuple[str, str], float]]
Tell = Callable[[], Awaitable[list[Told]]]

_log = logging.getLogger(__name__)


class SharedMeters:
    """The counters of this process, and those of the others where there are any: their folder, and this one's name."""

    def __init__(
        self, meters: Meters, gauges: Gauges, folder: Path | None = None, name: str = "", tell: Tell | None = None
    ) -> None:
        self._meters = meters
        self._tell = tell
        self._gauges = gauges
        self._folder = folder
        self._name = name
        self._writing = Rounds("metrics", self._write, PAUSE_SECONDS)

    async def start(self) -> None:
        """Begin to write down, where others could read it."""
        if self._folder is not None:
            self._writing.start()

    async def stop(self) -> None:
        """Write down what was counted last."""
        await self._writing.stop()
        if self._folder is not None:
            await self._write()

    async def all(self) -> Counted:
        """What all processes counted."""
        counted = Counted()
        counted.merge(self._own())
        if self._folder is not None:
            for other in await asyncio.to_thread(_others, self._folder, self._name):
                counted.merge(other)
        try:
            counted.told = [] if self._tell is None else await self._tell()
        except (SQLAlchemyError, OSError) as error:  # what was counted is told all the same
            _log.warning("metrics are without what the database says: %s", error)
        return counted

    def _own(self) -> Counted:
        mine = self._meters.counted
        gauges = {**self._gauges(), ("processes", ""): 1.0}
        return Counted(mine.calls, mine.times, mine.upstream, mine.looked, gauges)

    async def _write(self) -> None:
        await asyncio.to_thread(self._put, orjson.dumps(self._own().as_plain()))

    def _put(self, text: bytes) -> None:
        if self._folder is None:
            return
        path = self._folder / f"{self._name}{_ENDING}"
        new = path.with_suffix(".new")
        with suppress(FileNotFoundError):  # the folder goes with the last process
            new.write_bytes(text)
            os.replace(new, path)


def _others(folder: Path, own: str) -> list[Counted]:
    found = []
    for path in sorted(folder.glob(f"*{_ENDING}")):
        if path.stem == own:
            continue
        with suppress(FileNotFoundError):
            other = Counted.of_plain(orjson.loads(path.read_bytes()))
            if time.time() - path.stat().st_mtime > GONE_SECONDS:
                other.gauges = {}
            found.append(other)
    return found
