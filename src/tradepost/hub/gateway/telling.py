"""What a call's requests tell its server of the caller, beside the arguments."""

from tradepost.foundation.errors import Unavailable
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.registry.injection_rules import ASSERTION_HEADER, Facts
from tradepost.hub.upstreams.talk import Tells
from tradepost.protocol.options import Beside


async def facts_of(call: Call, parts: Parts) -> Facts:
    """The caller, and where a rule asks for it, what its workspace and agent are called. Raises Unauthenticated where
    that has to be looked up and the caller may not act any more."""
    injected = call.found.injected
    if injected is None or not injected.asks_names:
        return Facts(call.caller)
    if call.standing is None:
        call.standing = await parts.standings.confirm(call.caller)
    return Facts(call.caller, call.standing.workspace_slug, call.standing.agent_slug)


async def tells_of(call: Call, parts: Parts) -> Tells | None:
    """What each request of a call carries; None where there are no rules. Raises ForbiddenScope where the caller lacks
    something, Unavailable where nothing can be signed: then nothing is sent."""
    injected = call.found.injected
    if injected is None or not injected.tells or call.found.server_kind == "builtin":
        return None
    told = injected.beside(await facts_of(call, parts))
    if injected.audience is None:
        return lambda: (told, None)
    if parts.assertions is None:
        raise Unavailable("This process cannot sign who calls.", hint="Call through the hub that serves.")
    tool = call.found.raw_name if isinstance(call.found, CatalogTool) else None
    sign = await parts.assertions.maker(call.caller, injected.audience, tool)

    def tell() -> tuple[Beside, str]:
        token = sign()
        return Beside({**told.headers, ASSERTION_HEADER: token}, told.meta), token

    return tell
