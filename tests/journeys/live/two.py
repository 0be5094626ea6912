"""A hub of two processes for the tests of a module: agents and people at it, each request on a connection of its
own, so that whichever process is free answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from sqlalchemy.ext.asyncio import AsyncSession

from tests.hub.notices.doubles import Mailbox, mail_server
from tests.identity.people.desk import PASSWORD, Browser
from tests.journeys.live.settling import SECONDS, settled
from tests.processes import Place
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.ids import new_id
from tradepost.hub.access import people
from tradepost.hub.access.keys import KeyTerms, mint
from tradepost.hub.access.models import Role
from tradepost.hub.access.roles import system_caller

AGENT = "supply_chain_manager"
Json = dict[str, Any]


@contextmanager
def mails() -> Iterator[Mailbox]:
    """A mail server for as long as a module runs, in a thread of its own."""
    ready, end = threading.Event(), threading.Event()
    found: list[Mailbox] = []

    async def serve() -> None:
        async with mail_server() as box:
            found.append(box)
            ready.set()
            await asyncio.to_thread(end.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(SECONDS)
        yield found[0]
    finally:
        end.set()
        thread.join()


@dataclass
class Person:
    """Somebody who may answer, or may not."""

    id: str
    email: str
    key: str


@dataclass
class Two:
    """The hub, where it is, the mails it sends, and its workspace's id."""

    place: Place
    box: Mailbox
    workspace_id: str

    @asynccontextmanager
    async def client(self, key: str) -> AsyncIterator[httpx2.AsyncClient]:
        """Requests with a key."""
        limits = httpx2.Limits(max_keepalive_connections=0)
        headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
        async with httpx2.AsyncClient(
            base_url=self.place.url, headers=headers, timeout=SECONDS, limits=limits, trust_env=False
        ) as made:
            yield made

    @contextmanager
    def browser(self) -> Iterator[Browser]:
        """A browser with no cookies yet."""
        yield Browser(self.place.url, "127.0.0.1", {"connection": "close"})

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[tuple[AsyncSession, Caller]]:
        """The hub's database, beside the hub."""
        url = self.place.databases.get("TRADEPOST_HUB_URL") or f"sqlite:///{self.place.data / 'hub.db'}"
        database = Database(url)
        try:
            async with database.transaction(self.workspace_id, write=True) as session:
                yield session, system_caller(self.workspace_id, new_id("req"))
        finally:
            await database.close()

    async def person(self, role: Role = "operator") -> Person:
        """A new one, with a password and a key."""
        async with self.changing() as (session, by):
            email = f"{new_id('p')}@x.test"
            user = await people.create_user(session, by, email, role.title(), role, PASSWORD)
            key = await mint(session, by, KeyTerms(), user_id=user.id)
        return Person(user.id, email, key.secret)

    def settled(self, action: str) -> str:
        return settled(self.place, action)


async def send(http: httpx2.AsyncClient, tool: str, arguments: str) -> Json:
    """A tools/call with arguments as JSON text: its result, or its error."""
    body = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}'
    answer = await http.post("/mcp", content=body.encode(), headers={"content-type": "application/json"})
    said: Json = answer.json()
    return said["result"] if "result" in said else {"isError": True, "structuredContent": said["error"]}


def value(result: Json) -> Json:
    """The structured value of a result that is no error."""
    assert not result.get("isError"), result
    found: Json = result["structuredContent"]
    return found
