"""`tradepost call` and `tradepost connect`: the running hub from a terminal or a desktop client."""

import json
import secrets
from typing import Annotated, Any

import httpx2
import typer

from tradepost import settings
from tradepost.cli import console, local
from tradepost.cli.session import DataOption, JsonOption, WorkspaceOption, run
from tradepost.foundation.errors import InvalidArgument, TradepostError, UpstreamError
from tradepost.protocol.bridge import run_bridge

CALL_SECONDS = 330.0
AgentOption = Annotated[str, typer.Option("--agent", help="The agent to act as.")]
UrlOption = Annotated[str | None, typer.Option("--url", help="The hub's MCP URL, when it is not the one of --data.")]


def register(app: typer.Typer) -> None:
    app.command("call")(call)
    app.command("connect")(connect)


def _target(data: DataOption, url: str | None) -> tuple[settings.Settings, str]:
    loaded = settings.load(data=data)
    return loaded, url or local.running_url(loaded.data, loaded.url) + "/mcp"


def connect(
    agent: AgentOption, url: UrlOption = None, workspace: WorkspaceOption = None, data: DataOption = None
) -> None:
    """A stdio bridge to the running hub, for desktop clients that only start a command."""

    async def work() -> None:
        loaded, target = _target(data, url)
        await run_bridge(target, local.key_of(loaded.data, agent, workspace))

    run(work)


def call(
    tool: Annotated[str, typer.Argument(help="The tool.")],
    agent: AgentOption,
    arguments: Annotated[
        list[str] | None, typer.Argument(help="key=value …; a value that is JSON counts as JSON.")
    ] = None,
    url: UrlOption = None,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Call a tool of the running hub as an agent. A write gets an idempotency_key if you give none."""

    async def work() -> None:
        loaded, target = _target(data, url)
        key = local.key_of(loaded.data, agent, workspace)
        async with httpx2.AsyncClient(timeout=httpx2.Timeout(CALL_SECONDS, connect=3.0), trust_env=False) as client:
            schema = await _input_schema(client, target, key, tool)
            given = arguments_from(arguments or [], schema.get("properties", {}))
            if "idempotency_key" in schema.get("required", []):
                given.setdefault("idempotency_key", f"cli-{secrets.token_hex(8)}")
            result = await _rpc(client, target, key, "tools/call", {"name": tool, "arguments": given})
        structured = result.get("structuredContent")
        said = "\n".join(str(block.get("text", "")) for block in result.get("content", []))
        if as_json:
            console.show_json(result)
            if result.get("isError"):
                raise SystemExit(console.EXIT_FAILED)
        elif result.get("isError"):
            raise TradepostError(said)
        else:
            console.say(said)
            if structured is not None:
                console.show_json(structured)

    run(work)


def arguments_from(pairs: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    """Arguments given as key=value, each as its schema wants it. Raises InvalidArgument."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidArgument(f"'{pair}' is not key=value.", hint="For example: order_id=1001 limit=5")
        found[name] = _value(value, properties.get(name, {}))
    return found


def _value(text: str, schema: dict[str, Any]) -> Any:
    """The text as it is where the tool wants a string, else as JSON where it is JSON."""
    declared = schema.get("type")
    if declared == "string" or (isinstance(declared, list) and "string" in declared):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


async def _input_schema(client: httpx2.AsyncClient, url: str, key: str, tool: str) -> dict[str, Any]:
    listed = await _rpc(client, url, key, "tools/list", {})
    schemas = {definition["name"]: definition["inputSchema"] for definition in listed.get("tools", [])}
    return dict(schemas.get(tool, {}))


async def _rpc(client: httpx2.AsyncClient, url: str, key: str, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """One request to the hub, and its result. Raises what the hub answered."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    try:
        response = await client.post(url, json=body, headers=headers)
        answer = response.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise UpstreamError(
            f"No hub answers at {url} ({str(error) or type(error).__name__}).",
            hint="Start it with `tradepost demo` or `tradepost serve`.",
        ) from error
    if "error" in answer:
        data = answer["error"].get("data")
        hint = data.get("hint") if isinstance(data, dict) else None
        raise TradepostError(str(answer["error"].get("message")), hint=hint)
    result: dict[str, Any] = answer["result"]
    return result
