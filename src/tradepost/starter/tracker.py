"""The demo's foreign MCP server: the shipping tracker, as a process of its own, registered like any other server."""

import asyncio
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import select

from tradepost.app import Registration
from tradepost.commerce.logistics.models import Carrier, Shipment, TrackingEvent
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import SetupError, StateConflict
from tradepost.hub.registration import assignments, tools
from tradepost.hub.vault.header_rules import Header
from tradepost.starter.agents import ReadyAgent

SLUG = "tracker"
START_SECONDS = 20.0
AGENT = ReadyAgent(
    "parcel_desk",
    "internal",
    "Parcel desk",
    "Asks the carrier's own tracker where a parcel is; proposes redeliveries.",
    ("get_shipping_status",),
)
_CLASSES = {"track_parcel": "read", "request_redelivery": "write"}


class Tracker:
    """The process, its token and its parcels, in the demo's data folder."""

    def __init__(self, data: Path, port: int) -> None:
        self._folder = data / "tracker"
        self._port = port
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/mcp"

    async def start(self, store: Database, workspace_id: str) -> str:
        """Start it and wait until it answers. Returns its token. Raises SetupError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        parcels = self._folder / "parcels.json"
        parcels.write_text(json.dumps(await _parcels(store, workspace_id)), encoding="utf-8")
        token = _token(self._folder / "token")
        command = [
            "-m",
            "tradepost.commerce.demo.shipping_tracker",
            "--parcels",
            str(parcels),
            "--port",
            str(self._port),
        ]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            env={**os.environ, "TRACKER_TOKEN": token},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the hub, which then ends the tracker itself
        )
        await self._wait_until_up()
        return token

    async def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def _wait_until_up(self) -> None:
        assert self._process is not None  # noqa: S101 (start made it)
        process, deadline = self._process, asyncio.get_running_loop().time() + START_SECONDS
        async with httpx2.AsyncClient(trust_env=False) as client:
            while asyncio.get_running_loop().time() < deadline and process.returncode is None:
                try:
                    await client.get(self.url)
                except httpx2.HTTPError:
                    await asyncio.sleep(0.1)
                else:
                    return
        lines = (
            (await process.stderr.read()).decode().strip().splitlines() if process.stderr and process.returncode else []
        )
        raise SetupError(
            f"The shipping tracker did not start on port {self._port}: {lines[-1] if lines else 'no answer'}.",
            hint="Choose other ports: --port.",
        )


async def register_tracker(registration: Registration, hub: Database, by: Caller, url: str, token: str) -> None:
    """Add, discover, approve and assign it, as an admin does with any server; once."""
    header = Header("Authorization", f"Bearer {token}", hidden=True)
    try:
        await registration.servers.register(by, SLUG, url, [header], name="Shipping tracker")
    except StateConflict:
        return  # it is there from an earlier start
    await registration.discovery.test(by, SLUG)
    await registration.discovery.discover(by, SLUG)
    async with hub.transaction(by.workspace_id, write=True) as session:
        for position, (name, tool_class) in enumerate(_CLASSES.items()):
            await tools.approve_tool(session, by, SLUG, name, tool_class=tool_class)  # type: ignore[arg-type]
            await assignments.assign(session, by, SLUG, name, agent=AGENT.slug, position=10 + position)
        await tools.approve_contents(session, by, SLUG)


def _token(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32), encoding="ascii")
    return path.read_text("ascii").strip()


async def _parcels(store: Database, workspace_id: str) -> dict[str, Any]:
    """What the carrier knows of the shop's parcels."""
    async with store.transaction(workspace_id, write=False) as session:
        carriers = {row.id: row.name for row in await session.scalars(select(Carrier))}
        shipments = (await session.scalars(select(Shipment).where(Shipment.tracking_number.is_not(None)))).all()
        scans: dict[str, list[dict[str, str]]] = {}
        for event in await session.scalars(select(TrackingEvent).order_by(TrackingEvent.occurred_at)):
            scan = {"at": to_rfc3339(event.occurred_at), "status": event.status, "place": event.location or ""}
            scans.setdefault(event.shipment_id, []).append(scan)
    return {
        str(row.tracking_number).replace(" ", "").upper(): {
            "carrier": carriers.get(row.carrier_id or "", "Own fleet"),
            "status": row.status,
            "eta": to_rfc3339(row.eta) if row.eta else None,
            "events": scans.get(row.id, []),
        }
        for row in shipments
    }
