"""A program in a terminal of its own: some ask a person for something only there."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

SECONDS = 60.0
_CODES = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z]|\][^\x07]*\x07)")


class Terminal:
    """Starts the program; what it says is in `said`, without colors."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self._own, inner = pty.openpty()
        self._process = subprocess.Popen(
            command, env=dict(env), cwd=folder, stdin=inner, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)
        self.said = ""
        self._read = 0

    def wait_for(self, pattern: str) -> str:
        """What it says next that fits the pattern."""
        deadline = time.monotonic() + SECONDS
        while (found := re.compile(pattern).search(self.said, self._read)) is None:
            assert time.monotonic() < deadline, f"it did not say so\n{self.said}"
            assert self._hear() or self._process.poll() is None, self.said
        self._read = found.end()
        return found[0]

    def end(self) -> int:
        """Its exit status, once it has ended by itself."""
        deadline = time.monotonic() + SECONDS
        while self._process.poll() is None:
            assert time.monotonic() < deadline, f"it did not end\n{self.said}"
            self._hear()
        while self._hear():
            pass
        return self._process.returncode

    def _hear(self) -> bool:
        if not select.select([self._own], [], [], 0.05)[0]:
            return False
        try:
            heard = os.read(self._own, 65_536)
        except OSError:  # the other end is closed
            return False
        self.said += _CODES.sub("", heard.decode("utf-8", "replace"))
        return bool(heard)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._own)
