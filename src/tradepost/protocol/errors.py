"""The one translator from the project's errors to MCP on HTTP: status, JSON-RPC code, data, headers.

JSON-RPC's own codes and the three that MCP defines keep their meaning; nothing new is put into the reserved range
-32768..-32000. The project's other failures carry the number of the HTTP status that describes them best as their code,
and the public shape of the error (code, message, hint, ...) as data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil
from typing import Any

from tradepost.foundation.errors import (
    ForbiddenScope,
    IdempotencyConflict,
    InProgress,
    InvalidArgument,
    LimitExceeded,
    NotFound,
    RateLimited,
    StateConflict,
    TradepostError,
    Unauthenticated,
    Unavailable,
    UpstreamError,
    UpstreamTimeout,
    VersionConflict,
)
from tradepost.protocol.jsonrpc import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    MISSING_CAPABILITY,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    Malformed,
    RequestId,
)
from tradepost.protocol.upstream_errors import MissingCapability, UpstreamFailed

INTERNAL_MESSAGE = "The server failed on its own side. Try again; if it stays, tell the operator the time of this call."

# The first class that matches decides: (JSON-RPC code, HTTP status).
_ANSWERS: tuple[tuple[type[TradepostError], int, int], ...] = (
    (InvalidArgument, INVALID_PARAMS, 400),
    (NotFound, INVALID_PARAMS, 400),
    (ForbiddenScope, 403, 403),
    (RateLimited, 429, 429),
    (Unavailable, 503, 503),
    (UpstreamTimeout, 504, 200),
    (UpstreamError, 502, 200),
    (StateConflict, 409, 200),
    (VersionConflict, 409, 200),
    (IdempotencyConflict, 409, 200),
    (InProgress, 409, 200),
    (LimitExceeded, 422, 200),
)


SOURCE_META = "io.tradepost/source"
REST_META = "io.tradepost/rest"
MASKED_META = "io.tradepost/masked"
_RESERVED_FROM, _RESERVED_TO = -32768, -32000
_OF_THE_REQUEST = frozenset({INVALID_PARAMS, METHOD_NOT_FOUND, INTERNAL_ERROR})
_NOW = {-32002: INVALID_PARAMS}  # a resource that is not there, as older revisions say it


@dataclass(eq=False)
class Refusal(Exception):
    """An answer that is not a result, as it goes on the wire."""

    code: int
    message: str
    status: int = 400
    data: Any = None
    id: RequestId | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def malformed(error: Malformed) -> Refusal:
    """No JSON or no JSON-RPC message: 400."""
    return Refusal(error.code, error.message, 400, id=error.id)


def unknown_method(method: str, modern: bool) -> Refusal:
    """-32601. The 2026-07-28 era answers it with 404; in older ones 404 would mean that the session ended."""
    return Refusal(METHOD_NOT_FOUND, f"Method not found: {method[:100]}", 404 if modern else 200)


def invalid_params(message: str) -> Refusal:
    return Refusal(INVALID_PARAMS, message)


def header_mismatch(message: str) -> Refusal:
    return Refusal(HEADER_MISMATCH, f"Header mismatch: {message}")


def unsupported_version(requested: str, supported: tuple[str, ...]) -> Refusal:
    data = {"supported": list(supported), "requested": requested[:100]}
    return Refusal(UNSUPPORTED_VERSION, "Unsupported protocol version", data=data)


def missing_capability(required: Mapping[str, Any]) -> Refusal:
    """For a host that needs a capability which the client did not declare."""
    return Refusal(
        MISSING_CAPABILITY, "The client did not declare a required capability", data={"requiredCapabilities": required}
    )


def translate(
    error: TradepostError,
    resource_metadata_url: str | None,
    had_credential: bool = True,
    base_scope: str | None = None,
) -> Refusal:
    """What a raised error says on the wire. `base_scope` is what a client without a token asks for first."""
    if isinstance(error, MissingCapability):
        return missing_capability(error.required)
    if isinstance(error, UpstreamFailed) and error.rpc_error is not None and error.server is not None:
        passed_on = _passed_on(error.rpc_error, error.server)
        if passed_on is not None:
            return passed_on
    data = error.as_dict()
    if isinstance(error, Unauthenticated):
        challenge = {"error": "invalid_token"} if had_credential else {}
        if base_scope is not None:
            challenge["scope"] = base_scope
        headers = {"www-authenticate": _challenge(challenge, error, resource_metadata_url)}
        return Refusal(401, error.message, 401, data, headers=headers)
    headers = {}
    if isinstance(error, ForbiddenScope):
        headers["www-authenticate"] = _challenge({"error": "insufficient_scope"}, error, resource_metadata_url)
    if error.retry_after_seconds is not None:
        headers["retry-after"] = str(max(1, ceil(error.retry_after_seconds)))
    if isinstance(error, RateLimited):
        headers |= _of_limit(error)
    for kind, code, status in _ANSWERS:
        if isinstance(error, kind):
            return Refusal(code, error.message, status, data, headers=headers)
    return Refusal(INTERNAL_ERROR, error.message, 500, data, headers=headers)


def _of_limit(error: RateLimited) -> dict[str, str]:
    """Which limit it is and when there is more (draft-ietf-httpapi-ratelimit-headers); {} where the error has no
    numbers."""
    policy, limit, seconds = (error.details.get(name) for name in ("policy", "limit", "window_seconds"))
    if policy is None or limit is None or seconds is None:
        return {}
    rest = max(1, ceil(error.retry_after_seconds or seconds))
    return {"ratelimit-policy": f'"{policy}";q={limit};w={seconds}', "ratelimit": f'"{policy}";r=0;t={rest}'}


def _passed_on(said: Mapping[str, Any], server: str) -> Refusal | None:
    """The error of a server behind us in its own words, labelled as such; None for one whose code is not its to give
    away: the reserved ones that speak of the connection between it and us."""
    code = _NOW.get(said["code"], said["code"])
    if _RESERVED_FROM <= code <= _RESERVED_TO and code not in _OF_THE_REQUEST:
        return None
    data = said["data"]
    if data is None or isinstance(data, dict):
        label = {SOURCE_META: {"server": server, "trust": "external"}}
        data = {**(data or {}), "_meta": label}
    return Refusal(code, said["message"], 400 if code == INVALID_PARAMS else 200, data)


def canceled() -> Refusal:
    """HTTP wants an answer even to a request that nobody waits for; clients ignore it."""
    return Refusal(499, "The client canceled this request.", 200)


def internal() -> Refusal:
    """An unexpected exception: its text stays in the log."""
    return Refusal(INTERNAL_ERROR, INTERNAL_MESSAGE, 500)


def _challenge(parameters: Mapping[str, str], error: TradepostError, resource_metadata_url: str | None) -> str:
    """A Bearer challenge (RFC 6750, RFC 9728). `details["scope"]` of the error names the scopes needed."""
    parts = dict(parameters)
    scope = error.details.get("scope")
    if isinstance(scope, str):
        parts["scope"] = scope
    if resource_metadata_url is not None:
        parts["resource_metadata"] = resource_metadata_url
    return "Bearer " + ", ".join(f'{name}="{_quoted(value)}"' for name, value in parts.items()) if parts else "Bearer"


@lru_cache(maxsize=512)  # the same few URLs and scopes, for everybody who is refused
def _quoted(value: str) -> str:
    return "".join(character for character in value if " " <= character <= "~" and character not in '"\\')


__all__ = [
    "INVALID_REQUEST",
    "PARSE_ERROR",
    "Refusal",
    "header_mismatch",
    "internal",
    "invalid_params",
    "malformed",
    "missing_capability",
    "translate",
    "unknown_method",
    "unsupported_version",
]
