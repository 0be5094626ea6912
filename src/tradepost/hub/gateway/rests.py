"""What was left of results, kept for whoever called: sealed, for a time, in the database, so that every process has it.

A piece is given to the same principal, bound as it was then, with at least the scopes it had, as long as it still sees
the tool, resource or prompt: anybody else hears that there is nothing.
"""

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.canonical import canonical
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import NotFound
from tradepost.foundation.ids import new_id
from tradepost.hub.access.personal.words import Words
from tradepost.hub.actions.expiry import KEY_RETENTION
from tradepost.hub.gateway.sizes import Json, size_of, tokens
from tradepost.hub.registry.catalog import CatalogPrompt, CatalogResource, CatalogTool
from tradepost.hub.vault.held_keys import HeldKeys
from tradepost.hub.vault.models import PIECES_PLACE, SealedPiece

Entry = CatalogTool | CatalogResource | CatalogPrompt
KEPT = timedelta(hours=1)
KEPT_OF_WRITES = KEY_RETENTION  # a replay gives the same handle
MOST_PIECES = 2_000  # of the reads of one principal: the oldest go first
_SWEPT_AT_ONCE = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the rest of a result is: the handle of the first piece, and until when."""

    handle: str
    pieces: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece as it is given out. `about` is what was said of the tool when it was kept, `named` what of it is
    personal, by kind."""

    parts: Sequence[Json]
    named: Mapping[str, str]
    number: int
    pieces: int
    next: str | None
    tokens_left: int
    about: Json
    tool_entry_id: str
    expires_at: datetime


class Rests:
    """Keeps and gives them."""

    def __init__(self, database: Database, keys: HeldKeys, now: Now = system_now) -> None:
        self._database = database
        self._keys = keys
        self._now = now

    async def keep(
        self,
        caller: Caller,
        entry: Entry,
        name: str,
        pieces: Sequence[Sequence[Json]],
        *,
        of_write: bool,
        outside: Sequence[str] = (),
        words: Words | None = None,
    ) -> Kept | None:
        """The rest of a result; None where the database does not take it, which is no reason to lose the beginning.
        `outside` are the kinds of outsiders' texts in it, `words` what all of the result says of persons: a piece does
        not have the fields that say so."""
        rest_id = new_id("rest")
        until = self._now() + (KEPT_OF_WRITES if of_write else KEPT)
        try:
            rows = await asyncio.to_thread(
                self._rows, caller, entry, name, rest_id, pieces, until, of_write, outside, words
            )
            async with self._database.transaction(caller.workspace_id, write=True) as session:
                await self._make_room(session, caller)
                session.add_all(rows)
        except (SQLAlchemyError, OSError):
            _log.warning("the rest of a result of %s could not be kept", name, exc_info=True)
            return None
        return Kept(_handle(rest_id, 1), len(pieces), until)

    async def piece(self, caller: Caller, handle: str) -> Piece:
        """A piece by its handle. Raises NotFound."""
        async with self._database.transaction(caller.workspace_id, write=False) as session:
            row = await session.scalar(select(SealedPiece).where(SealedPiece.id == handle))
        if row is None or row.expires_at <= self._now() or not _is_for(row, caller):
            raise unknown()
        about = dict(row.about)
        number, pieces = about.pop("number"), about.pop("pieces")
        opened = orjson.loads(self._keys.open(row.place, row.key_version, row.ciphertext))
        if isinstance(opened, list):  # kept before pieces said whom they name
            opened = {"parts": opened, "named": {}}
        return Piece(
            parts=opened["parts"],
            named=opened["named"],
            number=number,
            pieces=pieces,
            next=_handle(about.pop("rest"), number + 1) if number < pieces else None,
            tokens_left=about.pop("tokens_left"),
            about=about,
            tool_entry_id=row.tool_entry_id,
            expires_at=row.expires_at,
        )

    def _rows(
        self,
        caller: Caller,
        entry: Entry,
        name: str,
        rest_id: str,
        pieces: Sequence[Sequence[Json]],
        until: datetime,
        of_write: bool,
        outside: Sequence[str],
        words: Words | None,
    ) -> list[SealedPiece]:
        left = sum(size_of(piece) for piece in pieces)
        rows: list[SealedPiece] = []
        for number, piece in enumerate(pieces, 1):
            handle, text = _handle(rest_id, number), orjson.dumps(piece).decode()
            left -= len(text)
            named = orjson.dumps(words.of(text) if words is not None else {}).decode()
            sealed = f'{{"parts":{text},"named":{named}}}'
            key_version, ciphertext = self._keys.seal((caller.workspace_id, PIECES_PLACE, handle), sealed)
            about = {"rest": rest_id, "number": number, "pieces": len(pieces), "tokens_left": tokens(max(left, 0))}
            rows.append(
                SealedPiece(
                    id=handle,
                    principal_kind=caller.principal.kind,
                    principal_id=caller.principal.id,
                    holder=_holder(caller),
                    scopes=sorted(caller.scopes),
                    tool_entry_id=entry.entry_id,
                    about={**about, **_about(entry, name), "outside": list(outside)},
                    of_write=of_write,
                    expires_at=until,
                    key_version=key_version,
                    ciphertext=ciphertext,
                )
            )
        return rows

    async def _make_room(self, session: AsyncSession, caller: Caller) -> None:
        """Forget what is over, and of one caller's reads what is too much; the ids sort by time."""
        over = select(SealedPiece.id).where(SealedPiece.expires_at <= self._now()).limit(_SWEPT_AT_ONCE)
        of_caller = (
            select(SealedPiece.id)
            .where(SealedPiece.principal_id == caller.principal.id, SealedPiece.of_write.is_(False))
            .order_by(SealedPiece.id.desc())
            .offset(MOST_PIECES)
            .limit(_SWEPT_AT_ONCE)
        )
        gone = [*await session.scalars(over), *await session.scalars(of_caller)]
        if gone:
            await session.execute(delete(SealedPiece).where(SealedPiece.id.in_(gone)))


def unknown() -> NotFound:
    """What every handle gets that is none of this caller's, any more or ever."""
    return NotFound(
        "There is nothing to fetch with that handle.",
        hint="Use the handle exactly as a result gave it, with the key that made the call. The rest of a result is "
        "kept for a time only: call the tool again if you still need it.",
        field="handle",
    )


def _about(entry: Entry, name: str) -> Json:
    foreign = entry.server_kind != "builtin"
    return {
        "tool": name,
        "server": entry.server_slug,
        "foreign": foreign,
        "delimited": foreign and entry.limits.text == "delimited",
    }


def _handle(rest_id: str, number: int) -> str:
    return f"{rest_id}.{number:05}"


def _is_for(row: SealedPiece, caller: Caller) -> bool:
    principal = caller.principal
    if (row.principal_kind, row.principal_id, row.holder) != (principal.kind, principal.id, _holder(caller)):
        return False
    return caller.scopes.issuperset(row.scopes)


def _holder(caller: Caller) -> str:
    """A digest of what bound a caller beside its principal and its scopes."""
    grant = caller.grant.id if caller.grant is not None else None
    bound = [caller.user_id, caller.agent_id, caller.profile_id, grant, dict(caller.attributes)]
    return hashlib.sha256(canonical(bound)).hexdigest()
