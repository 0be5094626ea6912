"""The process's own log: one record per event, on one line, whatever is in it. Where it cannot be written, work goes
on; what was lost is counted, and said when lines can be written again."""

import io
import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

Format = Literal["text", "json"]

# What a record has of its own; everything else came with `extra=`.
_OWN = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != 10} | {
    9: "\\t",
    13: "\\r",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


class TextFormatter(logging.Formatter):
    """Level, logger, message. Control characters are written out, so that nobody draws on a terminal or begins a line;
    a traceback follows on lines of its own, indented."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """See Formatter."""
        return super().format(record).translate(_CONTROL).replace("\n", "\n  ")


class JsonFormatter(logging.Formatter):
    """One JSON object per event."""

    def format(self, record: logging.LogRecord) -> str:
        """See Formatter."""
        shown: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        shown |= {name: value for name, value in record.__dict__.items() if name not in _OWN}
        if record.exc_info is not None and record.exc_info[0] is not None:
            shown["error"] = record.exc_info[0].__name__
            shown["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(shown, default=str)


class Lines(logging.Handler):
    """Writes each record at once, past Python's buffers: on a full disk nothing piles up in them, and half a line that
    was written is ended before the next one."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        try:
            self._file: int | None = stream.fileno()
        except (io.UnsupportedOperation, AttributeError):
            self._file = None  # a stand-in of Python's own
        self.lost = 0
        self._is_torn = False

    def emit(self, record: logging.LogRecord) -> None:
        """See Handler. Raises nothing."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 (a record that nobody can write must not end the work that it speaks of)
            line = f"ERROR {record.name} a record could not be formatted: {record.msg!r}"
        try:
            if self.lost:
                self._write(self.format(_gap(self.lost)))
                self.lost = 0
            self._write(line)
        except (OSError, ValueError):  # ValueError: the stream was closed
            self.lost += 1

    def _write(self, line: str) -> None:
        if self._file is None:
            self._stream.write(line + "\n")
            self._stream.flush()
            return
        rest = memoryview(("\n" * self._is_torn + line + "\n").encode("utf-8", "backslashreplace"))
        while rest:
            written = os.write(self._file, rest)
            rest, self._is_torn = rest[written:], True
        self._is_torn = False


def _gap(count: int) -> logging.LogRecord:
    words = "%d lines of this log before this one could not be written and are lost"
    return logging.LogRecord(__name__, logging.ERROR, __file__, 0, words, (count,), None)


def set_up(level: str, form: Format) -> None:
    """Log to stderr from now on."""
    handler = Lines(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler])
