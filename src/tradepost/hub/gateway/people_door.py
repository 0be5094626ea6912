"""The gateway for people, on pages and with their own keys: they look at the shop's records, and admins try a tool.
The same pipeline as for agents, with the person as the caller: audited, counted, with personal data masked by role; a
write waits for a person like any other."""

from typing import NamedTuple

from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import User
from tradepost.hub.access.roles import at_least
from tradepost.hub.access.scopes import SCOPES
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.door import Door
from tradepost.hub.gateway.trials import trial_caller
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.registry.pinned import KEY_PARAMETER
from tradepost.protocol.hosting import NO_EXTRAS

_PERSONAL = ".pii"
_READS = frozenset(scope for scope in SCOPES if scope.startswith("read:"))


class Tried(NamedTuple):
    """What came of trying a tool: the CallToolResult object, the request under which it is recorded, the action that
    waits for a person, whether the result is the server's own answer (else the hub's), and how long it took, of it
    the server, in microseconds."""

    result: Json
    request_id: str
    waits: str | None
    answered: bool
    duration_us: int
    upstream_us: int | None


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

    async def test(
        self, by: Caller, user: User | None, server: Server, entry: ToolEntry, arguments: Json, key: str | None = None
    ) -> Tried:
        """One call of one tool, whether agents see it yet or not, checked against the definition that is pinned or that
        approving would pin. Where the same key comes again, the first call answers. Raises ForbiddenScope,
        StateConflict, NotFound (trials.trial_caller)."""
        caller = trial_caller(by, user, server, entry).for_request(new_id("req"))
        own = None if KEY_PARAMETER in arguments else key or new_id("test")
        call = Call(caller, "tool", entry.name, arguments, extras=NO_EXTRAS._replace(idempotency_key=own))
        result = await self._door.run(call)
        waits = call.action.id if call.action is not None and call.action.state == "pending" else None
        answered = (call.sent or call.replayed) and call.error is None
        return Tried(result, caller.request_id, waits, answered, call.duration_us(), call.upstream_us)


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
