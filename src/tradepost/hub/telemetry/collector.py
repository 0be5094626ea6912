"""Requests to a collector: what it said last, in a few words. OpenTelemetry's own exporters tell that to the log alone,
once per attempt, so their log is muted and we say it once (foundation/trouble.py)."""

import logging
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import requests

T = TypeVar("T")

_THEIRS = "opentelemetry.exporter.otlp.proto.http"


class Asking(requests.Session):
    """A session that remembers how its last request ended."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._said = "nothing was asked yet"
        for signal in ("trace_exporter", "_log_exporter"):
            logging.getLogger(f"{_THEIRS}.{signal}").setLevel(logging.CRITICAL)

    def said(self) -> str:
        """How the last request ended."""
        return self._said

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        """See Session."""
        self._said = f"no answer within {self._seconds:.0f} s"
        try:
            answer = super().request(*arguments, **options)
        except requests.RequestException as error:
            self._said = f"it cannot be reached ({type(error).__name__})"
            raise
        self._said = f"it answered {answer.status_code}"
        return answer


class Attempts(Generic[T]):
    """One attempt at a time, each with an end: an exporter's own timeout is one between two bytes, so a collector that
    drips could hold a thread for good. Then it is one that nobody waits for, and there is never a second one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds + min(1.0, seconds)  # its own timeout comes first
        self._thread: threading.Thread | None = None

    def within(self, work: Callable[[], T]) -> T | None:
        """What came of it; None where it is not over in time, or the one before is not."""
        if self._thread is not None and self._thread.is_alive():
            return None
        ended: list[T] = []
        self._thread = threading.Thread(target=lambda: ended.append(work()), name="to a collector", daemon=True)
        self._thread.start()
        self._thread.join(self._seconds)
        return ended[0] if ended else None
