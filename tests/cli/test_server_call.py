"""`tradepost server call`: one tool, tried by whoever sits at the machine or by a named person."""

from __future__ import annotations

import asyncio

from tests.hostile.double import Double, running, tool
from tests.processes import Place, Result

PRIVATE = {"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8"}


async def test_a_tool_is_tried_by_command(place: Place):
    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(place.run, "server", *arguments, env=PRIVATE)

    double = Double(tool("get_order", number={"type": "string"}, pages={"type": "integer"}))
    async with running(double):
        (await run("add", "tracker", double.url)).good()
        (await run("tools", "tracker")).good()
        waits = (await run("call", "tracker", "get_order", "--arg", "number=7")).good()
        assert "a person has to approve it first" in waits.out
        assert "tradepost approvals show act_" in waits.out
        (await run("enable", "tracker", "get_order", "--class", "read")).good()
        done = (await run("call", "tracker", "get_order", "--arg", "number=7", "--arg", "pages=2", "--json")).json()
        assert done["approval_id"] is None
        assert done["request_id"].startswith("req_")
        assert [arguments for _, _, arguments in double.calls] == [{"number": "7", "pages": 2}]
        whole = await run("call", "tracker", "get_order", "--arguments", '{"pages": "two"}')
        assert "pages" in whole.refusal()
        assert "is not JSON" in (await run("call", "tracker", "get_order", "--arguments", "{")).refusal()
        assert "has no tool" in (await run("call", "tracker", "nothing")).refusal()
