"""Who in this process watches a conversation: told of text that a model is writing, and of everything that was kept."""

import asyncio
from collections import deque
from dataclasses import dataclass
from itertools import groupby

from tradepost.foundation.errors import LimitExceeded

MOST_DELTAS = 1_000  # that one watcher has not taken yet; the step that follows has the whole text
PACE_SECONDS = 0.03  # words come at most so often: one by one they would cost more than the model does
MOST_OF_ONE = 50  # watchers of one conversation in this process


@dataclass(frozen=True, slots=True)
class Delta:
    """Text that is being written. `after` is the number of the step that it follows, where another process writes it:
    what that one kept may be heard of later than what it writes next."""

    turn_id: str
    agent: str
    text: str
    after: int = 0


class Watcher:
    """One who watches a conversation. It satisfies protocol.updates.Listener: what other processes do reaches it so."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self._said: deque[Delta] = deque(maxlen=MOST_DELTAS)
        self._paced: asyncio.TimerHandle | None = None
        self._taken_at = 0.0
        self.is_over = False
        self.is_told = False  # of something that was kept, since somebody last asked

    def tell(self, uri: str) -> None:
        """The conversation changed."""
        self.is_told = True
        self._news.set()

    def say(self, delta: Delta) -> None:
        """A model is writing."""
        self._said.append(delta)
        if self._paced is None:
            self._paced = asyncio.get_running_loop().call_at(self._taken_at + PACE_SECONDS, self._news.set)

    def end(self) -> None:
        """Watch no longer: the process stops."""
        self.is_over = True
        self._news.set()

    def taken(self) -> list[Delta]:
        """What was written since the last time, what one agent wrote on end in one piece."""
        if self._paced is not None:
            self._paced.cancel()
            self._paced = None
            self._taken_at = asyncio.get_running_loop().time()
        pieces = groupby(self._said, key=lambda said: (said.turn_id, said.agent, said.after))
        taken = [Delta(turn, agent, "".join(one.text for one in said), after) for (turn, agent, after), said in pieces]
        self._said.clear()
        return taken

    async def stirred(self, seconds: float) -> bool:
        """Return when there is something new. False when so much time has passed without."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True


class Watchers:
    """All of this process, by conversation."""

    def __init__(self) -> None:
        self._there: dict[str, set[Watcher]] = {}
        self._ended = False

    def add(self, conversation_id: str) -> Watcher:
        """One more. Raises LimitExceeded."""
        there = self._there.setdefault(conversation_id, set())
        if len(there) >= MOST_OF_ONE:
            raise LimitExceeded("Too many watch this conversation already.", hint="Close other streams of it.")
        watcher = Watcher()
        there.add(watcher)
        if self._ended:
            watcher.end()
        return watcher

    def remove(self, conversation_id: str, watcher: Watcher) -> None:
        """One less."""
        there = self._there.get(conversation_id, set())
        there.discard(watcher)
        if not there:
            self._there.pop(conversation_id, None)

    def stir(self, conversation_id: str) -> None:
        """Something was kept."""
        for watcher in self._there.get(conversation_id, ()):
            watcher.tell(conversation_id)

    def delta(self, conversation_id: str, delta: Delta) -> None:
        """A model is writing."""
        for watcher in self._there.get(conversation_id, ()):
            watcher.say(delta)

    def end(self) -> None:
        """Let everybody go: the process stops."""
        self._ended = True
        for there in self._there.values():
            for watcher in there:
                watcher.end()
