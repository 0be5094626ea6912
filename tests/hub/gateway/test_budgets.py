"""Results that are more than a tool may give: shortened in the open, the rest by a handle. S4.10, S4.23."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from tests.hub.gateway.shortened import put_together
from tests.hub.gateway.world import Facts, World, error_of, guard, opened, structured, trust
from tradepost.database.engine import Database
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import set_agent_scopes
from tradepost.hub.access.keys import mint
from tradepost.hub.gateway.rests import Rests
from tradepost.hub.registration import limits, rules
from tradepost.hub.registration.assignments import assign, unassign
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.vault.models import SealedPiece
from tradepost.hub.vault.vault import open_vault
from tradepost.protocol.builtin import Json, ToolResult
from tradepost.protocol.errors import REST_META, SOURCE_META

ITEMS = [{"id": f"row_{number}", "note": {"untrusted": f"said {number} " * 8}} for number in range(400)]
LIST = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": {"type": "object", "required": ["id"]}}, "total": {}},
    "required": ["items", "total"],
}


def answers(result: ToolResult) -> Callable[..., Any]:
    async def remote(tool: CatalogTool, arguments: Json, key: str | None) -> ToolResult:
        return result

    return remote


def listed(items: list[Any]) -> ToolResult:
    """As servers give lists: structured, and the same as a text for older clients."""
    shown = {"items": items, "total": len(items)}
    return ToolResult([{"type": "text", "text": orjson.dumps(shown).decode()}], shown)


@dataclass
class Clock:
    """The time, which tests move."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return system_now() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def rests(facts: Facts, tmp_path: Path, clock: Clock) -> AsyncIterator[Rests]:
    database = Database(facts.hub_url)
    yield Rests(database, (await open_vault(database, tmp_path / "vault.keys")).keys, clock)
    await database.close()


@pytest.fixture
async def roomy(facts: Facts, rests: Rests) -> AsyncIterator[World]:
    """A world whose foreign tools may give 2,000 tokens, and whose agents may write without asking."""
    async with opened(await guard(facts), rests=rests) as world:
        yield world


async def hold_to(world: World, tokens: int, tool: str | None = None, server: str = "foreign") -> None:
    async with world.changing() as session:
        await limits.change(session, world.owner, server, tool, given={"result_tokens": tokens})


async def all_pieces(world: World, first: Json) -> list[Json]:
    """Everything that get_rest gives after a shortened result."""
    handle, found = first["_meta"][REST_META]["handle"], list[Json]()
    while handle is not None:
        found.append(await world.call("get_rest", handle=handle))
        handle = structured(found[-1])["next_handle"]
    return found


async def names(world: World) -> set[str]:
    return {tool["name"] for tool in await world.door.list(await world.agent())}


@pytest.mark.behaviour("S4.10", "S4.23")
async def test_a_long_list_is_cut_between_items_and_the_rest_is_fetched_piece_by_piece(roomy: World):
    assert "get_rest" not in await names(roomy)  # bundled servers keep their answers short
    await roomy.add_remote("rows", "read", outputSchema=LIST)
    assert "get_rest" in await names(roomy)
    roomy.servers.remote = answers(listed(ITEMS))
    whole = await roomy.call("rows")  # 25,000 tokens without anybody's word
    assert whole["structuredContent"]["items"] == ITEMS
    assert REST_META not in whole["_meta"]

    await hold_to(roomy, 2_000)
    first = await roomy.call("rows")
    shown, rest = structured(first), first["_meta"][REST_META]
    assert 0 < len(shown["items"]) < 100
    assert (shown["total"], shown["items"]) == (400, ITEMS[: len(shown["items"])])
    assert orjson.loads(first["content"][0]["text"]) == shown  # the text says what the structured result says
    assert len(orjson.dumps(first)) < 4 * 2_000 * 1.1
    assert rest["tokens_left"] > rest["tokens"] * 0.3
    assert rest["handle"] in first["content"][-1]["text"]
    assert "get_rest" in first["content"][-1]["text"]
    assert first["_meta"][SOURCE_META]["trust"] == "external"

    pieces = await all_pieces(roomy, first)
    assert len(pieces) == rest["pieces"] > 1
    assert put_together(first, pieces)["structuredContent"]["items"] == ITEMS
    for piece in pieces:
        assert piece["_meta"][SOURCE_META] == {"server": "foreign", "trust": "external"}  # whose words they are
        assert len(orjson.dumps(piece)) < 4 * 2_000 * 1.15
    assert structured(pieces[-1])["tokens_left"] == 0
    assert "the last" in pieces[-1]["content"][-1]["text"]
    assert await roomy.call("get_rest", handle=rest["handle"]) == pieces[0]  # as often as it is asked for
    rows = [row for row in await roomy.audited() if row.tool == "get_rest"]
    assert {(row.kind, row.outcome, row.agent_id) for row in rows} == {("read", "ok", roomy.facts.agent_id)}


async def test_texts_end_at_lines_and_attachments_stay_whole(roomy: World):
    await roomy.add_remote("report", "read")
    await hold_to(roomy, 2_000, "report")
    lines = "".join(f"line {number} of the report\n" for number in range(2_000))
    picture = {"type": "image", "mimeType": "image/png", "data": "A" * 60_000}
    document = {"type": "resource", "resource": {"uri": "doc://1", "mimeType": "text/plain", "text": lines}}
    small = {"type": "text", "text": "A picture:"}
    roomy.servers.remote = answers(ToolResult([small, picture]))
    assert REST_META not in (await roomy.call("report"))["_meta"]  # a picture is no more than a page to a model

    blocks = [{"type": "text", "text": lines}, picture, document, {"type": "text", "text": "The end."}]
    roomy.servers.remote = answers(ToolResult(blocks))
    first = await roomy.call("report")
    begun = first["content"][0]["text"]
    assert begun.startswith("line 0")
    assert "\n… [" in begun
    assert [block["type"] for block in first["content"]] == ["text", "text"]
    assert put_together(first, await all_pieces(roomy, first))["content"] == blocks


async def test_what_has_no_shorter_form_is_refused_in_words_and_kept_whole(roomy: World):
    exactly = {"type": "object", "properties": {"rows": {"type": "array", "minItems": 400}}, "required": ["rows"]}
    await roomy.add_remote("exact", "read", outputSchema=exactly)
    await roomy.add_remote("post", "write", outputSchema=exactly)
    await trust(roomy)
    await hold_to(roomy, 1_000)
    roomy.servers.remote = answers(ToolResult([{"type": "text", "text": "Here."}], {"rows": ITEMS}))
    error = error_of(refused := await roomy.call("exact"))
    assert (error["code"], error["details"]["rest"]) == ("limit_exceeded", refused["_meta"][REST_META])
    gone = put_together({"structuredContent": {}, "content": []}, await all_pieces(roomy, refused))
    assert gone == {"structuredContent": {"rows": ITEMS}, "content": [{"type": "text", "text": "Here."}]}

    # A write was carried out all the same, and says so however often it is repeated.
    done = await roomy.call("post", idempotency_key="k1")
    assert "It was carried out: do not repeat it." in error_of(done)["message"]
    assert (await roomy.only_action()).state == "succeeded"
    again = await roomy.call("post", idempotency_key="k1")
    assert again["_meta"][REST_META] == done["_meta"][REST_META]
    assert len(await all_pieces(roomy, again)) == done["_meta"][REST_META]["pieces"]


async def test_a_write_is_replayed_with_the_same_handle_and_lasts_as_long(roomy: World, clock: Clock):
    await roomy.add_remote("book", "write", outputSchema=LIST)
    await hold_to(roomy, 1_000)
    roomy.servers.remote = answers(listed(ITEMS))
    first = await roomy.call("book", idempotency_key="k1")
    again = await roomy.call("book", idempotency_key="k1")
    assert again["structuredContent"] == first["structuredContent"]
    assert again["_meta"][REST_META] == first["_meta"][REST_META]
    told = structured(await roomy.call("get_approval", approval_id=(await roomy.only_action()).id))
    assert (told["rest"], told["outcome"]) == (first["_meta"][REST_META], first["structuredContent"])

    await roomy.add_remote("rows", "read", outputSchema=LIST)
    read = await roomy.call("rows")
    clock.ahead = timedelta(hours=2)
    assert error_of(await roomy.call("get_rest", handle=read["_meta"][REST_META]["handle"]))["code"] == "not_found"
    pieces = await all_pieces(roomy, again)
    assert put_together(again, pieces)["structuredContent"]["items"] == ITEMS
    clock.ahead = timedelta(days=8)
    assert error_of(await roomy.call("get_rest", handle=first["_meta"][REST_META]["handle"]))["code"] == "not_found"
    await roomy.call("rows")  # whoever keeps something sweeps
    async with roomy.database.transaction(roomy.workspace_id, write=False) as session:
        left = list(await session.scalars(select(SealedPiece.expires_at)))
    assert left
    assert min(left) > clock()


async def test_the_rest_is_for_whoever_called_and_only_while_they_may_call(facts: Facts, rests: Rests):
    async with opened(facts, rests=rests) as world:
        for name in ("rows", "others"):
            await world.add_remote(name, "read", outputSchema=LIST)
        await hold_to(world, 1_000)
        world.servers.remote = answers(listed(ITEMS))
        handle = (await world.call("rows"))["_meta"][REST_META]["handle"]
        async with world.changing() as session:
            await assign(session, world.owner, "foreign", "rows", agent="reader")
            reader = await mint(session, world.owner, agent_id=facts.other_agent_id)
            second = await mint(session, world.owner, agent_id=facts.agent_id)
        mine = await world.agent()
        others = [await world.authenticator.authenticate(key.secret, new_id("req")) for key in (reader, second)]
        nothing = error_of(await world.call("get_rest", handle="rest_nothing.00001"))
        for other in (*others, replace(mine, attributes={"customer": "C1"})):
            assert error_of(await world.call("get_rest", other, handle=handle)) == nothing
        assert error_of(await world.call("get_rest", handle=f"{handle}' OR 1=1"))["code"] == "not_found"
        async with world.changing() as session:
            text = str(list(await session.scalars(select(SealedPiece.ciphertext))))
        assert "row_" not in text  # sealed

        # Another process gives it, too, and neither does once a scope or the tool is gone.
        async with opened(facts, rests=rests) as elsewhere:
            assert not (await elsewhere.call("get_rest", handle=handle))["isError"]
        scopes = sorted(mine.scopes)
        await have(world, [one for one in scopes if one != "write:payments"])
        assert error_of(await world.call("get_rest", handle=handle)) == nothing
        await have(world, scopes)
        assert not (await world.call("get_rest", handle=handle))["isError"]
        async with world.changing() as session:
            await unassign(session, world.owner, "foreign", "rows", agent="supply")
        assert error_of(await world.call("get_rest", handle=handle)) == nothing


async def have(world: World, scopes: list[str]) -> None:
    async with world.changing() as session:
        await set_agent_scopes(session, world.owner, "supply", scopes)


async def test_budgets_of_workspace_server_and_tool(roomy: World):
    assert await in_force(roomy, "get_stock") == (0, "default")
    async with roomy.changing() as session:
        await rules.change(session, roomy.owner, given={"result_tokens": "1000"})
    assert await in_force(roomy, "get_stock") == (1_000, "workspace")
    assert "get_rest" in await names(roomy)  # now bundled tools have one, too
    await hold_to(roomy, 5_000, server="shop")
    assert await in_force(roomy, "get_stock") == (5_000, "server")
    await hold_to(roomy, 0, "get_stock", "shop")
    assert await in_force(roomy, "get_stock") == (0, "tool")
    assert await in_force(roomy, "add_stock") == (5_000, "server")
    for wrong in (-1, 999, 1_000_001, 1500.5, "many"):
        with pytest.raises(InvalidArgument):
            await hold_to(roomy, wrong, server="shop")  # type: ignore[arg-type]


async def in_force(world: World, tool: str) -> tuple[Any, str]:
    async with world.database.transaction(world.workspace_id, write=False) as session:
        found = {one.name: one for one in await limits.in_force(session, "shop", tool)}["result_tokens"]
    return found.value, found.set_by
