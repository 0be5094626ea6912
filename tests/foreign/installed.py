"""Servers and programs that nobody here wrote, in exact versions: installed once, outside the checkout, from npm and
PyPI."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.processes import PYTHON

HERE = Path(__file__).parent
PACKAGE_FILES = ("package.json", "package-lock.json")
CACHE = Path(os.environ.get("TRADEPOST_FOREIGN_CACHE", Path(tempfile.gettempdir()) / "tradepost-foreign"))
TIME = ("mcp-server-time==2026.10.19", "mcp==2.3.0")
SECONDS = 600


@dataclass(frozen=True)
class Installed:
    """`node` is the program that runs the scripts; `time` is a program of its own, `oidc_provider` a module."""

    node: str
    everything: str
    memory: str
    time: str
    oidc_provider: str


@dataclass(frozen=True)
class Programs:
    """Clients of MCP servers: `codex` is a command, `claude` a program, `mcp_remote` a script for `node`."""

    node: str
    codex: tuple[str, ...]
    claude: str
    mcp_remote: str


def installed() -> Installed:
    """The servers, installed where they are not yet. What is there already belongs to these very versions."""
    node, there = packages(HERE)
    python = _made(_name_of(*(text.encode() for text in TIME)), _install_time)
    scripts = there / "node_modules" / "@modelcontextprotocol"
    return Installed(
        node,
        str(scripts / "server-everything" / "dist" / "index.js"),
        str(scripts / "server-memory" / "dist" / "index.js"),
        str(python / "bin" / "mcp-server-time"),
        str(there / "node_modules" / "oidc-provider" / "lib" / "index.js"),
    )


def programs() -> Programs:
    """The clients, as `installed` has the servers."""
    node, there = packages(HERE / "clients")
    modules = there / "node_modules"
    (claude,) = modules.glob("@anthropic-ai/claude-code-*/claude")
    return Programs(
        node,
        (node, str(modules / "@openai" / "codex" / "bin" / "codex.js")),
        str(claude),
        str(modules / "mcp-remote" / "dist" / "proxy.js"),
    )


def packages(pinned: Path) -> tuple[str, Path]:
    """Node, and where the packages are that a folder pins."""
    node, npm = shutil.which("node"), shutil.which("npm")
    missing = "these tests need Node 20 or newer with npm: install it, they fetch everything else themselves"
    assert node is not None, missing
    assert npm is not None, missing
    name = _name_of(*((pinned / file).read_bytes() for file in PACKAGE_FILES))
    return node, _made(name, lambda folder: _install_packages(npm, pinned, folder))


def _name_of(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _made(name: str, make: Callable[[Path], None]) -> Path:
    """A folder that is complete or not there: an installation that broke off is begun anew."""
    folder = CACHE / name
    done = folder / ".done"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        done.touch()
    return folder


def _install_packages(npm: str, pinned: Path, folder: Path) -> None:
    for name in PACKAGE_FILES:
        shutil.copyfile(pinned / name, folder / name)
    _run(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", cwd=folder)


def _install_time(folder: Path) -> None:
    _run(PYTHON, "-m", "venv", "--without-pip", str(folder), cwd=folder.parent)
    _run(PYTHON, "-m", "uv", "pip", "install", "-q", "--python", str(folder / "bin" / "python"), *TIME, cwd=folder)


def _run(*command: str, cwd: Path) -> None:
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 0, f"{' '.join(command)}\n{ended.stdout}{ended.stderr}"
