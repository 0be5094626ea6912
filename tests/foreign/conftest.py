"""A hub of its own with the foreign servers behind it, registered by the commands that people use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.foreign.installed import Installed, installed
from tests.hub.trusting import HARMLESS
from tests.processes import Place, Serving, environment, free_ports
from tests.program import Foreign

WORKSPACE = "acme"
CALLED = (
    "echo",
    "get-env",
    "get-sum",
    "trigger-elicitation-request",
    "trigger-long-running-operation",
    "trigger-sampling-request",
)
WRITES = ("create_entities", "add_observations", "delete_entities")
# What is enabled of a server; everything where it does not stand here.
ENABLED = {"everything-sse": CALLED, "everything-stdio": CALLED, "memory": (*WRITES, "read_graph", "search_nodes")}


@dataclass(frozen=True)
class Behind:
    """A server behind the hub. `slug` is also the agent that all its tools are assigned to, `key` is that agent's;
    `direct` is how the server is reached without the hub: a URL or a command."""

    hub: Place
    slug: str
    direct: str | tuple[str, ...]
    tested: dict[str, Any]
    tools: dict[str, dict[str, Any]]
    key: str

    def url(self, door: str) -> str:
        """The URL of the agent's catalog (`catalog`) or of the one server (`server`)."""
        return f"{self.hub.url}/mcp" if door == "catalog" else f"{self.hub.url}/mcp/servers/{self.slug}"


@pytest.fixture(scope="session")
def servers() -> Installed:
    return installed()


@pytest.fixture(scope="session")
def everything_over(servers: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """server-everything, serving both kinds of HTTP: their URLs."""
    urls: dict[str, str] = {}
    with ExitStack() as running:
        for transport, path in (("streamableHttp", "/mcp"), ("sse", "/sse")):
            log = tmp_path_factory.mktemp("everything") / f"{transport}.log"
            port = free_ports(1)
            process = Foreign([servers.node, servers.everything, transport], environment(PORT=str(port)), log)
            serving = running.enter_context(Serving(process, f"http://127.0.0.1:{port}", log))
            serving.wait_answering()
            urls[transport] = serving.url + path
        yield urls


@pytest.fixture(scope="session")
def addresses(
    servers: Installed, everything_over: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str | tuple[str, ...]]:
    """Every server by its slug: the URL or the command that reaches it."""
    return {
        "everything": everything_over["streamableHttp"],
        "everything-sse": everything_over["sse"],
        "everything-stdio": (servers.node, servers.everything, "stdio"),
        "memory": (servers.node, servers.memory),
        "time": (servers.time, "--local-timezone", "UTC"),
    }


@pytest.fixture(scope="session")
def hub(addresses: dict[str, str | tuple[str, ...]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running hub whose operator has allowed the programs among them."""
    folder = tmp_path_factory.mktemp("foreign")
    programs = {
        slug: {"command": how[0], "args": list(how[1:]), "env": {"MEMORY_FILE_PATH": str(folder / "memory.jsonl")}}
        for slug, how in addresses.items()
        if isinstance(how, tuple)
    }
    file = folder / "servers.json"
    file.write_text(json.dumps({"mcpServers": programs}), encoding="utf-8")
    settings = {
        "TRADEPOST_SERVERS_FILE": str(file),
        "TRADEPOST_ALLOWED_COMMANDS": ",".join(sorted({program["command"] for program in programs.values()})),
        "TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8",
    }
    place = Place(folder / "data", databases=settings)
    place.run("db", "upgrade").good()
    place.run("workspace", "create", WORKSPACE, "--owner", "ops@acme.example").good()
    place.run("profile", "create", "foreign", "--posture", "guarded").good()
    place.run("policy", "add", "trusted", "allow", "loosens=true", "--when", HARMLESS, "-m", "trusted").good()
    with place.start("serve") as serving:
        serving.wait_ready()
        yield place


def _registered(hub: Place, slug: str, how: str | tuple[str, ...]) -> Behind:
    hub.run("agent", "create", slug, "--profile", "foreign").good()
    hub.run("server", "add", slug, how if isinstance(how, str) else f"stdio:{slug}").good()
    tested = hub.run("server", "test", slug, "--json").json()
    tools = {tool["name"]: tool for tool in hub.run("server", "tools", slug, "--json").json()["tools"]}
    for name in ENABLED.get(slug, tools):
        hub.run("server", "enable", slug, name, "--class", "write" if name in WRITES else "read").good()
        hub.run("server", "assign", slug, name, "--agent", slug).good()
    hub.run("server", "approve-contents", slug).good()
    key = str(hub.run("key", "mint", "--agent", slug, "--json").json()["key"])
    return Behind(hub, slug, how, tested, tools, key)


@pytest.fixture(scope="session")
def behind(hub: Place, addresses: dict[str, str | tuple[str, ...]]) -> dict[str, Behind]:
    """All of them, registered."""
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda item: _registered(hub, *item), addresses.items())
        return {one.slug: one for one in made}
