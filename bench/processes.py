"""Processes that serve on a port of this machine, and what they have used."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

START_SECONDS = 60.0
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.01
ROOT = Path(__file__).resolve().parents[1]
SOURCES = os.pathsep.join((str(ROOT / "src"), str(ROOT)))


def environment(**given: str) -> dict[str, str]:
    """This environment for a process to measure, without settings of Tradepost but those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRADEPOST_", "PYTHON"))}
    return {**kept, **given}


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(command: list[str], is_up: Callable[[], bool], **settings: str) -> Iterator[int]:
    """A process that is up; its id. It is ended by force when it does not go by itself."""
    with tempfile.TemporaryFile() as said:
        env = environment(PYTHONPATH=SOURCES, **settings)
        process = subprocess.Popen(command, stdout=said, stderr=said, env=env)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not is_up():
                if process.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    raise RuntimeError(f"this did not start: {' '.join(command)}\n{said.read().decode()}")
                time.sleep(LOOK_SECONDS)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def running_hub(data: Path, port: int, **settings: str) -> Iterator[int]:
    """The hub of a data folder, as `tradepost serve` starts it, ready. It may reach servers on this machine."""
    command = [sys.executable, "-m", "tradepost", "serve", "--data", str(data), "--port", str(port)]
    given = {"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8", **settings}
    with running(command, lambda: answers(port, "/ready"), **given) as pid:
        yield pid


def answers(port: int, path: str) -> bool:
    """Whether a GET of the path is answered with 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(request.encode())
            return connection.recv(100).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def cpu_seconds(pid: int) -> float:
    """What a process and its children have used."""
    return float(sum(sum(process.cpu_times()[:2]) for process in _tree(pid)))


def resident_mib(pid: int) -> float:
    """The memory that a process and its children hold."""
    return float(sum(process.memory_info().rss for process in _tree(pid)) / 2**20)


def _tree(pid: int) -> list[psutil.Process]:
    top = psutil.Process(pid)
    return [top, *top.children(recursive=True)]
