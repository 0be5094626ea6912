"""A well-behaved server of the newer era with a read and a write, which keeps a ledger of what was done."""

from __future__ import annotations

from typing import Any

import orjson

Json = dict[str, Any]
MODERN = "2026-07-28"
_OBJECT: Json = {"type": "object", "properties": {"parcel": {"type": "string"}}}
TOOLS: list[Json] = [{"name": name, "description": name, "inputSchema": _OBJECT} for name in ("track", "ship")]


class Carrier:
    """`ledger` has the parcel of every `ship` that was carried out."""

    def __init__(self) -> None:
        self.ledger: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        message = orjson.loads(body)
        answer = orjson.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": self._result(message)})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _result(self, message: Json) -> Json:
        method, params = message["method"], message.get("params", {})
        if method == "server/discover":
            return {"resultType": "complete", "supportedVersions": [MODERN], "capabilities": {"tools": {}}, "ttlMs": 0}
        if method == "tools/list":
            return {"resultType": "complete", "tools": TOOLS}
        if method != "tools/call":
            return {"resultType": "complete", "resources": [], "resourceTemplates": [], "prompts": []}
        parcel = params.get("arguments", {}).get("parcel", "")
        if params["name"] == "ship":
            self.ledger.append(parcel)
        return {"content": [{"type": "text", "text": f"{params['name']} {parcel}"}]}
