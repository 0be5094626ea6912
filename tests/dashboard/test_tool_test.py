"""Test Tool Call on a page: a form for whatever a schema says, values that come back, results as text."""

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import pytest

from tests.api.conftest import As
from tests.dashboard.conftest import Signed
from tests.hub.bundled import Bundled
from tests.hub.remote import Remote, running
from tradepost.protocol.builtin import ToolResult

EVIL = "<img src=x onerror=alert(1)>"
SCHEMA = {
    "type": "object",
    "$defs": {"place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
    "properties": {
        "note": {"type": "string", "maxLength": 2000, "description": f"Free text {EVIL}"},
        "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 2},
        "price": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
        "urgent": {"type": "boolean"},
        "kind": {"enum": ["road", "rail", 7]},
        "day": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "sizes": {"type": "array", "items": {"type": "integer"}},
        "modes": {"type": "array", "items": {"enum": ["a", "b"]}, "default": ["b"]},
        "to": {"$ref": "#/$defs/place"},
        "odd/name~": {"type": ["string", "null"]},
        "free": {"type": "object", "additionalProperties": True},
        "number": {"type": "string"},
    },
    "required": ["number", "to"],
}
PAGE = "/integrations/tracker/tools/get_order/test"


@pytest.fixture
async def remote(as_: As) -> AsyncIterator[Remote]:
    server = Bundled(tools=[{"name": "get_order", "description": EVIL, "inputSchema": SCHEMA}])
    async with running(server) as served:
        admin = as_("admin")
        await admin.post("/servers", {"slug": "tracker", "url": served.url})
        await admin.post("/servers/tracker/discover", status=200)
        await admin.patch("/servers/tracker/tools/get_order", {"class": "read"})
        yield served


def _name_of(page: str, label: str) -> str:
    """The form's name for an argument, found by its label as a reader would."""
    named = re.search(rf'<label for="([^"]+)">{re.escape(label)} ', page)
    assert named is not None, label
    found = re.search(rf'id="{named[1]}" name="([^"]+)"', page)
    assert found is not None
    return unescape(found[1])


@pytest.mark.behaviour("S0.10")
async def test_every_kind_of_argument_has_its_field(signed: Signed, remote: Remote) -> None:
    """What was filled in arrives as the schema means it; what was left empty does not arrive."""
    admin = await signed("admin")
    page = (await admin.get(PAGE)).text
    assert EVIL not in page
    assert page.index("number <span") < page.index("note <"), "what is required comes first"
    assert "At least 1, at most 9." in page
    fields = {
        "number": "7",
        "city": "Lyon",
        "note": "two\r\nlines",
        "price": "12.50",
        "urgent": "false",
        "kind": "7",
        "day": "2026-11-23",
        "tags": "a\r\n\r\n b ",
        "sizes": "1\r\n2",
        "odd/name~": "x",
        "free": '{"a": [1]}',
    }
    sent = {_name_of(page, label): value for label, value in fields.items()}
    count = _name_of(page, "count")
    ticked = re.findall(r'type="checkbox" name="([^"]+)" value="yes" checked', page)
    answer = await admin.post(PAGE, **{**sent, count: "2", **dict.fromkeys(map(unescape, ticked), "yes")})
    assert "The tool answered" in answer.text, answer.text
    (call,) = remote.server.calls
    assert call[2] == {
        "number": "7",
        "to": {"city": "Lyon"},
        "note": "two\nlines",
        "count": 2,
        "price": 12.5,
        "urgent": False,
        "kind": 7,
        "day": "2026-11-23",
        "tags": ["a", "b"],
        "sizes": [1, 2],
        "modes": ["b"],
        "odd/name~": "x",
        "free": {"a": [1]},
    }


async def test_mistakes_stand_at_their_fields_and_values_come_back(signed: Signed, remote: Remote) -> None:
    """Those that the page sees and those that the hub sees; nothing is called."""
    admin = await signed("admin")
    page = (await admin.get(PAGE)).text
    names = {label: _name_of(page, label) for label in ("number", "city", "count", "free", "day", "note")}
    sent = {"number": "7", "city": "Lyon", "count": "two", "free": "{", "day": "soon", "note": EVIL}
    wrong = await admin.post(PAGE, **{names[label]: value for label, value in sent.items()}, more="[]")
    assert wrong.status_code == 400
    assert "is not a number" in wrong.text
    assert wrong.text.count('aria-invalid="true"') == 3
    assert "This is not a JSON object" in wrong.text
    assert 'value="two"' in wrong.text
    assert EVIL not in wrong.text
    sent |= {"count": "12", "free": ""}
    refused = await admin.post(PAGE, **{names[label]: value for label, value in sent.items()})
    assert refused.status_code == 400
    shown = re.search(r'id="(arg-\d+)" name="arg:/(\w+)"[^>]*aria-describedby="[^"]*\1-error"', refused.text)
    assert shown is not None
    assert shown[2] in ("count", "day")
    missing = await admin.post(PAGE, **{names["city"]: "Lyon"})
    assert "&#39;number&#39; is missing." in missing.text
    assert remote.server.calls == []


async def test_results_are_data(signed: Signed, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long ones are cut and say so; nothing of one is drawn, loaded or a link; a failure is told in its words."""
    answers: list[ToolResult] = []

    async def call(*_: Any, **__: Any) -> ToolResult:
        return answers.pop()

    monkeypatch.setattr(remote.server, "call", call)
    admin = await signed("admin")
    page = (await admin.get(PAGE)).text
    sent = {_name_of(page, "number"): "7", _name_of(page, "city"): "Lyon"}
    picture = {"type": "image", "data": "aGk=", "mimeType": "image/png"}
    answers.append(ToolResult([{"type": "text", "text": EVIL + "x" * 30_000}, picture], None))
    shown = (await admin.post(PAGE, **sent)).text
    assert EVIL not in shown
    assert "10,028 characters more are not shown here" in shown
    assert "image, not shown: image/png, 3 bytes" in shown
    answers.append(ToolResult([{"type": "text", "text": f"no {EVIL}"}], None, is_error=True))
    failed = (await admin.post(PAGE, **sent)).text
    assert "The tool says that it failed" in failed
    assert EVIL not in failed
    assert "no &lt;img" in failed


async def test_a_server_that_fails_is_left_alone_and_its_page_says_so(signed: Signed, as_: As) -> None:
    """What a person tries counts for the breaker as any other call does."""
    rest, admin = as_("admin"), await signed("admin")
    async with running(Bundled()) as served:
        await rest.post("/servers", {"slug": "tracker", "url": served.url})
        await rest.post("/servers/tracker/discover", status=200)
        await rest.patch("/servers/tracker/tools/get_order", {"class": "read"})
    assert "closed: it is called" in (await admin.get("/integrations/tracker")).text
    for _ in range(10):
        await rest.post("/servers/tracker/tools/get_order/call", {}, status=424)
    assert (await rest.get("/servers/tracker"))["left_alone"] is True
    page = (await admin.get("/integrations/tracker")).text
    assert "It failed too often" in page


async def test_a_write_leads_to_its_approval(signed: Signed, as_: As, remote: Remote) -> None:
    """Sent twice it is one call. Only those who may try tools have the form."""
    await as_("admin").patch("/servers/tracker/tools/get_order", {"class": "write"})
    admin = await signed("admin")
    page = (await admin.get(PAGE)).text
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    sent = {_name_of(page, "number"): "7", _name_of(page, "city"): "Lyon", "key": key[1]}
    first, second = await admin.post(PAGE, **sent), await admin.post(PAGE, **sent)
    assert "A person has to approve it first" in first.text
    link = re.search(r'href="(/approvals/act_\w+)"', first.text)
    assert link is not None
    assert link[1] in second.text
    assert (await admin.get(link[1])).status_code == 200
    waiting = (await as_("operator").get("/approvals"))["items"]
    assert len(waiting) == 1
    viewer = await signed("viewer")
    looked = await viewer.get(PAGE)
    assert "Trying tools is for admins and owners" in looked.text
    assert (await viewer.post(PAGE, **sent)).status_code == 403
