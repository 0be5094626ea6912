"""A process that tells people or takes an answer, and dies by `kill -9` right after: nothing of what comes next."""

import asyncio
import os
import signal
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path

from tests.forking import context
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import fixed
from tradepost.hub.actions.answering import How
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.verdicts import Verdicts
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.notices.build import build_notices
from tradepost.hub.notices.mailing import Mailer, read_account
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.vault.vault import open_vault
from tradepost.settings import LOOPBACK

PATIENCE_SECONDS = 60


async def dies_after_sending(hub_url: str, vault_key: Path, url: str, mail_port: int, now: datetime) -> int | None:
    """Plans and sends what is due, and dies before it records that. Returns the exit status."""
    return await _ended(_send, hub_url, vault_key, url, mail_port, now)


async def dies_after_answering(hub_url: str, by: Caller, action_id: str, fingerprint: str, now: datetime) -> int | None:
    """Takes the answer of a link, and dies before the link is used up. Returns the exit status."""
    return await _ended(_answer, hub_url, by.workspace_id, by.user_id, action_id, fingerprint, now)


async def _ended(target: object, *arguments: object) -> int | None:
    process = context.Process(target=target, args=arguments)  # type: ignore[arg-type]
    process.start()
    await asyncio.to_thread(process.join, PATIENCE_SECONDS)
    return process.exitcode


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _send(hub_url: str, vault_key: Path, url: str, mail_port: int, now: datetime) -> None:
    async def main() -> None:
        database = Database(hub_url)
        vault = await open_vault(database, vault_key)
        mailer = Mailer(read_account(f"smtp://127.0.0.1:{mail_port}?from=hub@x.test"))
        guard = Guard([ip_network(one) for one in LOOPBACK])
        courier = build_notices(database, vault, guard, url, mailer, fixed(now)).courier
        await courier.plan()
        for notice in await courier._claim():
            await courier._attempting.send(notice)
        _die()

    asyncio.run(main())


def _answer(hub_url: str, workspace_id: str, user_id: str, action_id: str, fingerprint: str, now: datetime) -> None:
    async def main() -> None:
        database = Database(hub_url)
        verdicts = Verdicts(database, AuditWriter(database), ActionClock(fixed(now)))
        by = Caller(workspace_id, Principal("user", user_id), "req_link", user_id=user_id)
        await verdicts.approve(by, action_id, None, How("link", None, True, 1, fingerprint))
        _die()

    asyncio.run(main())
