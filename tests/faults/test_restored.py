"""F43: a database is yesterday's again. What was open in it is unknown, no write runs before a person has said so, and
nothing is carried out twice."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.engines import DatabaseUrls, PostgresCluster
from tests.faults.carrier import Carrier
from tests.faults.conftest import HOST, LOOPBACK
from tests.faults.test_database import SECONDS, Desk, prepared
from tests.hub.trusting import RULE
from tests.protocol.conftest import served
from tradepost import settings
from tradepost.app import Tradepost, open_tradepost
from tradepost.commerce.store.models import StoreEvent
from tradepost.foundation.errors import StateConflict
from tradepost.hub.access.agents import set_posture
from tradepost.hub.actions.views import view
from tradepost.hub.registration.policies import rules


def copied(url: str, cluster: PostgresCluster | None, folder: Path) -> str:
    """A backup of a database that nobody uses."""
    if cluster is not None:
        return cluster.copy(url)
    path = Path(urlsplit(url).path)
    return f"sqlite:///{shutil.copy(path, folder / f'{path.name}.backup')}"


@pytest.mark.parametrize("which", ["hub", "store"])
async def test_a_restored_database_carries_nothing_out_until_a_person_has_looked(
    database_urls: DatabaseUrls,
    tmp_path: Path,
    engine_name: str,
    request: pytest.FixtureRequest,
    which: str,
    caplog: pytest.LogCaptureFixture,
):
    cluster = request.getfixturevalue("postgres_cluster") if engine_name == "postgres" else None
    urls = {"hub_url": database_urls.hub, "store_url": database_urls.store}
    carrier, data = Carrier(), tmp_path / "data"
    data.mkdir()

    @asynccontextmanager
    async def running(urls: dict[str, str], key: str) -> AsyncIterator[tuple[Tradepost, Desk]]:
        hub = await open_tradepost(settings.load(data=data, allow_private=LOOPBACK, allowed_hosts=HOST, **urls))
        async with served(hub) as url, httpx2.AsyncClient(timeout=SECONDS) as http:
            yield hub, Desk(http, url, key)

    async with served(carrier) as base, prepared(database_urls, tmp_path, base) as (world, key):
        async with world.changing() as session:
            await set_posture(session, world.owner, "team", "propose")
            await rules.remove(session, world.owner, str(RULE["name"]))
        async with running(urls, key) as (_, desk):
            asked = (await desk.call("ship", "k1")).json()["result"]["structuredContent"]["approval_id"]
        await world.database.close()
        backup = copied(getattr(database_urls, which), cluster, tmp_path)
        async with running(urls, key) as (hub, desk):
            await hub.gateway.verdicts.approve(world.owner, asked)
            while len(carrier.ledger) < 1:
                await desk.call("track")
            await forget_nothing(hub, which, world.workspace_id)
        await world.database.close()

        restored = {**urls, f"{which}_url": backup}
        async with running(restored, key) as (hub, desk):
            assert f"The database of the {which} is older than it was" in caplog.text
            assert "tradepost policy unfreeze restored" in caplog.text
            for tool_key in ("k1", "k2"):
                await desk.call("ship", tool_key)
            refused = (await desk.call("ship", "k3")).json()["result"]
            assert refused["isError"]
            assert "restored from a backup" in refused["structuredContent"]["message"]
            assert not (await desk.call("track")).json()["result"]["isError"]
            with pytest.raises(StateConflict):
                await hub.gateway.verdicts.approve(world.owner, asked)
            async with hub.hub.transaction(world.workspace_id, write=True) as session:
                shown = await view(session, asked)
                assert shown.state == ("unknown" if which == "hub" else "succeeded")
                if which == "hub":
                    assert "restored from a backup" in shown.what_happened()
            assert len(carrier.ledger) == 1
        caplog.clear()
        async with running(restored, key) as (hub, desk):
            assert "older" not in caplog.text
            assert (await desk.call("ship", "k3")).json()["result"]["isError"], "until somebody has said so"
            if which == "hub":
                assert (await hub.gateway.verdicts.settle(world.owner, asked, "succeeded")).state == "succeeded"
            async with hub.hub.transaction(world.workspace_id, write=True) as session:
                await rules.unfreeze(session, world.owner, "restored")
            told = (await desk.call("ship", "k4")).json()["result"]["structuredContent"]
            assert told["status"] == "approval_required"
            await hub.gateway.verdicts.approve(world.owner, told["approval_id"])
            while len(carrier.ledger) < 2:
                await desk.call("track")
        if cluster is not None:
            cluster.drop(backup)


async def forget_nothing(hub: Tradepost, which: str, workspace_id: str) -> None:
    """Something happens in the store, too, which a backup of it does not know."""
    if which == "store":
        async with hub.store.transaction(workspace_id, write=True) as session:
            happened = {"type": "order:held", "subject": "ord_1", "payload": {}, "actor": "x", "request_id": "r"}
            session.add(StoreEvent(workspace_id=workspace_id, id="evt_1", **happened))
