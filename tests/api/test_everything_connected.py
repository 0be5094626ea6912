"""The N x M case: four systems with four ways of signing in, one agent, one conversation (S0.36).

An order platform (MCP, bearer), a billing system that was written at home (REST, a key in a header), a ticket system
(MCP, OAuth client credentials), a segment service (MCP at an address that is a secret itself).
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.api.conftest import As
from tests.api.world import Client, Side
from tests.hub import billing as home
from tests.hub.bundled import Bundled, tool
from tests.hub.oauth import vendor as oauth
from tests.hub.remote import running
from tests.hub.secret_address import at_secret_address
from tests.journeys.live.clients import over_http, plain, tool_names
from tradepost.foundation.clock import system_now

Json = dict[str, Any]

ORDERS_TOKEN = "orders-token-CANARY-1"
TICKETS_SECRET = "tickets-client-CANARY-2"
SEGMENTS_SECRET = "segments-CANARY-3"


def _offering(slug: str, **tools: str) -> Bundled:
    """A server whose tools take one text each."""
    made = [tool(name, **{argument: {"type": "string"}}) for name, argument in tools.items()]
    return Bundled(slug=slug, title=slug.title(), tools=made, resources=[], templates=[], prompts=[])


async def _ready(admin: Client, slug: str, tools: Sequence[str]) -> None:
    """Test, discover, approve and assign what was registered: the same for every kind of server."""
    tested = await admin.post(f"/servers/{slug}/test", status=200)
    assert tested["ok"], tested
    await admin.post(f"/servers/{slug}/discover", status=200)
    for name in tools:
        await admin.post(f"/servers/{slug}/tools/{name}/approve", {"class": "read"}, status=200)
        await admin.post("/assignments", {"server": slug, "tool": name, "agent": "reader"})


class Tickets(oauth.Tracker):
    """Tells the token that it was called with, which it should not."""

    def __init__(self) -> None:
        super().__init__()
        self.slug, self.title, self.tools = "tickets", "Tickets", [tool("find_tickets", customer={"type": "string"})]


@pytest.mark.behaviour("S0.36")
async def test_one_agent_one_conversation_four_systems(as_: As, acme: Side, url: str) -> None:
    admin = as_("admin")
    orders = _offering("orders", get_order="number")
    segments = _offering("segments", get_segment="email")
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(running(orders, bearer=ORDERS_TOKEN))
        desk = await stack.enter_async_context(oauth.running(system_now, Tickets()))
        desk.client("the-hub", TICKETS_SECRET, "client_secret_basic")
        api = await stack.enter_async_context(home.billing())
        segment_url = await stack.enter_async_context(at_secret_address(segments, SEGMENTS_SECRET))

        bearer = [{"name": "Authorization", "value": f"Bearer {ORDERS_TOKEN}"}]
        await admin.post("/servers", {"slug": "order-platform", "url": platform.url, "headers": bearer})
        await admin.post(
            "/apis",
            {
                "slug": "home-billing",
                "document_url": api.document_url,
                "operations": ["get_invoice"],
                "fields": {"get_invoice": ["id", "total"]},
                "credentials": {"Key": home.KEY},
            },
        )
        client_of = {"kind": "client_credentials", "client_id": "the-hub", "client_secret": TICKETS_SECRET}
        await admin.post("/servers", {"slug": "tickets-desk", "url": desk.url, "credential": client_of})
        await admin.post("/servers", {"slug": "segments", "secret_url": segment_url})
        await _ready(admin, "order-platform", ["get_order"])
        await _ready(admin, "home-billing", ["get_invoice"])
        await _ready(admin, "tickets-desk", ["find_tickets"])
        await _ready(admin, "segments", ["get_segment"])

        answers: list[Json] = []
        async with over_http(f"{url}/mcp", acme.secrets["other_agent"]) as client:
            assert {"get_order", "get_invoice", "find_tickets", "get_segment"} <= set(await tool_names(client))
            for name, arguments in (
                ("get_order", {"number": "88213"}),
                ("get_invoice", {"id": "in_1"}),
                ("find_tickets", {"customer": "Ada"}),
                ("get_segment", {"email": "ada@buyers.test"}),
            ):
                answers.append(plain(await client.call_tool(name, arguments)))
        assert [one["_meta"]["io.tradepost/source"]["server"] for one in answers] == [
            "order-platform", "home-billing", "tickets-desk", "segments",
        ]  # fmt: skip
        assert answers[0]["structuredContent"]["arguments"] == {"number": "88213"}
        assert answers[1]["structuredContent"] == {"id": "in_1", "total": 3_900}
        assert desk.tracker.calls[-1][1:3] == ("find_tickets", {"customer": "Ada"})
        assert answers[2]["content"][0]["text"] == "you sent Bearer [redacted]"
        assert answers[3]["structuredContent"]["arguments"] == {"email": "ada@buyers.test"}

        # Each credential went to its own system and nowhere else, and to nobody who may look.
        assert {one.headers.get("authorization") for one in api.requests} == {None}
        assert all("x-billing-key" not in one for one in platform.requests)
        assert platform.requests[-1]["authorization"] == f"Bearer {ORDERS_TOKEN}"
        (token,) = desk.tokens
        assert (set(desk.seen) - {""}, desk.wrong) == ({f"Bearer {token}"}, [])
        shown = str(answers) + str([await admin.get(path) for path in ("/servers?limit=50", "/audit?limit=50")])
        for secret in (ORDERS_TOKEN, home.KEY, TICKETS_SECRET, token, SEGMENTS_SECRET):
            assert secret not in shown
