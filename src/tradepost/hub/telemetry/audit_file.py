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
    """A sink (stream.Sink). A file that has `most_bytes` is followed by the next one, and so is one that somebody moved
    or deleted; nobody here deletes any."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.name = f"file:{folder.resolve()}"
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock: BinaryIO | None = None
        self._file: int | None = None
        self._number = 0
        self._good = 0  # bytes of the newest file that are whole lines, and on the disk

    def open(self) -> Mapping[str, int] | None:
        """See Sink."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (self._folder / ".lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        try:
            has = self._look()
        except BaseException:
            lock.close()  # else nobody could begin, not even this process
            raise
        self._lock = lock
        return has

    def _look(self) -> Mapping[str, int]:
        numbers = sorted(int(found[1]) for path in self._folder.iterdir() if (found := _NAMED.fullmatch(path.name)))
        has: dict[str, int] = {}
        for number in numbers[-_LOOKED_AT:]:
            self._good = _read(self._path(number), has)
        self._number = numbers[-1] if numbers else 1
        return has

    def write(self, rows: Sequence[Streamed]) -> None:
        """See Sink."""
        if self._lock is None:
            raise RuntimeError("These files are not open.")
        try:
            if self._good >= self._most_bytes or not self._is_there():
                self._leave()
                self._number, self._good = self._number + 1, 0
            file = self._opened() if self._file is None else self._file
            data = memoryview(b"".join(json_line(one.row) for one in rows))
            rest = data
            while rest:  # a disk that fills up takes a part first
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        except OSError:
            self._leave()  # what it has beyond its good part is cut off before anything is added
            raise
        self._good += len(data)

    def close(self) -> None:
        """See Sink."""
        self._leave()
        if self._lock is not None:
            self._lock.close()
        self._lock = None

    def _is_there(self) -> bool:
        """Whether the newest file is still the one that is written to."""
        if self._file is None:
            return self._good == 0 or self._path(self._number).exists()
        try:
            return os.path.samestat(os.stat(self._path(self._number)), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def _opened(self) -> int:
        path = self._path(self._number)
        self._file = file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if os.fstat(file).st_size > self._good:
            os.ftruncate(file, self._good)
        folder = os.open(self._folder, os.O_RDONLY)  # so that the name of a new file outlives a crash, too
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return file

    def _leave(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _path(self, number: int) -> Path:
        return self._folder / f"audit-{number:08}.jsonl"


def _read(path: Path, has: dict[str, int]) -> int:
    """Note how far each workspace is in a file, and cut off half a line at its end. Returns how many bytes it has.
    Raises OSError for what is no audit row."""
    whole = 0
    with path.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            try:
                row = orjson.loads(line)
                workspace_id, position = row["workspace_id"], int(row["position"])
            except (ValueError, KeyError, TypeError) as error:
                raise OSError(f"{path}, byte {whole}: this is no audit row; move the file away") from error
            has[workspace_id] = max(has.get(workspace_id, 0), position)
            whole += len(line)
    if whole < path.stat().st_size:
        os.truncate(path, whole)
    return whole
