"""The menu beside every page."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.hub.registration.attention import needing_attention


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of it. `waiting` is how much there waits for a person."""

    title: str
    path: str
    here: bool
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Menu:
    """All lines, and what the routes say of what needs a person; None where the person may not see that."""

    entries: tuple[Entry, ...]
    attention: dict[str, Any] | None


_LINES = (
    ("Today", "/today"),
    ("Approvals", "/approvals"),
    ("Integrations", "/integrations"),
    ("Agents", "/agents"),
    ("Conversations", "/conversations"),
    ("Waiting customers", "/handovers"),
    ("Knowledge", "/knowledge"),
    ("Store", "/store"),
    ("Activity", "/activity"),
    ("Policy", "/policy"),
    ("Access", "/access"),
    ("Settings", "/settings"),
)


def menu_of(path: str, attention: dict[str, Any] | None = None) -> Menu:
    """The menu on the page at a path."""
    waiting = {}
    if attention is not None:
        waiting["/approvals"] = attention["approvals"]
        waiting["/integrations"] = sum(one["new"] + one["changed"] for one in attention["tools"])
    entries = (
        Entry(title, where, path == where or path.startswith(where + "/"), waiting.get(where, 0))
        for title, where in _LINES
    )
    return Menu(tuple(entries), attention)


async def menu_with_counts(session: AsyncSession, path: str) -> Menu:
    """The menu on the page at a path, with how much waits in the session's workspace."""
    return menu_of(path, asdict(await needing_attention(session)))
