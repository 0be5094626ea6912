"""What conversations need of the hub. Joined in the app."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller


@dataclass(frozen=True, slots=True)
class Named:
    """An agent: its id and its short name."""

    id: str
    slug: str


@dataclass(frozen=True, slots=True)
class CustomerLimits:
    """What one customer of the shop may use: messages in a minute and in a day (UTC), characters of one, and tokens of
    one conversation."""

    per_minute: int
    per_day: int
    characters: int
    tokens: int


class Hub(Protocol):
    """The hub, as far as conversations know it."""

    async def agent(self, session: AsyncSession, by: Caller, agent: str | None) -> Named:
        """The agent somebody wants to talk with, by slug or id; who acts as an agent talks with that one alone. Raises
        NotFound, InvalidArgument."""
        ...

    async def confirm(self, caller: Caller) -> None:
        """Raises Unauthenticated for a caller that may not act any more, whatever held when it asked."""
        ...

    async def for_customers(self, session: AsyncSession, by: Caller) -> Named:
        """The agent that answers the shop's customers in the profile of this caller. Raises StateConflict where there
        is none that is switched on."""
        ...

    async def require_on(self, session: AsyncSession, agent_id: str) -> None:
        """Raises StateConflict for an agent that is switched off, in words for customers."""
        ...

    async def confirm_now(self, caller: Caller) -> None:
        """As `confirm`, and whatever vouches for the caller has not expired either. Raises Unauthenticated."""
        ...

    async def customer_limits(self, session: AsyncSession, agent_id: str) -> CustomerLimits:
        """What holds for each customer who talks with this agent."""
        ...

    async def count(self, workspace_id: str, what: str, seconds: int, limit: int) -> float | None:
        """Count one of `what` in its window of so many seconds, in all processes together. None where that is allowed;
        else the seconds until the window ends."""
        ...

    async def outcome(self, by: Caller, approval_id: str) -> str:
        """What became of a write that a customer asked for, in words for them; for one whose session is over."""
        ...

    async def ended(self, workspace_id: str, approvals: Collection[str]) -> set[str]:
        """Those of these approvals that have come to their end: carried out, failed, rejected, expired."""
        ...

    def note(
        self, session: AsyncSession, by: Caller, tag: str, subject: str, details: Mapping[str, Any] | None = None
    ) -> None:
        """Record in the audit what somebody did, in the session's transaction."""
        ...

    def publish(self, session: AsyncSession, by: Caller, tag: str, subject: str) -> None:
        """Tell everybody who follows a record that it changed, once the session's transaction is committed."""
        ...


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is secret or personal in texts and fields, by the rules that the audit has."""

    secrets: Callable[[str], str]
    personal: Callable[[str], str]
    kind_of: Callable[[str], str | None]  # of a field, by its name: "secret", "personal" or None

    def cleaned(self, text: str) -> str:
        """The text without either."""
        return self.personal(self.secrets(text))
