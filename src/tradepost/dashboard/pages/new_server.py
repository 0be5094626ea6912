"""Add new MCP server, in four steps: where it is and how to get in, the test, what it offers, who may use it."""

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.visit import Visit

STEPS = ("Details", "Test Connection", "Discovered tools", "Enable and assign")
HEADERS = 4
CLASSES = ("read", "write", "destructive")


async def details(visit: Visit) -> Response:
    """GET /integrations/new: the first step."""
    return await _details(visit, {})


async def register(visit: Visit) -> Response:
    """POST /integrations/new: keep it. Nothing is connected yet."""
    fields = visit.fields
    try:
        made = await visit.rest.send("POST", "servers", body=_body(fields))
    except Refused as refused:
        return await _details(visit, fields, refused.problem)
    return visit.go(link("integrations", made["slug"], "test"))


async def testing(visit: Visit) -> Response:
    """GET /integrations/{server}/test: the second step, before it was done."""
    server = await visit.rest.get("servers", visit.part("server"))
    return await visit.page("new_test.html", server=server, report=None, steps=STEPS, step=1)


async def test(visit: Visit) -> Response:
    """POST /integrations/{server}/test: a real connection with the real credential."""
    server = await visit.rest.get("servers", visit.part("server"))
    try:
        report = await visit.rest.send("POST", "servers", server["slug"], "test")
    except Refused as refused:
        problem = refused.problem
        return await visit.page(
            "new_test.html", problem.status, said=problem, server=server, report=None, steps=STEPS, step=1
        )
    connection = await visit.rest.get("servers", server["slug"], "connection")
    return await visit.page("new_test.html", server=server, report=report, connection=connection, steps=STEPS, step=1)


async def discover(visit: Visit) -> Response:
    """POST /integrations/{server}/discovered: ask it for its tools; the third step shows them."""
    server = visit.part("server")
    await visit.rest.send("POST", "servers", server, "discover")
    return visit.go(link("integrations", server, "discovered"))


async def discovered(visit: Visit) -> Response:
    """GET /integrations/{server}/discovered: the third step, every tool before anything is enabled."""
    slug = visit.part("server")
    server = await visit.rest.get("servers", slug)
    tools = [
        await visit.rest.get("servers", slug, "tools", one["name"])
        for one in await visit.rest.all("servers", slug, "tools")
    ]
    return await visit.page("new_tools.html", server=server, tools=tools, steps=STEPS, step=2)


async def assigning(visit: Visit) -> Response:
    """GET /integrations/{server}/assign: the fourth step."""
    return await _assigning(visit)


async def assign(visit: Visit) -> Response:
    """POST /integrations/{server}/assign: enable the ticked tools, exactly as they were shown, and hand them out. What
    cannot be done is said, the rest stays done."""
    slug, fields, said = visit.part("server"), visit.fields, []
    chosen = [name.removeprefix("enable:") for name in fields if name.startswith("enable:")]
    holders = [name.removeprefix("to:") for name in fields if name.startswith("to:")]
    standing = {one["name"]: one for one in await visit.rest.all("servers", slug, "tools")}
    for name in chosen:
        try:
            await _enable(visit, slug, standing.get(name), name)
            for holder in holders:
                kind, _, holder_slug = holder.partition(":")
                given = {"server": slug, "tool": name, kind: holder_slug}
                await visit.rest.send("POST", "assignments", body=given)
        except Refused as refused:
            said.append(f"{name}: {refused.problem.detail} {refused.problem.hint or ''}".strip())
    if not chosen:
        said.append("No tool was ticked. Tick those that agents may use, or leave the page: nothing is enabled then.")
    if said:
        problem = Problem(409, "Not all of it was done", " ".join(said))
        return await _assigning(visit, problem, frozenset(chosen), frozenset(holders))
    return visit.go(link("integrations", slug, done="ready"))


async def _enable(visit: Visit, server: str, standing: dict[str, Any] | None, name: str) -> None:
    """Approve a tool exactly as it was shown, or only say what it does where that was done before."""
    digest, kind = visit.fields[f"enable:{name}"], visit.fields.get(f"class:{name}") or "write"
    approved = standing is not None and standing["state"] == "enabled" and standing["digest"] == digest
    if not approved:
        body = {"digest": digest, "class": kind}
        await visit.rest.send("POST", "servers", server, "tools", name, "approve", body=body)
    elif standing is not None and standing["class"] != kind:
        await visit.rest.send("PATCH", "servers", server, "tools", name, body={"class": kind})


async def _details(visit: Visit, fields: Mapping[str, str], said: Problem | None = None) -> Response:
    status = 200 if said is None else said.status
    kept = {name: value for name, value in fields.items() if not name.startswith(("secret", "value"))}
    return await visit.page("new_details.html", status, said=said, given=kept, headers=HEADERS, steps=STEPS, step=0)


async def _assigning(
    visit: Visit,
    said: Problem | None = None,
    chosen: frozenset[str] = frozenset(),
    holders: frozenset[str] = frozenset(),
) -> Response:
    slug = visit.part("server")
    server = await visit.rest.get("servers", slug)
    tools = [one for one in await visit.rest.all("servers", slug, "tools") if one["state"] != "removed"]
    profiles = await visit.rest.all("profiles")
    agents = await visit.rest.all("agents")
    status = 200 if said is None else said.status
    facts: dict[str, Any] = {"server": server, "tools": tools, "profiles": profiles, "agents": agents}
    return await visit.page(
        "new_assign.html",
        status,
        said=said,
        chosen=chosen,
        holders=holders,
        classes=CLASSES,
        steps=STEPS,
        step=3,
        **facts,
    )


def _body(fields: Mapping[str, str]) -> dict[str, Any]:
    """What the form says, as the route takes it."""
    name = fields.get("name", "").strip()
    slug = fields.get("slug", "").strip() or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    body: dict[str, Any] = {"slug": slug, "name": name, "headers": _headers(fields)}
    body["secret_url" if fields.get("url_hidden") else "url"] = fields.get("url", "").strip()
    credential = credential_of(fields)
    if credential is not None:
        body["credential"] = credential
    return body


def _headers(fields: Mapping[str, str]) -> list[dict[str, Any]]:
    numbered = ((fields.get(f"header-{n}", "").strip(), fields.get(f"value-{n}", ""), n) for n in range(HEADERS))
    return [
        {"name": name, "value": value, "hidden": bool(fields.get(f"hidden-{n}"))} for name, value, n in numbered if name
    ]


def credential_of(fields: Mapping[str, str]) -> dict[str, Any] | None:
    """The credential that a form gives, None for none."""
    kind, secret = fields.get("credential", "none"), fields.get("secret", "").strip()
    if kind == "bearer":
        return {"kind": kind, "token": secret}
    if kind == "api_key":
        return {"kind": kind, "header": fields.get("key_header", "").strip() or "X-Api-Key", "value": secret}
    scopes = fields.get("scopes", "").split()
    client = fields.get("client_id", "").strip()
    if kind == "client_credentials":
        return {"kind": kind, "client_id": client, "client_secret": secret, "scopes": scopes}
    if kind == "authorization_code":
        own = {"client_id": client} if client else {}
        own |= {"client_secret": secret} if secret else {}
        return {"kind": kind, "per_user": bool(fields.get("per_user")), "scopes": scopes, **own}
    return None


PAGES = (
    ("/integrations/new", "GET", details),
    ("/integrations/new", "POST", register),
    ("/integrations/{server}/test", "GET", testing),
    ("/integrations/{server}/test", "POST", test),
    ("/integrations/{server}/discovered", "POST", discover),
    ("/integrations/{server}/discovered", "GET", discovered),
    ("/integrations/{server}/assign", "GET", assigning),
    ("/integrations/{server}/assign", "POST", assign),
)
