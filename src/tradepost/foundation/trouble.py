"""Saying once that something in the background fails, and once that it goes on: not with every attempt."""

import logging
from time import monotonic


class Trouble:
    """`what` is what does not happen meanwhile, for example "The audit is passed on to files"."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._since: float | None = None

    @property
    def is_there(self) -> bool:
        """Whether the last attempt failed."""
        return self._since is not None

    def failed(self, reason: object) -> None:
        """An attempt failed. The first one is said, with its reason."""
        if self._since is None:
            self._since = monotonic()
            self._log.error("%s no more for now: %s. It is tried again and again.", self._what, reason)

    def over(self, left: str = "") -> None:
        """An attempt was good. `left` says what became of what came meanwhile."""
        if self._since is not None:
            seconds, self._since = monotonic() - self._since, None
            self._log.warning("%s again, after %.0f seconds.%s", self._what, seconds, left and f" {left}")
