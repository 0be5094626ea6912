"""Clients that listen: the events of an open stream, one after the other, each within a deadline."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from tests.protocol.conftest import Desk, modern_headers, modern_meta

SECONDS = 20.0
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


class Ear:
    """One open event stream."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, Any] | None:
        """The next message; None at the end of the stream."""
        async with asyncio.timeout(SECONDS):
            async for line in self._lines:
                if line.startswith("data:"):
                    message: dict[str, Any] = json.loads(line[5:])
                    return message
        return None

    async def uri(self) -> str:
        """The URI of the next message, which tells of an update."""
        message = await self.next()
        assert message is not None
        assert message["method"] == "notifications/resources/updated"
        return str(message["params"]["uri"])


def listen_body(wanted: Any, request_id: Any = 7) -> dict[str, Any]:
    params = {"notifications": wanted, "_meta": modern_meta()}
    return {"jsonrpc": "2.0", "id": request_id, "method": "subscriptions/listen", "params": params}


@asynccontextmanager
async def listening(
    desk: Desk, *uris: str, request_id: Any = 7, token: str = "token-a", **lists: bool
) -> AsyncIterator[Ear]:
    """A client of 2026-07-28 that listens for updates of resources, and of lists by their flags."""
    headers = {**modern_headers("subscriptions/listen"), **_accepting(token)}
    body = listen_body({"resourceSubscriptions": list(uris), **lists}, request_id)
    async with desk.http.stream("POST", f"{desk.url}/mcp", headers=headers, json=body) as response:
        assert response.status_code == 200, await response.aread()
        yield Ear(response)


@asynccontextmanager
async def session_stream(desk: Desk, session: dict[str, str], token: str = "token-a") -> AsyncIterator[Ear]:
    """The GET of a session."""
    headers = {**session, **_accepting(token)}
    async with desk.http.stream("GET", f"{desk.url}/mcp", headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        yield Ear(response)


async def opened(desk: Desk, token: str = "token-a") -> dict[str, str]:
    """The headers of a new session."""
    response = await desk.initialize(token=token)
    return {"mcp-session-id": response.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}


async def subscribe(
    desk: Desk, session: dict[str, str], uri: str, method: str = "resources/subscribe", **options: Any
) -> dict[str, Any]:
    """The answer to a subscription."""
    answer: dict[str, Any] = (await desk.bare(method, {"uri": uri}, headers=session, **options)).json()
    return answer


def _accepting(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}
