"""`tradepost server call`: try one tool of a server, before or after agents see it."""

import json
from typing import Annotated, Any

import orjson
import typer

from tradepost import settings
from tradepost.app.opening import open_tradepost
from tradepost.cli import console
from tradepost.cli.calling import arguments_from
from tradepost.cli.server_tools import Slug, Tool
from tradepost.cli.session import DataOption, JsonOption, Opened, UserOption, WorkspaceOption, run
from tradepost.foundation.errors import InvalidArgument, TradepostError
from tradepost.foundation.untrusted import with_hidden_shown
from tradepost.hub.access.roles import require_role
from tradepost.hub.gateway.people_door import Tried
from tradepost.hub.registration.review import review
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.tools import find_tool


def call(
    slug: Slug,
    tool: Tool,
    arg: Annotated[
        list[str] | None, typer.Option("--arg", help="key=value; a value that is JSON counts as JSON. Repeat it.")
    ] = None,
    arguments: Annotated[str | None, typer.Option(help="All arguments as one JSON object, instead of --arg.")] = None,
    key: Annotated[
        str | None, typer.Option(help="The idempotency key of a write; without one, each call is another.")
    ] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Call one tool as yourself, also before it is approved: the same limits, policy and record as for agents. A write
    waits for a person."""
    if arg and arguments is not None:
        raise typer.BadParameter("--arg and --arguments do not go together.")

    async def work() -> None:
        hub = await open_tradepost(settings.load(data=data))
        try:
            caller = await Opened(hub.settings, hub.hub, hub.store).acting(workspace, by)
            async with hub.hub.transaction(caller.workspace_id, write=False) as session:
                user = await require_role(session, caller, "viewer")
                server, entry = await find_server(session, slug), await find_tool(session, slug, tool)
            schema = review(entry).definition.get("inputSchema")
            given = _object(arguments) if arguments is not None else _pairs(arg or [], schema)
            tried = await hub.gateway.people.test(caller, user, server, entry, given, key)
        finally:
            await hub.stop()
        _show(tried, as_json=as_json)

    run(work)


def _object(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument(f"--arguments is not JSON: {error}.", hint='For example {"number": "1001"}') from error
    if not isinstance(found, dict):
        raise InvalidArgument("--arguments is not a JSON object.", hint='For example {"number": "1001"}')
    return found


def _pairs(pairs: list[str], schema: Any) -> dict[str, Any]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return arguments_from(pairs, properties if isinstance(properties, dict) else {})


def _show(tried: Tried, *, as_json: bool) -> None:
    """What came of it. What a server says is data: what cannot be seen in it is written out."""
    result = tried.result
    failed = result.get("isError") is True
    if as_json:
        console.show_json({**result, "approval_id": tried.waits, "request_id": tried.request_id})
        if failed:
            raise SystemExit(console.EXIT_FAILED)
        return
    said = "\n".join(str(one.get("text", "")) for one in result.get("content", []) if one.get("type") == "text")
    if failed:
        raise TradepostError(with_hidden_shown(said) or "The tool failed and said nothing.")
    console.say(with_hidden_shown(said))
    structured = result.get("structuredContent")
    if structured is not None and json.dumps(structured) != said:
        console.show_json(structured)
    if tried.waits is not None:
        console.say(f"Answer it: tradepost approvals show {tried.waits}")
