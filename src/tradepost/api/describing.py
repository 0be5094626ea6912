"""What the OpenAPI document says beyond the routes' own shapes: the credential, the rules of access, the problems."""

from collections.abc import Sequence
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from tradepost.api.access import RULE, Access
from tradepost.api.problems import MEDIA_TYPE
from tradepost.api.shapes import ProblemShape

DESCRIPTION = """The hub for programs: the same services, roles and records as the command line and the pages.

Every request carries `Authorization: Bearer tp_…`: the key of a person, which acts with the person's role (and only on
the routes of its scopes, where it has any), or of an agent, for which a few routes are. Routes with `in_profile` are
also for people who have the role in the profile that is changed. Errors are problem details (RFC 9457) with a stable
`code`. Lists have `limit` and `cursor`. A write may carry `Idempotency-Key`: repeated with the same key and body within
a week it is answered as the first time, with `Idempotency-Replayed: true`, and done once."""

TAGS = (
    {"name": "me", "description": "Who am I."},
    {"name": "workspace", "description": "The workspace of the key."},
    {"name": "servers", "description": "MCP servers in the registry."},
    {"name": "tools", "description": "Tools of the servers, and decisions about them."},
    {"name": "contents", "description": "Resources and prompts of the servers, and decisions about them."},
    {"name": "assignments", "description": "Who sees which tool."},
    {"name": "profiles", "description": "Groups of agents with one posture."},
    {"name": "agents", "description": "Agents and their scopes."},
    {"name": "limits", "description": "How often, how much in a day, and which features."},
    {"name": "keys", "description": "Bearer keys."},
    {"name": "shopper sessions", "description": "Letting a shop's own customers in, for some minutes."},
    {"name": "users", "description": "People and their roles."},
    {"name": "invitations", "description": "One-time links with which somebody becomes a user."},
    {"name": "oauth", "description": "OAuth clients that an admin registered, and what people let clients do."},
    {"name": "assertion keys", "description": "Keys that sign what servers are told of callers."},
    {"name": "approvals", "description": "Writes that wait for a person."},
    {"name": "notifications", "description": "How people and programs are told of approvals."},
    {"name": "contacts", "description": "Customers of the store, by the tools of an agent."},
    {"name": "reads", "description": "Records of the shop, for people."},
    {"name": "conversations", "description": "What people say to agents, and what follows from it."},
    {"name": "chat", "description": "What a customer of the shop says to its assistant, with their own token."},
    {"name": "handovers", "description": "Conversations of customers that a person of the shop takes over."},
    {"name": "knowledge", "description": "Policies and articles of the shop, and proposals to change them."},
    {"name": "audit", "description": "The record of every call."},
    {"name": "usage", "description": "Calls, counted."},
    {"name": "configuration", "description": "The whole registry as one document, for git."},
    {"name": "registries", "description": "Other registries of MCP servers, to pick from."},
)

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PROBLEMS = {
    "400": "invalid_argument: the request is wrong.",
    "401": "unauthenticated: no valid credential.",
    "403": "forbidden_scope: the role or scope does not suffice.",
    "404": "not_found: it is not there, or belongs to somebody else; the same bytes for both.",
    "409": "state_conflict, version_conflict, idempotency_conflict or in_progress.",
    "413": "body_too_large.",
    "415": "unsupported_media_type: bodies are application/json.",
    "422": "limit_exceeded.",
    "424": "upstream_error, upstream_timeout: the server behind failed.",
    "429": "rate_limited.",
    "503": "unavailable: come back after Retry-After seconds.",
}
_ALWAYS = ("400", "401", "403", "404", "429", "503")
_OF_WRITES = ("409", "413", "415", "422", "424")
_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 255 visible ASCII characters of your own, one for each intended change.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]{1,255}$"},
}


def completed(document: dict[str, Any], prefix: str, routes: Sequence[APIRoute]) -> dict[str, Any]:
    """The document with credential, access rules and problems at every operation."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "tp_…"}}
    shapes = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        shapes.pop(name, None)
    shapes["Problem"] = ProblemShape.model_json_schema()
    document["security"] = [{"key": []}]
    document["servers"] = [{"url": "/"}]
    for route in routes:
        for method in route.methods or ():
            _complete(document["paths"][prefix + route.path_format][method.lower()], method, access_of(route.dependant))
    return document


def access_of(dependant: Dependant) -> Access:
    """The rule of a route. Every route has one."""
    for inner in dependant.dependencies:
        rule = getattr(inner.call, RULE, None)
        if isinstance(rule, Access):
            return rule
    raise RuntimeError(f"{dependant.call} says nothing about who may use it.")


def _complete(operation: dict[str, Any], method: str, rule: Access) -> None:
    operation["x-access"] = {
        "role": rule.least,
        "scope": rule.scope,
        "agents": rule.agents,
        "in_profile": rule.in_profile,
    }
    operation["responses"].pop("422", None)
    statuses = _ALWAYS + (_OF_WRITES if method in _WRITES else ())
    if operation["tags"] == ["contacts"]:
        statuses = tuple(dict.fromkeys((*statuses, *_OF_WRITES)))
    for status in sorted(statuses):
        shape = {"schema": {"$ref": "#/components/schemas/Problem"}}
        operation["responses"][status] = {"description": _PROBLEMS[status], "content": {MEDIA_TYPE: shape}}
    if method in _WRITES:
        operation.setdefault("parameters", []).append(_KEY_PARAMETER)
