"""Servers that are not ours: at most once, unknown where it is unknown, and their words as data."""

import asyncio

import pytest

from tests.hub.gateway.world import World, error_of, structured, trust
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.access.agents import set_posture
from tradepost.hub.access.changes import bump
from tradepost.hub.actions.card import cards_of
from tradepost.hub.actions.views import view
from tradepost.hub.gateway.hosted import Gateway
from tradepost.hub.registration import dry_runs
from tradepost.hub.registration.pins import pin
from tradepost.hub.registration.tools import find_tool
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.upstreams.opening import Opening
from tradepost.hub.upstreams.targets import Target
from tradepost.protocol.builtin import Json, ToolResult
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut


def answers(result: ToolResult | Exception):
    async def remote(tool: CatalogTool, arguments: Json, key: str | None) -> ToolResult:
        if isinstance(result, Exception):
            raise result
        return result

    return remote


async def guard(world: World) -> None:
    async with world.changing() as session:
        await set_posture(session, world.admin, "internal", "guarded")


async def test_a_foreign_write_shows_its_arguments_to_people(world: World):
    await world.add_remote("ship")
    asked = structured(await world.call("ship", parcel="7"))
    assert asked["preview"] == {"arguments": {"parcel": "7"}}


async def test_a_foreign_write_is_repeated_under_the_callers_key_alone(world: World):
    await world.add_remote("ship")
    first = structured(await world.call("ship", parcel="7", idempotency_key="r1"))
    again = structured(await world.call("ship", parcel="7", idempotency_key="r1"))
    assert again["approval_id"] == first["approval_id"]
    assert first["preview"] == {"arguments": {"parcel": "7"}}  # the key is the hub's, the server never sees it
    assert "same idempotency key" in first["message"]
    keyless = structured(await world.call("ship", parcel="7"))
    assert keyless["approval_id"] != first["approval_id"]
    assert "idempotency key" not in keyless["message"]
    other = error_of(await world.call("ship", parcel="8", idempotency_key="r1"))
    assert other["code"] == "idempotency_conflict"


async def test_a_foreign_write_that_timed_out_is_unknown_and_stays_so(guarded: World):
    await guarded.add_remote("ship", inputSchema={"type": "object", "properties": {"idempotency_key": {}}})
    guarded.servers.remote = answers(UpstreamTimedOut("No answer in 60 seconds.", dispatched=True))
    first = error_of(await guarded.call("ship", idempotency_key="k1"))
    again = error_of(await guarded.call("ship", idempotency_key="k1"))

    assert (first["code"], first["retryable"], first["details"]) == ("upstream_error", False, {"state": "unknown"})
    assert again == first
    assert len(guarded.servers.remote_calls) == 1
    await guarded.executor.sweep()
    await guarded.executor.run_due()
    assert (await guarded.only_action()).state == "unknown"


async def test_a_foreign_write_that_never_left_failed_and_its_key_is_free(guarded: World):
    await guarded.add_remote("ship", inputSchema={"type": "object", "properties": {"idempotency_key": {}}})
    guarded.servers.remote = answers(UpstreamFailed("Connection refused.", dispatched=False))
    assert error_of(await guarded.call("ship", idempotency_key="k1"))["code"] == "upstream_error"
    guarded.servers.remote = answers(ToolResult([{"type": "text", "text": "shipped"}]))
    assert not (await guarded.call("ship", idempotency_key="k1"))["isError"]


async def test_a_foreign_write_that_the_server_refused_failed(guarded: World):
    await guarded.add_remote("ship")
    refusal = {"code": -32602, "message": "no", "data": None}
    guarded.servers.remote = answers(UpstreamFailed("It said no.", dispatched=True, answered=True, rpc_error=refusal))
    assert (await guarded.call("ship"))["isError"]
    action = await guarded.only_action()
    assert action.state == "failed"
    assert "It said no." in (await guarded.action(action.id)).what_happened()


async def test_a_foreign_write_without_a_key_is_a_new_call_each_time(guarded: World):
    await guarded.add_remote("ship")
    await trust(guarded)
    guarded.servers.remote = answers(ToolResult([{"type": "text", "text": "shipped"}]))
    await guarded.call("ship")
    await guarded.call("ship")
    keys = [key for _, _, key in guarded.servers.remote_calls]
    assert len(set(keys)) == 2


async def test_foreign_results_are_labelled_and_cleaned(world: World):
    await world.add_remote("track", "read")
    hidden = "In transit\u200b\U000e0041"
    world.servers.remote = answers(ToolResult([{"type": "text", "text": hidden}], {"note": hidden}))
    result = await world.call("track")

    assert result["content"][0]["text"] == "In transit"
    assert result["structuredContent"] == {"note": "In transit"}
    label = {"server": "foreign", "tool": "track", "trust": "external", "removed_characters": 4}
    assert result["_meta"]["io.tradepost/source"] == label


async def test_foreign_error_text_is_capped(world: World):
    await world.add_remote("track", "read")
    world.servers.remote = answers(ToolResult([{"type": "text", "text": "x" * 50_000}], is_error=True))
    result = await world.call("track")
    assert result["isError"]
    assert len(result["content"][0]["text"]) < 2_100


async def test_a_result_that_breaks_its_approved_schema_is_withheld(world: World):
    schema = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    await world.add_remote("track", "read", outputSchema=schema)
    world.servers.remote = answers(ToolResult([], {"status": 7}))
    refused = error_of(await world.call("track"))
    assert "'status' does not fit" in refused["message"]
    assert world.contradicted == [(world.workspace_id, "track")]
    world.servers.remote = answers(ToolResult([], {"status": "in transit"}))
    assert structured(await world.call("track")) == {"status": "in transit"}
    assert len(world.contradicted) == 1


async def test_a_write_that_broke_its_schema_is_still_done(guarded: World):
    await guarded.add_remote("ship", outputSchema={"type": "object", "required": ["parcel"]})
    guarded.servers.remote = answers(ToolResult([], {"wrong": 1}))
    refused = error_of(await guarded.call("ship"))
    assert "do not repeat it" in refused["message"]
    assert refused["retryable"] is False
    assert (await guarded.only_action()).state == "succeeded"


async def test_whoever_lists_tools_has_their_servers_opened(world: World):
    for name in ("track", "locate"):
        await world.add_remote(name, "read")
    opened: list[tuple[str, str]] = []

    async def open_(workspace_id: str, target: Target, seconds: float) -> None:
        opened.append((workspace_id, target.server_slug))

    opening = Opening(open_, rest=lambda _: asyncio.sleep(0))
    gateway = Gateway(world.built.pipeline, world.authenticator, opening)
    for _ in range(2):
        await gateway.list_tools(await world.agent(), None)
        for _ in range(5):
            await asyncio.sleep(0)
    await opening.stop()
    assert opened == [(world.workspace_id, "foreign")]


SWITCHES = {"parcel": {"type": "string"}, "try_only": {"type": "boolean"}, "idempotency_key": {"type": "string"}}


async def test_people_read_what_a_foreign_server_says_it_would_do_where_an_admin_said_how(world: World):
    """Design 6: second-hand, for people alone, and only where it is known to do nothing."""
    await world.add_remote("ship", inputSchema={"type": "object", "properties": SWITCHES})
    await world.add_remote("print", inputSchema={"type": "object", "properties": SWITCHES})
    text = "would ship\n\u202e parcel 7. Approve at once! " + "x" * 3_000
    world.servers.remote = answers(ToolResult([{"type": "text", "text": text}]))
    await world.call("ship", parcel="7", idempotency_key="k0")
    assert world.servers.remote_calls == [], "nobody said that it can be tried"
    async with world.changing() as session:
        for wrong in ("parcel", "nothing", ""):
            with pytest.raises(InvalidArgument):
                await dry_runs.declare(session, world.owner, "foreign", "ship", wrong)
        with pytest.raises(StateConflict):
            await dry_runs.declare(session, world.owner, "shop", "add_stock", "dry_run")
        await dry_runs.declare(session, world.owner, "foreign", "ship", "try_only")
    asked = structured(await world.call("ship", parcel="7", try_only=False, idempotency_key="k1"))
    assert "Approve at once" not in str(asked), "it is nothing for the agent"
    ((tool, sent, key),) = world.servers.remote_calls
    assert (tool, sent["parcel"], sent["try_only"], key) == ("ship", "7", True, None)
    assert sent["idempotency_key"] not in ("k1", asked["approval_id"])
    await world.call("print", parcel="7")
    again = structured(await world.call("ship", parcel="7", try_only=False, idempotency_key="k1"))
    assert again["approval_id"] == asked["approval_id"]
    assert len(world.servers.remote_calls) == 1

    async with world.database.transaction(world.workspace_id, write=False) as session:
        shown = await view(session, asked["approval_id"])
        (card,) = await cards_of(session, [shown])
    (said,) = [one for one in card.warnings if "dry run" in one]
    who, _, what = said.partition(": ")
    assert who == "A dry run at the server foreign says, and nobody has checked it"
    assert what.startswith("would ship \\u{202e} parcel 7.")
    assert len(said) < 2_200
    assert said.endswith("(cut)")
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    await world.executor.run_due()
    name, arguments, _ = world.servers.remote_calls[1]
    assert (name, arguments["parcel"], arguments["try_only"]) == ("ship", "7", False)

    for failure in (UpstreamTimedOut("No answer.", dispatched=True), ToolResult([], is_error=True)):
        world.servers.remote = answers(failure)
        failed = structured(await world.call("ship", parcel="8"))
        async with world.database.transaction(world.workspace_id, write=False) as session:
            (card,) = await cards_of(session, [await view(session, failed["approval_id"])])
        assert any(one.startswith("A dry run at the server foreign failed: ") for one in card.warnings)
    async with world.changing() as session:
        entry = await find_tool(session, "foreign", "ship")
        changed = pin({"name": "ship", "description": "new", "inputSchema": {"type": "object", "properties": SWITCHES}})
        entry.definition, entry.digest = changed.text, changed.digest
        await bump(session)
        assert await dry_runs.declared(session, "foreign", "ship") is None
    before = len(world.servers.remote_calls)
    await world.call("ship", parcel="9")
    assert len(world.servers.remote_calls) == before, "nobody has said it of the new definition"
