"""At most once, for requests with an idempotency key: the first one is claimed before anything is done, its answer is
kept, and who repeats it gets that answer.

A claim that nobody ended is never given to another: what it did is not known, and the key stays used.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.canonical import canonical
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import IdempotencyConflict, InProgress, InvalidArgument, StateConflict
from tradepost.hub.replays.models import Replay

KEPT = timedelta(days=7)
CLAIMED = timedelta(minutes=10)  # longer than any request takes
RETRY_AFTER_SECONDS = 1.0
MAX_KEY_CHARACTERS = 255
_SWEPT_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that carries a key. The same request has a fingerprint in common; the first one is kept."""

    caller: Caller
    operation: str
    key: str
    fingerprints: Sequence[str]

    @property
    def row_id(self) -> str:
        """The id of its row."""
        principal = self.caller.principal
        place = canonical([principal.kind, principal.id, self.operation, self.key])
        return "rpl_" + hashlib.sha256(place).hexdigest()


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer that a request got the first time."""

    status: int
    body: str


def checked_key(key: str) -> str:
    """The key itself. Raises InvalidArgument."""
    if not 0 < len(key) <= MAX_KEY_CHARACTERS or not all("!" <= letter <= "~" for letter in key):
        raise InvalidArgument(
            f"The idempotency key must be 1 to {MAX_KEY_CHARACTERS} visible ASCII characters, without blanks.",
            field="Idempotency-Key",
            hint='For example "new-agent-2026-02-24-1".',
        )
    return key


class Replays:
    """Keeps them in the hub's database, for every process alike."""

    def __init__(self, database: Database, now: Now = system_now) -> None:
        self._database = database
        self._now = now

    async def claim(self, asked: Asked) -> Kept | None:
        """The earlier answer, or None: then the request is the caller's to carry out, and to end with `keep` or `free`.

        Raises IdempotencyConflict, InProgress, StateConflict (an earlier one was broken off)."""
        try:
            async with self._database.transaction(asked.caller.workspace_id, write=True) as session:
                found = await session.scalar(select(Replay).where(Replay.id == asked.row_id).with_for_update())
                if found is not None and found.expires_at > self._now():
                    return self._earlier(asked, found)
                if found is not None:
                    await session.delete(found)
                await self._sweep(session)
                session.add(self._claimed(asked))
            return None
        except IntegrityError:  # somebody else claimed it at this very moment
            async with self._database.transaction(asked.caller.workspace_id, write=False) as session:
                found = await session.scalar(select(Replay).where(Replay.id == asked.row_id))
            if found is None:
                raise _in_progress() from None
            return self._earlier(asked, found)

    async def keep(self, asked: Asked, status: int, body: str) -> None:
        """End a claim with the answer to give from now on."""
        async with self._database.transaction(asked.caller.workspace_id, write=True) as session:
            row = await session.scalar(select(Replay).where(Replay.id == asked.row_id).with_for_update())
            if row is not None:
                row.state, row.status, row.body = "answered", status, body

    async def free(self, asked: Asked) -> None:
        """End a claim of a request that was refused: nothing was done, so the key may be used again."""
        async with self._database.transaction(asked.caller.workspace_id, write=True) as session:
            await session.execute(delete(Replay).where(Replay.id == asked.row_id, Replay.state == "running"))

    def _claimed(self, asked: Asked) -> Replay:
        now = self._now()
        return Replay(
            id=asked.row_id,
            principal_id=asked.caller.principal.id,
            operation=asked.operation,
            key=asked.key,
            fingerprint=asked.fingerprints[0],
            state="running",
            claim_ends_at=now + CLAIMED,
            expires_at=now + KEPT,
        )

    def _earlier(self, asked: Asked, found: Replay) -> Kept:
        if found.fingerprint not in asked.fingerprints:
            raise IdempotencyConflict(
                "This idempotency key was used for another request.",
                hint="Use a new key for a new request, and the same key only to repeat one exactly.",
                field="Idempotency-Key",
            )
        if found.state == "answered" and found.status is not None and found.body is not None:
            return Kept(found.status, found.body)
        if found.claim_ends_at > self._now():
            raise _in_progress()
        raise StateConflict(
            "The first request with this idempotency key was broken off; whether it took effect is not known.",
            hint="Look whether the change is there. If it is not, send the request with a new key.",
        )

    async def _sweep(self, session: AsyncSession) -> None:
        """Forget what is older than we promise to remember."""
        old = select(Replay.id).where(Replay.expires_at <= self._now()).limit(_SWEPT_AT_ONCE)
        ids = list(await session.scalars(old))
        if ids:
            await session.execute(delete(Replay).where(Replay.id.in_(ids)))
            await session.flush()


def _in_progress() -> InProgress:
    return InProgress(
        "The first request with this idempotency key is still under way.",
        hint="Send the same request again in a moment: then it gets the first one's answer.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )
