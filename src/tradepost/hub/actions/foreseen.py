"""What a preview says, as text with nothing hidden in it: for pages, mails, Slack and the terminal alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradepost.foundation.money import display
from tradepost.foundation.untrusted import with_hidden_shown

NOTHING = "-"
COLUMNS = ("record", "field", "before", "after")


@dataclass(frozen=True, slots=True)
class Foreseen:
    """`summary` is one sentence. `moved` says what is different from what was shown and approved before. `changes`
    have the four `COLUMNS`; nothing is "-". `effects` happen outside the store. `amount` is the money that moves."""

    summary: str
    moved: tuple[str, ...]
    changes: tuple[dict[str, str], ...]
    effects: tuple[str, ...]
    amount: str


def foreseen_in(preview: Mapping[str, Any] | None) -> Foreseen:
    """All of it that is there: servers that are not bundled foresee nothing."""
    found = preview or {}
    changes = [one for one in found.get("changes") or [] if isinstance(one, dict)]
    return Foreseen(
        summary=_text(found.get("summary"), ""),
        moved=tuple(_text(one) for one in found.get("moved") or []),
        changes=tuple({name: _text(one.get(name)) for name in COLUMNS} for one in changes),
        effects=tuple(_text(one) for one in found.get("side_effects") or []),
        amount=_amount(found.get("amount")),
    )


def in_a_line(change: Mapping[str, str]) -> str:
    """One change where there are no columns; what is new has no before."""
    before = "" if change["before"] == NOTHING else f"{change['before']} -> "
    return f"{change['record']}, {change['field']}: {before}{change['after']}"


def _amount(said: Any) -> str:
    return display(said["value"], said["currency"]) if isinstance(said, dict) else ""


def _text(value: Any, nothing: str = NOTHING) -> str:
    return nothing if value is None else with_hidden_shown(str(value))
