"""What a server is told of the caller comes from the verified caller, never from the model: what the caller is bound to
(a customer, a region, a warehouse) and what an admin's rules say overwrites whatever was sent."""

from collections.abc import Awaitable

from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.telling import facts_of
from tradepost.hub.registry.arguments import KNOWN
from tradepost.hub.registry.injection import Injection

# Attribute of a caller -> names under which tools take it.
ARGUMENTS_OF = {
    "customer": ("customer_id", "customer"),
    "region": ("region",),
    "warehouse": ("warehouse_id", "warehouse"),
}


def bound_arguments(call: Call) -> Json:
    """The arguments of this tool that the caller's attributes decide, unless a rule says what they are."""
    if not call.caller.attributes:
        return {}
    declared = call.tool.definition.get("inputSchema", {}).get("properties", {})
    ruled = call.tool.injected.never_sent if call.tool.injected is not None else ()
    return {
        argument: value
        for attribute, value in call.caller.attributes.items()
        for argument in ARGUMENTS_OF.get(attribute, ())
        if argument in declared and argument not in ruled
    }


async def apply_rules(call: Call, parts: Parts, injected: Injection) -> None:
    """Put the arguments in their place that rules give, so that the whole is checked. Raises ForbiddenScope where the
    caller lacks one of them."""
    if injected.never_sent:
        call.arguments = injected.arguments_in(call.arguments, await facts_of(call, parts))


def as_the_caller_sees_it(error: InvalidArgument, injected: Injection) -> StateConflict | InvalidArgument:
    """A mistake in the arguments, for somebody who does not know those that rules give: one in them is none that the
    caller could mend."""
    path = tuple((error.field or "").split("."))
    if not injected.decides(path):
        if error.hint is not None and error.hint.startswith(KNOWN):
            known = error.hint.removeprefix(KNOWN).removesuffix(".").split(", ")
            error.hint = f"{KNOWN}{', '.join(one for one in known if one not in injected.never_sent)}."
        return error
    return StateConflict(
        f"What the hub tells the server as '{error.field}' is not what this tool takes: {error.message}",
        hint="Nothing was sent. An admin has to look at the rule for this argument.",
    )


def inject(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Overwrites bound arguments. Raises ForbiddenScope for a caller that lacks what the server has to be told."""
    if call.kind == "tool" and call.caller.attributes:
        call.arguments = {**call.arguments, **bound_arguments(call)}
    injected = call.found.injected
    return _check(call, parts, injected) if injected is not None and injected.tells else None


async def _check(call: Call, parts: Parts, injected: Injection) -> None:
    injected.beside(await facts_of(call, parts))
