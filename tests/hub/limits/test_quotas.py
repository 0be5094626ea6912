"""What may be set, by whom it holds, and how an agent's limits go with its workspace's."""

import re
from pathlib import Path

import pytest

from tradepost.foundation.errors import ForbiddenScope, InvalidArgument
from tradepost.hub.limits.quotas import DEFAULTS, FEATURES, QUOTAS, checked, quotas_of
from tradepost.hub.limits.settings import REQUESTS_PER_MINUTE, WRONG_PER_MINUTE

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "limit-who-calls-how-often.md"


def test_an_agents_limits_can_only_be_lower():
    both = quotas_of({"calls_per_minute": 100}, {"calls_per_minute": 500, "calls_at_once": 3})
    assert (both.calls_per_minute, both.calls_at_once) == (100, 3)
    assert quotas_of({}, {"calls_per_minute": 7}).calls_per_minute == 7


def test_limits_of_a_day_are_kept_apart_for_workspace_and_agent():
    both = quotas_of({"writes_per_day": 9, "money_per_day.EUR": 5_000}, {"calls_per_day": 3})
    assert both.workspace_day == {"writes": 9, "money.EUR": 5_000}
    assert both.agent_day == {"calls": 3}
    assert not both.is_plain
    assert quotas_of({"writes_per_day": 9}, {}).is_plain


def test_a_feature_is_there_until_it_is_switched_off():
    """S0.38."""
    DEFAULTS.require("writes")
    off = quotas_of({"feature.writes": False, "feature.mcp": True}, {})
    off.require("mcp")
    with pytest.raises(ForbiddenScope, match="writes"):
        off.require("writes")


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("calls_per_minute", "600", 600),
        ("writes_per_day", 0, 0),
        ("money_per_day.JPY", "100000", 100_000),
        ("feature.writes", "off", False),
        ("feature.remote_servers", True, True),
    ],
)
def test_values_are_checked_and_made_of_text(name: str, given: object, value: object):
    assert checked(name, given, of_agent=False) == value


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("calls_per_minute", "0"),
        ("calls_per_minute", "1e3"),
        ("calls_per_minute", "-5"),
        ("calls_per_minute", True),
        ("calls_per_minute", 1.5),
        ("calls_per_minute", 10**30),
        ("calls_per_hour", "5"),
        ("money_per_day", "5"),
        ("money_per_day.XXX", "5"),
        ("calls_per_day.EUR", "5"),
        ("feature.writes", "maybe"),
        ("feature.nothing", "on"),
        ("", "5"),
    ],
)
def test_what_is_no_limit_or_no_value_is_refused(name: str, given: object):
    with pytest.raises(InvalidArgument):
        checked(name, given, of_agent=False)


def test_features_are_the_workspaces_alone():
    with pytest.raises(InvalidArgument):
        checked("feature.writes", "off", of_agent=True)


def test_the_page_has_the_values_of_the_code():
    rows = re.findall(r"^\| `([\w.]+)` \| ([^|]+?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    told = {name: value.replace(",", "") for name, value in rows}
    in_code = {name: "no limit" if one.default is None else str(one.default) for name, one in QUOTAS.items()}
    assert {name: told[name] for name in in_code} == in_code
    assert {name: told[f"feature.{name}"] for name in FEATURES} == dict.fromkeys(FEATURES, "on")
    assert told["TRADEPOST_ADDRESS_WRONG_CREDENTIALS"] == str(WRONG_PER_MINUTE)
    assert told["TRADEPOST_ADDRESS_REQUESTS"] == str(REQUESTS_PER_MINUTE)
