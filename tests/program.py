"""The program in processes that need not load it again: forked from one that has it loaded, they are ready at once.

Everything else is as if `python -m tradepost` had been started: own environment, streams and signals, own exit status.
What speaks MCP on its own stdin and stdout is started for real by the tests that need it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock
from typing import Protocol

import aiosqlite  # noqa: F401
import anyio.streams.tls  # noqa: F401
import httpcore2  # noqa: F401
import uvloop  # noqa: F401

import tradepost.api.front
import tradepost.cli.access
import tradepost.cli.agents
import tradepost.cli.approvals
import tradepost.cli.audit
import tradepost.cli.calling
import tradepost.cli.chatting
import tradepost.cli.configuration
import tradepost.cli.conversations
import tradepost.cli.databases
import tradepost.cli.demo
import tradepost.cli.evals
import tradepost.cli.keys
import tradepost.cli.servers
import tradepost.cli.serving
import tradepost.cli.stores
import tradepost.cli.vault
import tradepost.commerce.outbound.relay
import tradepost.commerce.servers  # noqa: F401 (loaded before the fork)
from tests.forking import context
from tradepost.cli import main


class Process(Protocol):
    """A process under way: as multiprocessing says it."""

    @property
    def pid(self) -> int | None: ...

    @property
    def exitcode(self) -> int | None: ...

    def join(self, timeout: float | None = None) -> None: ...

    def kill(self) -> None: ...


class Foreign:
    """A process of another program."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as stream:
            self._popen = subprocess.Popen(
                command, env=dict(env), stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exitcode(self) -> int | None:
        return self._popen.poll()

    def join(self, timeout: float | None = None) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout)

    def kill(self) -> None:
        self._popen.kill()


class Forked:
    """A process of this one. Starting a process also collects those that ended, and a status can be read only once: two
    threads that do so at the same moment would lose it."""

    _collecting = Lock()

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        with self._collecting:
            process.start()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def exitcode(self) -> int | None:
        with self._collecting:
            return self._process.exitcode

    def join(self, timeout: float | None = None) -> None:
        wait([self._process.sentinel], timeout)

    def kill(self) -> None:
        self._process.kill()


def fork(arguments: Sequence[str], env: Mapping[str, str], cwd: Path, out: Path, err: Path) -> Process:
    """Start the program. What it says is appended to the files."""
    return Forked(context.Process(target=_run, args=(tuple(arguments), dict(env), str(cwd), str(out), str(err))))


def _run(arguments: tuple[str, ...], env: dict[str, str], cwd: str, out: str, err: str) -> None:
    os.setsid()  # Ctrl-C in the terminal of the tests is for the tests
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for number, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (until the process ends)
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["tradepost", *arguments]
    main()
