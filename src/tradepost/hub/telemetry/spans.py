"""Spans on their way to a collector: a bounded line in memory and a thread that sends. No call ever waits for it; what
finds no room, or is not taken, is counted and lost."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import islice

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from tradepost.foundation.trouble import Trouble
from tradepost.hub.telemetry.collector import Attempts

MOST = 4_096  # spans that wait
BATCH = 512
PAUSE_SECONDS = 1.0
STOP_SECONDS = 5.0

_log = logging.getLogger(__name__)


class SpanSending(SpanProcessor):
    """`reason` says why the last attempt failed, `seconds` is what one may take."""

    def __init__(
        self,
        exporter: SpanExporter,
        reason: Callable[[], str],
        seconds: float,
        most: int = MOST,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self.lost = 0
        self._exporter = exporter
        self._reason = reason
        self._attempts = Attempts[SpanExportResult](seconds)
        self._most = most
        self._pause_seconds = pause_seconds
        self._waiting: deque[ReadableSpan] = deque()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_stopping = False
        self._trouble = Trouble(_log, "Traces are taken by the collector")
        self._lost_before = 0
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many spans wait."""
        return len(self._waiting)

    def on_end(self, span: ReadableSpan) -> None:
        """See SpanProcessor."""
        context = span.get_span_context()
        if context is None or not context.trace_flags.sampled:
            return
        with self._lock:
            if self._is_stopping or len(self._waiting) >= self._most:
                self.lost += 1
                return
            self._waiting.append(span)
            is_full = len(self._waiting) >= BATCH
        if is_full:
            self._wake.set()

    def shutdown(self) -> None:
        """Send what there is, a few seconds at most; nothing where the collector did not take the last ones."""
        self._is_stopping = True
        self._wake.set()
        self._thread.join(0 if self._trouble.is_there else STOP_SECONDS)
        self._exporter.shutdown()
        with self._lock:
            self.lost += len(self._waiting)
            self._waiting.clear()
        if self.lost:
            _log.warning("%d spans were lost in all.", self.lost)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """See SpanProcessor: they are sent within a second anyway."""
        return True

    def _run(self) -> None:
        while not self._is_stopping:
            self._wake.wait(self._pause_seconds)
            self._wake.clear()
            self._send()
        if not self._trouble.is_there:
            self._send()

    def _send(self) -> None:
        while self._waiting:
            batch = list(islice(self._waiting, BATCH))
            is_taken = self._attempts.within(partial(self._exporter.export, batch)) is SpanExportResult.SUCCESS
            with self._lock:
                ended = min(len(batch), len(self._waiting))  # none where they were given up meanwhile
                for _ in range(ended):
                    self._waiting.popleft()
                self.lost += 0 if is_taken else ended
            if not is_taken:
                self._trouble.failed(self._reason())
                return
            self._trouble.over(f"{self.lost - self._lost_before} spans were lost meanwhile.")
            self._lost_before = self.lost
