"""The JSON-RPC envelope: strict in what it takes, cheap in what it gives.

One body is one request or one notification. What two parsers could read differently (duplicate keys, NaN, half
surrogates, numbers beyond a double, NUL, endless depth) is refused, because approvals and audit stand for "exactly
these arguments". orjson parses every body. Most are the very text that their value is written as, which proves that
nothing was lost; of the others a count of colons proves that no key stands twice. Only bodies where both prove nothing
(blanks, and a colon inside a text, say) are parsed again by the strict parser, so that the usual call costs
microseconds. Answers are joined from bytes: a result that is ready is never parsed or written again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from tradepost.foundation.canonical import MAX_DEPTH, parse_strict
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.nesting import openings

Json = dict[str, Any]
RequestId = str | int

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
MISSING_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_ID_CHARACTERS = 256
MAX_METHOD_CHARACTERS = 256
_ID_RANGE = 2**63
_EXACT_FLOAT = 2**53
_BLANK_COLONS = (b" :", b"\t:", b"\n:", b"\r:")


class Message(NamedTuple):
    """One request (with id) or notification (id is None). A tuple, because every request makes one."""

    method: str
    params: Json
    id: RequestId | None


@dataclass(frozen=True, slots=True)
class Reply:
    """A response of the client to a question of ours: a result or an error."""

    id: RequestId
    result: Json | None
    error: Json | None

    def as_dict(self) -> Json:
        """{"result": …} or {"error": …}."""
        return {"result": self.result} if self.error is None else {"error": self.error}


class Malformed(Exception):
    """The body is no acceptable JSON-RPC message. `code` is JSON-RPC's, `id` the request's where it was readable."""

    def __init__(self, code: int, message: str, request_id: RequestId | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = request_id


def parse_message(body: bytes) -> Message:
    """The request or notification in an HTTP body. Raises Malformed."""
    message = parse_incoming(body)
    if isinstance(message, Reply):
        raise Malformed(INVALID_REQUEST, "Nobody waits for this response.")
    return message


def parse_incoming(body: bytes) -> Message | Reply:
    """The request, notification or response in an HTTP body. Raises Malformed."""
    envelope = parse_json(body)
    if not isinstance(envelope, dict):
        what = "A batch" if isinstance(envelope, list) else "This"
        raise Malformed(INVALID_REQUEST, f"{what} is not one JSON-RPC request or notification object.")
    if "method" not in envelope and envelope.get("jsonrpc") == "2.0":
        return _reply(envelope)
    request_id = _request_id(envelope)
    method = envelope.get("method")
    if envelope.get("jsonrpc") != "2.0" or "result" in envelope or "error" in envelope:
        raise Malformed(INVALID_REQUEST, 'Send a JSON-RPC request or notification with "jsonrpc": "2.0".', request_id)
    if not isinstance(method, str) or not 0 < len(method) <= MAX_METHOD_CHARACTERS:
        raise Malformed(INVALID_REQUEST, "A JSON-RPC message needs a method name.", request_id)
    params = envelope.get("params")
    if params is not None and not isinstance(params, dict):
        raise Malformed(INVALID_REQUEST, "The params of an MCP message are an object.", request_id)
    return Message(method, params or {}, request_id)


def _reply(envelope: Json) -> Reply:
    request_id, result, error = _request_id(envelope), envelope.get("result"), envelope.get("error")
    one = isinstance(result, dict) != isinstance(error, dict)
    if request_id is None or not one or (result is not None and error is not None):
        raise Malformed(INVALID_REQUEST, "A JSON-RPC message needs a method name.", request_id)
    return Reply(request_id, result, error)


def parse_json(body: bytes) -> Any:
    """Parse a JSON text strictly, in the cheap way where that is enough. Raises Malformed."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(PARSE_ERROR, f"Not valid JSON: {str(error)[:200]}.") from None
    if _is_written_plainly(body, value) or _is_plain(body, value):
        return value
    try:
        return parse_strict(body)
    except InvalidArgument as error:
        raise Malformed(PARSE_ERROR, error.message) from None
    except ValueError:
        raise Malformed(PARSE_ERROR, "Not valid JSON.") from None


def _is_written_plainly(body: bytes, value: Any) -> bool:
    """True when the body is the very text that the value is written as: then it has one reading. Most clients write
    without blanks and needless escapes."""
    if b"\\u0000" in body or openings(body) > MAX_DEPTH:
        return False
    return orjson.dumps(value) == body


def _is_plain(body: bytes, value: Any) -> bool:
    """True when the parsed value is certain to be the only reading of the body.

    Every key is written `"key":`, perhaps with blanks before the colon, so the places where a quote or a blank comes
    before a colon are at least as many as the keys written. If they are no more than the keys that the parser kept,
    then no key was written twice.
    """
    if b"\\u0000" in body:
        return False
    kept = 0
    level: list[Any] = [[value]]
    depth = 0
    while level:
        if depth > MAX_DEPTH:
            return False
        below: list[Any] = []
        for node in level:
            values: Iterable[Any] = node
            if type(node) is dict:
                kept += len(node)
                values = node.values()
            for inner in values:
                kind = type(inner)
                if kind is dict or kind is list:
                    below.append(inner)
                elif kind is float and not -_EXACT_FLOAT < inner < _EXACT_FLOAT:
                    return False  # orjson reads integers of more than 64 bits as floats
        level = below
        depth += 1
    if body.count(b":") == kept:
        return True  # not even one colon that could belong to another key
    written = body.count(b'":')
    for blank in _BLANK_COLONS:
        written += body.count(blank)
    return written == kept


def _request_id(envelope: Json) -> RequestId | None:
    if "id" not in envelope:
        return None
    request_id = envelope["id"]
    if isinstance(request_id, str) and len(request_id) <= MAX_ID_CHARACTERS:
        return request_id
    if type(request_id) is int and -_ID_RANGE <= request_id < _ID_RANGE:
        return request_id
    raise Malformed(INVALID_REQUEST, f"A request id is a text of up to {MAX_ID_CHARACTERS} characters or an integer.")


def result_answer(request_id: RequestId, result: bytes) -> bytes:
    """The response that carries ready result bytes."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (_id_bytes(request_id), result)


def error_answer(request_id: RequestId | None, code: int, message: str, data: Any = None) -> bytes:
    """The error response; `id` is null where the request's could not be read."""
    error: Json = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (_id_bytes(request_id), orjson.dumps(error))


def _id_bytes(request_id: RequestId | None) -> bytes:
    return str(request_id).encode() if type(request_id) is int else orjson.dumps(request_id)
