"""The keys that sign what servers are told of callers: one at a time per workspace, the same in every process, sealed
like headers, their public parts for everybody.

A new key is published before it signs, so that whoever keeps the published ones has it by then; an old one stays
published until the last assertion that it signed has ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from joserfc.jwk import ECKey
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now
from tradepost.foundation.errors import StateConflict, Unavailable
from tradepost.foundation.ids import new_id
from tradepost.hub.vault.held_keys import HeldKeys
from tradepost.hub.vault.models import AssertionKey

ALGORITHM = "ES256"
LIFETIME = timedelta(seconds=60)  # of an assertion
PUBLISHED_SECONDS = 300  # that others may keep the published keys
AHEAD = timedelta(seconds=2 * PUBLISHED_SECONDS)  # that a key is published before it signs
_KEPT = timedelta(seconds=30)  # that a process goes on signing with the key it has
# After another key began to sign: somebody's assertion was made just before, and clocks differ.
STILL_PUBLISHED = LIFETIME + _KEPT + timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that signs now."""

    kid: str
    key: ECKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key as people see it. `state`: next (published, does not sign yet), signing, old (published until
    `published_until`) or ended."""

    kid: str
    state: str
    signs_from: datetime
    published_until: datetime | None


class AssertionKeys:
    """Finds, makes and retires them."""

    def __init__(self, database: Database, keys: HeldKeys, now: Now) -> None:
        self._database = database
        self._keys = keys
        self._now = now
        self._kept: dict[str, tuple[datetime, SigningKey]] = {}

    async def signing(self, workspace_id: str) -> SigningKey:
        """The key that signs for a workspace now; the first one is made when it is needed. Raises Unavailable where
        the key file cannot open it."""
        now, kept = self._now(), self._kept.get(workspace_id)
        if kept is not None and now - kept[0] < _KEPT:
            return kept[1]
        async with self._database.transaction(workspace_id, write=False) as session:
            row = _signing(await _rows(session), now)
        if row is None:
            row = await self._first(workspace_id)
        found = SigningKey(row.id, ECKey.import_key(orjson.loads(self._open(row))))
        self._kept[workspace_id] = (now, found)
        return found

    async def published(self) -> list[dict[str, Any]]:
        """The public parts of all keys that something valid may have been signed with, or soon will be."""
        now = self._now()
        async with self._database.system(write=False) as session:
            rows = await _rows(session)
        mine: dict[str, list[AssertionKey]] = {}
        for row in rows:
            mine.setdefault(row.workspace_id, []).append(row)
        return [row.public for keys in mine.values() for row in keys if _shown(row, keys, now).state != "ended"]

    async def show(self, session: AsyncSession) -> list[ShownKey]:
        """A workspace's keys for people, the newest first."""
        rows, now = await _rows(session), self._now()
        return [_shown(row, rows, now) for row in reversed(rows)]

    async def rotate(self, session: AsyncSession, *, at_once: bool) -> ShownKey:
        """A new key, in the caller's transaction: it signs once everybody may know it, or `at_once`. Raises
        StateConflict where one is about to sign already."""
        rows, now = await _rows(session), self._now()
        waiting = next((row for row in rows if _shown(row, rows, now).state == "next"), None)
        if waiting is not None and not at_once:
            raise StateConflict(
                f"The key {waiting.id} is published already, and signs from {waiting.signs_from:%H:%M:%S} UTC on.",
                hint="Wait for it, or rotate at once.",
            )
        number = rows[-1].number + 1 if rows else 1
        made = self._made(str(session.info["workspace_id"]), number, now if at_once or not rows else now + AHEAD)
        ended = [row.id for row in rows if _shown(row, rows, now).state == "ended"]
        await session.execute(delete(AssertionKey).where(AssertionKey.id.in_(ended)))
        session.add(made)
        try:
            await session.flush()
        except IntegrityError:
            raise StateConflict("Another key was made at this moment.", hint="Look at the keys again.") from None
        self._kept.clear()
        return _shown(made, [*rows, made], now)

    async def _first(self, workspace_id: str) -> AssertionKey:
        made = self._made(workspace_id, 1, self._now())
        try:
            async with self._database.transaction(workspace_id, write=True) as session:
                session.add(made)
            return made
        except IntegrityError:  # another process made it at the same moment
            async with self._database.transaction(workspace_id, write=False) as session:
                return (await session.scalars(select(AssertionKey).where(AssertionKey.number == 1))).one()

    def _open(self, row: AssertionKey) -> str:
        try:
            return self._keys.open(row.place, row.key_version, row.ciphertext)
        except Unavailable as error:
            raise Unavailable(
                f"The key {row.id}, which signs who calls, cannot be opened: nothing was sent.",
                hint="The key file is not the right one, or `tradepost assertion-keys rotate --at-once` makes another.",
            ) from error

    def _made(self, workspace_id: str, number: int, signs_from: datetime) -> AssertionKey:
        kid = new_id("ak")
        key = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": ALGORITHM})
        row = AssertionKey(
            workspace_id=workspace_id, id=kid, number=number, public=key.as_dict(private=False), signs_from=signs_from
        )
        whole = orjson.dumps(key.as_dict(private=True)).decode()
        row.key_version, row.ciphertext = self._keys.seal(row.place, whole)
        return row


async def _rows(session: AsyncSession) -> Sequence[AssertionKey]:
    return (await session.scalars(select(AssertionKey).order_by(AssertionKey.workspace_id, AssertionKey.number))).all()


def _signing(rows: Sequence[AssertionKey], now: datetime) -> AssertionKey | None:
    return next((row for row in reversed(rows) if row.signs_from <= now), None)


def _shown(row: AssertionKey, rows: Sequence[AssertionKey], now: datetime) -> ShownKey:
    """`rows` are all of its workspace."""
    followed = min((other.signs_from for other in rows if other.number > row.number), default=None)
    until = followed + STILL_PUBLISHED if followed is not None else None
    never_signs = followed is not None and followed < row.signs_from
    if never_signs or (until is not None and until <= now):
        state = "ended"
    elif row is _signing(rows, now):
        state = "signing"
    else:
        state = "next" if row.signs_from > now else "old"
    return ShownKey(row.id, state, row.signs_from, until)
