"""The official suite's scenarios for authorization servers, with a person who says yes to what it asks.

As a public client, and as one with a secret at a hub that lets in only clients that prove who they are. The latter
needs that setting: the suite (0.2.0-alpha.12) takes `none` wherever the server's metadata lists that
(`selectTokenAuthMethod`), whatever secret it was given, and a confidential client without its secret is
refused, as it has to be.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conformance.judges import CACHE
from tests.engines import DatabaseUrls, Template
from tests.hub.gateway.world import found
from tests.identity.oauth.world import Browser, Hub, Shown, running
from tests.processes import environment, free_ports
from tradepost.database import migrate

pytestmark = pytest.mark.conformance

SECONDS = 120
SCENARIOS = ("authorization-server-metadata-endpoint", "authorization-code-grant")


@pytest.fixture
def database_template() -> Template:
    return Template("hub", hub=lambda url: migrate.upgrade(url, "hub"), store=lambda url: None)


@pytest.fixture(params=[True, False], ids=["public", "confidential"])
async def authorization_hub(
    database_urls: DatabaseUrls, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Hub]:
    async with running(await found(database_urls.hub, tmp_path / "ledger.db"), public=request.param) as started:
        yield started


async def play(hub: Hub, browser: Browser, process: asyncio.subprocess.Process) -> str:
    """Open what the suite prints, allow it, and go where that leads. Returns all it said."""
    said = ""
    assert process.stdout is not None
    async for line in process.stdout:
        said += line.decode()
        opened = re.search(rf"{re.escape(hub.url)}/oauth/authorize\?\S+", line.decode())
        if opened is not None:
            page = await hub.http.get(opened[0], headers=browser.headers)
            decided = await browser.decide(Shown(page))
            await hub.http.get(decided.headers["location"])
    await process.wait()
    return said


async def test_every_scenario(authorization_hub: Hub, scripts: Path, request: pytest.FixtureRequest):
    hub, port = authorization_hub, free_ports(1)
    redirect = [f"http://127.0.0.1:{port}/callback"]
    proves = "confidential" in request.node.callspec.id
    made = await hub.client("Conformance", redirect_uris=redirect, confidential=proves)
    options = ["--client-id", made.client_id, "--resource", f"{hub.url}/mcp", "--port", str(port)]
    if made.secret is not None:
        options += ["--client-secret", made.secret]
    command = f'. "{scripts / "common.sh"}" && conformance authorization --url {hub.url} "$@"'
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command, "judge", *options,
        env=environment(SUITE_DIR=str(CACHE / "suites")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(SECONDS):
        said = await play(hub, await hub.browser(), process)
    print(said)
    assert process.returncode == 0, said
    for scenario in SCENARIOS:
        assert re.search(rf"{scenario}: [1-9]\d* passed, 0 failed", said), said
