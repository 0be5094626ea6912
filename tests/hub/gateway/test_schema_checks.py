"""Costly schemas are tried outside this process: whatever they take, nobody else waits for them."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.hub.gateway.world import World, error_of, structured
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.gateway.schema_checks import SchemaChecks
from tradepost.hub.gateway.schema_workers import SchemaWorkers
from tradepost.hub.registration.intake import tool_finding
from tradepost.hub.registration.pins import pin
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.protocol.builtin import Json, ToolResult

# Comparing one number with each of these takes milliseconds, and nothing about the schema's form says so.
FRACTIONS: Json = {"type": "object", "properties": {"n": {"items": {"enum": [n + 0.5 for n in range(2000)]}}}}
MANY = {"n": [1999.5] * 4000}
COSTLY: Json = {"type": "object", "properties": {"a": {"type": "integer"}}, "unevaluatedProperties": False}


def tool(server: str, *, arguments: Json | None = None, answer: Json | None = None) -> CatalogTool:
    definition: Json = {"name": "probe", "inputSchema": arguments or {"type": "object"}}
    if answer is not None:
        definition["outputSchema"] = answer
    assert tool_finding(definition) is None
    made = pin(definition)
    return CatalogTool(
        "tool_1", server, server, "remote", None, "probe", "probe", "read", False, None, made.text, made.digest,
        "https://foreign.test/mcp", 1, 60,
    )  # fmt: skip


@pytest.fixture
async def checks() -> AsyncIterator[SchemaChecks]:
    made = SchemaChecks(SchemaWorkers(budget_seconds=0.5))
    yield made
    await made.close()


async def test_a_server_whose_checks_hang_holds_up_no_other(checks: SchemaChecks):
    bomb, other, plain = tool("srv_1", answer=FRACTIONS), tool("srv_2", answer=COSTLY), tool("srv_3", answer={})
    assert await checks.answer(other, {"a": 1}) is None  # its process has started
    hanging = [asyncio.create_task(checks.answer(bomb, MANY)) for _ in range(3)]
    ticks: list[float] = []
    while not hanging[0].done():
        started = time.perf_counter()
        assert await checks.answer(other, {"a": 1}) is None
        assert await checks.answer(plain, MANY) is None
        await asyncio.sleep(0)
        ticks.append(time.perf_counter() - started)
    late = "it could not be checked within the time allowed"
    assert await asyncio.gather(*hanging) == [late] * 3
    assert len(ticks) > 5
    assert sorted(ticks)[len(ticks) // 2] < 0.1
    assert await checks.answer(bomb, {"n": [1.5]}) is None  # the processes that were ended have others in their place


async def test_arguments_that_would_take_too_long_are_refused(checks: SchemaChecks):
    bomb = tool("srv_1", arguments=FRACTIONS)
    await checks.arguments(bomb, {"n": [0.5]})
    with pytest.raises(InvalidArgument) as refused:
        await checks.arguments(bomb, MANY)
    assert "time allowed" in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize("schema", [COSTLY, {"type": "object", "properties": COSTLY["properties"]}])
async def test_a_mistake_is_said_in_the_same_words_wherever_it_was_found(checks: SchemaChecks, schema: Json):
    probe = tool("srv_1", arguments=schema, answer=schema)
    assert (probe.arguments_check.weight is None) == ("unevaluatedProperties" in schema)
    with pytest.raises(InvalidArgument) as refused:
        await checks.arguments(probe, {"a": "1"})
    assert (refused.value.message, refused.value.field) == ("'a' must be integer.", "a")
    assert refused.value.hint == "Send the JSON value itself, not its text."
    assert await checks.answer(probe, {"a": "1"}) == "'a' does not fit (type)"
    assert await checks.answer(probe, None) == "it has no structuredContent"


async def test_failed_alternatives_are_described_outside(checks: SchemaChecks):
    branches: list[Json] = [{"items": {"type": "string"}}] * 50
    probe = tool("srv_1", answer={"type": "object", "properties": {"n": {"anyOf": branches}}})
    started = time.perf_counter()
    assert await checks.answer(probe, {"n": [1, 2, 3] * 100}) is not None
    assert await checks.answer(probe, {"n": ["1"]}) is None
    assert time.perf_counter() - started < 5
    assert not probe.answer_check.is_described_inline(b"[" + b"1," * 300 + b"1]")  # type: ignore[union-attr]


async def test_a_large_value_goes_outside_too(checks: SchemaChecks):
    probe = tool("srv_1", arguments={"type": "object", "properties": {"n": {"items": {"type": "integer"}}}})
    value: dict[str, Any] = {"n": [1] * 100_000}
    await checks.arguments(probe, value)
    with pytest.raises(InvalidArgument) as refused:
        await checks.arguments(probe, {"n": [*value["n"], "x"]})
    assert refused.value.field == "n.100000"


async def test_through_the_gateway(world: World):
    async def remote(_tool: CatalogTool, _arguments: Json, _key: str | None) -> ToolResult:
        return ToolResult([], {"a": "x"} if _arguments.get("a") == 2 else {"a": 1})

    world.servers.remote = remote
    await world.add_remote("track", "read", inputSchema=COSTLY, outputSchema=COSTLY)
    assert structured(await world.call("track", a=1)) == {"a": 1}
    assert error_of(await world.call("track", b=1))["field"] == "b"
    assert "'a' does not fit" in error_of(await world.call("track", a=2))["message"]
