"""What comes back from a server, in our shape: bounded, without the credential, without words in our name."""

from collections.abc import Sequence
from typing import Any

import orjson

from tradepost.foundation.canonical import MAX_DEPTH
from tradepost.foundation.nesting import deeper_than, openings
from tradepost.foundation.untrusted import clean, untrusted
from tradepost.hub.upstreams.connection import Connection
from tradepost.hub.upstreams.redaction import may_hold, redact
from tradepost.hub.upstreams.talk import CAPABILITY_FOR, MAX_TEXT, Talk, cleaned_value
from tradepost.hub.upstreams.targets import Target
from tradepost.protocol.builtin import ToolResult
from tradepost.protocol.jsonrpc import MISSING_CAPABILITY, Json
from tradepost.protocol.modern import SERVER_INFO_META
from tradepost.protocol.tasks import REQUIRED, takes_tasks
from tradepost.protocol.upstream_errors import MissingCapability, UpstreamFailed
from tradepost.protocol.wire import Answered

MAX_ERROR_DATA = 16 * 1024  # bytes
REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid", "cf-ray")
MAX_REQUEST_ID = 128
OUR_META = "io.tradepost/"


class readable:
    """Adds what the server itself said to its error: marked as outsiders' text, without the credential. A capability
    that the caller's own client lacks is an error of the protocol, as it would be without us."""

    def __init__(self, connection: Connection, target: Target, talk: Talk | None = None) -> None:
        self._connection = connection
        self._server = target.server_slug
        self._talk = talk

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, UpstreamFailed) and error.status == 401 and self._connection.on_refused is not None:
            self._connection.on_refused()
        if isinstance(error, UpstreamFailed) and error.rpc_error is not None:
            if error.rpc_code == MISSING_CAPABILITY and self._talk is not None and self._talk.takes_rounds:
                raise MissingCapability(_required(error.rpc_error.get("data"))) from error
            secrets = self._connection.secrets
            if self._talk is not None:
                secrets = self._talk.hidden(secrets)
            said = redact(error.rpc_error["message"], secrets)
            data = _said_beside(error.rpc_error.get("data"), secrets)
            error.rpc_error = {"code": error.rpc_error["code"], "message": clean(said, MAX_TEXT), "data": data}
            error.server = self._server
            error.details["server_said"] = untrusted(said, MAX_TEXT)
            error.details["server_code"] = error.rpc_code
            if data is not None:
                error.details["server_data"] = data


def _said_beside(data: Any, secrets: Sequence[str]) -> Any:
    """The `data` of an error, cleaned; None where it is more than an error needs."""
    cleaned = cleaned_value(redact(data, secrets)) if not deeper_than(data, MAX_DEPTH) else None
    return cleaned if len(orjson.dumps(cleaned)) <= MAX_ERROR_DATA else None


def _required(data: Any) -> Json:
    """The capabilities that a server named, as far as there are such."""
    named = data.get("requiredCapabilities") if isinstance(data, dict) else None
    if not isinstance(named, dict):
        return {}
    known = {*CAPABILITY_FOR.values(), "tasks", "experimental"}
    required: Json = {name: {} for name in named if name in known}
    return {**required, **REQUIRED} if takes_tasks(named) else required


def request_id_of(answered: Answered, secrets: Sequence[str]) -> str:
    """What a server calls a request, where its answer says so in a header; the JSON-RPC id that it was sent with."""
    headers = answered.headers
    for name in REQUEST_ID_HEADERS:
        said = headers.get(name)
        if said:
            return clean(str(redact(said, secrets)), MAX_REQUEST_ID)
    return f"jsonrpc:{answered.request_id}"


def tool_result(result: Json, source: bytes, secrets: Sequence[str], request_id: str | None = None) -> ToolResult:
    """The result without secrets. `source` is the JSON text that it came in."""
    if openings(source) > MAX_DEPTH:
        bounded(result)
    kept: bytes | None = source
    if may_hold(source, secrets):
        result, kept = redact(result, secrets), None
    content, structured = result.get("content", []), result.get("structuredContent")
    if not isinstance(content, list):
        raise misshapen("content that is not a list of blocks")
    for block in content:
        if not isinstance(block, dict):
            raise misshapen("content that is not a list of blocks")
    if structured is not None and not isinstance(structured, dict):
        structured = {"result": structured}
    meta = meta_of(result).get("_meta")
    return ToolResult(
        content, structured, is_error=result.get("isError") is True, meta=meta, source=kept, request_id=request_id
    )


def meta_of(result: Json) -> Json:
    """The server's own `_meta`, under that name, where it has one. Who the server is stays between it and us, and it
    cannot say anything in our name."""
    meta = result.get("_meta")
    if not isinstance(meta, dict):
        return {}
    kept = {name: value for name, value in meta.items() if name != SERVER_INFO_META and not name.startswith(OUR_META)}
    return {"_meta": kept} if kept else {}


def bounded(value: Json) -> Json:
    """The value itself. Raises UpstreamFailed for one that nothing behind here could clean, check or write."""
    if deeper_than(value, MAX_DEPTH):
        raise misshapen(f"a value that is nested deeper than {MAX_DEPTH} levels")
    return value


def misshapen(what: str) -> UpstreamFailed:
    return UpstreamFailed(f"The server answered with {what}.", dispatched=True, answered=True)
