"""Who calls, and may they still? The bearer key is looked up at the door; here every call, through whichever door, is
checked to come from somebody who is still there."""

from collections.abc import Awaitable

from tradepost.foundation.errors import Unauthenticated
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.protocol.hosting import Arrival

SCHEME = "bearer "


def bearer_of(arrival: Arrival) -> str:
    """The key that came with a request. Raises Unauthenticated when there is none."""
    header = arrival.headers.get("authorization", "")
    if not header.lower().startswith(SCHEME):
        raise Unauthenticated(
            "This request has no bearer key.",
            hint="Send `Authorization: Bearer tp_…` with a key that an admin made for this agent.",
        )
    return header[len(SCHEME) :].strip()


def authenticate(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Raises Unauthenticated when workspace, key, agent or user is gone. Finds the profile's posture
    and the limits that hold on the way."""
    standing = parts.standings.at_hand(call.caller)
    if standing is None:
        return _confirm(call, parts)
    call.let_in(standing)
    return None


async def _confirm(call: Call, parts: Parts) -> None:
    call.let_in(await parts.standings.confirm(call.caller))
