"""A workspace's keys for signed assertions, as an admin sees and rotates them."""

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.vault.assertion_keys import AssertionKeys, ShownKey


async def list_keys(session: AsyncSession, by: Caller, keys: AssertionKeys) -> list[ShownKey]:
    """All that are kept, the newest first; nothing of them is secret."""
    await require_role(session, by, "admin")
    return await keys.show(session)


async def rotate(session: AsyncSession, by: Caller, keys: AssertionKeys, *, at_once: bool = False) -> ShownKey:
    """Make another key that signs once everybody may know it, or at once. Raises StateConflict where one waits."""
    await require_role(session, by, "admin")
    made = await keys.rotate(session, at_once=at_once)
    await record_change(session, by, "assertion_key:rotated", made.kid, {"at_once": at_once})
    return made
