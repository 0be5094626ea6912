"""What the detector said of the texts that a run has read: for the people who are asked, and for rules of theirs.

By itself it lets nothing through and stops nothing. Where there is none, nothing is known either.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.detection.kinds import KINDS, LEVELS, SAYS, Kind, Level
from tradepost.hub.trust.taint import Taint


@dataclass(frozen=True, slots=True)
class Signal:
    """How sure it is that a run was given instructions, and of which kinds; lately by a tool of a server."""

    level: Level
    kinds: tuple[Kind, ...]
    server: str
    tool: str
    at: datetime

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for an action."""
        return {
            "level": self.level,
            "kinds": list(self.kinds),
            "reasons": reasons(self.kinds),
            "server": self.server,
            "tool": self.tool,
            "at": to_rfc3339(self.at),
        }


def reasons(kinds: Iterable[str]) -> list[str]:
    """The kinds in words."""
    return [SAYS[kind] for kind in KINDS if kind in set(kinds)]


def joined(signals: Iterable[Signal]) -> Signal | None:
    """All kinds of several, and where the gravest of them is from: of these the latest."""
    found = list(signals)
    if not found:
        return None
    gravest = max(found, key=lambda one: (LEVELS.index(one.level), one.at))
    there = {kind for one in found for kind in one.kinds}
    kinds = tuple(kind for kind in get_args(Kind) if kind in there)
    return Signal(gravest.level, kinds, gravest.server, gravest.tool, gravest.at)


def read_before(taint: Taint | None, signal: Signal | None) -> dict[str, Any] | None:
    """What an action keeps of what its run had read."""
    if taint is None:
        return None
    return taint.as_dict() if signal is None else {**taint.as_dict(), "signal": signal.as_dict()}
