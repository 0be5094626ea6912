"""Taint: a run has been given text that outsiders wrote, so what it does next may be what they want.

A run is what its client names as one; calls that name none are one run of their agent, for as long as it goes on
reading. Nothing but time clears it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import from_rfc3339, to_rfc3339

NAMED_LASTS = timedelta(hours=24)  # a run that has a name, after it read such text last
UNNAMED_LASTS = timedelta(minutes=30)
NO_RUN = ""

# Where words came from: of another server its id, else one of these.
SHOP = "shop"  # what outsiders wrote into the shop's own records
KNOWN = "known"  # the shop's own words: not a taint by themselves, but nothing for another server


@dataclass(frozen=True, slots=True)
class Taint:
    """Where such text came from last: the kinds of it in words, the tool and its server, when, and of which source."""

    what: str
    server: str
    tool: str
    at: datetime
    source: str = ""

    @property
    def is_the_shops(self) -> bool:
        """Whether the shop's own records have it, whoever wrote it there."""
        return self.source in (SHOP, KNOWN)

    def words(self, now: datetime) -> str:
        """The reason for asking, in a sentence's half."""
        return f"this run has read text that outsiders wrote ({self.what}, from {self.tool} {_ago(now - self.at)})"

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for an action."""
        return {"what": self.what, "server": self.server, "tool": self.tool, "at": to_rfc3339(self.at)}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "Taint":
        """From JSON of an action."""
        return cls(kept["what"], kept["server"], kept["tool"], from_rfc3339(kept["at"]))


def holder_of(caller: Caller) -> str:
    """Whose runs they are: the agent's, whichever key it comes with. A customer of the shop is one for themselves."""
    if caller.agent_id is not None and caller.principal.kind != "shopper":
        return caller.agent_id
    return f"{caller.principal.kind}:{caller.principal.id}"


def lasts(run: str) -> timedelta:
    """How long a taint counts."""
    return UNNAMED_LASTS if run == NO_RUN else NAMED_LASTS


def _ago(passed: timedelta) -> str:
    minutes = int(passed.total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes > 1 else ''} ago"
    return f"{minutes // 60} hours ago"
