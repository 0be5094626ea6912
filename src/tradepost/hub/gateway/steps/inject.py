"""Identity arguments come from the verified caller, never from the model: what the caller is bound to (a customer, a
region, a warehouse) overwrites whatever was sent."""

from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.parts import Parts

# Attribute of a caller -> names under which tools take it.
ARGUMENTS_OF = {
    "customer": ("customer_id", "customer"),
    "region": ("region",),
    "warehouse": ("warehouse_id", "warehouse"),
}


def bound_arguments(call: Call) -> Json:
    """The arguments of this tool that the caller's attributes decide."""
    if not call.caller.attributes:
        return {}
    declared = call.tool.definition.get("inputSchema", {}).get("properties", {})
    return {
        argument: value
        for attribute, value in call.caller.attributes.items()
        for argument in ARGUMENTS_OF.get(attribute, ())
        if argument in declared
    }


def inject(call: Call, parts: Parts) -> None:
    """Overwrites bound arguments."""
    if call.kind == "tool" and call.caller.attributes:
        call.arguments = {**call.arguments, **bound_arguments(call)}
