"""A running demo for the outside judges, and the suite's fixture server registered behind it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conformance.judges import CACHE, find_scripts, prepared
from tests.processes import Place, Serving, environment, free_ports
from tests.program import Foreign

AGENT = "conformance"


@pytest.fixture(scope="session")
def scripts() -> Path:
    found = find_scripts()
    if found is None:
        reason = "the folder shared/conformance is not beside the checkout"
        print(f"skipped: {reason}")
        pytest.skip(reason)
    return prepared(found)


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running demo."""
    place = Place(tmp_path_factory.mktemp("conformance") / "data")
    with place.start("demo") as demo:
        demo.wait_ready()
        yield place


@pytest.fixture(scope="session")
def fixture_url(scripts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the fixture server itself is reached."""
    port = free_ports(1)
    command = [str(CACHE / "suites" / "py" / "bin" / "python"), str(scripts / "fixture_server.py"), "--port", str(port)]
    log = tmp_path_factory.mktemp("fixture") / "fixture.log"
    with Serving(Foreign(command, environment(), log), f"http://127.0.0.1:{port}", log) as server:
        server.wait_answering()
        yield f"{server.url}/mcp"


@pytest.fixture(scope="session")
def fixture_key(hub: Place, fixture_url: str) -> Iterator[str]:
    """The key of an agent that sees every tool of the fixture server, registered like any other."""
    private = {"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8"}
    hub.run("profile", "create", "conformance", "--posture", "guarded").good()
    hub.run("agent", "create", AGENT, "--profile", "conformance").good()
    hub.run("server", "rules", "visible_tools=1000").good()
    hub.run("server", "add", "fixture", fixture_url, env=private).good()
    hub.run("server", "test", "fixture", env=private).good()
    tools = hub.run("server", "tools", "fixture", "--json", env=private).json()["tools"]
    with ThreadPoolExecutor(2) as pool:
        for answer in pool.map(lambda tool: _offer(hub, tool["name"]), tools):
            assert not answer, answer
    hub.run("server", "approve-contents", "fixture").good()
    yield str(hub.run("key", "mint", "--agent", AGENT, "--json").json()["key"])
    hub.run("server", "remove", "fixture", "--yes").good()  # the hub listens to it, and it waits for who listens


def _offer(hub: Place, tool: str) -> str:
    for command in (("enable", "fixture", tool, "--class", "read"), ("assign", "fixture", tool, "--agent", AGENT)):
        result = hub.run("server", *command)
        if result.status:
            return result.err
    return ""
