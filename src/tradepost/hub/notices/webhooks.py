"""A workspace's webhooks: where they lead, what they are told of, and the secrets that sign. URLs and secrets are
sealed and shown once at most."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict, UpstreamError
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.access.slugs import checked_slug
from tradepost.hub.notices.attempting import BEFORE, SECRET, URL, Attempting
from tradepost.hub.notices.contents import EVENTS, slack_test, test_body
from tradepost.hub.notices.failures import NotSent
from tradepost.hub.notices.models import Notice, Webhook, facts_of_webhook
from tradepost.hub.notices.posting import checked_secret, new_secret
from tradepost.hub.upstreams.guard import Guard, origin_of
from tradepost.hub.vault.vault import Vault

OVERLAP = timedelta(hours=24)
MOST = 20  # of a workspace
FORMS = ("standard", "slack")


@dataclass(frozen=True, slots=True)
class Made:
    """A webhook and, where it was just made, the secret that signs."""

    webhook: dict[str, Any]
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tried:
    """What a test came to: the status, or why there is none."""

    delivered: bool
    status: int | None
    error: str | None
    milliseconds: int


class Webhooks:
    """Adds, changes and tries them, for admins."""

    def __init__(
        self, database: Database, vault: Vault, guard: Guard, attempting: Attempting, now: Now = system_now
    ) -> None:
        self._database = database
        self._vault = vault
        self._guard = guard
        self._attempting = attempting
        self._now = now

    async def add(
        self, by: Caller, name: str, url: str, form: str, events: Sequence[str], secret: str | None = None
    ) -> Made:
        """A new one. Raises InvalidArgument, ForbiddenScope, StateConflict."""
        checked_slug(name)
        if form not in FORMS:
            raise InvalidArgument(f"'{form[:40]}' is no form.", field="form", hint=f"Use {' or '.join(FORMS)}.")
        if secret is not None and form == "slack":
            raise InvalidArgument("Slack checks no signature: its URL is the secret.", field="secret")
        wanted = _events(events)
        signer = (checked_secret(secret) if secret is not None else new_secret()) if form == "standard" else None
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
        await self._check_url(url)
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            if await session.scalar(select(Webhook.id).where(Webhook.name == name)) is not None:
                raise StateConflict(f"There is a webhook '{name}' already.", hint="Choose another name, or remove it.")
            if (await session.scalar(select(func.count()).select_from(Webhook)) or 0) >= MOST:
                raise StateConflict(f"A workspace has at most {MOST} webhooks.", hint="Remove one first.")
            row = Webhook(id=new_id("whk"), name=name, form=form, origin=origin_of(url), events=wanted)
            session.add(row)
            await session.flush()
            await self._vault.keep(session, row.id, URL, url)
            if signer is not None:
                await self._vault.keep(session, row.id, SECRET, signer)
            details = {"name": name, "form": form, "origin": row.origin, "events": wanted}
            await record_change(session, by, "webhook:added", row.id, details)
            return Made(facts_of_webhook(row), signer)

    async def all(self, by: Caller) -> list[dict[str, Any]]:
        """All, by name."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
            return [facts_of_webhook(row) for row in await session.scalars(select(Webhook).order_by(Webhook.name))]

    async def show(self, by: Caller, which: str) -> dict[str, Any]:
        """One, by name or id. Raises NotFound."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
            return facts_of_webhook(await _find(session, which))

    async def change(
        self, by: Caller, which: str, *, events: Sequence[str] | None = None, state: str | None = None
    ) -> dict[str, Any]:
        """Other events, or active and paused; active lets a disabled one begin anew. Raises NotFound,
        InvalidArgument."""
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            row = await _find(session, which)
            before = {"events": list(row.events), "state": row.state}
            if state is not None:
                if state not in ("active", "paused"):
                    raise InvalidArgument(f"'{state[:40]}' is no state.", field="state", hint="Use active or paused.")
                row.state = state
                row.failures, row.last_error = (0, None) if state == "active" else (row.failures, row.last_error)
            if events is not None:
                row.events = _events(events)
            after = {"events": list(row.events), "state": row.state}
            await record_change(session, by, "webhook:changed", row.id, {"before": before, "after": after})
            return facts_of_webhook(row)

    async def rotate(self, by: Caller, which: str, overlap: timedelta = OVERLAP) -> Made:
        """Another secret; the one before signs too until the overlap is over. Raises NotFound, StateConflict."""
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            row = await _find(session, which)
            if row.form != "standard":
                raise StateConflict("Slack checks no signature: there is no secret.", hint="Make a new URL in Slack.")
            before, signer = await self._vault.kept(session, row.id, SECRET), new_secret()
            if before is not None:
                await self._vault.keep(session, row.id, BEFORE, before)
            await self._vault.keep(session, row.id, SECRET, signer)
            row.before_until = self._now() + overlap
            await record_change(session, by, "webhook:rotated", row.id, {"name": row.name})
            return Made(facts_of_webhook(row), signer)

    async def remove(self, by: Caller, which: str) -> None:
        """Forget one; what waits for it is not sent. Raises NotFound."""
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            row = await _find(session, which)
            for name in (URL, SECRET, BEFORE):
                await self._vault.forget(session, row.id, name)
            waiting = update(Notice).where(Notice.target_id == row.id, Notice.state.in_(("pending", "sending")))
            dropped = waiting.values(state="dropped", finished_at=self._now())
            await session.execute(dropped.execution_options(synchronize_session=False))
            await session.execute(delete(Webhook).where(Webhook.id == row.id))
            await record_change(session, by, "webhook:removed", row.id, {"name": row.name})

    async def test(self, by: Caller, which: str) -> Tried:
        """Send a message of the type webhook.test now. Raises NotFound, StateConflict."""
        found = await self.show(by, which)
        body = slack_test() if found["form"] == "slack" else test_body(self._now())
        began, status, error = perf_counter(), None, None
        try:
            status = await self._attempting.post_to(by.workspace_id, found["id"], new_id("msg"), body)
        except NotSent as failed:
            error = str(failed)
        if status is None and error is None:
            raise StateConflict(f"The webhook is {found['state']}.", hint="Make it active, then try it again.")
        return Tried(status is not None, status, error, round((perf_counter() - began) * 1000))

    async def deliveries(self, by: Caller, which: str, limit: int = 20) -> list[dict[str, Any]]:
        """What was sent there last, or waits, the latest first. Raises NotFound."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
            row = await _find(session, which)
            mine = select(Notice).where(Notice.target_id == row.id).order_by(Notice.created_at.desc(), Notice.id)
            return [_delivery(one) for one in await session.scalars(mine.limit(limit))]

    async def _check_url(self, url: str) -> None:
        origin = await self._guard.check(url)
        try:
            addresses = await self._guard.addresses(origin.host, origin.port)
        except OSError as error:
            raise UpstreamError("The URL cannot be looked up now.", hint="Try again in a moment.") from error
        if not self._guard.may_use_plain_http(origin, addresses):
            raise InvalidArgument("What is told would travel over plain http.", field="url", hint="Use https.")


async def _find(session: AsyncSession, which: str) -> Webhook:
    row = await session.scalar(select(Webhook).where((Webhook.id == which) | (Webhook.name == which)))
    if row is None:
        raise NotFound("There is no such webhook.", hint="`tradepost webhook list` shows them.")
    return row


def _events(events: Sequence[str]) -> list[str]:
    unknown = next((one for one in events if one not in EVENTS), None)
    if unknown is not None:
        raise InvalidArgument(
            f"There is no event '{unknown[:60]}'.", field="events", hint=f"There are: {', '.join(EVENTS)}."
        )
    return sorted(set(events))


def _delivery(row: Notice) -> dict[str, Any]:
    names = ("id", "event_type", "action_id", "state", "attempts", "due_at", "created_at", "finished_at", "error")
    return {name: getattr(row, name) for name in names}
