"""Settings: named, bounded, a tool's before its server's before the constant."""

import pytest

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.limits.settings import DEFAULTS, SETTINGS, allowed, checked, limits_of


def test_the_constants_hold_where_nobody_set_anything() -> None:
    assert limits_of({}) is limits_of({}, {}) is DEFAULTS
    assert (DEFAULTS.timeout_seconds, DEFAULTS.connect_seconds, DEFAULTS.handshake_seconds) == (60, 3, 90)
    assert (DEFAULTS.running, DEFAULTS.waiting, DEFAULTS.text) == (128, 256, "cleaned")
    assert (DEFAULTS.breaker_failures, DEFAULTS.breaker_seconds, DEFAULTS.breaker_most_seconds) == (5, 30, 300)
    assert (DEFAULTS.retries, DEFAULTS.retry_share) == (2, 0.1)


def test_a_tools_setting_goes_before_its_servers() -> None:
    limits = limits_of({"timeout_seconds": 20.0, "retries": 1}, {"timeout_seconds": 200.0})
    assert (limits.timeout_seconds, limits.retries, limits.waiting) == (200, 1, 256)
    assert limits.shared is not None
    assert limits.shared.timeout_seconds == 20
    assert (limits.own_line, limits.own_count) == (False, False)


def test_what_a_tool_sets_about_turns_or_failures_is_counted_for_it_alone() -> None:
    assert limits_of({}, {"running": 2}).own_line
    assert limits_of({}, {"breaker_failures": 2}).own_count
    assert limits_of({}, {"retry_share": 0.5}).own_count
    assert not limits_of({"running": 2, "breaker_failures": 2}).own_line


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("timeout_seconds", "20", 20.0),
        ("retry_share", "0", 0.0),
        ("running", "150", 150),
        ("text", "unchanged", "unchanged"),
    ],
)
def test_values_may_be_given_as_text(name: str, given: str, value: object) -> None:
    found = checked(name, given)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("timeout_seconds", "0.5"),
        ("timeout_seconds", 301),
        ("timeout_seconds", "nan"),
        ("timeout_seconds", "long"),
        ("timeout_seconds", True),
        ("timeout_seconds", None),
        ("running", "1.5"),
        ("running", 0),
        ("retry_share", "-0.1"),
        ("text", "pretty"),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_the_bounds(name: str, given: object) -> None:
    with pytest.raises(InvalidArgument) as refused:
        checked(name, given)
    assert refused.value.field == name
    bounds = SETTINGS[name]
    assert (f"{bounds.most:g}" if not bounds.choices else "cleaned, delimited, unchanged") in (refused.value.hint or "")


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidArgument) as refused:
        checked("timeout", 5)
    assert refused.value.hint == f"There are: {', '.join(SETTINGS)}."


def test_what_means_nothing_there_cannot_be_set_there() -> None:
    assert allowed(of_tool=True, bundled=True) == [
        "timeout_seconds",
        "running",
        "waiting",
        "calls_per_minute",
        "result_tokens",
    ]
    assert {*SETTINGS} - {*allowed(of_tool=True, bundled=False)} == {"connect_seconds", "handshake_seconds", "text"}
    for name, options in (("text", {"of_tool": True}), ("retries", {"bundled": True})):
        with pytest.raises(InvalidArgument, match="There is no setting"):
            checked(name, "1", **options)
