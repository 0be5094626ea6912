"""How often a server may be asked once more: so that those who repeat do not keep down a server that is in trouble."""

SHARE = 0.1  # of the calls
MOST_PER_CALL = 2
MOST_SAVED = 10.0


class RetryBudget:
    """Counts calls and repetitions, by server id. The first call of all may be repeated once; from then on a tenth."""

    def __init__(self) -> None:
        self._left: dict[str, float] = {}

    def called(self, key: str) -> None:
        """A call began, which allows for a part of a repetition."""
        self._left[key] = min(self._left.get(key, 1.0 - SHARE) + SHARE, MOST_SAVED)

    def take(self, key: str) -> bool:
        """Whether one more repetition is allowed; it counts then."""
        left = self._left.get(key, 0.0)
        if left < 1.0 - 1e-9:
            return False
        self._left[key] = left - 1.0
        return True
