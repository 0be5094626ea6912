"""The commands of the README and of the how-tos, run from top to bottom as a reader would, all against one running
demo. What cannot be run says so before its block; `make check` lists it."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from docs.commands import Block, blocks, how_tos
from tests.processes import Place, free_ports
from tests.program import fork

pytestmark = pytest.mark.usefixtures("either_engine")

SECONDS = 120
SHOWN = re.compile(r"^@@ (.*)$", re.MULTILINE)
# A `tradepost` that starts in no time: it asks the tests to fork one that has everything loaded.
PROGRAM = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asking:
    asking.connect({path!r})
    asking.sendall(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode())
    asking.shutdown(socket.SHUT_WR)
    status, out, err = json.loads(b"".join(iter(lambda: asking.recv(65536), b"")))
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(status)
"""


class Programs:
    """Answers those who run `tradepost`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "bin"
        self.path.mkdir()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / "s"))
        self._listener.listen()
        script = self.path / "tradepost"
        script.write_text(PROGRAM.format(python=sys.executable, path=str(folder / "s")))
        script.chmod(0o700)
        self._thread = Thread(target=self._answer, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _answer(self) -> None:
        with suppress(OSError):  # closed
            while True:
                asked, _ = self._listener.accept()
                with asked:
                    text = b"".join(iter(lambda: asked.recv(65536), b""))  # noqa: B023 (used up at once)
                    asked.sendall(json.dumps(self._run(*json.loads(text))).encode())

    def _run(self, arguments: list[str], env: dict[str, str], cwd: str) -> list[object]:
        out, err = self._folder / "out", self._folder / "err"
        for file in (out, err):
            file.write_bytes(b"")
        process = fork(arguments, env, Path(cwd), out, err)
        process.join(SECONDS)
        return [process.exitcode, out.read_text("utf-8"), err.read_text("utf-8")]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    made = Programs(tmp_path_factory.mktemp("p"))
    yield made
    made.close()


def script_of(found: list[Block], place: Place) -> str:
    """One script of a document's blocks. What the reader has already stands before each, and its name in the block
    means that value. The ports that documents name are the hub's, its tracker's and that of a REST API."""
    lines = ["set -euo pipefail", 'curl() { command curl --fail-with-body "$@"; echo; }']
    for block in found:
        text = block.script
        for given in block.given:
            name = given.partition("=")[0]
            if name.isupper():
                text = re.sub(rf"(?<![\w$\-]){name}\b", f"${name}", text)
        lines += [f"echo '@@ {block.where}'", *block.given, text]
    script = "\n".join(lines).replace(".venv/bin/tradepost", "tradepost")
    for shown, port in ((8811, place.port), (8812, place.port + 1), (8900, free_ports(1))):
        script = script.replace(f":{shown}", f":{port}")
    return script


def missing(block: Block, said: str) -> list[str]:
    """Lines that a block shows as an answer, and that nobody said."""
    if block.script == block.text:
        return []
    return [line for line in block.text.splitlines() if not line.startswith("$ ") and line not in said]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the documents use curl")
def test_the_commands_of_the_documents_run(place: Place, programs: Programs, tmp_path: Path):
    with place.start("demo") as demo:
        demo.wait_ready()
        run_documents(place, programs, tmp_path)


def run_documents(place: Place, programs: Programs, cwd: Path) -> None:
    """Each document in a shell of its own, its blocks in their order."""
    for file in how_tos():
        found = [block for block in blocks(file) if block.not_run is None]
        if not found:
            continue
        env = {**place.env, "DOCUMENT": str(file), "PATH": f"{programs.path}:{place.env['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", script_of(found, place)],
            env=env, cwd=cwd, text=True, timeout=SECONDS, capture_output=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        parts = SHOWN.split(done.stdout)
        assert done.returncode == 0, f"{file.name}: {parts[-2]}\n{parts[-1]}\n{done.stderr}"
        said = dict(zip(parts[1::2], parts[2::2], strict=True))
        for block in found:
            assert not missing(block, said[block.where]), (block.where, said[block.where])
