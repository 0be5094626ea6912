"""A retry with the answers to a server's questions: what the client brings back is checked before anything is done."""

from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts


async def resume(call: Call, parts: Parts) -> None:
    """Sets `call.retry`. Raises WrongState for a state that is not of this very call."""
    extras = call.extras
    if extras.request_state is None and extras.input_responses is None:
        return
    call.retry = {}
    if extras.input_responses is not None:
        call.retry["inputResponses"] = dict(extras.input_responses)
    if extras.request_state is not None:
        call.retry["requestState"] = parts.rounds.opened(call, extras.request_state)
