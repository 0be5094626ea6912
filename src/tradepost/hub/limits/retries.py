"""How often a server may be asked once more: so that those who repeat do not keep down a server that is in trouble."""

from tradepost.hub.limits.settings import DEFAULTS

MOST_SAVED = 10.0


class RetryBudget:
    """Counts calls and repetitions, by server id. The first call of all may be repeated once; from then on a share
    of the calls, a tenth where nobody set another one."""

    def __init__(self) -> None:
        self._left: dict[str, float] = {}

    def called(self, key: str, share: float = DEFAULTS.retry_share) -> None:
        """A call began, which allows for a part of a repetition: none at all where the share is 0."""
        left = self._left.get(key, 1.0 - share)
        self._left[key] = min(left + share, MOST_SAVED) if share else 0.0

    def take(self, key: str) -> bool:
        """Whether one more repetition is allowed; it counts then."""
        left = self._left.get(key, 0.0)
        if left < 1.0 - 1e-9:
            return False
        self._left[key] = left - 1.0
        return True
