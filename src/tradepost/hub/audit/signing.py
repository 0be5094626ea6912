"""The signer: states with its signature how far the chain of each workspace has come.

Before it signs, it follows the links from its last statement on. So it never signs for a chain that somebody computed
anew: it says so in the log of the process, loudly, and leaves the last true statement as it is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import Unavailable
from tradepost.foundation.ids import new_id
from tradepost.foundation.rounds import Rounds
from tradepost.hub.audit.chain import FIRST, chain_hash
from tradepost.hub.audit.models import AuditCheckpoint, AuditLink, AuditSignature
from tradepost.hub.audit.signed import Trust
from tradepost.hub.audit.statement import Statement, public_key, said_of_checkpoint, sign
from tradepost.hub.audit.witness import Witness

PAUSE_SECONDS = 60.0
PAGE = 250  # links that are followed in one go: a third of a millisecond

Workspaces = Callable[[], Awaitable[Sequence[str]]]

_log = logging.getLogger(__name__)


class SigningKeys(Protocol):
    """Where the keys of workspaces are kept."""

    async def signing(self, workspace_id: str) -> Ed25519PrivateKey:
        """The key that signs, made when it is first needed. Raises Unavailable where it cannot be opened."""
        ...

    async def public(self, workspace_id: str) -> list[str]:
        """The public keys of all that ever signed, as far as they can be opened."""
        ...


class Signer:
    """Signs for the workspaces that it is told of. `witness` keeps the newest statement of each outside the
    database."""

    def __init__(
        self,
        database: Database,
        keys: SigningKeys,
        workspaces: Workspaces | None = None,
        witness: Witness | None = None,
        now: Now = system_now,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._database = database
        self._keys = keys
        self._workspaces = workspaces
        self._witness = witness
        self._now = now
        self._signing = Rounds("audit signer", self._round, pause_seconds)

    async def start(self) -> None:
        """Sign in the background from now on."""
        self._signing.start()

    async def stop(self) -> None:
        """Stop, and sign what was sealed meanwhile."""
        await self._signing.stop()
        await self._round()

    async def sign(self, workspace_id: str) -> Statement | None:
        """The newest statement about a workspace's chain, made now where rows were sealed since the last one. None
        where there is nothing to state. Raises Unavailable where the chain contradicts what was signed before, or the
        key cannot be opened."""
        async with self._database.transaction(workspace_id, write=False) as session:
            last = await newest_statement(session)
            head = await _head(session)
        await self._compare_with_witness(workspace_id, last)
        if last is not None and not last.is_genuine:
            raise _contradicted(workspace_id, last, "its signature was changed")
        if head is None or (last is not None and head == (last.position, last.chain_hash)):
            return last
        start = await self._start(workspace_id, last)
        await self._follow(workspace_id, last, start, head)
        key = await self._keys.signing(workspace_id)  # the first one is made now: a key without a statement looks odd
        previous = 0 if last is None else last.position
        plain = Statement(workspace_id, head[0], head[1], previous, self._now(), public_key(key))
        made = plain.signed(key)
        try:
            await self._store(made)
        except IntegrityError:  # another process signed at the same moment
            async with self._database.transaction(workspace_id, write=False) as session:
                return await newest_statement(session)
        if self._witness is not None:
            await asyncio.to_thread(self._witness.keep, made)
        return made

    async def sign_checkpoint(self, checkpoint: AuditCheckpoint) -> None:
        """Sign a checkpoint that is about to be stored."""
        key = await self._keys.signing(checkpoint.workspace_id)
        checkpoint.key = public_key(key)
        checkpoint.signature = sign(key, said_of_checkpoint(checkpoint))

    async def trust(self, workspace_id: str) -> Trust:
        """What a check of a workspace's chain may go by. Raises SetupError where the witness cannot be read."""
        kept = None if self._witness is None else await asyncio.to_thread(self._witness.kept, workspace_id)
        return Trust(frozenset(await self._keys.public(workspace_id)), kept)

    async def _compare_with_witness(self, workspace_id: str, last: Statement | None) -> None:
        kept = None if self._witness is None else await asyncio.to_thread(self._witness.kept, workspace_id)
        if kept is not None and (last is None or kept.position > last.position):
            raise _contradicted(workspace_id, kept, "it is no longer in the database, though it was made here")

    async def _start(self, workspace_id: str, last: Statement | None) -> tuple[int, str]:
        """From where links are followed: the last statement, or the checkpoint where rows were deleted further on."""
        async with self._database.transaction(workspace_id, write=False) as session:
            newest = select(AuditCheckpoint).order_by(AuditCheckpoint.position.desc()).limit(1)
            checkpoint = (await session.scalars(newest)).one_or_none()
        if checkpoint is not None and (last is None or checkpoint.position > last.position):
            return checkpoint.position, checkpoint.chain_hash
        return (0, FIRST) if last is None else (last.position, last.chain_hash)

    async def _follow(
        self, workspace_id: str, last: Statement | None, start: tuple[int, str], head: tuple[int, str]
    ) -> None:
        position, before = start
        while position < head[0]:
            async with self._database.transaction(workspace_id, write=False) as session:
                page = select(AuditLink.position, AuditLink.row_hash, AuditLink.chain_hash)
                behind = page.where(AuditLink.position > position).order_by(AuditLink.position).limit(PAGE)
                rows = (await session.execute(behind)).all()
            for found, row, chained in rows:
                if found != position + 1 or chain_hash(before, found, row) != chained:
                    raise _contradicted(workspace_id, last, f"the link at {position + 1} does not follow from it")
                position, before = found, chained
            if not rows:
                break
            await asyncio.sleep(0)  # calls come first
        if (position, before) != head:
            raise _contradicted(workspace_id, last, f"the chain does not lead from it to {head[0]}")

    async def _store(self, made: Statement) -> None:
        async with self._database.transaction(made.workspace_id, write=True) as session:
            session.add(
                AuditSignature(
                    id=new_id("sgn"),
                    position=made.position,
                    chain_hash=made.chain_hash,
                    previous=made.previous,
                    signed_at=made.signed_at,
                    key=made.key,
                    signature=made.signature,
                )
            )

    async def _round(self) -> None:
        try:
            for workspace_id in [] if self._workspaces is None else await self._workspaces():
                await self._one(workspace_id)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("the audit is not signed for now: %s", error)

    async def _one(self, workspace_id: str) -> None:
        try:
            await self.sign(workspace_id)
        except Unavailable as error:
            _log.error("the audit of %s is not signed: %s %s", workspace_id, error.message, error.hint)


def statement_of(row: AuditSignature) -> Statement:
    """The statement that a row holds."""
    signed = row.signed_at, row.key, row.signature
    return Statement(row.workspace_id, row.position, row.chain_hash, row.previous, *signed)


async def newest_statement(session: AsyncSession) -> Statement | None:
    """The last statement about the session's workspace."""
    newest = select(AuditSignature).order_by(AuditSignature.position.desc()).limit(1)
    row = (await session.scalars(newest)).one_or_none()
    return None if row is None else statement_of(row)


async def _head(session: AsyncSession) -> tuple[int, str] | None:
    newest = select(AuditLink.position, AuditLink.chain_hash).order_by(AuditLink.position.desc()).limit(1)
    row = (await session.execute(newest)).one_or_none()
    return None if row is None else (row[0], row[1])


def _contradicted(workspace_id: str, last: Statement | None, why: str) -> Unavailable:
    known = "the beginning" if last is None else f"the statement at {last.position}"
    return Unavailable(
        f"The audit of {workspace_id} contradicts {known}: {why}.",
        hint="Somebody changed the database, or it was restored from a backup: `tradepost audit verify` says more.",
    )
