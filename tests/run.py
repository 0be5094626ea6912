"""What the processes of one test run share: a directory, and what is made in it once, by whichever needs it first."""

from __future__ import annotations

import copyreg
import fcntl
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

T = TypeVar("T")

_ROOM = 4 * 2**30


def _read_only(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(values)


# A `Caller` has one, and callers are what tests know of a prepared workspace.
copyreg.pickle(MappingProxyType, lambda proxy: (_read_only, (dict(proxy),)))


def scratch(prefix: str) -> Path:
    """A new directory for databases that nobody keeps: in memory where the machine has room for them there."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= _ROOM
    # A short path: the name of a Unix socket may not be longer than about a hundred characters.
    return Path(tempfile.mkdtemp(prefix=prefix, dir=memory if roomy else None))


@dataclass(frozen=True)
class Run:
    """A directory that several processes work in; it exists, and whoever made it removes it."""

    directory: Path
    _known: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """One process at a time; the others wait. Whoever ends, however it does, lets the next one in."""
        with (self.directory / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` returned in the process that came first: it has to be something that can be pickled.

        Where making failed, the next that asks tries again, and finds what the failed attempt left behind.
        """
        if name not in self._known:
            kept = self.directory / f"{name}.made"
            with self.alone(name):
                if not kept.exists():
                    content = pickle.dumps(make())
                    unfinished = kept.with_suffix(".making")
                    unfinished.write_bytes(content)
                    unfinished.replace(kept)
                self._known[name] = pickle.loads(kept.read_bytes())
        made: T = self._known[name]
        return made


@contextmanager
def temporary_run() -> Iterator[Run]:
    """A run of its own, removed at the end."""
    directory = scratch("tp-run-")
    try:
        yield Run(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
