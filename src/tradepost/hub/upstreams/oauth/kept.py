"""Accounts as they are kept: rows that say what there is, and tokens in the vault. Tokens are replaced by whoever has
the lease of the row, and only where nobody else replaced them meanwhile; so of many processes one asks for new ones."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import system_caller
from tradepost.hub.upstreams.oauth.models import ServerAccount, ServerConnect, ServerOAuth
from tradepost.hub.upstreams.oauth.token_requests import Tokens
from tradepost.hub.vault.vault import Vault

TOKENS, CLIENT_SECRET = "tokens", "client_secret"  # the names under which the vault has them
LEASE = timedelta(seconds=30)
EARLY = timedelta(seconds=60)  # before the end of a token, or a fifth of its time where that is less


@dataclass(frozen=True, slots=True)
class Place:
    """Whose account at which server."""

    workspace_id: str
    server_id: str
    holder: str


@dataclass(frozen=True, slots=True)
class Held:
    """An account as it was when somebody looked."""

    id: str
    generation: int
    is_connected: bool
    access: str | None = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_at: datetime | None
    renew_at: datetime | None
    asked: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    connected_at: datetime | None = None

    def is_due(self, moment: datetime) -> bool:
        """Whether it is time for the next token."""
        return self.renew_at is not None and self.renew_at <= moment

    def is_over(self, moment: datetime) -> bool:
        """Whether the token is of no use any more."""
        return self.access is None or (self.expires_at is not None and self.expires_at <= moment)


class AccountStore:
    """Reads and writes them."""

    def __init__(self, database: Database, vault: Vault, now: Now) -> None:
        self._database = database
        self._vault = vault
        self._now = now

    async def read(self, place: Place) -> Held | None:
        """The account, None where there is none."""
        async with self._database.transaction(place.workspace_id, write=False) as session:
            row = await session.scalar(_of(place))
            if row is None:
                return None
            kept = await self._vault.kept(session, row.id, TOKENS)
            return _held(row, kept)

    async def begin(self, place: Place, scopes: list[str]) -> None:
        """An account that has no token yet; nothing where there is one already."""
        try:
            async with self._database.transaction(place.workspace_id, write=True) as session:
                if await session.scalar(_of(place)) is None:
                    session.add(_new(place, scopes))
        except IntegrityError:  # somebody else began it at this moment
            return

    async def connect(
        self, session: AsyncSession, place: Place, tokens: Tokens, asked: list[str], by: str | None
    ) -> None:
        """A person's consent as an account, in the caller's transaction; the one before is gone."""
        row = await session.scalar(_of(place).with_for_update())
        if row is None:
            row = _new(place, asked)
            session.add(row)
        moment = self._now()
        row.state, row.problem, row.lease, row.leased_until = "connected", None, None, None
        row.asked, row.scopes = list(asked), list(asked if tokens.scopes is None else tokens.scopes)
        row.generation += 1
        row.expires_at, row.renew_at = _times(tokens, moment)
        row.connected_by, row.connected_at = by, moment
        await session.flush()
        await self._vault.keep(session, row.id, TOKENS, _sealed(tokens.access, tokens.refresh))

    async def lease(self, place: Place, held: Held) -> str | None:
        """The right to renew it, for LEASE; None where somebody else has it, or has used it."""
        lease, moment = secrets.token_urlsafe(12), self._now()
        async with self._database.transaction(place.workspace_id, write=True) as session:
            taken = await session.scalar(
                update(ServerAccount)
                .where(
                    ServerAccount.id == held.id,
                    ServerAccount.generation == held.generation,
                    ServerAccount.state == "connected",
                    or_(ServerAccount.leased_until.is_(None), ServerAccount.leased_until <= moment),
                )
                .values(lease=lease, leased_until=moment + LEASE, version=ServerAccount.version + 1)
                .returning(ServerAccount.id)
            )
        return lease if taken is not None else None

    async def renewed(self, place: Place, held: Held, lease: str, tokens: Tokens) -> bool:
        """Replace the tokens and end the lease. False where the account is another one by now."""
        expires_at, renew_at = _times(tokens, self._now())
        values: dict[str, object] = {"expires_at": expires_at, "renew_at": renew_at, "problem": None}
        values["generation"] = held.generation + 1
        if tokens.scopes is not None:
            values["scopes"] = list(tokens.scopes)
        async with self._database.transaction(place.workspace_id, write=True) as session:
            if not await _ended(session, held, lease, values):
                return False
            # One that does not rotate its refresh tokens says nothing of them.
            kept = _sealed(tokens.access, tokens.refresh or held.refresh)
            await self._vault.keep(session, held.id, TOKENS, kept)
            return True

    async def free(self, place: Place, held: Held, lease: str, problem: str) -> None:
        """End the lease without new tokens, and say why there are none."""
        async with self._database.transaction(place.workspace_id, write=True) as session:
            await _ended(session, held, lease, {"problem": problem})

    async def refuse(self, place: Place, held: Held, lease: str, problem: str) -> None:
        """The consent is over: the tokens are forgotten, and somebody has to connect again."""
        async with self._database.transaction(place.workspace_id, write=True) as session:
            values = {"state": "reconnect", "problem": problem, "generation": held.generation + 1}
            if await _ended(session, held, lease, values):
                await self._vault.forget(session, held.id, TOKENS)
                by = system_caller(place.workspace_id, new_id("req"))
                details = {"holder": place.holder or "everybody", "problem": problem}
                await record_change(session, by, "server:reconnect", place.server_id, details)


async def forget_account(session: AsyncSession, vault: Vault, server_id: str, holder: str | None = None) -> int:
    """Forget the accounts at a server, or that of one holder, with their tokens. Returns how many there were."""
    found = select(ServerAccount).where(ServerAccount.server_id == server_id)
    rows = list(await session.scalars(found if holder is None else found.where(ServerAccount.holder == holder)))
    for row in rows:
        await vault.forget(session, row.id, TOKENS)
        await session.delete(row)
    underway = delete(ServerConnect).where(ServerConnect.server_id == server_id)
    await session.execute(underway if holder is None else underway.where(ServerConnect.holder == holder))
    await session.flush()
    return len(rows)


async def forget_oauth(session: AsyncSession, vault: Vault, server_id: str) -> None:
    """Forget all of OAuth at a server: accounts, tokens, the client's secret, the set-up."""
    await forget_account(session, vault, server_id)
    row = await session.scalar(select(ServerOAuth).where(ServerOAuth.server_id == server_id))
    if row is not None:
        await vault.forget(session, row.id, CLIENT_SECRET)
        await session.delete(row)
        await session.flush()


async def _ended(session: AsyncSession, held: Held, lease: str, values: dict[str, object]) -> bool:
    ended = await session.scalar(
        update(ServerAccount)
        .where(ServerAccount.id == held.id, ServerAccount.lease == lease, ServerAccount.generation == held.generation)
        .values(lease=None, leased_until=None, version=ServerAccount.version + 1, **values)
        .returning(ServerAccount.id)
    )
    return ended is not None


def _of(place: Place) -> Select[ServerAccount]:
    return select(ServerAccount).where(ServerAccount.server_id == place.server_id, ServerAccount.holder == place.holder)


def _new(place: Place, scopes: list[str]) -> ServerAccount:
    return ServerAccount(
        id=new_id("acc"),
        server_id=place.server_id,
        holder=place.holder,
        state="connected",
        asked=list(scopes),
        scopes=list(scopes),
        generation=0,
    )


def _held(row: ServerAccount, kept: str | None) -> Held:
    tokens = orjson.loads(kept) if kept is not None else {}
    return Held(
        id=row.id,
        generation=row.generation,
        is_connected=row.state == "connected",
        access=tokens.get("access"),
        refresh=tokens.get("refresh"),
        expires_at=row.expires_at,
        renew_at=row.renew_at,
        asked=tuple(row.asked),
        scopes=tuple(row.scopes),
        connected_at=row.connected_at,
    )


def _sealed(access: str, refresh: str | None) -> str:
    return orjson.dumps({"access": access, "refresh": refresh}).decode()


def _times(tokens: Tokens, moment: datetime) -> tuple[datetime | None, datetime | None]:
    if tokens.seconds is None:
        return None, None
    life = timedelta(seconds=tokens.seconds)
    return moment + life, moment + life - min(EARLY, life / 5)
