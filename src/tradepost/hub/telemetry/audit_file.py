"""The audit as JSON lines in files of a folder: audit-00000001.jsonl, audit-00000002.jsonl, …

A group of rows is on the disk (fsync) before it counts as written. After a crash the newest files say what is in them;
half a line at their end is cut off and written anew. One process writes at a time, which holds a lock on the folder.
"""

import fcntl
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import orjson

from tradepost.hub.audit.written_out import json_line
from tradepost.hub.telemetry.stream import Streamed

_NAMED = re.compile(r"audit-(\d{8})\.jsonl")
_LOOKED_AT = 2  # the newest ones: what is in older ones was noted in the database before they were left


class AuditFiles:
    """A sink (stream.Sink). A file that has `most_bytes` is followed by the next one; nobody deletes any."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.name = f"file:{folder.resolve()}"
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock: BinaryIO | None = None
        self._file: BinaryIO | None = None
        self._number = 0

    def open(self) -> Mapping[str, int] | None:
        """See Sink."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (self._folder / ".lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        self._lock = lock
        numbers = sorted(int(found[1]) for path in self._folder.iterdir() if (found := _NAMED.fullmatch(path.name)))
        has: dict[str, int] = {}
        for number in numbers[-_LOOKED_AT:]:
            _read(self._path(number), has)
        self._go_on_with(numbers[-1] if numbers else 1)
        return has

    def write(self, rows: Sequence[Streamed]) -> None:
        """See Sink."""
        if self._file is None:
            raise RuntimeError("These files are not open.")
        if self._file.tell() >= self._most_bytes:
            self._go_on_with(self._number + 1)
        file, before = self._file, self._file.tell()
        try:
            file.write(b"".join(json_line(one.row) for one in rows))
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            self._go_on_with(self._number)  # without what its buffer still holds
            os.truncate(self._path(self._number), before)
            self._go_on_with(self._number)
            raise

    def close(self) -> None:
        """See Sink."""
        for file in (self._file, self._lock):
            if file is not None:
                file.close()
        self._file = self._lock = None

    def _go_on_with(self, number: int) -> None:
        if self._file is not None:
            _let_go(self._file)
        path = self._path(number)
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb", buffering=0)
        self._file.seek(0, os.SEEK_END)
        self._number = number
        folder = os.open(self._folder, os.O_RDONLY)  # so that the name of a new file outlives a crash, too
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _path(self, number: int) -> Path:
        return self._folder / f"audit-{number:08}.jsonl"


def _let_go(file: BinaryIO) -> None:
    file.close()


def _read(path: Path, has: dict[str, int]) -> None:
    """Note how far each workspace is in a file, and cut off half a line at its end."""
    whole = 0
    with path.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            row = orjson.loads(line)
            workspace_id, position = row["workspace_id"], int(row["position"])
            has[workspace_id] = max(has.get(workspace_id, 0), position)
            whole += len(line)
    if whole < path.stat().st_size:
        os.truncate(path, whole)
