"""Worlds whose subject is something else: their agents write and look things up as before after they have read what
outsiders wrote."""

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.hub.registration.policies import rules

HARMLESS = 'tainted && tool.class == "write" && !tool.moves_money'
RULE = {"name": "trusted", "outcome": "allow", "reason": "trusted", "when": HARMLESS, "loosens": True}
READS = {**RULE, "name": "trusted-reads", "when": "tainted", "class": "read"}


async def trust_outsiders(session: AsyncSession, by: Caller) -> None:
    """Let what would be allowed otherwise be allowed also to runs that have read such text."""
    await rules.add(session, by, RULE)
    await rules.add(session, by, READS)
