"""The process's own log: one record per event, on one line, whatever is in it."""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any, Literal

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


def set_up(level: str, form: Format) -> None:
    """Log to stderr from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler])
