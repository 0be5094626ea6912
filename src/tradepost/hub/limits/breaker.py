"""A breaker per server: one that failed several times in a row is left alone for a while, so that calls to it are
answered at once instead of waiting, and it is not kept down by those who want it back.

Within one event loop; a healthy server costs one dictionary look-up.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from tradepost.hub.limits.settings import DEFAULTS, Limits
from tradepost.protocol.upstream_errors import UpstreamFailed

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Trouble:
    """What is known of a server since its last success."""

    failures: int = 0
    times: int = 0  # how often it was given up; it is left alone while that is not 0
    since: float = 0.0
    probing: bool = False


class Breakers:
    """Who may be called, by server id. After `admit` each call ends with one of `succeeded`, `failed`, `left`, which
    are told what `admit` gave: whether the call is the one that tries a server again."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._trouble: dict[str, _Trouble] = {}

    def admit(self, key: str, name: str, limits: Limits = DEFAULTS) -> bool:
        """Let a call through. Raises UpstreamFailed, not dispatched, while the server is left alone; when that time is
        over, one call goes through to try it, and the others wait for what it finds."""
        trouble = self._trouble.get(key)
        if trouble is None or not trouble.times:
            return False
        rest = trouble.since + _seconds(trouble.times, limits) - self._now()
        if rest <= 0 and not trouble.probing:
            trouble.probing = True
            return True
        rest = max(rest, 1.0)
        raise UpstreamFailed(
            f"The server '{name}' failed {trouble.failures} times in a row and is not called now.",
            dispatched=False,
            hint=f"It is tried again in {rest:.0f} s. Call again then, or tell the person in charge.",
            retry_after_seconds=rest,
        )

    def left_alone(self) -> list[str]:
        """The keys that are not called now."""
        return [key for key, trouble in self._trouble.items() if trouble.times]

    def succeeded(self, key: str, name: str) -> None:
        """The server answered, whatever it said."""
        trouble = self._trouble.pop(key, None)
        if trouble is not None and trouble.times:
            _log.warning("the server '%s' answers again", name)

    def failed(self, key: str, name: str, *, trying: bool, limits: Limits = DEFAULTS) -> None:
        """The server was not reached, was silent, or gave something that is no answer."""
        trouble = self._trouble.setdefault(key, _Trouble())
        trouble.failures += 1
        if trouble.times and not trying:
            return  # one of those that were under way when it was given up
        if trying or trouble.failures >= limits.breaker_failures:
            trouble.times += 1
            trouble.since = self._now()
            trouble.probing = False
            _log.warning(
                "the server '%s' failed %d times in a row: not called for %.0f s",
                name,
                trouble.failures,
                _seconds(trouble.times, limits),
            )

    def left(self, key: str, *, trying: bool) -> None:
        """The call ended before the server could show anything."""
        trouble = self._trouble.get(key)
        if trouble is not None and trying:
            trouble.probing = False


def _seconds(times: int, limits: Limits) -> float:
    """How long a server is left alone that was given up so often in a row."""
    first = limits.breaker_seconds
    return min(first * 2.0 ** min(times - 1, 30), max(first, limits.breaker_most_seconds))
