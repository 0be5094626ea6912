"""Who may run now: bounded per line and in all, first come first served within a line. Within one event loop."""

import asyncio
from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Line:
    """Those who want the same thing: how many run, who waits."""

    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Turns:
    """Hands turns out: at most `most` in all, `most_per_line` in one line."""

    def __init__(self, most: int, most_per_line: int) -> None:
        self._most = most
        self._most_per_line = most_per_line
        self._running = 0
        self._lines_waiting: dict[Line, None] = {}

    def take_free(self, line: Line) -> bool:
        """Take a turn if one is free; whether it was."""
        if line.waiting or not self._is_free(line):
            return False
        self._begin(line)
        return True

    async def take(self, line: Line) -> None:
        """Wait for a turn, as long as the caller likes."""
        if self.take_free(line):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.waiting.append(turn)
        self._lines_waiting[line] = None
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(line)  # it was handed over at the same moment
            raise

    def give_back(self, line: Line) -> None:
        """End a turn: it goes to the next in line, or else to another line that had to wait for it."""
        line.running -= 1
        self._running -= 1
        if not self._lines_waiting:
            return
        for other in (line, *self._lines_waiting):
            if self._is_free(other):
                self._hand_over(other)

    def _is_free(self, line: Line) -> bool:
        return line.running < self._most_per_line and self._running < self._most

    def _begin(self, line: Line) -> None:
        line.running += 1
        self._running += 1

    def _hand_over(self, line: Line) -> None:
        """The first who still waits gets a turn."""
        while line.waiting:
            turn = line.waiting.popleft()
            if not turn.done():
                self._begin(line)
                turn.set_result(None)
                break
        if not line.waiting:
            self._lines_waiting.pop(line, None)
