"""A server of 2026-07-28 that makes tasks of calls, for clients that declared them."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Json = dict[str, Any]

EXTENSION = "io.modelcontextprotocol/tasks"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
SECRET = "CANARY-77c2-token"
WORKING: Json = {"status": "working", "statusMessage": "Half\u202e way.", "ttlMs": 600_000, "pollIntervalMs": 250}


class TaskServer:
    """`tasks` are its tasks by id: what tasks/get says of them beside times. `heard` are methods and params that came,
    `insists` refuses calls without the extension, `announces` says that there is one. `begins` is how tasks begin."""

    def __init__(self, *, announces: bool = True, insists: bool = False) -> None:
        self.announces, self.insists = announces, insists
        self.tasks: dict[str, Json] = {}
        self.begins = WORKING
        self.heard: list[tuple[str, Json]] = []
        self.down = False

    def said(self, method: str) -> list[Json]:
        """The params of every request of a method."""
        return [params for heard, params in self.heard if heard == method]

    def end(self, **state: Any) -> None:
        """The only task ends so, or goes on so."""
        (task_id,) = self.tasks
        self.tasks[task_id] = state

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await (await self.response(Request(scope, receive)))(scope, receive, send)

    async def response(self, request: Request) -> Response:
        message = await request.json()
        if request.headers.get("mcp-protocol-version") != "2026-07-28":
            return Response("unsupported", status_code=400)
        method, params = message["method"], message["params"]
        if method == "server/discover":
            offered = {"extensions": {EXTENSION: {}}} if self.announces else {}
            return result(message, {"supportedVersions": ["2026-07-28"], "capabilities": offered, "ttlMs": 0})
        self.heard.append((method, params))
        if self.down:
            return Response(status_code=500)
        declared = EXTENSION in params["_meta"][CAPABILITIES].get("extensions", {})
        if method == "tools/call":
            return self.called(message, declared)
        if not declared:
            return missing(message)
        task_id = params["taskId"]
        if request.headers.get("mcp-name") != task_id:
            return error(message, -32020, "Mcp-Name differs")
        if task_id not in self.tasks:
            return error(message, -32602, "Task not found")
        return self.asked(message, method, task_id)

    def called(self, message: Json, declared: bool) -> Response:
        if not declared:
            return missing(message) if self.insists else result(message, text("done at once"))
        task_id = f"theirs-{len(self.tasks) + 1}"
        self.tasks[task_id] = self.begins
        return result(message, {"resultType": "task", "taskId": task_id, **times(), **WORKING})

    def asked(self, message: Json, method: str, task_id: str) -> Response:
        if method == "tasks/get":
            return result(message, {"taskId": task_id, **times(), **self.tasks[task_id]})
        if method == "tasks/cancel":
            self.tasks[task_id] = {"status": "cancelled", "ttlMs": 600_000}
        elif method == "tasks/update":
            answers = message["params"]["inputResponses"]
            self.tasks[task_id] = {"status": "completed", "ttlMs": None, "result": text(str(answers["colour"]))}
        return result(message, {})


def times() -> Json:
    return {"createdAt": "2026-11-21T10:00:00Z", "lastUpdatedAt": "2026-11-21T10:00:01Z"}


def text(value: str, **more: Any) -> Json:
    return {"content": [{"type": "text", "text": value}], **more}


def result(message: Json, value: Json) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": {"resultType": "complete", **value}})


def error(message: Json, code: int, sentence: str, **more: Any) -> Response:
    body = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": code, "message": sentence, **more}}
    return JSONResponse(body, 400)


def missing(message: Json) -> Response:
    required = {"extensions": {EXTENSION: {}}}
    return error(message, -32021, "Missing required client capability", data={"requiredCapabilities": required})
