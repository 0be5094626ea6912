"""Numbers that were left out when the rows behind them were sealed: of transactions that are still open, or failed."""

import time
from collections.abc import Callable, Iterable
from itertools import islice

LATE_ROWS = 10_000  # as many are waited for; a restart looks at everything again
LATE_SECONDS = 15 * 60.0  # longer than any transaction stays open


class MissingNumbers:
    """What may still come late. A transaction that failed leaves its numbers out for good, so they are waited for a
    while only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[int, float] = {}  # oldest first

    def note(self, seen: int, numbers: Iterable[int]) -> None:
        """Numbers in order, behind the one that was seen before; whatever they leave out is missing. Of a long run it
        is the first ones that come next."""
        moment = self._clock()
        for number in numbers:
            for missing in range(seen + 1, min(number, seen + 1 + LATE_ROWS)):
                self._since[missing] = moment
            seen = number
        for oldest in list(islice(self._since, max(len(self._since) - LATE_ROWS, 0))):
            del self._since[oldest]

    def waited_for(self) -> list[int]:
        """Those that may still come."""
        given_up = self._clock() - LATE_SECONDS
        self._since = {number: since for number, since in self._since.items() if since > given_up}
        return list(self._since)

    def came(self, numbers: Iterable[int]) -> None:
        """These are there now."""
        for number in numbers:
            self._since.pop(number, None)
