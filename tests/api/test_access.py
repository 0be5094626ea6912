"""Who may use which route, as one table over the whole OpenAPI document: a route without a line here fails.

S0.37, S3.17, S0.42; security.md R2, R6, R8, §2 rows 24, 25.
"""

import httpx2

from tests.api.conftest import As
from tests.api.world import ROLES, problem
from tradepost.app import Tradepost

# The least role that is let in; "agents" are let in, too; "contacts" is for a key with the scope, whoever holds it;
# "customers" for nobody's key.
RULES = {
    "GET /me": "anybody",
    "GET /workspace": "viewer",
    "GET /attention": "viewer",
    "GET /servers": "viewer",
    "POST /servers": "admin",
    "GET /servers/{server}": "viewer",
    "DELETE /servers/{server}": "admin",
    "PUT /servers/{server}/url": "admin",
    "POST /servers/{server}/test": "admin",
    "POST /servers/{server}/discover": "admin",
    "POST /servers/{server}/enable": "admin",
    "POST /servers/{server}/disable": "admin",
    "POST /servers/{server}/swap/{successor}": "admin",
    "POST /servers/{server}/swap/{successor}/check": "admin",
    "POST /servers/{server}/swap/{successor}/undo": "admin",
    "GET /servers/{server}/headers": "admin",
    "PUT /servers/{server}/headers": "admin",
    "GET /vault": "admin",
    "PUT /servers/{server}/credential": "admin",
    "GET /servers/{server}/connection": "viewer",
    "DELETE /servers/{server}/connection": "viewer",
    "GET /servers/{server}/settings": "viewer",
    "PATCH /servers/{server}/settings": "admin",
    "GET /servers/{server}/rules": "viewer",
    "PATCH /servers/{server}/rules": "admin",
    "PUT /servers/{server}/caller-assertion": "admin",
    "GET /servers/{server}/tools/{tool}/rules": "viewer",
    "PATCH /servers/{server}/tools/{tool}/rules": "admin",
    "GET /servers/{server}/history": "viewer",
    "GET /servers/{server}/tools/{tool}/history": "viewer",
    "GET /registry-rules": "viewer",
    "PATCH /registry-rules": "admin",
    "PATCH /assignments/{assignment}": "admin",
    "POST /apis": "admin",
    "GET /servers/{server}/api": "viewer",
    "PATCH /servers/{server}/api": "admin",
    "PUT /servers/{server}/api/document": "admin",
    "PUT /servers/{server}/api/credentials": "admin",
    "GET /servers/{server}/resources": "viewer",
    "GET /servers/{server}/resources/{resource}": "viewer",
    "PATCH /servers/{server}/resources/{resource}": "admin",
    "POST /servers/{server}/resources/{resource}/approve": "admin",
    "GET /servers/{server}/prompts": "viewer",
    "GET /servers/{server}/prompts/{prompt}": "viewer",
    "PATCH /servers/{server}/prompts/{prompt}": "admin",
    "POST /servers/{server}/prompts/{prompt}/approve": "admin",
    "GET /servers/{server}/tools": "viewer",
    "GET /servers/{server}/tools/{tool}": "viewer",
    "PATCH /servers/{server}/tools/{tool}": "admin",
    "POST /servers/{server}/tools/{tool}/approve": "admin",
    "POST /servers/{server}/tools/{tool}/call": "admin",
    "GET /servers/{server}/tools/{tool}/settings": "viewer",
    "PATCH /servers/{server}/tools/{tool}/settings": "admin",
    "GET /assignments": "viewer",
    "POST /assignments": "admin",
    "GET /assignments/{assignment}": "viewer",
    "DELETE /assignments/{assignment}": "admin",
    "GET /profiles": "viewer",
    "POST /profiles": "admin",
    "GET /profiles/{profile}": "viewer",
    "PATCH /profiles/{profile}": "admin",
    "GET /profiles/{profile}/fields": "viewer",
    "PATCH /profiles/{profile}/fields": "admin",
    "GET /agents": "viewer",
    "POST /agents": "admin",
    "GET /agents/{agent}": "viewer",
    "PATCH /agents/{agent}": "admin",
    "GET /agents/{agent}/catalog": "viewer",
    "GET /agents/{agent}/setup": "viewer",
    "PATCH /agents/{agent}/setup": "admin",
    "GET /policy/rules": "viewer",
    "POST /policy/rules": "admin",
    "GET /policy/rules/{rule}": "viewer",
    "PATCH /policy/rules/{rule}": "admin",
    "DELETE /policy/rules/{rule}": "admin",
    "POST /policy/freezes": "admin",
    "DELETE /policy/freezes/{rule}": "admin",
    "PUT /policy/time-zone": "admin",
    "POST /policy/test": "viewer",
    "GET /servers/{server}/tools/{tool}/figures": "viewer",
    "PATCH /servers/{server}/tools/{tool}/figures": "admin",
    "GET /servers/{server}/tools/{tool}/dry-run": "viewer",
    "PUT /servers/{server}/tools/{tool}/dry-run": "admin",
    "GET /limits": "viewer",
    "GET /agents/{agent}/limits": "viewer",
    "PATCH /agents/{agent}/limits": "admin",
    "GET /keys": "admin",
    "POST /keys": "admin",
    "GET /keys/{key}": "admin",
    "POST /keys/{key}/rotate": "admin",
    "POST /keys/{key}/revoke": "admin",
    "POST /shopper-sessions": "admin",
    "GET /shopper-sessions": "admin",
    "POST /shopper-sessions/{shopper_session}/revoke": "admin",
    "GET /users": "viewer",
    "POST /users": "admin",
    "GET /users/{user}": "viewer",
    "PATCH /users/{user}": "admin",
    "GET /profiles/{profile}/roles": "viewer",
    "PUT /profiles/{profile}/roles/{user}": "admin",
    "DELETE /profiles/{profile}/roles/{user}": "admin",
    "GET /invitations": "admin",
    "POST /invitations": "admin",
    "GET /invitations/{invitation}": "admin",
    "POST /invitations/{invitation}/revoke": "admin",
    "GET /oauth-clients": "admin",
    "POST /oauth-clients": "admin",
    "GET /oauth-clients/{client}": "admin",
    "POST /oauth-clients/{client}/disable": "admin",
    "GET /oauth-grants": "admin",
    "GET /oauth-grants/{grant}": "admin",
    "POST /oauth-grants/{grant}/revoke": "admin",
    "GET /assertion-keys": "admin",
    "POST /assertion-keys/rotate": "admin",
    "POST /usage/tokens": "only agents",
    "GET /approvals": "viewer, agents",
    "GET /approvals/{approval}": "viewer, agents",
    "POST /approvals/{approval}/approve": "operator",
    "POST /approvals/{approval}/settle": "operator",
    "POST /approvals/{approval}/reject": "operator",
    "POST /actions/{approval}/undo": "operator, agents",
    "GET /conversations": "viewer, agents",
    "POST /conversations": "viewer, agents",
    "GET /conversations/search": "viewer, agents",
    "GET /conversations/metrics": "viewer",
    "GET /conversations/rules": "viewer",
    "PATCH /conversations/rules": "admin",
    "GET /conversations/{conversation}": "viewer, agents",
    "POST /conversations/{conversation}/messages": "viewer, agents",
    "GET /conversations/{conversation}/events": "viewer, agents",
    "POST /conversations/{conversation}/cancel": "viewer, agents",
    "POST /conversations/{conversation}/feedback": "viewer, agents",
    "POST /conversations/{conversation}/redact": "admin",
    "GET /approvals/groups": "operator",
    "POST /approvals/groups/answer": "operator",
    "GET /delegations": "viewer",
    "POST /delegations": "operator",
    "POST /delegations/{delegation}/revoke": "operator",
    "GET /notifications": "viewer",
    "PATCH /notifications": "viewer",
    "GET /webhooks": "admin",
    "POST /webhooks": "admin",
    "GET /webhooks/{webhook}": "admin",
    "PATCH /webhooks/{webhook}": "admin",
    "DELETE /webhooks/{webhook}": "admin",
    "POST /webhooks/{webhook}/rotate": "admin",
    "POST /webhooks/{webhook}/test": "admin",
    "GET /webhooks/{webhook}/deliveries": "admin",
    "GET /reads": "viewer",
    "POST /reads/{tool}": "viewer",
    "GET /contacts": "contacts",
    "GET /contacts/{contact}": "contacts",
    "PATCH /contacts/{contact}": "contacts",
    "GET /shopper/conversations": "customers",
    "POST /shopper/conversations": "customers",
    "GET /shopper/conversations/{conversation}": "customers",
    "POST /shopper/conversations/{conversation}/messages": "customers",
    "GET /shopper/conversations/{conversation}/events": "customers",
    "POST /shopper/conversations/{conversation}/feedback": "customers",
    "POST /shopper/conversations/{conversation}/person": "customers",
    "GET /handovers": "operator",
    "GET /handovers/{handover}": "operator",
    "POST /handovers/{handover}/take": "operator",
    "POST /handovers/{handover}/answer": "operator",
    "POST /handovers/{handover}/give-back": "operator",
    "POST /handovers/{handover}/close": "operator",
    "GET /knowledge/entries": "viewer",
    "POST /knowledge/entries": "admin",
    "GET /knowledge/entries/{entry}": "viewer",
    "PATCH /knowledge/entries/{entry}": "admin",
    "GET /knowledge/entries/{entry}/editions": "viewer",
    "GET /knowledge/proposals": "viewer",
    "POST /knowledge/proposals": "viewer, agents",
    "GET /knowledge/proposals/{proposal}": "viewer",
    "PATCH /knowledge/proposals/{proposal}": "operator",
    "GET /audit": "viewer",
    "GET /audit/{row}": "viewer",
    "POST /audit/verify": "admin",
    "GET /audit/export": "admin",
    "GET /audit/proof": "admin",
    "POST /audit/prune": "owner",
    "GET /audit-settings": "admin",
    "PATCH /audit-settings": "admin",
    "GET /usage": "viewer",
    "GET /configuration": "admin",
    "POST /configuration": "admin",
    "GET /registry/servers": "admin",
    "POST /registry/servers": "admin",
}
CALLERS = (*ROLES, "agent", "other_agent")


def _let_in(rule: str, caller: str) -> bool:
    if rule == "anybody":
        return True
    if rule == "customers":
        return False
    if rule == "only agents":
        return caller not in ROLES
    if rule == "contacts":
        return caller == "agent"
    if caller not in ROLES:
        return "agents" in rule
    return ROLES.index(caller) <= ROLES.index(rule.partition(",")[0])


async def _operations(http: httpx2.AsyncClient) -> dict[str, str]:
    """Method and path of every operation, by what the table calls it; path parameters name nothing that exists."""
    document = (await http.get("/api/v1/openapi.json")).json()
    found = {}
    for path, operations in document["paths"].items():
        short = path.removeprefix("/api/v1")
        for method in operations:
            named = short.replace("{", "no-such-").replace("}", "")
            found[f"{method.upper()} {short}"] = named
    return found


async def test_every_route_has_its_line(http: httpx2.AsyncClient) -> None:
    assert sorted(await _operations(http)) == sorted(RULES)


async def test_each_role_at_each_route(http: httpx2.AsyncClient, as_: As) -> None:
    """With an empty body and ids of nothing: who is let in hears 2xx, 400 or 404, everybody else 403."""
    for operation, path in (await _operations(http)).items():
        method = operation.split(" ")[0]
        for caller in CALLERS:
            answer = await as_(caller).send(method, path, None if method in ("GET", "DELETE") else {})
            place = f"{operation} as {caller}: {answer.status_code} {answer.text}"
            if _let_in(RULES[operation], caller):
                assert answer.status_code in (200, 201, 400, 404), place
            else:
                assert answer.status_code == 403, place
                found = problem(answer, 403, "forbidden_scope")
                assert "insufficient_scope" in answer.headers["www-authenticate"]
                assert "role" in found["detail"] or "scope" in found["detail"], place


async def test_no_credential_at_no_route(http: httpx2.AsyncClient, as_: As) -> None:
    for operation, path in (await _operations(http)).items():
        answer = await as_(None).send(operation.split(" ")[0], path)
        problem(answer, 401, "unauthenticated")
        metadata = "http://127.0.0.1:8811/.well-known/oauth-protected-resource/api/v1"
        assert answer.headers["www-authenticate"] == f'Bearer scope="agent", resource_metadata="{metadata}"'


WRONG = [
    {"authorization": "Basic dXNlcjpwdw=="},
    {"authorization": "Bearer"},
    {"authorization": "Bearer sk-0123456789abcdef"},
    {"authorization": "Bearer tp_aaaaaaaa_" + "x" * 50},
    {"authorization": "Bearer " + "x" * 5_000},
    {"cookie": "session=1"},
    {"x-api-key": "tp_aaaaaaaa"},
]


async def test_wrong_credentials(http: httpx2.AsyncClient) -> None:
    """security.md R2, §2 row 24: nothing but a good bearer key, and no other way is tried after it."""
    for headers in WRONG:
        answer = await http.get("/api/v1/me", headers=headers)
        problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_two_credentials_or_one_in_the_query(http: httpx2.AsyncClient, acme) -> None:
    secret = f"Bearer {acme.secrets['owner']}"
    twice = await http.get("/api/v1/me", headers=[("authorization", secret), ("authorization", secret)])
    problem(twice, 401, "unauthenticated")
    in_query = await http.get(f"/api/v1/me?access_token={acme.secrets['owner']}")
    problem(in_query, 401, "unauthenticated")


async def test_a_key_with_scopes_is_narrower_than_its_person(as_: As) -> None:
    """S0.42: a credential for a service is a person's or an agent's key that can do what the service needs, no more."""
    admin = as_("admin")
    minted = await admin.post("/keys", {"user": "admin@acme.test", "scopes": ["read:servers", "manage:api_keys"]})
    narrow = as_(secret=minted["key"])
    await narrow.get("/servers")
    refused = problem(await narrow.send("POST", "/servers", {}), 403, "forbidden_scope")
    assert refused["details"]["scope"] == "write:servers"
    problem(await narrow.send("GET", "/audit"), 403, "forbidden_scope")
    wider = ({"user": "admin@acme.test"}, {"user": "admin@acme.test", "scopes": ["read:servers", "read:audit"]})
    for body in wider:
        problem(await narrow.send("POST", "/keys", body), 403, "forbidden_scope")
    own = await admin.get("/keys")
    whole = next(key for key in own["items"] if key["label"] == "viewer")
    problem(await narrow.send("POST", f"/keys/{whole['id']}/rotate", {}), 403, "forbidden_scope")
    await narrow.post("/keys", {"user": "viewer@acme.test", "scopes": ["read:servers"]})


async def test_nobody_makes_a_key_of_somebody_above(as_: As, hub: Tradepost) -> None:
    admin = as_("admin")
    problem(await admin.send("POST", "/keys", {"user": "owner@acme.test"}), 403, "forbidden_scope")
    keys = (await admin.get("/keys"))["items"]
    owners = next(key for key in keys if key["label"] == "owner")
    problem(await admin.send("POST", f"/keys/{owners['id']}/rotate", {}), 403, "forbidden_scope")
    assert (await as_("owner").get("/me"))["user"]["role"] == "owner"


async def test_no_program_from_http(as_: As) -> None:
    """security.md §2 row 25: no way over HTTP to a program on the machine."""
    for url in ("stdio:tracker", "stdio:/bin/sh", "file:///etc/passwd"):
        answer = await as_("owner").send("POST", "/servers", {"slug": "prog", "url": url})
        assert problem(answer, 400, "invalid_argument")["field"] == "url"
