"""The program as people start it: commands and serving processes of their own, on ports that are free.

A `Place` is where one Tradepost lives: its data folder, its databases and its port. Commands run in it to their end;
what serves is started in it and stopped by the test. Nothing waits for a fixed time: waiting ends with a condition or
with the end of the process.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import signal
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx2
import psycopg

from tests.program import Process, fork

ROOT = Path(__file__).parents[1]
PYTHON = sys.executable
START_SECONDS = 120.0
STOP_SECONDS = 30.0
COMMAND_SECONDS = 120.0
STEP_SECONDS = 0.05


def environment(**given: str) -> dict[str, str]:
    """This environment without settings of Tradepost, and with those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRADEPOST_")}
    kept["PYTHONPATH"] = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # else every process compiles the whole program anew
    return {**kept, **given}


def free_ports(count: int = 3) -> int:
    """The first of `count` neighboring ports that nobody uses: a demo has its tracker and its shop on
    the two ports after the hub's."""
    while True:
        first = 20_000 + secrets.randbelow(12_000)
        if all(_is_free(port) for port in range(first, first + count)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def answers(url: str) -> bool:
    """Whether something speaks HTTP there."""
    try:
        httpx2.get(url, timeout=5, trust_env=False)
    except httpx2.HTTPError:
        return False
    return True


@dataclass(frozen=True)
class Result:
    """What a command said and how it ended."""

    status: int
    out: str
    err: str

    def good(self) -> Self:
        assert self.status == 0, f"exit status {self.status}\n{self.out}\n{self.err}"
        return self

    def json(self) -> Any:
        return json.loads(self.good().out)

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.good().out.splitlines()]

    def refusal(self) -> str:
        """The one sentence of a command that could not do what was asked; fails the test on anything but that."""
        assert self.status == 1, f"exit status {self.status}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.out + self.err
        lines = self.err.strip().splitlines()
        assert lines, "nothing was said"
        assert lines[0].startswith("Error: "), self.err
        return self.err.strip()


class Command:
    """A command under way."""

    def __init__(self, arguments: list[str], env: Mapping[str, str]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tradepost-command-"))
        self.process = fork(arguments, env, ROOT, self._folder / "out", self._folder / "err")

    def result(self) -> Result:
        self.process.join(COMMAND_SECONDS)
        out, err = ((self._folder / name).read_text("utf-8") for name in ("out", "err"))
        assert self.process.exitcode is not None, f"it did not end in {COMMAND_SECONDS} s\n{out}\n{err}"
        shutil.rmtree(self._folder)
        return Result(self.process.exitcode, out, err)


class Serving:
    """A serving process and what it says. `log` has its output."""

    def __init__(self, process: Process, url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log
        log.touch()

    def wait_until(self, ready: Callable[[], bool], seconds: float = START_SECONDS) -> Self:
        """Wait for a condition that this process brings about. Fails the test when it ends before."""
        deadline = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < deadline, f"it did not happen in {seconds} s\n{self.said()}"
            self.process.join(STEP_SECONDS)
            assert self.process.exitcode is None, f"ended with {self.process.exitcode}\n{self.said()}"
        return self

    def wait_ready(self, path: str = "/ready") -> Self:
        return self.wait_until(lambda: _status(self.url + path) == 200)

    def wait_answering(self) -> Self:
        return self.wait_until(lambda: answers(self.url))

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal and wait for the end. Returns the exit status; does nothing when it has ended."""
        if self.process.exitcode is None and self.process.pid is not None:
            os.kill(self.process.pid, number)
            self.process.join(STOP_SECONDS)
            if self.process.exitcode is None:
                self.process.kill()
                self.process.join()
                raise AssertionError(f"it did not stop in {STOP_SECONDS} s\n{self.said()}")
        assert self.process.exitcode is not None
        return self.process.exitcode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop(signal.SIGTERM)


def _status(url: str) -> int | None:
    try:
        return httpx2.get(url, timeout=5, trust_env=False).status_code
    except httpx2.HTTPError:
        return None


@dataclass
class Place:
    """One Tradepost: its data folder, its port, its databases (SQLite in the folder when none are named)."""

    data: Path
    port: int = field(default_factory=free_ports)
    databases: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        return environment(TRADEPOST_DATA=str(self.data), TRADEPOST_PORT=str(self.port), **self.databases)

    def begin(self, *arguments: object, env: Mapping[str, str] | None = None) -> Command:
        """Start a command."""
        return Command([str(argument) for argument in arguments], {**self.env, **(env or {})})

    def run(self, *arguments: object, env: Mapping[str, str] | None = None) -> Result:
        """Run a command to its end."""
        return self.begin(*arguments, env=env).result()

    def ask(self, *arguments: object) -> Any:
        """What a command answers as JSON."""
        return self.run(*arguments, "--json").json()

    def start(self, *arguments: object, env: Mapping[str, str] | None = None) -> Serving:
        """Start something that serves on this place's port."""
        log = self.data.with_name(f"{self.data.name}.log")
        process = fork([str(argument) for argument in arguments], {**self.env, **(env or {})}, ROOT, log, log)
        return Serving(process, self.url, log)

    def query(self, statement: str) -> Any:
        """The first value that a statement gives on the hub's database itself, beside Tradepost."""
        url = self.databases.get("TRADEPOST_HUB_URL")
        if url is None:
            with closing(sqlite3.connect(self.data / "hub.db", timeout=15, isolation_level=None)) as connection:
                row = connection.execute(statement).fetchone()
        else:
            with psycopg.connect(url, autocommit=True) as connection:
                cursor = connection.execute(statement.encode())
                row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def pause(self) -> None:
        """Give the others a moment between two looks at the same thing."""
        select.select([], [], [], STEP_SECONDS)

    def key(self, agent: str, workspace: str = "demo") -> str:
        """A key that the demo kept."""
        return str(json.loads((self.data / "keys.json").read_text("utf-8"))[f"{workspace}/{agent}"])
