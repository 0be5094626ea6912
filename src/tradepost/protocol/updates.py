"""Who in this process wants to know of which resource, and what each client still has to be told.

A change is known by the id of a record and the workspace it belongs to. Whoever sees changes (an UpdateSource) says so
to `Updates`; each interested client has a `Mailbox` that holds every changed URI once, however often it changed: a slow
client costs no memory, and one that is away for a moment misses nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from tradepost.foundation.errors import LimitExceeded
from tradepost.protocol.list_changes import ListChanges, Marks

RETELL_SECONDS = 60.0
MOST_WATCHED = 100  # resources of one stream or session

Topic = tuple[str, str]  # workspace id, record id


class UpdateSource(Protocol):
    """Where changes are seen. It may rest while `Updates.wanted()` is false."""

    async def follow(self) -> None:
        """Return when every change from now on is said to Updates. Raises Unavailable."""
        ...


class TopicSource(Protocol):
    """Where changes are seen of those topics alone that somebody waits for."""

    def begun(self, topic: Topic) -> None:
        """One more waits for a topic."""
        ...

    def ended(self, topic: Topic) -> None:
        """Nobody waits for a topic any more."""
        ...


class Listener(Protocol):
    """Who is told of changes: a client's mailbox, or a call that waits."""

    def tell(self, uri: str) -> None:
        """What it calls this has changed. It must not wait."""
        ...


class Updates:
    """From records to the mailboxes that wait for them."""

    def __init__(self) -> None:
        self.lists = ListChanges()
        self._sources: list[UpdateSource] = []
        self._by_topic: list[TopicSource] = []
        self._waiting: dict[Topic, dict[tuple[int, str], Listener]] = {}

    def draw_from(self, *sources: UpdateSource) -> None:
        """Begin to follow these whenever somebody waits."""
        self._sources.extend(sources)

    def tell_of_topics(self, *sources: TopicSource) -> None:
        """Tell these what is waited for."""
        self._by_topic.extend(sources)

    def wanted(self) -> bool:
        """Whether anybody waits for anything."""
        return bool(self._waiting)

    def is_waited(self, topic: Topic) -> bool:
        """Whether anybody waits for a topic."""
        return topic in self._waiting

    def publish(self, workspace_id: str, records: Iterable[str]) -> None:
        """These records of a workspace have changed."""
        for record in records:
            for (_, uri), listener in self._waiting.get((workspace_id, record), {}).items():
                listener.tell(uri)

    async def add(self, topic: Topic, uri: str, listener: Listener) -> None:
        """Tell somebody about every change from when this returns. Raises Unavailable."""
        self._waiting.setdefault(topic, {})[(id(listener), uri)] = listener
        try:
            for source in self._sources:
                await source.follow()
        except BaseException:
            self.remove(topic, uri, listener)
            raise
        self.begun(topic)

    def begun(self, topic: Topic) -> None:
        """Somebody who asked whether a topic can be waited for does wait."""
        for source in self._by_topic:
            source.begun(topic)

    def remove(self, topic: Topic, uri: str, listener: Listener) -> None:
        """Tell it no more."""
        waiting = self._waiting.get(topic, {})
        waiting.pop((id(listener), uri), None)
        if not waiting and self._waiting.pop(topic, None) is not None:
            for source in self._by_topic:
                source.ended(topic)


class Mailbox:
    """What one client watches, by the URIs it used, and which of them changed since it was told."""

    def __init__(self, updates: Updates) -> None:
        self._updates = updates
        self._topics: dict[str, Topic] = {}
        self._changed: dict[str, None] = {}
        self._taken: dict[str, float] = {}
        self._lists_of: str | None = None  # the workspace of the lists it hears of
        self._marks: dict[str, int] = {}
        self._lists_told: dict[str, float] = {}
        self._number = 0
        self._numbers: dict[str, int] = {}  # of the event that told of a URI or list last
        self._lists_stirred = False
        self._stirred = asyncio.Event()
        self._newest_reader = 0
        self._reading = 0
        self.ended = False

    @property
    def uris(self) -> list[str]:
        """What is watched."""
        return list(self._topics)

    def require_room(self, more: int = 1) -> None:
        """Raises LimitExceeded when so many more cannot be watched."""
        if len(self._topics) + more > MOST_WATCHED:
            raise LimitExceeded(
                f"At most {MOST_WATCHED} resources can be watched at once.",
                hint="Unsubscribe from some, or open another session or stream.",
            )

    async def watch(self, uri: str, topic: Topic) -> None:
        """Watch a URI; again is once. Raises LimitExceeded, Unavailable."""
        if self._topics.get(uri) == topic:
            self._updates.begun(topic)
            return
        self.forget(uri)
        self.require_room()
        self._topics[uri] = topic
        try:
            await self._updates.add(topic, uri, self)
        except BaseException:
            self._topics.pop(uri, None)
            raise
        if self._topics.get(uri) != topic:  # forgotten or ended meanwhile
            self._updates.remove(topic, uri, self)

    def forget(self, uri: str) -> None:
        """Watch a URI no more."""
        topic = self._topics.pop(uri, None)
        self._changed.pop(uri, None)
        self._taken.pop(uri, None)
        self._numbers.pop(uri, None)
        if topic is not None:
            self._updates.remove(topic, uri, self)

    def end(self) -> None:
        """Let go of everything; whoever reads the mailbox stops."""
        for uri in self.uris:
            self.forget(uri)
        if self._lists_of is not None:
            self._updates.lists.remove(self._lists_of, self)
            self._lists_of = None
        self.ended = True
        self._stirred.set()

    @property
    def hears_lists(self) -> bool:
        """Whether it hears of lists that change."""
        return self._lists_of is not None

    def hear_lists(self, workspace_id: str, marks: Marks) -> None:
        """Hear when one of these lists is another one than now."""
        self._lists_of, self._marks = workspace_id, dict(marks)
        self._updates.lists.add(workspace_id, self)

    def stir_lists(self) -> None:
        """Lists may have changed."""
        self._lists_stirred = True
        self._stirred.set()

    async def changed_lists(self, marks_now: Callable[[], Awaitable[Marks]]) -> list[str]:
        """What has to be told of lists; it counts as told."""
        if not self._lists_stirred:
            return []
        async with self._updates.lists.turn:
            self._lists_stirred = False
            now = await marks_now()
        changed = [method for method, mark in self._marks.items() if now.get(method) != mark]
        self._marks.update((method, now[method]) for method in changed if method in now)
        self._lists_told.update(dict.fromkeys(changed, time.monotonic()))
        return changed

    def lists_untold(self, methods: Iterable[str]) -> None:
        """What was to be told of lists has perhaps not arrived."""
        self._marks.update(dict.fromkeys(methods, -1))
        self.stir_lists()

    def tell(self, uri: str) -> None:
        """A watched URI changed."""
        if uri in self._topics:
            self._changed[uri] = None
            self._stirred.set()

    def take(self) -> list[str]:
        """The URIs that changed since the last time."""
        taken, self._changed = list(self._changed), {}
        self._taken.update(dict.fromkeys(taken, time.monotonic()))
        return taken

    @property
    def is_read(self) -> bool:
        """Whether anybody reads it now."""
        return self._reading > 0

    def next_number(self) -> int:
        """The number of the event that is sent next."""
        self._number += 1
        return self._number

    def was_told(self, key: str) -> None:
        """The event sent last told of this URI or list."""
        self._numbers[key] = self._number

    def new_reader(self, after: int | None = None) -> int:
        """The number of a new reader. One counts at a time: an earlier one stops, and says `leave`. What that one took
        lately is to be told again, since its connection may have been broken; or, where the client knows the last event
        that it has, what was told after that."""
        lately = time.monotonic() - RETELL_SECONDS

        def may_be_missed(key: str, told_at: float) -> bool:
            return told_at > lately if after is None else self._numbers.get(key, self._number) > after

        missed = [uri for uri, taken_at in self._taken.items() if may_be_missed(uri, taken_at)]
        self._changed.update(dict.fromkeys(missed))
        untold = [method for method, told_at in self._lists_told.items() if may_be_missed(method, told_at)]
        if untold:
            self.lists_untold(untold)
        self._newest_reader += 1
        self._reading += 1
        self._stirred.set()
        return self._newest_reader

    def leave(self) -> None:
        """A reader has stopped."""
        self._reading -= 1

    def is_for(self, reader: int) -> bool:
        """Whether this reader is the one that counts."""
        return reader == self._newest_reader and not self.ended

    async def stirred(self, reader: int) -> None:
        """Return when something changed, or this reader has to stop."""
        while self.is_for(reader) and not self._changed and not self._lists_stirred:
            self._stirred.clear()
            await self._stirred.wait()
