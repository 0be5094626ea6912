"""The translator: each error of the project has one spelling on the wire, and the reserved codes stay untouched."""

import pytest

from tradepost.foundation import errors
from tradepost.protocol.errors import internal, missing_capability, translate
from tradepost.protocol.upstream_errors import UpstreamFailed

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.TradepostError)]
DEFINED = {-32700, -32600, -32601, -32602, -32603, -32020, -32021, -32022}


@pytest.mark.parametrize("kind", ALL)
def test_codes_are_defined_ones_or_outside_the_reserved_range(kind: type[errors.TradepostError]):
    refusal = translate(kind("It failed.", hint="Try again.", field="sku"), None)
    assert refusal.code in DEFINED or not -32768 <= refusal.code <= -32000
    assert refusal.message == "It failed."
    assert refusal.data == kind("It failed.", hint="Try again.", field="sku").as_dict()
    assert 200 <= refusal.status < 600


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (errors.InvalidArgument, -32602, 400),
        (errors.NotFound, -32602, 400),
        (errors.Unauthenticated, 401, 401),
        (errors.ForbiddenScope, 403, 403),
        (errors.RateLimited, 429, 429),
        (errors.Unavailable, 503, 503),
        (errors.UpstreamTimeout, 504, 200),
        (errors.StateConflict, 409, 200),
    ],
)
def test_what_clients_rely_on(kind: type[errors.TradepostError], code: int, status: int):
    refusal = translate(kind("It failed."), None)
    assert (refusal.code, refusal.status) == (code, status)


def test_a_challenge_cannot_be_broken_out_of():
    error = errors.ForbiddenScope("No.", details={"scope": 'write:orders", error="none\r\nX-Admin: 1'})
    challenge = translate(error, "https://hub.example/meta").headers["www-authenticate"]
    assert "\r" not in challenge
    assert challenge.count('"') == 6


def test_a_wait_is_at_least_a_second():
    error = errors.RateLimited("Wait.", retry_after_seconds=0.01)
    assert translate(error, None).headers["retry-after"] == "1"


def test_missing_capabilities_are_named():
    refusal = missing_capability({"elicitation": {}})
    assert (refusal.code, refusal.status) == (-32021, 400)
    assert refusal.data == {"requiredCapabilities": {"elicitation": {}}}


def test_an_unexpected_failure_says_nothing_of_the_inside():
    assert (internal().code, internal().status) == (-32603, 500)


LABEL = {"_meta": {"io.tradepost/source": {"server": "carrier", "trust": "external"}}}


def said(code: int, data: object = None, server: str | None = "carrier") -> UpstreamFailed:
    """The error of a server, its words cleaned where it has a name."""
    error = {"code": code, "message": "No such parcel.", "data": data}
    failed = UpstreamFailed("The server answered with an error.", dispatched=True, rpc_error=error)
    failed.server = server
    return failed


@pytest.mark.parametrize(
    ("code", "shown", "status"),
    [(-32602, -32602, 400), (-32002, -32602, 400), (-32601, -32601, 200), (-32603, -32603, 200), (7, 7, 200)],
)
def test_a_servers_own_error_is_passed_on_under_its_name(code: int, shown: int, status: int):
    refusal = translate(said(code, {"uri": "parcel://1"}), None)
    assert (refusal.code, refusal.message, refusal.status) == (shown, "No such parcel.", status)
    assert refusal.data == {"uri": "parcel://1", **LABEL}
    assert translate(said(code), None).data == LABEL
    assert translate(said(code, ["parcel://1"]), None).data == ["parcel://1"]


@pytest.mark.parametrize("code", [-32700, -32600, -32042, -32022, -32020, -32001, -32000])
def test_what_only_concerns_the_server_and_us_is_told_as_ours(code: int):
    assert translate(said(code), None).code == 502


def test_words_that_nobody_has_cleaned_are_not_passed_on():
    assert translate(said(-32602, server=None), None).message == "The server answered with an error."
