"""Are the arguments what the pinned schema says, and does a write carry its idempotency key? What rules say about
arguments is in place before, so that the whole is looked at."""

from collections.abc import Awaitable

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.ids import handle
from tradepost.hub.actions.models import UNREPEATABLE
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.steps.inject import apply_rules, as_the_caller_sees_it, bound_arguments
from tradepost.hub.registry.catalog import CatalogPrompt, CatalogTool
from tradepost.hub.registry.pinned import KEY_PARAMETER
from tradepost.hub.registry.prompt_arguments import check_prompt_arguments

MAX_KEY_CHARACTERS = 255
DRY_RUN_KEY = "dry-run"


def validate(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Raises InvalidArgument with the field and one sentence; ForbiddenScope and StateConflict for what rules say."""
    if call.kind != "tool":
        if call.kind == "prompt" and isinstance(call.entry, CatalogPrompt) and call.entry.server_kind == "remote":
            check_prompt_arguments(call.entry, call.arguments)  # bundled ones look at theirs themselves
        return None
    tool = call.tool
    as_they_came = tool.tool_class == "read" and tool.injected is None and not call.caller.attributes
    if as_they_came and parts.schemas.fit_at_once(tool, call.arguments):
        return None
    return _validate(call, parts, tool)


async def _validate(call: Call, parts: Parts, tool: CatalogTool) -> None:
    if tool.tool_class != "read":
        bundled = tool.server_kind == "builtin"
        call.dry_run = bundled and call.arguments.get("dry_run") is True
        call.key = given_key(call)
        if call.key is None and bundled and not call.dry_run:
            raise InvalidArgument(
                f"'{KEY_PARAMETER}' is missing: every write needs one.",
                field=KEY_PARAMETER,
                hint="Pass a new text of your own for each intended change, and the same one when you repeat the call.",
            )
        if tool.key_parameter is None:  # the key is the hub's alone: the server does not know the argument
            call.arguments = {name: value for name, value in call.arguments.items() if name != KEY_PARAMETER}
        elif tool.key_parameter not in call.arguments:
            given = call.key or (DRY_RUN_KEY if call.dry_run else None)
            if given is not None:
                call.arguments = {**call.arguments, tool.key_parameter: given}
        if call.key is None:
            call.key = handle(UNREPEATABLE)  # nobody can repeat it: at most once
    if tool.injected is not None:
        await apply_rules(call, parts, tool.injected)
    bound = bound_arguments(call)
    try:
        await parts.schemas.arguments(tool, {**call.arguments, **bound} if bound else call.arguments)
    except InvalidArgument as error:
        if tool.injected is None:
            raise
        raise as_the_caller_sees_it(error, tool.injected) from error


def given_key(call: Call) -> str | None:
    """The key the client gave, in the arguments or beside them. Raises InvalidArgument."""
    inside = call.arguments.get(KEY_PARAMETER)
    beside = call.extras.idempotency_key
    for key in (inside, beside):
        if key is not None and not _is_usable(key):
            raise InvalidArgument(
                f"'{KEY_PARAMETER}' must be 1 to {MAX_KEY_CHARACTERS} visible ASCII characters, without blanks.",
                field=KEY_PARAMETER,
                hint='For example "reorder-2026-02-24-1".',
            )
    if inside is not None and beside is not None and inside != beside:
        raise InvalidArgument(
            f"Two different keys were sent: '{KEY_PARAMETER}' and the one beside the arguments.",
            field=KEY_PARAMETER,
            hint="Send one of them, or the same in both places.",
        )
    return inside if inside is not None else beside


def _is_usable(key: object) -> bool:
    return isinstance(key, str) and 0 < len(key) <= MAX_KEY_CHARACTERS and all("!" <= letter <= "~" for letter in key)
