"""What a call to a server may bring along beside its name and arguments."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypedDict

from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.parameter_headers import HeaderParameter

OnMessage = Callable[[Json], Awaitable[Json | None]]


class Beside(NamedTuple):
    """What a request carries beside its own params: headers, in lower case (only HTTP has any), and members of
    `_meta`."""

    headers: Mapping[str, str]
    meta: Mapping[str, Any]


NOTHING_BESIDE = Beside({}, {})


class Options(TypedDict, total=False):
    """What a call may bring along.

    `mirrored`: the `header_parameters` of the tool's schema. `capabilities`: what the client behind us declared.
    `retry`: inputResponses and requestState, after a result of type input_required. `timeout`: seconds in all.
    `on_message` gets every notification that comes before the result, and every request of a server of the older era;
    for a request it gives {"result": …} or {"error": …}, or None to refuse it. `repeatable`: calling twice does no
    harm, so that the call may be sent again where a warm connection turns out to have been closed. `tasks`: the
    server may answer with a task, where it has them. `beside`: what goes along with this very request.
    """

    mirrored: tuple[HeaderParameter, ...]
    capabilities: Json | None
    retry: Json | None
    timeout: float | None
    on_message: OnMessage | None
    repeatable: bool
    tasks: bool
    beside: Beside | None
