"""How an attempt ends, as a table."""

import pytest

from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import StateConflict, TradepostError, Unavailable
from tradepost.hub.actions.lease import Claim
from tradepost.hub.actions.models import Action
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.ending import MOST_ATTEMPTS, Again, Ending, ending_of
from tradepost.hub.registry.catalog import CatalogTool, ServerKind
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

REFUSAL = {"code": -32602, "message": "no", "data": None}


def call(
    kind: ServerKind = "builtin",
    *,
    error: TradepostError | None = None,
    crash: Exception | None = None,
    result: Json | None = None,
    sent: bool = True,
    started: bool = False,
    attempt: int = 1,
    decision: str = "ask",
) -> Call:
    tool = CatalogTool(
        "tool_1", "srv_1", "shop", kind, "shop" if kind == "builtin" else None, "add", "add", "write", False, None,
        "{}", "sha256:0", None, 0, 60,
    )  # fmt: skip
    made = Call(Caller("ws_1", Principal("agent_key", "key_1"), "req_1"), "tool", "add", {})
    made.entry, made.action = tool, Action(id="act_1", decision=decision)
    made.claim = Claim("ws_1", "act_1", attempt, started)
    made.error, made.crash, made.result, made.sent = error, crash, result, sent
    return made


def ended(made: Call) -> str:
    ending = ending_of(made)
    if isinstance(ending, Again):
        return "again"
    return ending.state + (" free" if ending.frees_key else "")


BUSY: Json = {"isError": True, "structuredContent": {"code": "unavailable", "retryable": True}}
CONFLICT: Json = {"isError": True, "structuredContent": {"code": "state_conflict", "retryable": False}}
BOOM = RuntimeError("boom")
TIMEOUT = UpstreamTimedOut("late", dispatched=True)
MISSHAPEN = UpstreamFailed("odd", dispatched=True, answered=True)
NO = UpstreamFailed("no", dispatched=True, answered=True, rpc_error=REFUSAL)
UNREACHED = UpstreamFailed("refused", dispatched=False)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (call(result={"isError": False}), "succeeded"),
        (call(result=CONFLICT), "failed"),
        (call(result=CONFLICT, started=True), "failed"),
        (call(result=BUSY, decision="allow"), "failed free"),
        (call(result=BUSY), "again"),
        (call(result=BUSY, attempt=MOST_ATTEMPTS), "failed free"),
        (call(result=BUSY, decision="allow", started=True), "again"),
        (call(result=BUSY, started=True, attempt=MOST_ATTEMPTS), "unknown"),
        (call("remote", result=BUSY), "failed"),
        # an error of our own server is raised before it commits; a crash or a timeout says nothing
        (call(error=StateConflict("no")), "failed"),
        (call(error=Unavailable("busy")), "again"),
        (call(error=Unavailable("busy"), decision="allow"), "failed free"),
        (call(error=Unavailable("busy"), started=True), "again"),
        (call(error=Unavailable("busy"), started=True, attempt=MOST_ATTEMPTS), "unknown"),
        (call(error=TIMEOUT), "again"),
        (call(crash=BOOM), "again"),
        (call(crash=BOOM, attempt=MOST_ATTEMPTS), "unknown"),
        # a foreign server
        (call("remote", error=TIMEOUT), "unknown"),
        (call("remote", crash=BOOM), "unknown"),
        (call("remote", error=MISSHAPEN), "unknown"),
        (call("remote", error=NO), "failed free"),
        (call("remote", error=UNREACHED), "failed free"),
        # nothing was sent, in a first attempt
        (call(error=StateConflict("stale"), sent=False), "failed"),
        (call(error=Unavailable("busy"), sent=False), "again"),
        (call(error=Unavailable("busy"), sent=False, decision="allow"), "failed free"),
        (call(crash=BOOM, sent=False), "again"),
        (call(crash=BOOM, sent=False, decision="allow"), "failed free"),
        (call(crash=BOOM, sent=False, attempt=MOST_ATTEMPTS), "failed free"),
        # nothing was sent now, but an earlier attempt may have reached the server
        (call(error=StateConflict("disabled"), sent=False, started=True), "unknown"),
        (call(error=Unavailable("busy"), sent=False, started=True), "again"),
        (call("remote", error=Unavailable("busy"), sent=False, started=True), "unknown"),
    ],
)
def test_the_table(made: Call, expected: str):
    assert ended(made) == expected


def test_an_unknown_ending_says_so_and_is_not_worth_a_retry():
    ending = ending_of(call("remote", error=TIMEOUT))
    assert isinstance(ending, Ending)
    assert ending.error_code == "outcome_unknown"
    assert ending.result["structuredContent"]["retryable"] is False
    assert "Do not repeat it" in ending.result["structuredContent"]["hint"]
