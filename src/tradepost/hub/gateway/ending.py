"""How an attempt to carry a write out ended: pure, so that every case can be read and tested as a table.

- A task is no end: its server works on.
- A result is a result: succeeded, or failed when the tool says so. If the tool says that the trouble may pass, an
  approved action is tried again; so is one whose earlier attempt may have reached the server.
- An error before anything was sent, in a first attempt: failed, nothing happened, and the key is free again.
- An error after it was sent: a bundled server is called again with the same key and settles it; with any other the
  outcome is unknown, unless that server itself said no.
- An error before anything is sent in a later attempt: the first attempt may have reached the server, so it is tried
  again while that makes sense, and unknown otherwise.
"""

from dataclasses import dataclass
from typing import Literal

from tradepost.foundation.errors import TradepostError, UpstreamError
from tradepost.hub.gateway.action_tasks import CANCELED
from tradepost.hub.gateway.answers import error_result
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.protocol.tasks import TASK
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
class Held:
    """The server made a task of it: the action goes on, and its end is recorded when the task ends."""

    task: Json


@dataclass(frozen=True, slots=True)
class Again:
    """Nothing is settled: another attempt has to be made."""


def ending_of(call: Call) -> Ending | Held | Again:
    """How the attempt that this call made ended."""
    if call.error is None and call.crash is None and call.result is not None:
        return _from_result(call, call.result)
    error = call.error
    if error is not None and call.sent and _was_refused(error, _is_bundled(call)):
        return _passing(call, _failed(error, frees_key=True)) if error.retryable else _failed(error, frees_key=False)
    if not call.sent and not _reached_earlier(call):
        if _is_approved(call) and _has_more(call) and (error is None or error.retryable):
            return Again()  # people said yes: a passing trouble is no reason to ask them once more
        return _failed(error or _trouble(), frees_key=error is None or error.retryable)
    if _is_bundled(call) and _has_more(call) and (call.sent or error is None or error.retryable):
        return Again()
    return _unknown(error)


def _from_result(call: Call, result: Json) -> Ending | Held | Again:
    if result.get("resultType") == TASK:
        return Held(result)
    if call.told is not None and call.told["status"] == "cancelled":
        return Ending("failed", result, CANCELED)
    if call.broke_contract:
        return Ending("succeeded", result, "upstream_error")
    if call.too_long:
        return Ending("succeeded", result)
    if result.get("resultType") == "input_required":
        return Ending("failed", result, "input_required", frees_key=True)  # nothing is done yet: the retry does it
    if not result.get("isError"):
        return Ending("succeeded", result)
    structured = result.get("structuredContent") or {}
    if not _is_bundled(call):
        return Ending("failed", result, "tool_error")
    code = str(structured.get("code", "tool_error"))[:64]
    if structured.get("retryable") is True:
        return _passing(call, Ending("failed", result, code, frees_key=True))
    return Ending("failed", result, code)


def _passing(call: Call, failed: Ending) -> Ending | Again:
    """A trouble that may pass. It says nothing about an earlier attempt, and is no reason to ask people once more."""
    if _is_bundled(call) and _has_more(call) and (_reached_earlier(call) or _is_approved(call)):
        return Again()
    return _unknown(call.error) if _reached_earlier(call) else failed


def _is_bundled(call: Call) -> bool:
    return isinstance(call.entry, CatalogTool) and call.entry.server_kind == "builtin"


def _has_more(call: Call) -> bool:
    return call.claim is not None and call.claim.fence < MOST_ATTEMPTS


def _reached_earlier(call: Call) -> bool:
    return call.claim is not None and call.claim.may_have_reached


def _is_approved(call: Call) -> bool:
    return call.action is not None and call.action.decision == "ask"


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
    return Ending("unknown", unknown_outcome(error), "outcome_unknown")


def unknown_outcome(error: TradepostError | None = None) -> Json:
    """The result of a write that may or may not have happened."""
    cause = f" ({error.message.rstrip('.')})" if error is not None else ""
    shown = UpstreamError(
        f"Whether this took effect is unknown: the call was sent and no certain answer came back{cause}.",
        hint="Do not repeat it. Read the record it should have changed, or ask a person, before anything else.",
        details={"state": "unknown"},
    )
    result = error_result(shown)
    result["structuredContent"]["retryable"] = False
    return result


def _trouble() -> TradepostError:
    return TradepostError(
        "The hub failed on its own side before anything was sent.", hint="Nothing was changed. Try again."
    )
