"""How many calls one key (a principal, a server) may have running at once. Beyond that calls wait in line, and beyond
the line they are refused at once, so that one slow server or one busy agent cannot fill the process.

Within one event loop; a free slot costs two dictionary look-ups. Processes of one hub divide each cap among them
(`processes.py`), so that it holds for all together and no call asks anybody. Only where a cap is lower than the number
of processes they take its slots from the database (`leased.py`).
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType

from tradepost.foundation.errors import Unavailable
from tradepost.hub.limits.leased import LeasedSlots
from tradepost.hub.limits.settings import DEFAULTS

RETRY_AFTER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """What one of several processes has of every cap: the parts of all of them come to the cap. Where there are fewer
    slots than processes, each has one, and one of the database's (LeasedSlots) beside it."""

    place: int = 0
    of: int = 1

    def share(self, most: int) -> int:
        """How many of so many slots are this process's own."""
        return most if self.of == 1 else max(1, (most + self.of - 1 - self.place) // self.of)


WHOLE = Part()


@dataclass(slots=True)
class _Line:
    most: int  # of all processes together, as the last call that came had it
    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class InFlight:
    """Slots per key: `async with in_flight.slot("srv_1", "orders"): …`."""

    def __init__(
        self,
        what: str,
        running: int = DEFAULTS.running,
        waiting: int = DEFAULTS.waiting,
        part: Part = WHOLE,
        leased: LeasedSlots | None = None,
    ) -> None:
        self._what = what
        self._leased = leased
        self.part = part
        self._most_running = running
        self._most_waiting = waiting
        self._lines: dict[str, _Line] = {}

    def slot(
        self, key: str, name: str, seconds: float | None = None, running: int | None = None, waiting: int | None = None
    ) -> "Slot":
        """A slot of `key`; `name` is what a refusal calls it, `seconds` how long to wait for it at most. `running` and
        `waiting` are what holds for this key now, where that is not what holds for all."""
        return Slot(self, key, name, seconds, running, waiting)

    def divide(self, part: Part) -> None:
        """This process has another part from now on. What runs already goes on; who waits may go sooner."""
        self.part = part
        for line in self._lines.values():
            self._move(line)

    def running(self, key: str) -> int:
        """How many slots of a key are taken."""
        line = self._lines.get(key)
        return line.running if line else 0

    def taken(self) -> tuple[int, int]:
        """How many slots are taken of all keys, and how many calls wait for one."""
        lines = self._lines.values()
        return sum(line.running for line in lines), sum(len(line.waiting) for line in lines)

    def take(self, key: str, running: int | None = None) -> bool:
        """Take a slot if one is free; whether it was. `running` as for `slot`. One that the database has to give has to
        be waited for."""
        most = self._most_running if running is None else running
        return not (most < self.part.of and self._leased is not None) and self._take(key, most)

    def _take(self, key: str, most: int) -> bool:
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(most)
        elif line.most != most:
            line.most = most
            self._move(line)
        if line.running < self.part.share(most) and not line.waiting:
            line.running += 1
            return True
        return False

    async def acquire(
        self, key: str, name: str, seconds: float | None = None, running: int | None = None, waiting: int | None = None
    ) -> None:
        """Take a slot, waiting in line for it. Raises Unavailable when the line is full or does not move in time."""
        most = self._most_running if running is None else running
        if most >= self.part.of or self._leased is None:
            return await self._acquire(key, name, seconds, most, waiting)
        try:
            async with asyncio.timeout(seconds):
                await self._acquire(key, name, None, most, waiting)
                try:
                    patient = (self._most_waiting if waiting is None else waiting) > 0
                    if not await self._leased.take(f"{self._what}/{key}", most, patient=patient):
                        raise self._full(name)
                except BaseException:
                    self._give(key)
                    raise
        except TimeoutError:
            raise self._full(name) from None

    async def _acquire(self, key: str, name: str, seconds: float | None, most: int, waiting: int | None) -> None:
        if self._take(key, most):
            return
        line = self._lines[key]
        if len(line.waiting) >= (self._most_waiting if waiting is None else waiting):
            raise self._full(name)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.waiting.append(turn)
        try:
            async with asyncio.timeout(seconds):
                await self._turn(key, line, turn)
        except TimeoutError:
            raise self._full(name) from None

    async def _turn(self, key: str, line: _Line, turn: asyncio.Future[None]) -> None:
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give(key)  # the slot was handed over at the same moment
            elif turn in line.waiting:  # whoever gave a slot back may have passed over it already
                line.waiting.remove(turn)
            raise

    def _full(self, name: str) -> Unavailable:
        return Unavailable(
            f"Too many calls of the {self._what} {name} are running and waiting.",
            hint="Wait a second and call again, with fewer calls at once.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )

    def release(self, key: str) -> None:
        """Give a slot back: to the next in line, if any."""
        if self._leased is not None and self._leased.held and (leased := f"{self._what}/{key}") in self._leased.held:
            self._leased.give(leased)
        self._give(key)

    def _give(self, key: str) -> None:
        line = self._lines[key]
        line.running -= 1
        if line.waiting:
            self._move(line)
        if line.running == 0:
            del self._lines[key]

    def _move(self, line: _Line) -> None:
        """Give free slots to those in front."""
        most = self.part.share(line.most)
        while line.waiting and line.running < most:
            turn = line.waiting.popleft()
            if not turn.done():
                line.running += 1
                turn.set_result(None)


class Slot:
    """Holds one slot for a block."""

    __slots__ = ("_in_flight", "_key", "_name", "_running", "_seconds", "_waiting")

    def __init__(
        self,
        in_flight: InFlight,
        key: str,
        name: str,
        seconds: float | None,
        running: int | None = None,
        waiting: int | None = None,
    ) -> None:
        self._in_flight = in_flight
        self._key = key
        self._name = name
        self._seconds = seconds
        self._running = running
        self._waiting = waiting

    async def __aenter__(self) -> None:
        await self._in_flight.acquire(self._key, self._name, self._seconds, self._running, self._waiting)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in_flight.release(self._key)
