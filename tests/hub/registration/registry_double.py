"""A registry on a real socket that answers in the official one's shape, and remembers what it was asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson

from tests.protocol.conftest import served

Json = dict[str, Any]
META = "io.modelcontextprotocol.registry/official"


def entry(name: str, *, status: str = "active", **server: Any) -> Json:
    """A ServerResponse."""
    about = {
        "status": status,
        "statusChangedAt": "2026-05-01T10:00:00Z",
        "publishedAt": "2026-04-01T10:00:00.123456Z",
        "updatedAt": "2026-05-01T10:00:00Z",
        "isLatest": True,
    }
    document = {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": name,
        "description": f"What {name} does.",
        "version": "1.0.2",
    }
    return {"server": {**document, **server}, "_meta": {META: about}}


@dataclass
class Registry:
    """`entries` are what it has; `raw` instead is sent as it is, with `status` and `headers`."""

    entries: list[Json] = field(default_factory=list)
    versions: tuple[str, ...] = ("v0.1", "v0")
    raw: bytes | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        query = scope["query_string"].decode()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((f"{scope['raw_path'].decode()}?{query}".rstrip("?"), headers))
        status, body = self._answer(scope["path"], {name: one[0] for name, one in parse_qs(query).items()})
        lines = {"content-type": "application/json", "content-length": str(len(body)), **self.headers}
        start = [(name.encode(), value.encode()) for name, value in lines.items()]
        await send({"type": "http.response.start", "status": status, "headers": start})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        if self.raw is not None:
            return self.status, self.raw
        _, version, _, *rest = path.split("/")
        if version not in self.versions:
            return 404, orjson.dumps({"title": "Not Found", "status": 404, "detail": "Endpoint not found."})
        if rest:
            name = "/".join(rest[:2])
            found = [one for one in self.entries if one["server"]["name"] == name]
            wanted = rest[3]
            found = [one for one in found if wanted in ("latest", one["server"]["version"])]
            return (200, orjson.dumps(found[0])) if found else (404, orjson.dumps({"error": "Server not found"}))
        found = [one for one in self.entries if query.get("search", "") in one["server"].get("name", "")]
        first, limit = int(query.get("cursor", "0")), int(query["limit"])
        page = found[first : first + limit]
        metadata: Json = {"count": len(page)}
        if len(found) > first + limit:
            metadata["nextCursor"] = str(first + limit)
        return 200, orjson.dumps({"servers": page, "metadata": metadata})


@asynccontextmanager
async def running_registry(*entries: Json) -> AsyncIterator[Registry]:
    registry = Registry(list(entries))
    async with served(registry) as registry.url:
        yield registry
