"""Sessions of the handshake era: what `initialize` agreed on, kept for one principal.

A session id is never a credential: every request authenticates on its own, and a session opens only for the owner that
opened it. A foreign, an ended and an invented id look the same.
"""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tradepost.foundation.caller import Caller

IDLE_SECONDS = 3600.0
SLACK_SECONDS = 0.01  # so that a timer does not come just too early
MAX_SESSIONS = 10_000
MAX_PER_OWNER = 200


@dataclass(frozen=True, slots=True)
class Session:
    """What one client and the endpoint agreed on. `server` is the slug it connected to, None for the whole catalog;
    `loaded` are tools that it was shown and that belong to its list since."""

    owner: str
    server: str | None
    protocol_version: str
    client_capabilities: Mapping[str, Any] = field(default_factory=dict)
    log_level: str = "info"
    loaded: tuple[str, ...] = ()


class SessionStore(Protocol):
    """Where sessions live. Nothing is found, changed or ended for anybody but the owner."""

    async def open(self, session: Session) -> str:
        """Keep a session; its new id has at least 128 random bits in visible ASCII."""
        ...

    async def get(self, session_id: str, owner: str) -> Session | None:
        """The owner's session; None for an unknown, ended or foreign id."""
        ...

    async def replace(self, session_id: str, session: Session) -> None:
        """Keep a changed session under its id; nothing happens when its owner has no such session."""
        ...

    async def end(self, session_id: str, owner: str) -> bool:
        """End the owner's session; False when there is none."""
        ...

    def on_end(self, tell: Callable[[str], None]) -> None:
        """Say the id of every session that ends, however it ends."""
        ...


def owner_of(caller: Caller) -> str:
    """The key a session is bound to: workspace, principal and, with an OAuth token, the client it was given to."""
    owner = f"{caller.workspace_id}/{caller.principal.kind}/{caller.principal.id}"
    return owner if caller.grant is None else f"{owner}/{caller.grant.client_id}"


@dataclass(slots=True)
class _Entry:
    session: Session
    used_at: float


class MemorySessionStore:
    """Sessions of one process: bounded in all and per owner, forgotten after an idle hour, whether anybody comes or
    not: what a session watches must not outlive it."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, process: str = "") -> None:
        self._monotonic = monotonic
        self._process = process  # its name begins every id: others know by it whose session it is
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._per_owner: dict[str, OrderedDict[str, None]] = {}
        self._tell: list[Callable[[str], None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def on_end(self, tell: Callable[[str], None]) -> None:
        self._tell.append(tell)

    async def open(self, session: Session) -> str:
        self._forget_idle()
        own = self._per_owner.setdefault(session.owner, OrderedDict())
        if len(own) >= MAX_PER_OWNER:
            self._drop(next(iter(own)))
        if len(self._entries) >= MAX_SESSIONS:
            self._drop(next(iter(self._entries)))
        session_id = self._process + secrets.token_hex(32)  # one case only: there are clients that fold headers
        self._entries[session_id] = _Entry(session, self._monotonic())
        self._per_owner.setdefault(session.owner, OrderedDict())[session_id] = None
        self._look_again()
        return session_id

    async def get(self, session_id: str, owner: str) -> Session | None:
        entry = self._entries.get(session_id)
        now = self._monotonic()
        if entry is None or entry.session.owner != owner:
            return None
        if now - entry.used_at > IDLE_SECONDS:
            self._drop(session_id)
            return None
        entry.used_at = now
        self._entries.move_to_end(session_id)
        return entry.session

    async def replace(self, session_id: str, session: Session) -> None:
        if await self.get(session_id, session.owner) is not None:
            self._entries[session_id].session = session

    async def end(self, session_id: str, owner: str) -> bool:
        if await self.get(session_id, owner) is None:
            return False
        self._drop(session_id)
        return True

    def _forget_idle(self) -> None:
        oldest_allowed = self._monotonic() - IDLE_SECONDS
        while self._entries:
            session_id, entry = next(iter(self._entries.items()))
            if entry.used_at >= oldest_allowed:
                return
            self._drop(session_id)

    def _look_again(self) -> None:
        """Forget idle sessions when the oldest may be one."""
        if self._timer is not None or not self._entries:
            return
        oldest = next(iter(self._entries.values())).used_at
        wait = max(oldest + IDLE_SECONDS - self._monotonic(), 0) + SLACK_SECONDS
        self._timer = asyncio.get_running_loop().call_later(wait, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self._forget_idle()
        self._look_again()

    def _drop(self, session_id: str) -> None:
        entry = self._entries.pop(session_id)
        own = self._per_owner[entry.session.owner]
        del own[session_id]
        if not own:
            del self._per_owner[entry.session.owner]
        for tell in self._tell:
            tell(session_id)
