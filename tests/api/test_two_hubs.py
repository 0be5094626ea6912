"""Every state-changing door of REST, which the commands share their services with: what is changed through one process
counts at the other one, from its next request on (on PostgreSQL within a second). Two processes serve all cases."""

from __future__ import annotations

import asyncio
import json
import os
import re
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.test_access import RULES
from tests.api.world import Client, Side, add_customers
from tests.engines import DatabaseUrls
from tests.hub.billing import DOCUMENT, KEY, billing
from tests.processes import ROOT, Place
from tests.protocol.conftest import modern_headers, modern_meta, served
from tradepost.database.engine import Database
from tradepost.hub.registry.injection_rules import ASSERTION_HEADER

Json = dict[str, Any]
SECONDS = 30.0
PLANNED = {"type": "object", "properties": {"plan": {"type": "boolean"}}}
RESOURCE = {"uri": "routes://late", "name": "Late routes"}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}

# Doors whose effect through another process is shown elsewhere, and where.
ELSEWHERE: dict[str, str] = {
    "POST /approvals/{approval}/approve": "tests/journeys/live/test_two_workers.py",
    "POST /approvals/{approval}/reject": "tests/journeys/live/test_two_workers.py",
    "POST /approvals/{approval}/settle": "tests/hub/gateway/test_unknown.py",
    "POST /approvals/groups/answer": "tests/hub/gateway/test_at_once.py",
    "POST /actions/{approval}/undo": "tests/hub/gateway/test_undoing.py",
    "POST /usage/tokens": "tests/hub/limits/test_meter.py",
    "POST /conversations": "tests/api/test_conversations_of_two.py",
    "POST /conversations/{conversation}/messages": "tests/api/test_conversations_of_two.py",
    "POST /conversations/{conversation}/cancel": "tests/api/test_conversations_of_two.py",
    "POST /shopper/conversations": "tests/api/test_handovers.py",
    "POST /shopper/conversations/{conversation}/messages": "tests/api/test_handovers.py",
    "POST /shopper/conversations/{conversation}/person": "tests/api/test_handovers.py",
}
# Doors that no test goes through with two processes. They end where the others do: a row, and the registry's version
# counted up in the same transaction (hub/access/changes), or a row that is read whenever it is asked for.
NOT_SHOWN = {
    "DELETE /servers/{server}/connection",  # needs a vendor's sign-in first: tests/hub/oauth, by the same row
    "POST /registry/servers",  # needs a public registry; it ends as POST /servers does
    "POST /shopper/conversations/{conversation}/feedback",  # a row of the turn, read whenever it is asked for
    # One row, read and changed in one transaction; that another process's words arrive is shown for messages.
    "POST /handovers/{handover}/take",
    "POST /handovers/{handover}/answer",
    "POST /handovers/{handover}/give-back",
    "POST /handovers/{handover}/close",
}
# They look, and change nothing that another process would have to hear of.
LOOKING = {
    "POST /reads/{tool}",
    "POST /policy/test",
    "POST /audit/verify",
    "POST /servers/{server}/test",
    "POST /servers/{server}/tools/{tool}/call",  # a call like any other: tests/hub/gateway shows those of two processes
    "POST /servers/{server}/swap/{successor}/check",
    "POST /webhooks/{webhook}/test",
}


class Foreign:
    """A server of the older era with one tool, and the receiver of a webhook: what reached it, with its headers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.hooks: list[str] = []
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, answer = self._answer(scope["path"], httpx2.Response(200, content=body), headers)
        content = httpx2.Response(200, json=answer).content if answer is not None else b""
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": content})

    def _answer(self, path: str, sent: httpx2.Response, headers: dict[str, str]) -> tuple[int, Json | None]:
        if path == "/hook":
            self.hooks.append(sent.text)
            return 204, None
        if not sent.content:
            return 405, None
        asked = sent.json()
        method = asked["method"]
        if "id" not in asked:
            return 202, None
        if headers.get("mcp-protocol-version") == "2026-07-28":
            return 400, {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32600, "message": "older"}}
        tool = {"name": "track", "description": "Where a parcel is.", "inputSchema": PLANNED}
        results: dict[str, Json] = {
            "initialize": {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}, "resources": {}, "prompts": {}},
                "serverInfo": {"name": "f", "version": "1"},
            },
            "tools/list": {"tools": [tool]},
            "resources/list": {"resources": [RESOURCE]},
            "resources/read": {"contents": [{"uri": RESOURCE["uri"], "text": path}]},
            "prompts/get": {"messages": [{"role": "user", "content": {"type": "text", "text": path}}]},
            "resources/templates/list": {"resourceTemplates": []},
            "prompts/list": {"prompts": [{"name": "late"}]},
            "tools/call": {"content": [{"type": "text", "text": path}]},
        }
        if method == "tools/call":
            self.calls.append((path, headers))
        return 200, {"jsonrpc": "2.0", "id": asked["id"], "result": results.get(method, {})}


@dataclass
class Pair:
    """Two processes: changes go to the first, everything is looked at in the second."""

    first: httpx2.AsyncClient
    second: httpx2.AsyncClient
    side: Side
    foreign: Foreign
    asked: set[str] = field(default_factory=set)

    async def change(self, method: str, path: str, body: object = None, who: str = "owner") -> Json:
        """Through the first. What it answered."""
        self.asked.add(f"{method} {path}")
        answer = await Client(self.first, self.side.secrets[who]).send(method, path, body)
        assert answer.status_code in (200, 201, 202, 204), f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else {}

    async def look(self, path: str, who: str = "owner") -> Any:
        return (await Client(self.second, self.side.secrets[who]).send("GET", path)).json()

    async def status(self, secret: str, path: str = "/me") -> int:
        """What somebody with this secret is answered by the second."""
        return (await Client(self.second, secret).send("GET", path)).status_code

    async def mcp(self, method: str, params: Json, secret: str | None = None) -> httpx2.Response:
        sent = {"authorization": f"Bearer {secret or self.side.secrets['agent']}", "accept": "application/json"}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": modern_meta()}}
        named = params.get("name")
        return await self.second.post("/mcp", json=body, headers={**sent, **modern_headers(method, named)})

    async def tools(self, secret: str | None = None) -> dict[str, Json]:
        listed = (await self.mcp("tools/list", {}, secret)).json()
        return {tool["name"]: tool for tool in listed.get("result", {}).get("tools", ())}

    async def call(self, tool: str, arguments: Json | None = None, secret: str | None = None) -> Json:
        """The result of a call at the second, or its error with `isError`."""
        answer: Json = (await self.mcp("tools/call", {"name": tool, "arguments": arguments or {}}, secret)).json()
        return answer["result"] if "result" in answer else {"isError": True, "structuredContent": answer["error"]}

    async def customer(self) -> Json:
        return await self.call("get_customer", {"customer_id": "C-1"})

    async def refused(self, code: str) -> bool:
        """Whether the agent's read is refused with this code."""
        said = await self.customer()
        structured = said.get("structuredContent", {})
        return bool(said.get("isError")) and code in (structured.get("code"), structured.get("data", {}).get("code"))

    async def works(self) -> bool:
        return not (await self.customer()).get("isError")


Case = Callable[[Pair], Awaitable[None]]
CASES: list[Case] = []


def case(work: Case) -> Case:
    CASES.append(work)
    return work


async def soon(seen: Callable[[], Awaitable[object]]) -> None:
    """Until the second process sees it: at once on SQLite, when the database has told it on PostgreSQL."""
    async with asyncio.timeout(SECONDS):
        while not await seen():
            await asyncio.to_thread(os.sched_yield)


async def switched(pair: Pair, path: str, off: Json, on: Json, code: str) -> None:
    await pair.change("PATCH", path, off)
    await soon(lambda: pair.refused(code))
    await pair.change("PATCH", path, on)
    await soon(pair.works)


@case
async def tools_servers_and_agents(pair: Pair) -> None:
    await switched(pair, "/servers/customers/tools/get_customer", {"enabled": False}, {"enabled": True}, "not_found")
    await switched(pair, "/agents/supply", {"status": "disabled"}, {"status": "active"}, "unauthenticated")
    await pair.change("POST", "/servers/customers/disable", {})
    await soon(lambda: pair.refused("not_found"))
    await pair.change("POST", "/servers/customers/enable", {})
    await soon(pair.works)
    await pair.change("POST", "/servers/customers/tools/get_customer/approve", {"class": "write"})
    await soon(lambda: pair.refused("invalid_argument"))  # a write has a key
    await pair.change("POST", "/servers/customers/tools/get_customer/approve", {"class": "read"})
    await soon(pair.works)


@case
async def assignments_and_names(pair: Pair) -> None:
    (known,) = [one for one in (await pair.look("/assignments"))["items"] if one["tool"] == "get_customer"]
    await pair.change("PATCH", f"/assignments/{known['id']}", {"description": "Ours"})

    async def described() -> bool:
        return (await pair.tools())["get_customer"]["description"] == "Ours"

    await soon(described)
    await pair.change("DELETE", f"/assignments/{known['id']}")
    await soon(lambda: pair.refused("not_found"))
    await pair.change("POST", "/assignments", {"server": "customers", "tool": "get_customer", "agent": "supply"})
    await soon(pair.works)


@case
async def keys_and_shoppers(pair: Pair) -> None:
    made = await pair.change("POST", "/keys", {"agent": "supply"})
    assert await pair.status(made["key"]) == 200
    turned = await pair.change("POST", f"/keys/{made['id']}/rotate", {"grace_seconds": 0})
    assert await pair.status(turned["key"]) == 200
    await pair.change("POST", f"/keys/{turned['id']}/revoke", {})
    for secret in (made["key"], turned["key"]):
        await soon(lambda secret=secret: is_shut_out(pair, secret))
    await pair.change("POST", "/profiles", {"slug": "shoppers", "posture": "customer"})
    shopper = await pair.change("POST", "/shopper-sessions", {"customer": "C-1"})
    assert (await pair.mcp("tools/list", {}, shopper["token"])).status_code == 200
    await pair.change("POST", f"/shopper-sessions/{shopper['id']}/revoke", {})

    async def ended() -> bool:
        return (await pair.mcp("tools/list", {}, shopper["token"])).status_code == 401

    await soon(ended)


async def is_shut_out(pair: Pair, secret: str) -> bool:
    return await pair.status(secret) == 401


@case
async def people_and_roles(pair: Pair) -> None:
    user = await pair.change("POST", "/users", {"email": "new@acme.test", "role": "admin"})
    key = (await pair.change("POST", "/keys", {"user": "new@acme.test"}))["key"]
    assert await pair.status(key, "/audit/export") == 200
    await pair.change("PATCH", f"/users/{user['id']}", {"role": "operator"})

    async def demoted() -> bool:
        return await pair.status(key, "/audit/export") == 403

    await soon(demoted)

    async def cares() -> bool:
        sent = await Client(pair.second, key).send("PATCH", "/agents/supply", {"status": "active"})
        return sent.status_code == 200

    assert not await cares()
    await pair.change("PUT", "/profiles/internal/roles/new@acme.test", {"role": "admin"})
    await soon(cares)
    await pair.change("DELETE", "/profiles/internal/roles/new@acme.test")

    async def cares_no_more() -> bool:
        return not await cares()

    await soon(cares_no_more)
    await pair.change("PATCH", f"/users/{user['id']}", {"status": "disabled"})
    await soon(lambda: is_shut_out(pair, key))
    invited = await pair.change("POST", "/invitations", {"email": "guest@acme.test", "role": "viewer"})
    link = httpx2.URL(invited["link"]).raw_path.decode()
    assert (await pair.second.get(link)).status_code == 200
    await pair.change("POST", f"/invitations/{invited['id']}/revoke", {})
    assert (await pair.second.get(link)).status_code in (404, 410)


@case
async def profiles_and_their_fields(pair: Pair) -> None:
    await pair.change("POST", "/profiles", {"slug": "shop"})
    await pair.change("POST", "/agents", {"profile": "shop", "slug": "clerk"})
    assert (await pair.look("/agents/clerk"))["slug"] == "clerk"
    await pair.change("PATCH", "/profiles/internal/fields", {"set": [{"kind": "email", "show": "masked"}]})

    async def masked() -> bool:
        return "jo1@buyers.test" not in str(await pair.customer())

    await soon(masked)
    await pair.change("PATCH", "/profiles/internal/fields", {"unset": ["email"]})

    async def shown() -> bool:
        return not await masked()

    await soon(shown)
    write = {"customer_id": "C-2", "note": "Rings twice.", "idempotency_key": "posture"}
    asked = await pair.call("update_customer", write)
    assert asked["structuredContent"].get("status") == "approval_required", asked
    await pair.change("PATCH", "/profiles/internal", {"posture": "guarded"})
    assert (await pair.look("/profiles/internal"))["posture"] == "guarded"
    await pair.change("PATCH", "/profiles/internal", {"posture": "propose"})


@case
async def policy_and_limits(pair: Pair) -> None:
    rule = {"name": "no-reading", "outcome": "deny", "tool": "get_customer", "reason": "not now"}
    await pair.change("POST", "/policy/rules", rule)

    async def denied() -> bool:
        return "not now" in str(await pair.customer())

    await soon(denied)
    await pair.change("PATCH", "/policy/rules/no-reading", {"enabled": False})
    await soon(pair.works)
    await pair.change("DELETE", "/policy/rules/no-reading")
    frozen = await pair.change("POST", "/policy/freezes", {"reason": "stock-taking"})
    write = {"customer_id": "C-2", "note": "Rings once."}
    turn = iter(range(10_000))

    async def freezes() -> bool:
        said = await pair.call("update_customer", {**write, "idempotency_key": f"freeze-{next(turn)}"})
        return "stock-taking" in str(said)

    await soon(freezes)
    await pair.change("DELETE", f"/policy/freezes/{frozen['name']}")

    async def thawed() -> bool:
        return not await freezes()

    await soon(thawed)
    await pair.change("PUT", "/policy/time-zone", {"time_zone": "Europe/Rome"})
    assert (await pair.look("/policy/rules"))["time_zone"] == "Europe/Rome"
    await pair.change("PATCH", "/agents/supply/limits", {"set": {"calls_per_minute": 1}})
    await soon(lambda: pair.refused("rate_limited"))
    await pair.change("PATCH", "/agents/supply/limits", {"unset": ["calls_per_minute"]})
    await soon(pair.works)


@case
async def what_servers_are_told_and_how_they_are_called(pair: Pair) -> None:
    await pair.change("PATCH", "/servers/customers/tools/get_customer/rules", {"set": [INJECTED]})

    async def hidden() -> bool:
        return "customer_id" not in (await pair.tools())["get_customer"]["inputSchema"]["properties"]

    await soon(hidden)
    gone = {"remove": [{"target": "argument", "name": "customer_id"}]}
    await pair.change("PATCH", "/servers/customers/tools/get_customer/rules", gone)
    await soon(pair.works)
    await pair.change("PATCH", "/registry-rules", {"set": {"visible_tools": 29}})
    assert 29 in [one["value"] for one in (await pair.look("/registry-rules"))["rules"]]
    await pair.change("PATCH", "/servers/customers/settings", {"set": {"timeout_seconds": 20}})
    await pair.change("PATCH", "/servers/customers/tools/get_customer/settings", {"set": {"result_tokens": 1000}})
    assert "20" in str(await pair.look("/servers/customers/settings"))
    await pair.change("PATCH", "/servers/customers/tools/get_customer/settings", {"unset": ["result_tokens"]})


INJECTED = {"target": "argument", "name": "customer_id", "constant": "C-1"}
TENANT = {"target": "header", "name": "X-Tenant", "source": "workspace.slug"}


@case
async def servers_their_secrets_and_their_successors(pair: Pair) -> None:
    foreign = pair.foreign
    for slug in ("older", "newer"):
        await pair.change("POST", "/servers", {"slug": slug, "url": f"{foreign.url}/{slug}"})
        await pair.change("POST", f"/servers/{slug}/discover", {})
        await pair.change("POST", f"/servers/{slug}/tools/track/approve", {"class": "read"})
    await pair.change("POST", "/assignments", {"server": "older", "tool": "track", "agent": "supply"})

    async def reached(path: str, **headers: str) -> bool:
        foreign.calls.clear()
        await pair.call("track")
        return any(at == path and headers.items() <= had.items() for at, had in foreign.calls)

    await soon(lambda: reached("/older"))
    for secret in ("first", "second"):
        header = [{"name": "X-Token", "value": secret}]
        await pair.change("PUT", "/servers/older/headers", {"headers": header})
        await soon(lambda secret=secret: reached("/older", **{"x-token": secret}))
    await pair.change("PUT", "/servers/older/credential", {"credential": {"kind": "bearer", "token": "third"}})
    await soon(lambda: reached("/older", authorization="Bearer third"))
    await pair.change("PATCH", "/servers/older/rules", {"set": [TENANT]})
    await soon(lambda: reached("/older", **{"x-tenant": "acme"}))
    await pair.change("PUT", "/servers/older/caller-assertion", {"enabled": True, "audience": "urn:x"})

    async def signed() -> bool:
        await reached("/older")
        return any(ASSERTION_HEADER.lower() in had for _, had in foreign.calls)

    await soon(signed)
    kid = (await pair.change("POST", "/assertion-keys/rotate", {}))["kid"]
    assert kid in (await pair.second.get("/.well-known/jwks.json")).text
    await pair.change("PUT", "/servers/older/caller-assertion", {"enabled": False})
    await pair.change("PATCH", "/servers/older/rules", {"remove": [{"target": "header", "name": TENANT["name"]}]})
    await pair.change("POST", "/servers/older/swap/newer", {})
    await soon(lambda: reached("/newer"))
    await pair.change("POST", "/servers/older/swap/newer/undo", {})
    await soon(lambda: reached("/older"))
    await pair.change("PUT", "/servers/older/url", {"url": f"{foreign.url}/moved"})
    assert (await pair.look("/servers/older"))["url"] == f"{foreign.url}/moved"
    await pair.change("PATCH", "/servers/newer/tools/track/figures", {"quantity": "count"})
    assert (await pair.look("/servers/newer/tools/track/figures"))["quantity"] == "count"
    await pair.change("DELETE", "/servers/older")

    async def unknown() -> bool:
        return "track" not in await pair.tools()

    await soon(unknown)


@case
async def resources_and_prompts(pair: Pair) -> None:
    await pair.change("POST", "/servers", {"slug": "routes", "url": f"{pair.foreign.url}/routes"})
    await pair.change("POST", "/servers/routes/discover", {})
    await pair.change("PUT", "/servers/routes/tools/track/dry-run", {"argument": "plan"})
    assert (await pair.look("/servers/routes/tools/track/dry-run"))["argument"] == "plan"
    for kind, name in (("resources", RESOURCE["uri"]), ("prompts", "late")):
        (one,) = [one for one in (await pair.look(f"/servers/routes/{kind}"))["items"] if one["name"] == name]
        at = f"/servers/routes/{kind}/{one['id']}"
        await pair.change("POST", f"{at}/approve", {"digest": one["digest"]})
        assert (await pair.look(at))["state"] == "enabled"
        await pair.change("PATCH", at, {"enabled": False})
        assert (await pair.look(at))["state"] == "disabled"


@case
async def apis_and_their_documents(pair: Pair) -> None:
    async with billing() as api:
        document = {**DOCUMENT, "servers": [{"url": f"{api.url}/v1"}]}
        given = {"slug": "bills", "document": json.dumps(document), "credentials": {"Key": "wrong"}}
        await pair.change("POST", "/apis", given)
        await pair.change("PATCH", "/servers/bills/api", {"operations": ["get_invoice"]})
        chosen = (await pair.look("/servers/bills/api"))["choice"]
        assert chosen == ["get_invoice"]
        other = Client(pair.second, pair.side.secrets["owner"])
        assert not (await other.send("POST", "/servers/bills/test", {})).json()["ok"]
        await pair.change("PUT", "/servers/bills/api/credentials", {"credentials": {"Key": KEY}})

        async def let_in() -> bool:
            return bool((await other.send("POST", "/servers/bills/test", {})).json()["ok"])

        await soon(let_in)
        digest = (await pair.look("/servers/bills/api"))["digest"]
        newer = {**document, "info": {"title": "Newer", "version": "2"}}
        await pair.change("PUT", "/servers/bills/api/document", {"document": json.dumps(newer)})
        assert (await pair.look("/servers/bills/api"))["digest"] != digest
        await pair.change("DELETE", "/servers/bills")


@case
async def what_the_shop_knows(pair: Pair) -> None:
    entry = {"slug": "opening-hours", "title": "Opening hours", "body": "We are open on Sundays.", "kind": "article"}
    await pair.change("POST", "/knowledge/entries", entry)
    assert (await pair.look("/knowledge/entries/opening-hours"))["status"] == "published"
    await pair.change("PATCH", "/knowledge/entries/opening-hours", {"status": "archived", "reason": "old"})
    assert (await pair.look("/knowledge/entries/opening-hours"))["status"] == "archived"
    wish = {"entry": "opening-hours", "body": "We are closed on Sundays.", "reason": "the law"}
    made = await pair.change("POST", "/knowledge/proposals", wish)
    assert (await pair.look(f"/knowledge/proposals/{made['id']}"))["status"] == "proposed"
    await pair.change("PATCH", f"/knowledge/proposals/{made['id']}", {"status": "rejected"}, who="operator")
    assert (await pair.look(f"/knowledge/proposals/{made['id']}"))["status"] == "rejected"


@case
async def conversations_and_agents(pair: Pair) -> None:
    await pair.change("PATCH", "/agents/supply/setup", {"instructions": "Be brief."})
    assert (await pair.look("/agents/supply/setup"))["instructions"] == "Be brief."
    await pair.change("PATCH", "/conversations/rules", {"keep_days": 400})
    assert (await pair.look("/conversations/rules"))["keep_days"] == 400
    owner = Client(pair.first, pair.side.secrets["owner"])
    talk = (await owner.send("POST", "/conversations", {"agent": "supply"})).json()
    at = f"/conversations/{talk['id']}"
    assert (await owner.send("POST", f"{at}/messages", {"message": "Hello"})).status_code == 202

    async def answered() -> bool:
        turns: list[Json] = (await pair.look(at))["page"]["items"]
        return bool(turns) and turns[-1]["status"] in ("finished", "failed", "stopped")

    await soon(answered)
    await pair.change("POST", f"{at}/feedback", {"score": 4})
    await pair.change("POST", f"{at}/redact", {})
    assert (await pair.look(at))["redacted_at"] is not None


@case
async def contacts_and_whole_configurations(pair: Pair) -> None:
    document = await pair.look("/configuration")
    document = {**document, "profiles": [*document["profiles"], {"slug": "written-down"}]}
    await pair.change("POST", "/configuration", document)
    assert (await pair.look("/profiles/written-down"))["slug"] == "written-down"
    await pair.change("PATCH", "/contacts/C-2", {"language": "fr"}, who="agent")
    waiting = (await pair.look("/approvals"))["items"]
    assert any(one["arguments"].get("language") == "fr" for one in waiting)


@case
async def oauth_clients(pair: Pair) -> None:
    made = await pair.change("POST", "/oauth-clients", {"name": "Night job", "agent": "supply", "proof": "secret"})
    form = {"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": made["secret"]}

    async def token() -> str | None:
        found: str | None = (await pair.second.post("/oauth/token", data=form)).json().get("access_token")
        return found

    await soon(token)
    given = await token()
    assert await pair.tools(given)
    (grant,) = (await pair.look(f"/oauth-grants?client={made['client_id']}"))["items"]
    await pair.change("POST", f"/oauth-grants/{grant['id']}/revoke", {})

    async def shut() -> bool:
        return (await pair.mcp("tools/list", {}, given)).status_code == 401

    await soon(shut)
    await pair.change("POST", f"/oauth-clients/{made['client_id']}/disable", {})
    assert await token() is None


@case
async def who_is_told_and_who_may_answer(pair: Pair) -> None:
    hook = await pair.change("POST", "/webhooks", {"name": "desk", "url": f"{pair.foreign.url}/hook"})
    other = Client(pair.second, pair.side.secrets["owner"])
    assert (await other.send("POST", f"/webhooks/{hook['id']}/test", {})).status_code == 200
    assert pair.foreign.hooks
    await pair.change("POST", f"/webhooks/{hook['id']}/rotate", {})
    await pair.change("PATCH", f"/webhooks/{hook['id']}", {"state": "paused"})
    assert (await pair.look("/webhooks"))["items"][0]["state"] == "paused"
    await pair.change("DELETE", f"/webhooks/{hook['id']}")
    assert (await other.send("POST", f"/webhooks/{hook['id']}/test", {})).status_code == 404
    now = datetime.now(UTC)
    away = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(days=1)).isoformat()}
    lent = await pair.change("POST", "/delegations", {"to": "operator@acme.test", **away}, who="admin")
    assert lent["id"] in str(await pair.look("/delegations", "admin"))
    await pair.change("POST", f"/delegations/{lent['id']}/revoke", {}, who="admin")
    await pair.change("PATCH", "/notifications", {"mail": False}, who="operator")
    assert (await pair.look("/notifications", "operator"))["mail"] is False


@case
async def how_is_recorded(pair: Pair) -> None:
    async def kept() -> object:
        await pair.customer()
        async with asyncio.timeout(SECONDS):
            while True:
                rows = (await pair.look("/audit?tool=get_customer&kind=read&limit=1"))["items"]
                if rows:
                    return rows[0]["arguments"]

    assert await kept() == {"customer_id": "C-1"}
    await pair.change("PATCH", "/audit-settings", {"arguments": "digest"})

    async def nothing() -> bool:
        return await kept() is None

    await soon(nothing)
    await pair.change("PATCH", "/audit-settings", {"arguments": "masked"})
    await pair.change("POST", "/audit/prune", {"before": (datetime.now(UTC) - timedelta(days=1)).isoformat()})
    assert (await pair.look("/audit?limit=1"))["items"]  # what is newer stays


@pytest.fixture
async def pair(database_urls: DatabaseUrls, acme: Side, tmp_path: Path) -> AsyncIterator[Pair]:
    databases = {"TRADEPOST_HUB_URL": database_urls.hub, "TRADEPOST_STORE_URL": database_urls.store}
    places = [Place(tmp_path / "data", databases=databases) for _ in range(2)]
    places[0].data.mkdir()
    store = Database(database_urls.store)
    await add_customers(store, acme, (1, 2))
    await store.close()
    foreign = Foreign()
    with ExitStack() as running:
        hubs = []
        for place in places:
            started = await asyncio.to_thread(place.start, "serve", env={"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8"})
            hubs.append(running.enter_context(started))
            await asyncio.to_thread(started.wait_ready)
        async with AsyncExitStack() as clients:
            foreign.url = await clients.enter_async_context(served(foreign))
            first, second = [
                await clients.enter_async_context(
                    httpx2.AsyncClient(base_url=one.url, timeout=SECONDS, trust_env=False)
                )
                for one in places
            ]
            yield Pair(first, second, acme, foreign)
        for hub in hubs:
            assert await asyncio.to_thread(hub.stop) == 0, hub.said()
            assert "Traceback" not in hub.said(), hub.said()


@pytest.mark.two_processes
async def test_whatever_is_changed_at_one_counts_at_the_other(pair: Pair) -> None:
    """F44 for every door; which doors these are is compared with the list of all routes."""
    wrong: dict[str, BaseException] = {}
    for work in CASES:
        try:
            await work(pair)
        except (AssertionError, TimeoutError, LookupError, ValueError) as error:
            wrong[work.__name__] = error
    assert not wrong, "\n".join(f"{name}: {_where(error)}: {error!r}" for name, error in wrong.items())
    changing = {route for route in RULES if not route.startswith("GET ")} - LOOKING - ELSEWHERE.keys()
    assert {route for route in changing if not any(_fits(route, one) for one in pair.asked)} == NOT_SHOWN
    assert all((ROOT / path).is_file() for path in ELSEWHERE.values())


def _where(error: BaseException) -> str:
    """The line of the case that failed."""
    return next(str(one.lineno) for one in traceback.extract_tb(error.__traceback__)[1:])


def _fits(route: str, asked: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route), asked.partition("?")[0]) is not None
