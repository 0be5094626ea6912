"""What the streams of sessions have sent, for a client that lost its connection and comes back with `Last-Event-ID`.

The id of an event names its stream and its place in it: `3-7` is the seventh of the session's third stream. Stream 0 is
the session's own (GET); it has no log, because what it tells is looked at anew (see updates). The log of an answer's
stream is kept while its call runs and for some minutes after, within bounds per session and in all: what was sent first
goes first.
"""

import asyncio
import re
import time
from collections import OrderedDict, deque
from collections.abc import Iterator

RETRY_MILLISECONDS = 1_000
KEEP_SECONDS = 300.0
MOST_STREAMS = 32  # of a session
MOST_SESSION_BYTES = 1024 * 1024
MOST_BYTES = 64 * 1024 * 1024

OWN_STREAM = 0
_ID = re.compile(r"(0|[1-9][0-9]{0,9})-(0|[1-9][0-9]{0,9})")


def parse_event_id(text: str) -> tuple[int, int] | None:
    """Stream and place of an event; None for an id that was never given."""
    found = _ID.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None


def written(stream: int, place: int, data: bytes) -> bytes:
    """An event as it goes out. The first one of a stream says how long to wait before coming back."""
    retry = b"retry: %d\n" % RETRY_MILLISECONDS if place == 1 else b""
    return b"%bid: %d-%d\ndata: %b\n\n" % (retry, stream, place, data)


class StreamLog:
    """The events of one answer's stream. `elsewhere` is set when the client came back for it: from then on they go out
    on that connection alone. `ended` with the answer itself."""

    def __init__(self, logs: "EventLogs", session_id: str, number: int) -> None:
        self.session_id = session_id
        self.number = number
        self.ended_at: float | None = None
        self.elsewhere = False
        self.size = 0
        self._logs = logs
        self._last = 0
        self._first_kept = 1
        self._kept: deque[bytes] = deque()
        self._reader = 0
        self._attached = 0
        self._stirred = asyncio.Event()

    @property
    def is_read(self) -> bool:
        """Whether a client that came back reads it now."""
        return self._attached > 0

    def add(self, data: bytes, *, last: bool = False) -> bytes:
        """Keep an event, give it as it goes out."""
        self._last += 1
        event = written(self.number, self._last, data)
        self._kept.append(event)
        self.size += len(event)
        if last:
            self.ended_at = time.monotonic()
        self._logs.grown(self, len(event))
        self._stirred.set()
        return event

    def has_all_after(self, place: int) -> bool:
        """Whether nothing that came after a place is missing."""
        return self._first_kept - 1 <= place <= self._last

    def after(self, place: int) -> Iterator[tuple[int, bytes]]:
        """The events after a place, with theirs."""
        first = self._first_kept
        return ((first + index, event) for index, event in enumerate(list(self._kept)) if first + index > place)

    def is_over(self, place: int) -> bool:
        """Whether nothing comes after a place any more."""
        return self.ended_at is not None and place >= self._last

    def shorten(self) -> int:
        """Forget the oldest event; its size."""
        size = len(self._kept.popleft())
        self._first_kept += 1
        self.size -= size
        return size

    def attach(self) -> int:
        """The number of a client that came back; an earlier one stops, and says `detach`."""
        self.elsewhere = True
        self._reader += 1
        self._attached += 1
        self._stirred.set()
        return self._reader

    def detach(self) -> None:
        """One that came back has left again."""
        self._attached -= 1

    def is_for(self, reader: int) -> bool:
        """Whether this reader is the one that counts."""
        return reader == self._reader

    async def stirred(self, reader: int, place: int) -> None:
        """Return when there is something after a place, or this reader has to stop."""
        while self.is_for(reader) and self._last <= place and self.ended_at is None:
            self._stirred.clear()
            await self._stirred.wait()


class EventLogs:
    """The logs of all sessions of a process."""

    def __init__(self) -> None:
        self._sessions: dict[str, OrderedDict[int, StreamLog]] = {}
        self._numbers: dict[str, int] = {}
        self._oldest: OrderedDict[tuple[str, int], StreamLog] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._oldest)

    def open(self, session_id: str) -> StreamLog:
        """The log of a new stream of a session."""
        self._forget_old()
        number = self._numbers[session_id] = self._numbers.get(session_id, 0) + 1
        streams = self._sessions.get(session_id, OrderedDict())
        while len(streams) >= MOST_STREAMS:
            self._drop(next(iter(streams.values())))
        log = self._sessions.setdefault(session_id, streams)[number] = StreamLog(self, session_id, number)
        self._oldest[(session_id, number)] = log
        return log

    def find(self, session_id: str, stream: int, place: int) -> StreamLog | None:
        """The log that goes on after an event; None where it is gone, or something after the event is."""
        self._forget_old()
        log = self._oldest.get((session_id, stream))
        return log if log is not None and log.has_all_after(place) else None

    def end(self, session_id: str) -> None:
        """The session is over."""
        for log in list(self._sessions.pop(session_id, {}).values()):
            self._drop(log)
        self._numbers.pop(session_id, None)

    def grown(self, log: StreamLog, size: int) -> None:
        """A log has become longer: make room."""
        if (log.session_id, log.number) not in self._oldest:
            log.shorten()  # of a session that is over, or pushed out: nobody comes back for it
            return
        self._size += size
        streams = self._sessions[log.session_id]
        excess = sum(one.size for one in streams.values()) - MOST_SESSION_BYTES
        for one in streams.values():
            while excess > 0 and one.size:
                freed = one.shorten()
                self._size -= freed
                excess -= freed
        while self._size > MOST_BYTES:
            self._drop(next(iter(self._oldest.values())))

    def _forget_old(self) -> None:
        """Drop what ended long ago; looked at from the oldest on, as far as they have ended."""
        long_ago = time.monotonic() - KEEP_SECONDS
        for log in list(self._oldest.values()):
            if log.ended_at is None or log.ended_at > long_ago:
                return
            self._drop(log)

    def _drop(self, log: StreamLog) -> None:
        if self._oldest.pop((log.session_id, log.number), None) is None:
            return
        self._size -= log.size
        streams = self._sessions.get(log.session_id)
        if streams is not None:
            streams.pop(log.number, None)
            if not streams:
                del self._sessions[log.session_id]
