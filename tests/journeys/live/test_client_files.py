"""What the documents and the demo tell people to write into the files of their clients does what it says."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from docs.commands import ROOT
from tests.journeys.live.clients import call
from tests.processes import Place

AGENT = "supply_chain_manager"
PROGRAM = str(Path(sys.executable).with_name("tradepost"))
DOCUMENTS = ("README.md", "docs/how-to/connect-your-client.md")
_BLOCK = re.compile(r"^```(json|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARIABLE = re.compile(r"\$\{(env:)?HUB_KEY\}")
_CODEX = re.compile(r"codex mcp add tradepost .*")

Entry = dict[str, Any]


def filled_in(text: str, place: Place) -> str:
    """As a reader fills it in."""
    text = text.replace("PATH/.venv/bin/tradepost", PROGRAM).replace("PATH/.tradepost", str(place.data))
    text = text.replace("http://127.0.0.1:8811", place.url)
    return re.sub(r"\bKEY\b", place.key(AGENT), _VARIABLE.sub(place.key(AGENT), text))


def entries(text: str) -> Iterator[Entry]:
    """What the files of clients say of the server, in a document or in what the demo prints."""
    for language, block in _BLOCK.findall(text):
        if language == "json":
            yield json.loads(block)["mcpServers"]["tradepost"]
        else:
            yield tomllib.loads(block)["mcp_servers"]["tradepost"]
    for line in _BLOCK.sub("", text).splitlines():
        if line.startswith('{"mcpServers"') and line.endswith("}}}"):
            yield json.loads(line)["mcpServers"]["tradepost"]
    for line in _CODEX.findall(text):
        words = shlex.split(line)
        if "--" in words:
            command, *arguments = words[words.index("--") + 1 :]
            yield {"command": command, "args": arguments}
        else:
            given = dict(zip(words[4::2], words[5::2], strict=True))
            yield {"url": given["--url"], "bearer_token_env_var": given["--bearer-token-env-var"]}


@asynccontextmanager
async def client_of(entry: Entry, place: Place, folder: Path) -> AsyncIterator[Client]:
    """A client that was given this entry."""
    if "command" in entry:
        bare = ["-i", entry["command"], *entry["args"]]  # nothing of this process's environment
        async with Client(StdioServerParameters(command="env", args=bare, cwd=folder), mode="legacy") as client:
            yield client
        return
    headers = dict(entry.get("headers", {}))
    if "bearer_token_env_var" in entry:
        assert entry["bearer_token_env_var"] == "HUB_KEY"
        headers["Authorization"] = f"Bearer {place.key(AGENT)}"
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(url=entry["url"], http_client=http), mode="legacy") as client,
    ):
        yield client


@pytest.mark.usefixtures("either_engine")
@pytest.mark.behaviour("S3.2")
async def test_what_the_files_of_clients_say_works(shared: Place, tmp_path: Path) -> None:
    printed = shared.data.with_name(f"{shared.data.name}.log").read_text("utf-8")
    told = [filled_in((ROOT / name).read_text("utf-8"), shared) for name in DOCUMENTS]
    found = [entry for text in (*told, printed) for entry in entries(text)]
    assert len(found) == 3 + 7 + 3
    for entry in found:
        if entry.get("command", "").endswith("tradepost"):  # the demo of a test is no script, and names it otherwise
            entry["command"] = PROGRAM
    different = {json.dumps(entry, sort_keys=True): entry for entry in found}
    assert sum("command" in entry for entry in different.values()) == 1  # one bridge, however it is written down
    for entry in different.values():
        async with client_of(entry, shared, tmp_path) as client:
            assert (await call(client, "get_order", order_id="88213"))["number"] == "88213", entry
    assert list(tmp_path.iterdir()) == []
