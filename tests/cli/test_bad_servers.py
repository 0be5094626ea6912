"""A bad server by command: a sentence and exit status 1, and nothing of it is taken in."""

from __future__ import annotations

import asyncio

from tests.hostile.double import Double, Raw, running, tool
from tests.processes import Place, Result

PRIVATE = {"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8"}


async def test_a_bad_server_is_a_sentence(place: Place):
    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(place.run, "server", *arguments, env=PRIVATE)

    inside = await run("add", "inside", "http://169.254.169.254/latest/meta-data")
    assert "leads to a private or special address" in inside.refusal()
    bad = Double()
    async with running(bad):
        (await run("add", "bad", bad.url)).good()
        assert "The server has no tools." in (await run("tools", "bad")).good().out
        not_allowed = (await asyncio.to_thread(place.run, "server", "test", "bad")).refusal()
        assert "leads to a private or special address" in not_allowed
        assert "TRADEPOST_ALLOW_PRIVATE" in not_allowed
        bad.instead = lambda _: Raw(200, {"content-type": "text/html"}, b"<h1>Sign in</h1>")
        page = await run("test", "bad")
        assert "answered with a web page instead of MCP" in page.refusal()
        bad.instead = lambda _: None
        bad.tools = [tool(f"tool_{number}") for number in range(10_000)]
        many = await run("tools", "bad")
        assert "offers 10,000 tools, and at most 1,024 can be registered" in many.refusal()
        bad.tools = [tool("fine"), {**tool("x"), "name": "get_\u043erder\nFake: line"}]
        found = (await run("tools", "bad")).good().out
        assert "Refused: get_\u043erder Fake: line: Its name is not" in found
        assert "New, waiting for approval: fine." in found
