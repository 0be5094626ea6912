"""A server that gives back the credential it was sent, wherever it can: nobody sees it (security.md §2 row 26)."""

from __future__ import annotations

import base64
import html
import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import orjson
import pytest
from sqlalchemy import select

from tests.hostile.double import Double, Raw, Request, running, said, tool
from tests.hostile.hub import Hub
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.events.models import HubEvent
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.vault.models import SealedHeader

Json = dict[str, Any]
SECRET = 'Canary-7f3a"9c&2b/41+e8d06b'
CREDENTIAL = f"Bearer {SECRET}"


def spellings(secret: str) -> dict[str, str]:
    """What may be made of it without losing it."""
    raw = secret.encode()
    return {
        "plain": secret,
        "in a sentence": f"the token was {secret}, wasn't it",
        "base64": base64.b64encode(raw).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "basic": base64.b64encode(b"user:" + raw).decode(),
        "in the middle of base64": base64.b64encode(b'{"a":"' + raw + b'"}').decode(),
        "base64 of all": base64.b64encode(f"Authorization: Bearer {secret}".encode()).decode(),
        "URL": quote(secret, safe=""),
        "form": quote_plus("x " + secret),
        "small URL": quote(secret, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%22", "%22"),
        "JSON in text": json.dumps({"authorization": secret}),
        "JSON in JSON": orjson.dumps([secret]).decode(),
        "HTML": html.escape(f"<b>{secret}</b>"),
        "hex": raw.hex(),
        "HEX": raw.hex().upper(),
        "capitals": secret.upper(),
        "small letters": secret.lower(),
        "reversed": secret[::-1],
    }


def holds(text: str) -> list[str]:
    """The spellings in which a text has the secret, also where the text is JSON."""
    bare = spellings(SECRET)
    needles = {
        name: one for name, one in bare.items() if name not in ("basic", "in the middle of base64", "base64 of all")
    }
    needles |= {"core of base64": base64.b64encode(b"xx" + SECRET.encode())[4:-4].decode()}
    inner = SECRET.strip("x ")
    needles |= {"in a sentence": inner, "form": quote_plus(inner), "JSON in text": json.dumps(inner)[1:-1]}
    needles |= {"JSON in JSON": json.dumps(json.dumps(inner))[1:-1], "HTML": html.escape(inner)}
    return sorted(name for name, needle in needles.items() if needle in text)


Place = Callable[[str], Json]
PLACES: dict[str, Place] = {
    "text": lambda one: said(one),
    "structured": lambda one: said("x", a={"b": [one, {one: one}]}),
    "a key": lambda one: said("x", **{one: 1}),
    "an error result": lambda one: {**said(one), "isError": True},
    "an error": lambda one: {"error": {"code": -32000, "message": one, "data": {"header": one, one: [one]}}},
    "meta": lambda one: {**said("x"), "_meta": {"evil.example/echo": one}},
    "a resource link": lambda one: {"content": [{"type": "resource_link", "uri": f"x://{quote(one)}", "name": one}]},
    "an embedded resource": lambda one: {"content": [{"type": "resource", "resource": {"uri": "x://y", "text": one}}]},
    "a task that is none": lambda one: {"resultType": one},
}


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.mark.behaviour("security row 26")
async def test_an_echoed_credential_reaches_nobody(hub: Hub, logs: pytest.LogCaptureFixture):
    mirror = Double(tool("look"))
    async with running(mirror):
        await hub.add("mirror", mirror.url, CREDENTIAL, look="read")
        await hub.show("mirror", "look")
        seen: list[str] = []
        for where, place in PLACES.items():
            for spelled in spellings(SECRET).values():
                made = place(spelled)
                mirror.answer = lambda *_, made=made: made
                seen.append(json.dumps(await hub.ask("tools/call", name="look", arguments={}), ensure_ascii=False))
                assert holds(seen[-1]) == [], (where, spelled, seen[-1])
        assert sum("[redacted]" in one for one in seen) > len(seen) * 3 / 4
        assert {credential for credential, _, _ in mirror.calls} == {CREDENTIAL}  # it did get it

        # In what is no result at all: status lines, headers and bodies of HTTP, names of versions.
        answers: list[Raw] = []
        for one in (SECRET, quote(SECRET, safe="")):
            for status in (200, 302, 400, 401, 403, 404, 500, 503):
                headers = {"content-type": one, "set-cookie": f"a={one}", "location": f"http://x.test/{one}"}
                answers.append(Raw(status, {**headers, "www-authenticate": f'Bearer error="{one}"'}, one.encode()))
            error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": one}}
            versions = {**error, "error": {"code": -32004, "message": one, "data": {"supported": [one, one[5:]]}}}
            result = {"resultType": "complete", "supportedVersions": [one], "protocolVersion": one}
            for body in (error, versions, {"jsonrpc": "2.0", "id": 1, "result": result}, {"jsonrpc": one}):
                answers += [
                    Raw(status, {"content-type": "application/json"}, orjson.dumps(body)) for status in (200, 400)
                ]
        for raw in answers:

            def instead(_: Request, raw: Raw = raw) -> Raw:
                return raw

            mirror.instead = instead
            texts = [(await hub.rest("POST", f"/servers/mirror/{what}")).text for what in ("test", "discover")]
            texts.append(json.dumps(await hub.ask("tools/call", name="look", arguments={}), ensure_ascii=False))
            assert [holds(text) for text in texts] == [[], [], []], (raw, texts)

        # In what it says of itself and of its tools: masked before it is stored.
        mirror.instead = lambda _: None
        mirror.instructions = f"Use {SECRET}"
        mirror.tools = [{**tool("look"), "description": f"{SECRET}"}, {**tool("other"), "title": SECRET.upper()}]
        mirror.tools.append(tool(SECRET))
        mirror.resources = [{"uri": f"x://{quote(SECRET, safe='')}", "name": SECRET}]
        mirror.prompts = [{"name": "p", "description": SECRET}]
        for what in ("test", "discover"):
            assert holds((await hub.rest("POST", f"/servers/mirror/{what}")).text) == []
        for path in ("/servers/mirror", "/servers/mirror/tools", "/servers/mirror/headers", "/audit?limit=50"):
            assert holds((await hub.rest("GET", path)).text) == [], path
    await hub.app.audit.drain()
    async with hub.world.reading() as session:
        for table in (Server, ToolEntry, AuditEvent, HubEvent, SealedHeader):
            for row in await session.scalars(select(table)):
                values = {name: value for name, value in vars(row).items() if not name.startswith("_")}
                assert holds(str(values)) == [], values
    assert holds(logs.text) == []
    files = [path for path in hub.data.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
