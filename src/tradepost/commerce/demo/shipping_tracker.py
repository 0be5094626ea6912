"""A shipping tracker as an MCP server of its own: the worked example of docs/how-to/build-an-mcp-server.md.

It needs nothing but the official SDK, so it can be copied as it is. The demo runs it as a process of its own and
registers it like any other server:

    TRACKER_TOKEN=… python shipping_tracker.py --parcels parcels.json --port 8812

`parcels.json` is {tracking number: {carrier, status, eta, events: [{at, status, place}]}}. Redeliveries asked for are
kept in `redeliveries.jsonl` beside it, under their key, so that a repeat has no second effect.
"""

import argparse
import hmac
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Receive, Scope, Send

STOP_SECONDS = 2  # for calls under way

TrackingNumber = Annotated[
    str,
    Field(min_length=4, max_length=40, description="The carrier's tracking number.", examples=["1Z999AA10123456784"]),
]


class Scan(BaseModel):
    at: str
    status: str
    place: str


class Parcel(BaseModel):
    tracking_number: str
    carrier: str
    status: str
    eta: str | None
    events: list[Scan]


class Redelivery(BaseModel):
    tracking_number: str
    date: str
    replayed: bool


class Ledger:
    """The parcels it knows and the redeliveries it was asked for, one JSON line each."""

    def __init__(self, parcels: Path) -> None:
        self._parcels: dict[str, Any] = json.loads(parcels.read_text("utf-8"))
        self._path = parcels.with_name("redeliveries.jsonl")
        lines = self._path.read_text("utf-8").splitlines() if self._path.exists() else []
        self._done: dict[str, dict[str, str]] = {row["key"]: row for row in map(json.loads, lines)}

    def parcel(self, number: str) -> dict[str, Any]:
        """A parcel by its number. Raises ToolError, whose text the caller is told: what to do."""
        found = self._parcels.get(number.replace(" ", "").upper())
        if found is None:
            raise ToolError(f"No parcel '{number}' is known to the carrier. Check the tracking number.")
        return dict(found)

    def ask(self, number: str, date: str, key: str) -> bool:
        """Keep a wish for redelivery; True when this key was already kept."""
        before = self._done.get(key)
        if before is not None:
            if (before["tracking_number"], before["date"]) != (number, date):
                raise ToolError("This idempotency_key was used for another redelivery. Use a new key.")
            return True
        self._done[key] = {"key": key, "tracking_number": number, "date": date}
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(self._done[key]) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        return False


def build(ledger: Ledger) -> MCPServer[Any]:
    """The server with its two tools and its resource."""
    server: MCPServer[Any] = MCPServer(
        "shipping-tracker", title="Shipping tracker", version="1.0.0", log_level="WARNING"
    )

    @server.tool(title="Track parcel", annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
    def track_parcel(tracking_number: TrackingNumber) -> Parcel:
        """Where a parcel is by the carrier's own scans. Use when the shop's record looks stale or a customer doubts it.
        Returns carrier, status, expected arrival and the scans, newest last."""
        found = ledger.parcel(tracking_number)
        return Parcel(
            tracking_number=tracking_number,
            carrier=found["carrier"],
            status=found["status"],
            eta=found["eta"],
            events=[Scan(at=scan["at"], status=scan["status"], place=scan["place"]) for scan in found["events"]],
        )

    @server.tool(
        title="Request redelivery",
        annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True),
    )
    def request_redelivery(
        tracking_number: TrackingNumber,
        date: Annotated[
            str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="The day wanted.", examples=["2026-03-02"])
        ],
        idempotency_key: Annotated[
            str,
            Field(min_length=1, max_length=255, description="Your key for this wish; a repeat has no second effect."),
        ],
    ) -> Redelivery:
        """Ask the carrier to try again on a day. Use after a failed attempt, when the customer named a day. Changes the
        carrier's plan; nothing is changed in the shop."""
        ledger.parcel(tracking_number)
        replayed = ledger.ask(tracking_number, date, idempotency_key)
        return Redelivery(tracking_number=tracking_number, date=date, replayed=replayed)

    @server.resource("parcel://{tracking_number}", title="Parcel", mime_type="application/json")
    def parcel(tracking_number: str) -> str:
        """A parcel as the carrier knows it."""
        return json.dumps(ledger.parcel(tracking_number))

    return server


class BearerGate:
    """Lets requests with the one token through."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            sent = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(sent, self._expected):
                await send(
                    {"type": "http.response.start", "status": 401, "headers": [(b"www-authenticate", b"Bearer")]}
                )
                await send({"type": "http.response.body", "body": b""})
                return
        await self._app(scope, receive, send)


def _stop_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve until stopped."""
    options = argparse.ArgumentParser(description="A shipping tracker as an MCP server.")
    options.add_argument("--parcels", type=Path, required=True)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8812)
    options.add_argument("--with-parent", action="store_true", help="Stop when stdin closes, like its parent.")
    chosen = options.parse_args()
    if chosen.with_parent:
        threading.Thread(target=_stop_with_parent, daemon=True).start()
    token = os.environ.get("TRACKER_TOKEN", "")
    if len(token) < 16:
        raise SystemExit("Set TRACKER_TOKEN to a secret of at least 16 characters.")
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True, allowed_hosts=[f"{chosen.host}:{chosen.port}"], allowed_origins=[]
    )
    app = build(Ledger(chosen.parcels)).streamable_http_app(
        json_response=True, stateless_http=True, transport_security=security
    )
    uvicorn.run(
        BearerGate(app, token),
        host=chosen.host,
        port=chosen.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS,  # whoever listens would keep it running
    )


if __name__ == "__main__":
    main()
