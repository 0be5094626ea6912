"""What a workspace decides about its registry: what becomes of a tool whose server changed it, how many tools an agent
sees before two that find and load the others stand in place of the list, and how long results may be.

Nobody has to set anything: what is not set has the value that stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.lookups import Lookup
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.limits.settings import checked as checked_setting
from tradepost.hub.registry.models import RegistryRules

ROW_ID = "rules"
KEEP, REMOVE = "keep", "remove"
MOST_VISIBLE = 10_000
VISIBLE_TOOLS = 30

WHAT: Mapping[str, str] = {
    "changed_tools": "What agents see of a tool, resource or prompt whose server changed it, until somebody has "
    "looked: nothing (remove), or the definition that was approved (keep). Never the new one.",
    "visible_tools": f"Tools an agent sees at once, 1 to {MOST_VISIBLE}; with more, find_tools and load_tools stand in "
    "place of the list.",
    "result_tokens": "Tokens that a result may have, where neither its tool nor its server says so; the rest of a "
    "longer one is fetched with get_rest. 0 is no limit. Where nobody says anything, bundled servers have none.",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that hold in a workspace."""

    changed_tools: str = REMOVE
    visible_tools: int = VISIBLE_TOOLS
    result_tokens: int | None = None

    @property
    def visible_states(self) -> tuple[str, str]:
        """The states of tools, resources and prompts that agents see, by their pinned definitions (twice the same where
        there is one)."""
        return ("enabled", "quarantined" if self.changed_tools == KEEP else "enabled")


DEFAULTS = Rules()
_SET = Lookup(select(RegistryRules.settings).where(RegistryRules.id == bindparam("id")), first="one")


async def read_rules(session: AsyncSession) -> Rules:
    """What holds in the session's workspace."""
    rows = await _SET.rows(session, {"id": ROW_ID})
    return rules_of(rows[0][0]) if rows else DEFAULTS


def rules_of(settings: Mapping[str, Any]) -> Rules:
    """What holds where these are set."""
    return _rules(tuple(sorted((name, value) for name, value in settings.items() if name in WHAT)))


@lru_cache(maxsize=1_024)
def _rules(settings: tuple[tuple[str, Any], ...]) -> Rules:
    return Rules(**dict(settings))


def checked(name: str, given: object) -> str | int:
    """The value of a rule, which may be given as text. Raises InvalidArgument."""
    required_name(name)
    if name == "changed_tools":
        if given not in (KEEP, REMOVE):
            raise InvalidArgument(
                f"'{str(given)[:40]}' is no value of changed_tools.", hint="It is keep or remove.", field=name
            )
        return str(given)
    if name == "result_tokens":
        return int(checked_setting(name, given))
    number = _whole(given)
    if not 1 <= number <= MOST_VISIBLE:
        raise InvalidArgument(
            f"'{str(given)[:40]}' is no value of visible_tools.",
            hint=f"It is a whole number from 1 to {MOST_VISIBLE}.",
            field=name,
        )
    return number


def required_name(name: str) -> None:
    """Raises InvalidArgument for what is no name of a rule."""
    if name not in WHAT:
        raise InvalidArgument(
            f"There is no rule '{name[:60]}' of a registry.", hint=f"There are: {', '.join(WHAT)}.", field=name[:60]
        )


def _whole(given: object) -> int:
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 8:
        return int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) else -1
