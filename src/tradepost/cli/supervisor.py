"""Keeps so many processes serving one port: starts them, starts another one where one dies, and ends them all.

They are forked from this process, which has the program loaded and nothing else: no event loop, no thread, no
connection to a database. Each holds one end of a pipe whose other end only this process has, so that they end with it
even when it is killed.
"""

import gc
import logging
import os
import secrets
import select
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from tradepost.cli import console, local
from tradepost.cli.session import run
from tradepost.cli.web import GRACE_SECONDS, share_port, take_port, warn_of_clear_text
from tradepost.cli.worker import READY, serve_worker
from tradepost.foundation.errors import SetupError
from tradepost.protocol.peers import NAME_CHARACTERS, Peers
from tradepost.settings import Settings

STOP_SECONDS = GRACE_SECONDS * 4.0  # answers, writes, streams: then they are killed
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
WELL_SECONDS = 10.0  # whoever lived so long did not fail at its start
# What a hub alone loads behind its start. Here each process would load it for itself.
LOADED_BEHIND = ("tradepost.commerce.servers", "tradepost.commerce.outbound.relay", "tradepost.api.front")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Worker:
    """One of the processes; whoever comes after one that died takes its place. `ready` is the pipe on which it says
    that it serves; `due` is when the next one begins, while there is none."""

    place: int
    pid: int = 0
    began: float = 0.0
    ready: int = -1
    serves: bool = False
    due: float = 0.0
    failures: int = 0

    def status(self) -> int | None:
        """The exit status of the process when it has ended since the last look, negative for a signal."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        self.pid = 0
        return os.waitstatus_to_exitcode(status)


class Supervisor:
    """The processes of one port."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = Path()
        self._secret = secrets.token_hex(32)
        self._workers = [_Worker(place) for place in range(settings.workers)]
        self._woken, self._wake = os.pipe()
        self._held, self._lifeline = os.pipe()
        self._stopping = False

    def run(self) -> int:
        """Serve until SIGINT or SIGTERM. The exit status. Raises SetupError."""
        if not hasattr(os, "fork"):
            raise SetupError("Several workers need a system that can fork.", hint="Serve with one: --workers 1.")
        take_port(self._settings.host, self._settings.port).close()  # else a second hub would share it unnoticed
        reserved = share_port(self._settings.host, self._settings.port)
        warn_of_clear_text(self._settings)
        self._folder = Path(tempfile.mkdtemp(prefix="tradepost-"))
        self._listen_to_signals()
        for late in LOADED_BEHIND:
            import_module(late)
        gc.freeze()  # so that what is loaded stays shared
        try:
            status = self._start_first()
            if status is not None:
                return status
            local.write_running(self._settings.data, self._settings.url)
            console.say(f"The hub serves {self._settings.url}/mcp with {len(self._workers)} workers. Ctrl-C stops it.")
            self._keep()
            return 0
        finally:
            self._end_all()
            reserved.close()
            local.clear_running(self._settings.data)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _start_first(self) -> int | None:
        """Start one alone: it brings the registry to this release and makes the key file. Its exit status when it did
        not come that far."""
        first = self._workers[0]
        self._start(first, is_first=True)
        while not self._stopping:
            self._wait(None)
            if first.serves:
                return None
            if (status := first.status()) is not None:
                return abs(status) or 1
        return 0

    def _keep(self) -> None:
        while not self._stopping:
            now = time.monotonic()
            for worker in self._workers:
                if worker.pid and (status := worker.status()) is not None:
                    self._mourn(worker, status, now)
                if not worker.pid and worker.due <= now:
                    self._start(worker)
            waiting = [worker.due - now for worker in self._workers if not worker.pid]
            self._wait(max(0.0, min(waiting)) if waiting else None)

    def _mourn(self, worker: _Worker, status: int, now: float) -> None:
        lived = now - worker.began
        worker.failures = 0 if lived >= WELL_SECONDS else worker.failures + 1
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (worker.failures - 1), LONGEST_PAUSE_SECONDS) if worker.failures else 0.0
        worker.due = now + pause
        _log.error("a worker ended with %d after %.1f s: another one begins in %.1f s", status, lived, pause)

    def _start(self, worker: _Worker, *, is_first: bool = False) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        ready, tell = os.pipe()
        name = secrets.token_hex(NAME_CHARACTERS // 2)
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # else the child might take one with our handlers: in vain
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            peers = Peers(name, self._folder, self._secret, worker.place, len(self._workers))
            os._exit(self._be_worker(peers, tell, is_first))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(tell)
        worker.pid, worker.began, worker.ready, worker.serves = pid, time.monotonic(), ready, False

    def _be_worker(self, peers: Peers, tell: int, is_first: bool) -> int:
        signal.set_wakeup_fd(-1)
        for number in (*_SIGNALS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        others = [worker.ready for worker in self._workers if worker.ready >= 0]
        for descriptor in (self._lifeline, self._woken, self._wake, *others):
            os.close(descriptor)
        try:
            run(lambda: serve_worker(self._settings, peers, self._held, tell, is_first=is_first))
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else 1
        except BaseException:  # noqa: BLE001 (a forked process must not go on in its parent's place)
            _log.exception("a worker failed")
            return 1
        finally:
            with suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
        return 0

    def _end_all(self) -> None:
        self._tell_all(signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        while self._count() and (left := until - time.monotonic()) > 0:
            self._wait(left)
        self._tell_all(signal.SIGKILL)
        while self._count():
            self._wait(None)
        os.close(self._lifeline)

    def _count(self) -> int:
        """How many have not ended."""
        return sum(1 for worker in self._workers if worker.pid and worker.status() is None)

    def _tell_all(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.pid:  # not yet waited for: nobody else can have this number
                os.kill(worker.pid, number)

    def _listen_to_signals(self) -> None:
        os.set_blocking(self._wake, False)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in _SIGNALS:
            signal.signal(number, self._on_stop)

    def _on_stop(self, *_: object) -> None:
        self._stopping = True

    def _wait(self, seconds: float | None) -> None:
        """Return at a signal, when a worker is ready or has ended, or after so many seconds."""
        starting = {worker.ready: worker for worker in self._workers if worker.ready >= 0}
        found, _, _ = select.select([self._woken, *starting], [], [], seconds)
        for descriptor in found:
            if descriptor == self._woken:
                os.read(self._woken, 1024)
                continue
            worker = starting[descriptor]
            worker.serves = os.read(descriptor, 1) == READY
            worker.ready = -1
            os.close(descriptor)
