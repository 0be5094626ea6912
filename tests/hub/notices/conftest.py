"""A hub's pages, its courier, a mail server and a receiver of webhooks, over both engines."""

from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.hub.notices.doubles import Mailbox, Receiver, mail_server
from tests.hub.notices.office import Office
from tests.hub.world import World
from tests.identity.people.desk import Clock, Desk
from tests.protocol.conftest import served
from tradepost.hub.access import passwords
from tradepost.hub.access.second_factor import SecondFactors
from tradepost.hub.actions.answering import Freshness
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.verdicts import Verdicts
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.notices.build import build_notices
from tradepost.hub.notices.mailing import Mailer, read_account
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.vault.vault import open_vault
from tradepost.identity.people.approval_desk import ApprovalDesk
from tradepost.identity.people.build import build_people
from tradepost.settings import LOOPBACK


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with mail_server() as made:
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    async with served(made) as url:
        made.url = url
        yield made


@pytest.fixture
async def office(world: World, box: Mailbox, tmp_path: Path) -> AsyncIterator[Office]:
    """Whoever has signed in less than ten minutes ago may move money."""
    clock, holder = Clock(), []
    vault = await open_vault(world.database, tmp_path / "vault.key")
    guard = Guard([ip_network(one) for one in LOOPBACK])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await holder[0](scope, receive, send)

    async with served(app) as url:
        fresh = Freshness(world.database, SecondFactors(vault, clock), 10, clock)
        verdicts = Verdicts(world.database, AuditWriter(world.database), ActionClock(clock), fresh)
        desk = ApprovalDesk(verdicts, timedelta(minutes=10))
        people = build_people(world.database, vault, Guard(), url, None, clock, approvals=desk)
        holder.append(people.door)
        mailer = Mailer(read_account(f"smtp://127.0.0.1:{box.port}?from=hub@x.test"))
        notices = build_notices(world.database, vault, guard, url, mailer, clock)
        pages = Desk(url, people, world, clock)
        yield Office(world, clock, verdicts, notices, pages, vault, guard)
        for browser in pages.browsers:
            await browser.http.aclose()
        await notices.courier.stop()
