"""`tradepost server swap`: what fits is shown, the switch is made and undone, what does not fit is said."""

from __future__ import annotations

import asyncio

from tests.hostile.double import Double, running, tool
from tests.processes import Place, Result

PRIVATE = {"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8"}


async def test_a_swap_by_command_and_back(place: Place):
    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(place.run, "server", *arguments, env=PRIVATE)

    number = {"type": "string"}
    old = Double(tool("get_order", number=number))
    new = Double(tool("get_order", number={**number, "maxLength": 9}))
    async with running(old), running(new):
        for slug, double in (("old-erp", old), ("new-erp", new)):
            (await run("add", slug, double.url)).good()
            (await run("tools", slug)).good()
        (await run("enable", "old-erp", "get_order", "--class", "read")).good()
        (await run("assign", "old-erp", "get_order", "--agent", "helper")).good()
        waiting = await run("swap", "old-erp", "new-erp", "--check")
        assert "not approved" in waiting.out
        assert "cannot take over" in waiting.refusal()
        wrong = await run("swap", "old-erp", "new-erp", "--approve")
        assert "number: was any number of characters; is at most 9 characters." in wrong.refusal()
        new.tools[0] = old.tools[0]
        (await run("tools", "new-erp")).good()
        made = (await run("swap", "old-erp", "new-erp", "--approve", "--json")).json()
        assert (made["fits"], [fit["verdict"] for fit in made["tools"]]) == (True, ["fits"])
        assert "old-erp serves 1 assignments again" in (await run("swap", "old-erp", "new-erp", "--undo")).good().out
        assert "took over nothing" in (await run("swap", "old-erp", "new-erp", "--undo")).refusal()
