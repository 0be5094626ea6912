"""Who gets in: people and invitations, keys (shown once), what people let OAuth clients do, limits and their use."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.visit import Visit
from tradepost.dashboard.words import names_of

ROLES = ("viewer", "operator", "admin", "owner")
_DONE = {
    "role": "The role holds from the next click on.",
    "status": "Done. It holds from the next request on.",
    "revoked": "The key is refused from the next request on.",
    "withdrawn": "The invitation is taken back.",
    "disabled": "The client gets no token any more, and those that it has are refused.",
    "ended": "What was allowed is taken back: its tokens are refused from the next request on.",
}
_NOTHING: dict[str, str] = {}


async def show(visit: Visit) -> Response:
    """GET /access."""
    return await _page(visit)


async def invite(visit: Visit) -> Response:
    """POST /access/invitations: a link that is shown once."""
    fields = visit.fields
    body = {name: fields.get(name, "").strip() for name in ("email", "name", "role")}
    return await _make(visit, "invitation", body, "invitations")


async def mint(visit: Visit) -> Response:
    """POST /access/keys: a key that is shown once."""
    fields = visit.fields
    kind, _, holder = fields.get("holder", "").partition(":")
    body: dict[str, Any] = {"label": fields.get("label", "").strip(), kind or "agent": holder}
    if fields.get("expires_at", "").strip():
        body["expires_at"] = fields["expires_at"].strip()
    return await _make(visit, "key", body, "keys")


async def rotate(visit: Visit) -> Response:
    """POST /access/keys/{key}/rotate: another one; the old one works for another hour."""
    return await _make(visit, "key", {"grace_seconds": 3600}, "keys", visit.part("key"), "rotate")


async def revoke(visit: Visit) -> Response:
    """POST /access/keys/{key}/revoke."""
    return await _do(visit, "revoked", "POST", "keys", visit.part("key"), "revoke")


async def change(visit: Visit) -> Response:
    """POST /access/people/{user}: another role, shut out or let in."""
    fields = visit.fields
    if fields.get("status") in ("active", "disabled"):
        body, done = {"status": fields["status"]}, "status"
    else:
        body, done = {"role": fields.get("role", "")}, "role"
    return await _do(visit, done, "PATCH", "users", visit.part("user"), body=body)


async def withdraw(visit: Visit) -> Response:
    """POST /access/invitations/{invitation}/revoke."""
    return await _do(visit, "withdrawn", "POST", "invitations", visit.part("invitation"), "revoke")


async def add_client(visit: Visit) -> Response:
    """POST /access/clients: a program that asks people, or acts as an agent; its secret is shown once."""
    fields = visit.fields
    body: dict[str, Any] = {
        "name": fields.get("name", "").strip(),
        "redirect_uris": fields.get("redirect_uris", "").split(),
        "proof": "secret" if fields.get("agent") else fields.get("proof", "none"),
    }
    if fields.get("agent"):
        body["agent"] = fields["agent"]
    return await _make(visit, "client", body, "oauth-clients")


async def disable_client(visit: Visit) -> Response:
    """POST /access/clients/{client}/disable."""
    return await _do(visit, "disabled", "POST", "oauth-clients", visit.part("client"), "disable")


async def end_grant(visit: Visit) -> Response:
    """POST /access/grants/{grant}/revoke."""
    return await _do(visit, "ended", "POST", "oauth-grants", visit.part("grant"), "revoke")


async def _make(visit: Visit, what: str, body: dict[str, Any], *path: str) -> Response:
    try:
        made = await visit.rest.send("POST", *path, body=body)
    except Refused as refused:
        return await _page(visit, refused.problem, given=visit.fields)
    return await _page(visit, made={what: made})


async def _do(visit: Visit, done: str, method: str, *path: str, body: dict[str, Any] | None = None) -> Response:
    try:
        await visit.rest.send(method, *path, body=body)
    except Refused as refused:
        return await _page(visit, refused.problem)
    return visit.go(link("access", done=done))


async def _page(
    visit: Visit,
    said: Problem | None = None,
    given: Mapping[str, str] = _NOTHING,
    made: dict[str, Any] | None = None,
) -> Response:
    people, agents = await visit.rest.all("users"), await visit.rest.all("agents")
    keys: dict[str, Any] = {"items": [], "next_cursor": None}
    grants, invitations, clients = [], [], []
    if visit.may_change:
        keys = await visit.rest.get("keys", limit=50, cursor=visit.asked("cursor"))
        grants, invitations = await visit.rest.all("oauth-grants"), await visit.rest.all("invitations")
        clients = await visit.rest.all("oauth-clients")
    return await visit.page(
        "access.html",
        200 if said is None else said.status,
        said=said,
        done=_DONE.get(visit.asked("done")),
        people=people,
        agents=agents,
        keys=keys["items"],
        more=keys["next_cursor"],
        grants=grants,
        clients=clients,
        invitations=invitations,
        limits=(await visit.rest.get("limits"))["limits"],
        names=names_of(agents, people),
        roles=ROLES,
        given=given,
        made=made or {},
    )


PAGES = (
    ("/access", "GET", show),
    ("/access/invitations", "POST", invite),
    ("/access/invitations/{invitation}/revoke", "POST", withdraw),
    ("/access/keys", "POST", mint),
    ("/access/keys/{key}/rotate", "POST", rotate),
    ("/access/keys/{key}/revoke", "POST", revoke),
    ("/access/people/{user}", "POST", change),
    ("/access/clients", "POST", add_client),
    ("/access/clients/{client}/disable", "POST", disable_client),
    ("/access/grants/{grant}/revoke", "POST", end_grant),
)
