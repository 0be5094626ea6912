"""A server of either era that says something before its result, or asks: by its result in the newer era, by a request
on its answer's stream in the older one."""

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

Json = dict[str, Any]
MODERN = "2026-07-28"
SECRET = "CANARY-93b1-token"
QUESTION = {
    "method": "elicitation/create",
    "params": {"mode": "form", "message": f"Colour?\u202e {SECRET}", "requestedSchema": {"type": "object"}},
}


class AskingServer:
    """`eras` are those it serves. `heard` are the params of its tool calls, `replies` what came to its questions."""

    def __init__(self, *eras: str) -> None:
        self.eras = eras
        self.heard: list[Json] = []
        self.replies: list[Json] = []
        self.answered = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await (await self.response(Request(scope, receive)))(scope, receive, send)

    async def response(self, request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405)
        message = await request.json()
        if "method" not in message:
            self.replies.append(message)
            self.answered.set()
            return Response(status_code=202)
        modern = request.headers.get("mcp-protocol-version") == MODERN
        if ("modern" if modern else "legacy") not in self.eras:
            return Response("unsupported", status_code=400)
        if "id" not in message:
            return Response(status_code=202)
        method, params = message["method"], message.get("params", {})
        if method == "server/discover":
            found = {"supportedVersions": [MODERN], "capabilities": {}, "ttlMs": 0, "cacheScope": "private"}
            return result(message, {**found, "resultType": "complete"})
        if method == "initialize":
            info = {"name": "asking", "version": "1"}
            version = params["protocolVersion"]
            return result(message, {"protocolVersion": version, "capabilities": {}, "serverInfo": info})
        self.heard.append(params)
        if params["name"] == "work":
            return StreamingResponse(self.work(message, params), media_type="text/event-stream")
        if modern:
            return self.quiz(message, params)
        return StreamingResponse(self.quiz_in_call(message), media_type="text/event-stream")

    async def work(self, message: Json, params: Json) -> Any:
        token = params.get("_meta", {}).get("progressToken")
        if token is not None:
            for done in (1, 2):
                said = {"progressToken": token, "progress": done, "total": 2, "message": f"at {done} {SECRET}"}
                yield event({"method": "notifications/progress", "params": said})
        yield event({"method": "notifications/message", "params": {"level": "warning", "data": {"note": SECRET}}})
        yield event({"id": message["id"], "result": text("worked")})

    def quiz(self, message: Json, params: Json) -> Response:
        if "elicitation" not in params["_meta"]["io.modelcontextprotocol/clientCapabilities"]:
            error = {"code": -32021, "message": "no", "data": {"requiredCapabilities": {"elicitation": {}}}}
            return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "error": error}, 400)
        if params.get("requestState") == "asked":
            return result(message, {**text(json.dumps(params["inputResponses"])), "resultType": "complete"})
        asked = {"resultType": "input_required", "inputRequests": {"colour": QUESTION}, "requestState": "asked"}
        return result(message, asked)

    async def quiz_in_call(self, message: Json) -> Any:
        yield event({"id": "q1", **QUESTION})
        await asyncio.wait_for(self.answered.wait(), 20)
        reply = self.replies[-1]
        answer = text(json.dumps({"colour": reply["result"]})) if "result" in reply else failed("nobody to ask")
        yield event({"id": message["id"], "result": answer})


def result(message: Json, value: Json) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": value})


def event(message: Json) -> bytes:
    return b"event: message\ndata: " + json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n\n"


def text(value: str) -> Json:
    return {"content": [{"type": "text", "text": value}]}


def failed(value: str) -> Json:
    return {**text(value), "isError": True}
