"""Secrets that are kept elsewhere, at the moment they are needed: looked up once for all who wait, kept in memory for a
minute, never written down.

While a manager fails, what was read within the last minute is still used; after that there is no secret, and whoever
needs it is told so. A workspace is given only what the operator lets it read, looked at again at each use.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.errors import InvalidArgument, Unavailable
from tradepost.hub.vault.managers.configuration import Configured
from tradepost.hub.vault.managers.references import Reference, filled_in, references_in

KEPT_SECONDS = 60.0
REFUSED_SECONDS = 5.0  # a value so fresh is not asked for again because a server refused it
FAILED_SECONDS = 2.0  # a manager that failed is left alone for so long

_log = logging.getLogger(__name__)

# The short name of a session's workspace. Whose table that is in, is not the vault's business.
SlugOf = Callable[[AsyncSession], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A value with its secrets in it, good until then by the clock."""

    value: str = field(repr=False)
    until: float


@dataclass(frozen=True, slots=True)
class _Kept:
    secret: str = field(repr=False)
    read_at: float


class References:
    """What the operator's managers hold, for the workspaces that may read it."""

    def __init__(
        self,
        managers: Mapping[str, Configured],
        slug_of: SlugOf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._managers = managers
        self._slug_of = slug_of
        self.clock = clock
        self._kept: dict[Reference, _Kept] = {}
        self._refused: set[Reference] = set()
        self._failed: dict[Reference, tuple[float, str]] = {}
        self._reading: dict[Reference, asyncio.Task[_Kept]] = {}

    async def check(self, session: AsyncSession, value: str) -> None:
        """Raises InvalidArgument for a value that refers to what the session's workspace may not read. Nothing is
        read."""
        references = references_in(value)
        slug = await self._slug_of(session) if references else ""
        for reference in references:
            if self._allowed(slug, reference) is None:
                raise InvalidArgument(
                    f"This workspace may not read {reference}.", field="headers", hint=self._hint(slug)
                )

    async def slug(self, session: AsyncSession) -> str:
        """What the session's workspace is called where it is said who may read what."""
        return await self._slug_of(session)

    async def resolve(self, slug: str, value: str) -> Resolved:
        """The value with its secrets, for the workspace of this short name. Raises Unavailable."""
        secrets: list[str] = []
        oldest = self.clock()
        for reference in references_in(value):
            configured = self._allowed(slug, reference)
            if configured is None:
                raise Unavailable(
                    "A credential is kept in a secrets manager that this workspace may not read: nothing was sent.",
                    hint="The operator's file of secrets managers says who may read what.",
                )
            kept = await self._read(configured, reference)
            secrets.append(kept.secret)
            oldest = min(oldest, kept.read_at)
        return Resolved(filled_in(value, secrets), oldest + KEPT_SECONDS)

    def refused(self, value: str) -> None:
        """A server refused what this value led to: it is read anew when it is needed next. Where that fails, what is
        kept counts as before: others may use it with a server that takes it."""
        for reference in references_in(value):
            kept = self._kept.get(reference)
            if kept is not None and self.clock() - kept.read_at >= REFUSED_SECONDS:
                self._refused.add(reference)

    def readable(self, slug: str) -> dict[str, list[str]]:
        """The paths that a workspace may read, by manager."""
        found = {name: configured.prefixes(slug) for name, configured in sorted(self._managers.items())}
        return {name: prefixes for name, prefixes in found.items() if prefixes}

    async def close(self) -> None:
        """Forget everything and close the connections."""
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)
        self._kept.clear()
        for configured in self._managers.values():
            await configured.manager.asker.close()

    def _allowed(self, slug: str, reference: Reference) -> Configured | None:
        configured = self._managers.get(reference.manager)
        return configured if configured is not None and configured.allows(slug, reference.path) else None

    def _hint(self, slug: str) -> str:
        readable = self.readable(slug)
        if not readable:
            return "The operator allows it in the file that TRADEPOST_SECRET_MANAGERS_FILE names."
        shown = ", ".join(f"secret://{name}/{prefix}/…" for name, prefixes in readable.items() for prefix in prefixes)
        return f"It may read {shown}"

    async def _read(self, configured: Configured, reference: Reference) -> _Kept:
        kept = self._kept.get(reference)
        if kept is not None and self.clock() - kept.read_at >= KEPT_SECONDS:
            kept = None
        if kept is not None and reference not in self._refused:
            return kept
        try:
            return await self._read_once(configured, reference)
        except Unavailable:
            if kept is None:
                raise
            return kept

    async def _read_once(self, configured: Configured, reference: Reference) -> _Kept:
        """Read it, once for all who wait."""
        until, why = self._failed.get(reference, (0.0, ""))
        if self.clock() < until:
            raise Unavailable(why, hint="Try again in some seconds.")
        task = self._reading.get(reference)
        if task is None:  # in a task of its own: whoever stops waiting does not stop it for the others
            task = asyncio.create_task(self._read_anew(configured, reference), name="a secret from its manager")
            self._reading[reference] = task
            task.add_done_callback(lambda done: self._done(reference, done))
        return await asyncio.shield(task)

    async def _read_anew(self, configured: Configured, reference: Reference) -> _Kept:
        asked_at = self.clock()  # a change that comes while it is read is found no later for it
        self._forget(asked_at)
        self._refused.discard(reference)
        try:
            secret = await configured.manager.read(reference)
        except Unavailable as error:
            self._failed[reference] = self.clock() + FAILED_SECONDS, error.message
            raise
        self._failed.pop(reference, None)
        kept = self._kept[reference] = _Kept(secret, asked_at)
        return kept

    def _forget(self, now: float) -> None:
        """What is too old to be used: also of servers that nobody calls any more."""
        self._kept = {one: kept for one, kept in self._kept.items() if now - kept.read_at < KEPT_SECONDS}
        self._failed = {one: failed for one, failed in self._failed.items() if now < failed[0]}

    def _done(self, reference: Reference, task: asyncio.Task[_Kept]) -> None:
        self._reading.pop(reference, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("the secret %s could not be read: %s", reference, error)


async def _nameless(_session: AsyncSession) -> str:
    return ""


NO_MANAGERS = References({}, _nameless)
