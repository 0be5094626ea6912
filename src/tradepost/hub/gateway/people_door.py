"""The gateway for people who look at the shop's records: pages, and REST for their keys. The same pipeline as for
agents, with the person as the caller: audited, counted, and with personal data masked by role."""

from tradepost.foundation.caller import Caller, Principal
from tradepost.hub.access.models import User
from tradepost.hub.access.roles import at_least
from tradepost.hub.access.scopes import SCOPES
from tradepost.hub.gateway.call import Json
from tradepost.hub.gateway.door import Door

_PERSONAL = ".pii"
_READS = frozenset(scope for scope in SCOPES if scope.startswith("read:"))


class PeopleDoor:
    """Calls of people. What they may read follows from their role: operators and above see personal data."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def list(self, by: Caller, user: User) -> list[Json]:
        """The Tool objects that the person may call."""
        return await self._door.list(caller_of(by, user))

    async def read(self, by: Caller, user: User, tool: str, arguments: Json) -> Json:
        """The CallToolResult object of one read. Raises NotFound for a tool that only looks at nothing of the shop, or
        that somebody has switched off."""
        return await self._door.call(caller_of(by, user), tool, arguments)


def caller_of(by: Caller, user: User) -> Caller:
    """The person as the caller of a read. A key that was given scopes keeps it to them; what binds the person's tools
    (region, warehouse) binds this, too."""
    scopes = _READS if at_least(user.role, "operator") else frozenset(s for s in _READS if not s.endswith(_PERSONAL))
    return Caller(
        by.workspace_id,
        Principal("user", user.id),
        by.request_id,
        user_id=user.id,
        scopes=scopes & by.scopes if by.scopes else scopes,
        attributes=user.attributes,
    )
