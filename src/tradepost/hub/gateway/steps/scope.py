"""Does the caller hold the scope that the tool needs?"""

from tradepost.foundation.errors import ForbiddenScope
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts


def scope(call: Call, parts: Parts) -> None:
    """Raises ForbiddenScope naming the scope."""
    needed = call.found.scope
    if needed is not None and not call.caller.has_scope(needed):
        raise ForbiddenScope(
            f"{call.name} needs the scope {needed}, which this caller does not have.",
            hint="An admin can add the scope to the agent and its key.",
            details={"scope": needed},
        )
