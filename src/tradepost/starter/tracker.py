"""The demo's foreign MCP server: the shipping tracker, as a process of its own, registered like any other server."""

import asyncio
import json
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Any, get_args

import httpx2
from sqlalchemy import select

from tradepost.commerce.logistics.models import Carrier, Shipment, ShipmentStatus, TrackingEvent
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import SetupError, StateConflict
from tradepost.hub.registration import assignments, tools
from tradepost.hub.registration.build import Registration
from tradepost.hub.registration.content_decisions import approve_waiting
from tradepost.hub.registration.servers import find_server
from tradepost.hub.vault.header_rules import Header
from tradepost.starter.agents import ReadyAgent

SLUG = "tracker"
START_SECONDS = 20.0
MOST_PARCELS, AT_ONCE = 1_000, 500  # of one status; whose scans are read at once
AGENT = ReadyAgent(
    "parcel_desk",
    "internal",
    "Parcel desk",
    "Asks the carrier's own tracker where a parcel is; proposes redeliveries.",
    ("get_shipping_status",),
)
_CLASSES = {"track_parcel": "read", "request_redelivery": "write"}


class Tracker:
    """The process, its token, its parcels and its log, in the demo's data folder."""

    def __init__(self, data: Path, port: int) -> None:
        self._folder = data / "tracker"
        self._log = self._folder / "tracker.log"
        self._port = port
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/mcp"

    def require_port(self) -> None:
        """Raise SetupError when its port cannot be had; asked first, before anything is made."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self._port))
            except (OSError, OverflowError) as error:
                raise SetupError(
                    f"The shipping tracker needs port {self._port}, the one after the hub's, and cannot have it.",
                    hint="Choose another port for the hub with --port, or stop the program that uses it.",
                ) from error

    async def start(self, store: Database, workspace_id: str) -> str:
        """Start it and wait until it answers. Returns its token. Raises SetupError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        parcels = self._folder / "parcels.json"
        parcels.write_text(json.dumps(await _parcels(store, workspace_id)), encoding="utf-8")
        token = _token(self._folder / "token")
        command = ["-m", "tradepost.commerce.demo.shipping_tracker", "--with-parent"]
        command += ["--parcels", str(parcels), "--port", str(self._port)]
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *command,
                env={**os.environ, "TRACKER_TOKEN": token},
                stdin=asyncio.subprocess.PIPE,  # closes with this process, however it ends; then the tracker ends too
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the hub, which then ends the tracker itself
            )
        try:
            await self._wait_until_up(self._process)
        except BaseException:
            await self.stop()
            raise
        return token

    async def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def _wait_until_up(self, process: asyncio.subprocess.Process) -> None:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        async with httpx2.AsyncClient(trust_env=False) as client:
            while asyncio.get_running_loop().time() < deadline and process.returncode is None:
                try:
                    await client.get(self.url)
                except httpx2.HTTPError:
                    await asyncio.sleep(0.1)
                else:
                    return
        lines = self._log.read_text("utf-8", "replace").strip().splitlines()
        raise SetupError(
            f"The shipping tracker did not start on port {self._port}: {lines[-1] if lines else 'no answer'}.",
            hint="Choose other ports: --port.",
        )


async def register_tracker(registration: Registration, hub: Database, by: Caller, url: str, token: str) -> None:
    """Add, discover, approve and assign it, as an admin does with any server; once. Later it only follows the port."""
    header = Header("Authorization", f"Bearer {token}", hidden=True)
    try:
        await registration.servers.register(by, SLUG, url, [header], name="Shipping tracker")
    except StateConflict:
        await _follow(registration, hub, by, url, header)
        return
    await registration.discovery.test(by, SLUG)
    await registration.discovery.discover(by, SLUG)
    async with hub.transaction(by.workspace_id, write=True) as session:
        for position, (name, tool_class) in enumerate(_CLASSES.items()):
            await tools.approve_tool(session, by, SLUG, name, tool_class=tool_class)  # type: ignore[arg-type]
            await assignments.assign(session, by, SLUG, name, agent=AGENT.slug, position=10 + position)
        await approve_waiting(session, by, SLUG)


async def _follow(registration: Registration, hub: Database, by: Caller, url: str, header: Header) -> None:
    """The demo was started on another port than before: the registered address moves along."""
    async with hub.transaction(by.workspace_id, write=False) as session:
        before = await find_server(session, SLUG)
    if before.url != url and before.status != "disabled":
        await registration.servers.set_url(by, SLUG, url)
        await registration.servers.set_headers(by, SLUG, [header])
        await registration.discovery.test(by, SLUG)


def _token(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32), encoding="ascii")
    return path.read_text("ascii").strip()


async def _parcels(store: Database, workspace_id: str) -> dict[str, Any]:
    """What the carrier knows of the shop's parcels: the newest ones of each status. A shop may have millions."""
    async with store.transaction(workspace_id, write=False) as session:
        carriers = {row.id: row.name for row in await session.scalars(select(Carrier))}
        shipments: list[Shipment] = []
        for status in get_args(ShipmentStatus):
            newest = select(Shipment).where(Shipment.status == status, Shipment.tracking_number.is_not(None))
            newest = newest.order_by(Shipment.created_at.desc(), Shipment.id.desc()).limit(MOST_PARCELS)
            shipments += await session.scalars(newest)
        scans: dict[str, list[dict[str, str]]] = {}
        for first in range(0, len(shipments), AT_ONCE):
            some = [row.id for row in shipments[first : first + AT_ONCE]]
            of_some = select(TrackingEvent).where(TrackingEvent.shipment_id.in_(some))
            for event in await session.scalars(of_some.order_by(TrackingEvent.occurred_at)):
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
