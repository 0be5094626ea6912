"""Processes of their own that redeem the same code, or use the same refresh token, at the same moment."""

from __future__ import annotations

import asyncio
from multiprocessing.connection import Connection

from tests.forking import context
from tradepost.database.engine import Database
from tradepost.hub.access.oauth.clients import Client
from tradepost.hub.access.oauth.errors import OAuthError
from tradepost.hub.access.oauth.issuing import Issuing

PATIENCE_SECONDS = 60


def race(url: str, client_id: str, kind: str, *arguments: str, processes: int = 3) -> list[str]:
    """What each got: an access token, or the error."""
    started = []
    for _ in range(processes):
        here, there = context.Pipe()
        process = context.Process(target=_run, args=(there, url, client_id, kind, arguments))
        process.start()
        there.close()
        started.append((process, here))
    try:
        for _, here in started:
            assert here.poll(PATIENCE_SECONDS)
            assert here.recv() == "ready"
        for _, here in started:
            here.send("go")
        said = []
        for _, here in started:
            assert here.poll(PATIENCE_SECONDS)
            said.append(str(here.recv()))
        return said
    finally:
        for process, here in started:
            process.join(PATIENCE_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            here.close()


def _run(there: Connection, url: str, client_id: str, kind: str, arguments: tuple[str, ...]) -> None:
    async def main() -> None:
        database = Database(url)
        issuing, client = Issuing(database), Client(client_id, "", (), "registered")
        there.send("ready")
        await asyncio.to_thread(there.recv)
        try:
            if kind == "code":
                code, redirect_uri, verifier = arguments
                issued = await issuing.for_code(client, code, redirect_uri, verifier, None)
            else:
                issued = await issuing.for_refresh(client, arguments[0], None, None)
            there.send(issued.access)
        except OAuthError as error:
            there.send(error.error)
        finally:
            await database.close()

    asyncio.run(main())
