"""Every tool with all kinds of valid arguments, over an empty shop and a full one: never a crash, always a result as
published or an error that a model can act on (rules C6, C7, C9)."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.commerce.contracts.arguments import Known, arguments, one_by_one
from tests.commerce.contracts.offered import CODES, SERVERS, TOOLS
from tests.commerce.contracts.shops import EMPTY, FULL, INTERNALS, caller, references, servers
from tests.commerce.footprint import footprint
from tradepost.commerce.serving.declare import Tool
from tradepost.commerce.serving.results import MAX_SUMMARY_CHARACTERS
from tradepost.commerce.serving.server import StoreServer
from tradepost.database.engine import Database
from tradepost.protocol.builtin import ToolResult

GENERATED = 5  # per tool and store; over the full one systematic ones come before
VALIDATORS = {tool.name: jsonschema_rs.validator_for(tool.output_schema) for tool in TOOLS}
ERROR_KEYS = {"code", "message", "retryable", "retry_after", "hint", "field", "details"}

PREVIEW = {"summary", "changes", "side_effects", "amount", "quantity", "versions"}


_generated: dict[str, list[dict[str, Any]]] = {}


def generated(tool: Tool, known: Known) -> list[dict[str, Any]]:
    """Some valid arguments, the same ones for every shop and engine: making them takes longer than calling."""
    if tool.name in _generated:
        return _generated[tool.name]
    found = _generated[tool.name] = []

    @settings(
        max_examples=GENERATED,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(made=arguments(tool.input_schema, known))
    def keep(made: dict[str, Any]) -> None:
        found.append(made)

    keep()
    return found


def all_arguments(tool: Tool, known: Known, workspace: str) -> Iterator[dict[str, Any]]:
    """Arguments to call the tool with; each write under a key of its own."""
    systematic = one_by_one(tool.input_schema, known) if workspace == FULL else ()
    for number, made in enumerate([*systematic, *generated(tool, known)]):
        own = {"idempotency_key": f"{tool.name}-{number}", "dry_run": False} if tool.writes else {}
        yield {**made, **own}


def faults(tool: Tool, result: ToolResult) -> list[str]:
    """What is wrong with a result."""
    text = result.content[0]["text"]
    found = []
    if [block["type"] for block in result.content] != ["text"] or not text.strip():
        found.append("not one text")
    if len(text) > MAX_SUMMARY_CHARACTERS:
        found.append(f"a text of {len(text)} characters")
    shown = orjson.dumps(result.structured).decode()
    if result.is_error:
        error = result.structured or {}
        if error.get("code") not in CODES:
            found.append(f"code {error.get('code')}: {error.get('message')}")
        if not error.keys() <= ERROR_KEYS:
            found.append(f"keys {sorted(error)}")
        leaked = [word for word in INTERNALS if word in shown]
        if leaked:
            found.append(f"internals {leaked} in {error}")
        return found
    is_dry = (result.structured or {}).get(
        "status"
    ) == "dry_run"  # there the text lists every change, as far as it goes
    if text.endswith("…") and len(text) == MAX_SUMMARY_CHARACTERS and not is_dry:
        found.append(f"its text is longer than {MAX_SUMMARY_CHARACTERS} characters and was cut")
    schema = VALIDATORS[tool.name]
    mistakes = list(schema.iter_errors(result.structured))
    found += [f"at {'.'.join(map(str, one.instance_path))}: {one.message[:200]}" for one in mistakes[:1]]
    found += [f"undeclared {path}" for path in undeclared(tool.output_schema, result.structured)]
    return found


def undeclared(schema: Any, value: Any, path: str = "") -> list[str]:
    """Keys of a result that its schema does not know."""
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return sorted({place for item in value for place in undeclared(schema["items"], item, f"{path}[]")})
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    known = schema["properties"]
    found = [f"{path}.{key}" for key in value if key not in known]
    return found + [
        place for key in value.keys() & known.keys() for place in undeclared(known[key], value[key], f"{path}.{key}")
    ]


class Faults(dict[str, str]):
    """The first call behind each fault of each tool."""

    def note(self, tool: Tool, made: dict[str, Any], said: list[str]) -> None:
        for fault in said:
            self.setdefault(f"{tool.name}: {fault}", str(made)[:300])

    def __str__(self) -> str:
        return "\n".join(f"{fault}   <- {made}" for fault, made in self.items())


async def outcome(
    server: StoreServer, workspace: str, tool: Tool, made: dict[str, Any], seen: Faults, **how: Any
) -> Any:
    """The result of a call, None after a crash."""
    try:
        return await server.call(caller(workspace), tool.name, made, None, **how)
    except Exception as error:  # noqa: BLE001 (a crash is what this looks for)
        seen.note(tool, made, [f"crashed with {type(error).__name__}: {str(error)[:200]}"])
        return None


@pytest.mark.parametrize("slug", [server.slug for server in SERVERS])
async def test_reads_give_what_they_publish_or_an_error_to_act_on(unchanging_store: Database, slug: str) -> None:
    server = next(server for server in servers(unchanging_store) if server.slug == slug)
    known, seen = await references(unchanging_store, slug), Faults()
    for tool in server.tools:
        for workspace in (EMPTY, FULL) if not tool.writes else ():
            for made in all_arguments(tool, known, workspace):
                result = await outcome(server, workspace, tool, made, seen)
                if result is not None:
                    seen.note(tool, made, faults(tool, result))
    assert not seen, str(seen)


@pytest.mark.parametrize("slug", [server.slug for server in SERVERS if any(tool.writes for tool in server.tools)])
async def test_writes_do_what_they_previewed_once(store: Database, slug: str) -> None:
    server = next(server for server in servers(store) if server.slug == slug)
    known, seen = await references(store, slug), Faults()
    calls = [
        (workspace, tool, made)
        for workspace in (EMPTY, FULL)
        for tool in server.tools
        if tool.writes
        for made in all_arguments(tool, known, workspace)
    ]
    before = await footprint(store)
    for workspace, tool, made in calls[::5]:
        preview = await outcome(server, workspace, tool, made, seen, mode="preview")
        if preview is not None and not preview.is_error:
            assert preview.structured.keys() == PREVIEW
    assert await footprint(store) == before, "a preview left a change"
    for number, (workspace, tool, made) in enumerate(calls):
        dry = await outcome(server, workspace, tool, {**made, "dry_run": True}, seen) if number % 2 == 0 else None
        done = await outcome(server, workspace, tool, made, seen)
        if done is None:
            continue
        seen.note(tool, made, faults(tool, done) + (faults(tool, dry) if dry is not None else []))
        if done.is_error:
            if dry is not None and dry.structured != done.structured:
                seen.note(tool, made, [f"its dry run gave {dry.structured}, then it failed with {done.structured}"])
            continue
        again = await outcome(server, workspace, tool, made, seen)
        if again is None or again.structured != {**done.structured, "replayed": True}:
            seen.note(tool, made, ["the same key did not give the same result"])
    assert not seen, str(seen)
