"""Small OpenAPI documents, and short ways to what they compile to."""

from typing import Any

from tradepost.hub.registration.openapi.compiling import Compiled, compiled
from tradepost.hub.registration.openapi.terms import Terms
from tradepost.hub.upstreams.rest.plan import Plan, plan_of

Json = dict[str, Any]

BASE = "https://billing.example/v1"


def document(paths: Json, version: str = "3.1.0", **more: Any) -> Json:
    return {"openapi": version, "info": {"title": "Billing", "version": "1"}, "paths": paths, **more}


def one(operation: Json, method: str = "get", path: str = "/things", version: str = "3.1.0", **more: Any) -> Json:
    """A document with one operation."""
    return document({path: {method: operation}}, version, **more)


def compile_all(raw: Json, **terms: Any) -> Compiled:
    return compiled(raw, Terms(**terms), BASE, None)


def definition(raw: Json, **terms: Any) -> Json:
    """The only tool of a document."""
    made = compile_all(raw, **terms)
    assert not made.problems, made.problems
    (found,) = made.definitions.values()
    return found


def plan(raw: Json, **terms: Any) -> Plan:
    found = plan_of(definition(raw, **terms))
    assert found is not None
    return found


def problem(raw: Json, **terms: Any) -> str:
    """Why the only operation of a document is no tool."""
    made = compile_all(raw, **terms)
    assert not made.definitions
    (found,) = made.problems.values()
    return found


def parameter(name: str, place: str = "query", schema: Json | None = None, **more: Any) -> Json:
    return {"name": name, "in": place, "schema": schema or {"type": "string"}, **more}


def takes(schema: Json, kind: str = "application/json", **more: Any) -> Json:
    """An operation with a body."""
    return {"requestBody": {"content": {kind: {"schema": schema}}, **more}, "responses": {}}


def gives(schema: Json, **more: Any) -> Json:
    """An operation that answers with JSON."""
    return {"responses": {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}, **more}
