"""How an attempt to carry a write out ended: pure, so that every case can be read and tested as a table.

- A result is a result: succeeded, or failed when the tool says so.
- An error before anything was sent, in a first attempt: failed, nothing happened, and the key is free again.
- An error after it was sent: a bundled server is called again with the same key and settles it; with any other the
  outcome is unknown, unless that server itself said no.
- An error before anything is sent in a later attempt: the first attempt may have reached the server, so it is tried
  again while that makes sense, and unknown otherwise.
"""

from dataclasses import dataclass
from typing import Literal

from tradepost.foundation.errors import TradepostError, UpstreamError
from tradepost.hub.gateway.answers import error_result
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

MOST_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Ending:
    """A final state, what the caller gets now and at every repetition, and whether the key may be used again."""

    state: Literal["succeeded", "failed", "unknown"]
    result: Json
    error_code: str | None = None
    frees_key: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Nothing is settled: another attempt has to be made."""


def ending_of(call: Call) -> Ending | Again:
    """How the attempt that this call made ended."""
    if call.error is None and call.crash is None and call.result is not None:
        return _from_result(call, call.result)
    error = call.error
    claim = call.claim
    may_have_reached = call.sent or (claim is not None and claim.started)
    more = claim is not None and claim.fence < MOST_ATTEMPTS
    bundled = isinstance(call.entry, CatalogTool) and call.entry.server_kind == "builtin"
    if error is not None and call.sent and _was_refused(error, bundled):
        return _failed(error, frees_key=error.retryable)
    if not may_have_reached:
        approved = call.action is not None and call.action.decision == "ask"
        if approved and more and (error is None or error.retryable):
            return Again()  # people said yes: a passing trouble is no reason to ask them once more
        return _failed(error or _trouble(), frees_key=error is None or error.retryable)
    if bundled and more and (call.sent or error is None or error.retryable):
        return Again()
    return _unknown(error)


def _from_result(call: Call, result: Json) -> Ending:
    if call.broke_contract:
        return Ending("succeeded", result, "upstream_error")
    if not result.get("isError"):
        return Ending("succeeded", result)
    structured = result.get("structuredContent") or {}
    bundled = call.tool.server_kind == "builtin"
    code = str(structured.get("code", "tool_error"))[:64] if bundled else "tool_error"
    return Ending("failed", result, code, frees_key=bundled and structured.get("retryable") is True)


def _was_refused(error: TradepostError, bundled: bool) -> bool:
    """Whether it is certain that the server did not do it."""
    if isinstance(error, UpstreamFailed | UpstreamTimedOut):
        said_no = isinstance(error, UpstreamFailed) and error.answered
        explicit = isinstance(error, UpstreamFailed) and (error.rpc_error is not None or error.status is not None)
        return not error.dispatched or (said_no and explicit)
    return bundled  # our own servers raise before they commit


def _failed(error: TradepostError, *, frees_key: bool) -> Ending:
    return Ending("failed", error_result(error), error.code, frees_key)


def _unknown(error: TradepostError | None) -> Ending:
    cause = f" ({error.message.rstrip('.')})" if error is not None else ""
    shown = UpstreamError(
        f"Whether this took effect is unknown: the call was sent and no certain answer came back{cause}.",
        hint="Do not repeat it. Read the record it should have changed, or ask a person, before anything else.",
        details={"state": "unknown"},
    )
    result = error_result(shown)
    result["structuredContent"]["retryable"] = False
    return Ending("unknown", result, "outcome_unknown")


def _trouble() -> TradepostError:
    return TradepostError(
        "The hub failed on its own side before anything was sent.", hint="Nothing was changed. Try again."
    )
