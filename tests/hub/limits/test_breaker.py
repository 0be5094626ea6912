"""A server that keeps failing is left alone for a while, and tried by one call when that is over."""

import logging

import pytest

from tradepost.hub.limits.breaker import Breakers
from tradepost.hub.limits.settings import DEFAULTS, limits_of
from tradepost.protocol.upstream_errors import UpstreamFailed


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(clock)


def fail(breakers: Breakers, times: int = 1, key: str = "srv") -> None:
    for _ in range(times):
        breakers.failed(key, "orders", trying=breakers.admit(key, "orders"))


def refusal(breakers: Breakers, key: str = "srv") -> UpstreamFailed:
    with pytest.raises(UpstreamFailed) as refused:
        breakers.admit(key, "orders")
    return refused.value


def test_failures_in_a_row_close_the_way_and_say_for_how_long(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, DEFAULTS.breaker_failures)
    clock.now += 10
    refused = refusal(breakers)
    assert refused.message == "The server 'orders' failed 5 times in a row and is not called now."
    assert refused.retry_after_seconds == 20
    assert not refused.dispatched
    assert breakers.admit("another", "stock") is False


def test_a_success_in_between_starts_the_count_anew(breakers: Breakers) -> None:
    fail(breakers, DEFAULTS.breaker_failures - 1)
    breakers.succeeded("srv", "orders")
    fail(breakers, DEFAULTS.breaker_failures - 1)
    assert breakers.admit("srv", "orders") is False


def test_one_call_tries_it_and_a_success_lets_all_through(
    breakers: Breakers, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    fail(breakers, DEFAULTS.breaker_failures)
    clock.now += 30
    with caplog.at_level(logging.WARNING):
        assert breakers.admit("srv", "orders") is True
        assert refusal(breakers).retry_after_seconds == 1.0
        breakers.succeeded("srv", "orders")
    assert breakers.admit("srv", "orders") is False
    assert caplog.messages[-1:] == ["the server 'orders' answers again"]


def test_each_failed_try_doubles_the_time_up_to_five_minutes(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, DEFAULTS.breaker_failures)
    for expected in (60, 120, 240, 300, 300):
        clock.now += refusal(breakers).retry_after_seconds or 0
        fail(breakers)
        assert refusal(breakers).retry_after_seconds == expected


def test_a_try_that_is_broken_off_is_left_to_the_next_call(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, DEFAULTS.breaker_failures)
    clock.now += 30
    breakers.left("srv", trying=breakers.admit("srv", "orders"))
    assert breakers.admit("srv", "orders") is True


def test_calls_under_way_when_it_was_given_up_do_not_prolong_it(breakers: Breakers, clock: Clock) -> None:
    under_way = [breakers.admit("srv", "orders") for _ in range(20)]
    for trying in under_way:
        breakers.failed("srv", "orders", trying=trying)
    assert refusal(breakers).retry_after_seconds == 30
    clock.now += 30
    assert breakers.admit("srv", "orders") is True
    breakers.left("srv", trying=False)
    assert refusal(breakers).retry_after_seconds == 1.0


def test_settings_say_when_and_for_how_long(breakers: Breakers, clock: Clock) -> None:
    limits = limits_of({"breaker_failures": 2, "breaker_seconds": 4.0, "breaker_most_seconds": 6.0})

    def refused_for() -> float | None:
        with pytest.raises(UpstreamFailed) as refused:
            breakers.admit("srv", "orders", limits)
        return refused.value.retry_after_seconds

    for _ in range(2):
        breakers.failed("srv", "orders", trying=breakers.admit("srv", "orders", limits), limits=limits)
    assert refused_for() == 4
    clock.now += 4
    breakers.failed("srv", "orders", trying=breakers.admit("srv", "orders", limits), limits=limits)
    assert refused_for() == 6
    shorter = limits_of({"breaker_seconds": 1.0, "breaker_most_seconds": 1.0})
    clock.now += 1
    assert breakers.admit("srv", "orders", shorter) is True
