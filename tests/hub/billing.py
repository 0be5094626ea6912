"""A billing system that somebody wrote at home: a REST API on a real socket with an OpenAPI document and a key in a
header. It keeps what it was sent, byte for byte."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson

from tests.protocol.conftest import served

Json = dict[str, Any]

KEY = "billing-key-CANARY-4711"
_INVOICE = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "total": {"type": "integer"},
        "customer": {"$ref": "#/components/schemas/Customer"},
        "lines": {
            "type": "array",
            "items": {"type": "object", "properties": {"sku": {"type": "string"}, "cost": {"type": "integer"}}},
        },
    },
    "required": ["id", "total"],
}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def _json(schema: Json) -> Json:
    return {"200": {"description": "It.", "content": {"application/json": {"schema": schema}}}}


DOCUMENT: Json = {
    "openapi": "3.0.3",
    "info": {"title": "Billing at home", "version": "1"},
    "servers": [{"url": "/v1"}],
    "security": [{"Key": []}],
    "paths": {
        "/invoices": {
            "get": {
                "operationId": "list_invoices",
                "summary": "List invoices",
                "tags": ["invoices"],
                "parameters": [{"name": "status", "in": "query", "schema": {"type": "string"}}],
                "responses": _json({"type": "array", "items": {"$ref": "#/components/schemas/Invoice"}}),
            },
        },
        "/invoices/{id}": {
            "parameters": [_ID],
            "get": {
                "operationId": "get_invoice",
                "summary": "Show an invoice",
                "tags": ["invoices"],
                "responses": _json({"$ref": "#/components/schemas/Invoice"}),
            },
            "delete": {"summary": "Void an invoice", "responses": {"204": {"description": "Gone."}}},
        },
        "/invoices/{id}/credits": {
            "parameters": [_ID],
            "post": {
                "operationId": "apply_credit",
                "summary": "Apply a credit to an invoice",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {"amount": {"type": "integer", "minimum": 1}, "id": {"type": "string"}},
                                "required": ["amount"],
                            }
                        }
                    },
                },
                "responses": _json({"$ref": "#/components/schemas/Invoice"}),
            },
        },
        "/exports": {"get": {"operationId": "export", "parameters": [{"$ref": "https://elsewhere.example/p.yaml"}]}},
    },
    "components": {
        "schemas": {
            "Invoice": _INVOICE,
            "Customer": {"type": "object", "properties": {"name": {"type": "string"}, "email": {"type": "string"}}},
        },
        "securitySchemes": {"Key": {"type": "apiKey", "in": "header", "name": "X-Billing-Key"}},
    },
}
INVOICES: dict[str, Json] = {
    number: {
        "id": number,
        "total": total,
        "customer": {"name": "Ada", "email": "ada@buyers.test"},
        "lines": [{"sku": "A1", "cost": total}],
    }
    for number, total in (("in_1", 3_900), ("in_2", 1_250))
}


@dataclass
class Request:
    """One request as it came; `path` is not decoded."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Billing:
    """The running system. `answers` go before its own: status, headers, body by method and raw path."""

    url: str = ""
    document: Json = field(default_factory=lambda: deepcopy(DOCUMENT))
    invoices: dict[str, Json] = field(default_factory=lambda: deepcopy(INVOICES))
    requests: list[Request] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    lets_in: Callable[[dict[str, str]], bool] = lambda headers: headers.get("x-billing-key") == KEY

    @property
    def document_url(self) -> str:
        return f"{self.url}/docs/openapi.json"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        raw = scope["raw_path"].decode().partition("?")[0]
        request = Request(scope["method"], raw, scope["query_string"].decode(), headers, body)
        self.requests.append(request)
        status, extra, answer = self._answer(request)
        lines = [(name.encode(), value.encode()) for name, value in {**_length(answer), **extra}.items()]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": answer})

    def _answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        known = self.answers.get(f"{request.method} {request.path}")
        if known is not None:
            return known
        if request.path == "/docs/openapi.json":
            return _as_json(200, self.document)
        if not self.lets_in(request.headers):
            sent = request.headers.get("x-billing-key") or request.headers.get("authorization")
            return _as_json(401, {"title": f"Who are you? You sent {sent}.", "sent": sent})
        parts = request.path.split("/")[2:]
        if parts == ["invoices"]:
            return _as_json(200, list(self.invoices.values()))
        invoice = self.invoices.get(unquote(parts[1])) if parts[:1] == ["invoices"] and len(parts) > 1 else None
        if invoice is None:
            detail = f"Nothing at {request.path}, {KEY}."
            return _as_json(404, {"title": "No such invoice", "detail": detail}, "application/problem+json")
        if request.method == "DELETE":
            del self.invoices[invoice["id"]]
            return 204, {}, b""
        if parts[2:] == ["credits"]:
            invoice["total"] -= orjson.loads(request.body)["amount"]
        return _as_json(200, invoice)


def _as_json(status: int, value: Any, kind: str = "application/json") -> tuple[int, dict[str, str], bytes]:
    return status, {"content-type": kind}, orjson.dumps(value)


def _length(body: bytes) -> dict[str, str]:
    return {"content-length": str(len(body))} if body else {}


@asynccontextmanager
async def billing() -> AsyncIterator[Billing]:
    """A running one."""
    made = Billing()
    async with served(made) as url:
        made.url = url
        yield made
