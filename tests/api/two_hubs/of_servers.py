"""Servers, what is shown of them to whom, and what they are told."""

from __future__ import annotations

import json

from tests.api.two_hubs.pair import RESOURCE, Case, Pair, soon, switched
from tests.api.world import Client
from tests.hub.billing import DOCUMENT, KEY, billing
from tradepost.hub.registry.injection_rules import ASSERTION_HEADER

INJECTED = {"target": "argument", "name": "customer_id", "constant": "C-1"}


TENANT = {"target": "header", "name": "X-Tenant", "source": "workspace.slug"}


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


CASES: tuple[Case, ...] = (
    tools_servers_and_agents,
    assignments_and_names,
    what_servers_are_told_and_how_they_are_called,
    servers_their_secrets_and_their_successors,
    resources_and_prompts,
    apis_and_their_documents,
)
