"""Counting uses against a limit that holds for all processes together, without asking anybody for most of them.

A meter counts for each key (an agent, an address, a tool) in windows. The first few uses of a window are free of any
question; from then on the process takes shares of the window from the database, small ones at first, and the next one
before the last is spent. A use that is covered costs one look-up and one subtraction. Nothing here looks at a clock:
a window ends with a timer, which no set clock moves.

How far off the limit can be: every process may have used the free ones without saying so (`free` of the limit), and may
hold a share that it does not spend (at most a 25th, less towards the end). Where the database does not answer, a
process counts for itself: then the limit holds per process.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import ceil

from tradepost.database.windows import Ask
from tradepost.foundation.errors import RateLimited
from tradepost.hub.limits.shares import Answer, Shares

MOST_KEPT = 20_000
PATIENCE_SECONDS = 1.0  # with a database that does not answer
DAY_SECONDS = 86_400
_FIRST, _LARGEST, _OF_THE_REST = 200, 25, 8  # a share is one 200th of the limit at first, up to so much

Key = tuple[str, str]  # workspace ("*" for none), and who


@dataclass(frozen=True, slots=True)
class Policy:
    """What a meter counts. `name` stands in headers, `what` in messages ("calls of this tool"), `seconds` is the length
    of a window, `free` the part of the limit that a process uses without a question. A day is a calendar day in UTC."""

    name: str
    what: str
    seconds: int = 60
    free: float = 0.01
    most_kept: int = MOST_KEPT

    @property
    def is_aligned(self) -> bool:
        return self.seconds >= DAY_SECONDS


class _Window:
    """What this process knows of one key's window. `left` and then `spare` can be spent; `owed` was spent without
    having been given, or, negative, was given and is to be put back; `closed` means that the database has no more."""

    __slots__ = (
        "answer",
        "closed",
        "ends_at",
        "left",
        "limit",
        "line",
        "owed",
        "own",
        "rest",
        "size",
        "spare",
        "started_ms",
        "timer",
    )

    def __init__(self, limit: int, free: int) -> None:
        self.limit = limit
        self.left = self.owed = free
        self.spare = 0
        self.own = 0  # what the process gave itself
        self.size = max(1, limit // _FIRST)
        self.closed = False
        self.answer: Answer | None = None
        self.started_ms = 0
        self.ends_at = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.rest = limit  # of the window, for all, as the last share left it
        self.line = b""  # what headers say of it, once somebody asks


class Meter:
    """One for each policy."""

    def __init__(self, shares: Shares, policy: Policy) -> None:
        self.policy = policy
        self._shares = shares
        self._windows: dict[Key, _Window] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, key: Key, limit: int) -> Awaitable[None] | None:
        """Count one use of a key that has this limit; to be waited for where it is not known at once. Raises
        RateLimited."""
        window = self._windows.get(key)
        if window is not None and window.left and window.limit == limit:
            window.left -= 1
            return None
        return self._take_more(key, limit)

    def is_closed(self, key: Key, limit: int) -> bool:
        """Whether a use would be refused, as far as this process knows."""
        window = self._windows.get(key)
        return window is not None and window.closed and not window.left and not window.spare and window.limit == limit

    def refusal(self, key: Key, limit: int) -> RateLimited:
        """The error for a key whose window is closed."""
        window = self._windows.get(key)
        seconds = self.policy.seconds if window is None else window.ends_at - asyncio.get_running_loop().time()
        rest = max(1, ceil(seconds))
        length = "a day" if self.policy.is_aligned else f"{self.policy.seconds} s"
        return RateLimited(
            f"Too many {self.policy.what}: {limit} in {length} are allowed.",
            hint=f"Wait {rest} s and call again. An admin sees the limits with `tradepost limits show`.",
            retry_after_seconds=rest,
            details={"policy": self.policy.name, "limit": limit, "window_seconds": self.policy.seconds},
        )

    def line(self, key: Key) -> bytes:
        """The headers that tell of a key's limit, as lines; b"" where nothing was counted. They are as old as the last
        share."""
        window = self._windows.get(key)
        if window is None:
            return b""
        if not window.line:
            window.line = _line(self.policy, window)
        return window.line

    def _take_more(self, key: Key, limit: int) -> Awaitable[None] | None:
        window = self._windows.get(key)
        if window is None:
            window = self._open(key, limit)
        elif window.limit != limit:
            _relimit(window, limit)
        if not window.left and window.spare:
            window.left, window.spare = window.spare, 0
            if not window.closed:
                self._ask(key, window)
        if window.left:
            window.left -= 1
            return None
        if window.closed:
            raise self.refusal(key, limit)
        return self._wait(key, window)

    async def _wait(self, key: Key, window: _Window) -> None:
        while True:
            answer = self._ask(key, window)
            await asyncio.wait((answer,), timeout=PATIENCE_SECONDS)
            if self._windows.get(key) is not window:  # it ended meanwhile
                again = self.take(key, window.limit)
                if again is not None:
                    await again
                return
            if not window.left and window.spare:
                window.left, window.spare = window.spare, 0
            if not window.left and not window.closed and _came_to_nothing(answer):
                _help_itself(window)
            if window.left:
                window.left -= 1
                return
            if window.closed:
                raise self.refusal(key, window.limit)

    def _open(self, key: Key, limit: int) -> _Window:
        if len(self._windows) >= self.policy.most_kept:
            # The oldest, some at once: what was deleted before them is passed over each time. What was taken for them
            # is in the database.
            for oldest in list(islice(self._windows, 1 + self.policy.most_kept // 100)):
                self._close(oldest)
        window = self._windows[key] = _Window(limit, int(limit * self.policy.free))
        _split(window)
        self._end_in(key, window, float(self.policy.seconds))
        return window

    def _ask(self, key: Key, window: _Window) -> Answer:
        """The answer that is under way, or a new question."""
        if window.answer is None:
            asked = self._asked(key, window)
            window.answer = self._shares.ask(asked)
            window.answer.add_done_callback(partial(self._answered, key, window, asked))
        return window.answer

    def _asked(self, key: Key, window: _Window) -> Ask:
        policy = self.policy
        return Ask(
            workspace_id=key[0],
            id=f"{policy.name}/{key[1]}",
            length_ms=policy.seconds * 1_000,
            capacity=window.limit,
            wanted=window.owed + window.size if window.owed >= 0 else window.owed,
            aligned=policy.is_aligned,
            known_ms=window.started_ms,
        )

    def _answered(self, key: Key, window: _Window, asked: Ask, answer: Answer) -> None:
        window.answer = None
        if answer.cancelled() or answer.exception() is not None or self._windows.get(key) is not window:
            return
        share = answer.result()
        window.owed -= share.given
        if window.owed < 0:
            window.left, window.owed = window.left - window.owed, 0
        if asked.capacity != window.limit:  # it was changed meanwhile: what came is put back, and asked for anew
            _relimit(window, window.limit)
            return
        window.closed = share.given < asked.wanted
        window.started_ms = share.started_ms
        rest = window.limit - share.taken
        window.size = max(
            1, window.limit // _FIRST, min(window.size * 2, window.limit // _LARGEST, rest // _OF_THE_REST)
        )
        _split(window)
        if share.rest_ms > 0:
            self._end_in(key, window, share.rest_ms / 1_000)
        window.rest, window.line = rest + window.left + window.spare, b""

    def _end_in(self, key: Key, window: _Window, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if window.timer is not None:
            window.timer.cancel()
        window.ends_at = loop.time() + seconds
        window.timer = loop.call_at(window.ends_at, self._close, key)

    def _close(self, key: Key) -> None:
        window = self._windows.pop(key, None)
        if window is not None and window.timer is not None:
            window.timer.cancel()


def _line(policy: Policy, window: _Window) -> bytes:
    return (
        f'ratelimit-policy: "{policy.name}";q={window.limit};w={policy.seconds}\r\n'
        f'ratelimit: "{policy.name}";r={max(0, min(window.rest, window.limit))}\r\n'
    ).encode()


def _came_to_nothing(answer: Answer) -> bool:
    return not answer.done() or answer.cancelled() or answer.exception() is not None


def _split(window: _Window) -> None:
    """Keep a quarter for the time that the next question takes."""
    both = window.left + window.spare
    window.spare = both // 4
    window.left = both - window.spare


def _relimit(window: _Window, limit: int) -> None:
    """Another limit holds from now on: what was not spent is put back with the next question."""
    window.owed -= window.left + window.spare
    window.left = window.spare = 0
    window.limit, window.closed = limit, False
    window.rest, window.line = limit, b""
    window.size = max(1, limit // _FIRST)


def _help_itself(window: _Window) -> None:
    """The database does not answer: go on alone, up to the limit."""
    some = min(window.size, window.limit - window.own)
    if some <= 0:
        window.closed = True
        return
    window.own += some
    window.owed += some
    window.left += some
