"""`tradepost limits`: shown, set, let go of, and refused in words."""

from __future__ import annotations

from tests.cli.conftest import OWNER
from tests.processes import Place
from tradepost.hub.limits.quotas import CALLS_PER_MINUTE


def test_limits_are_shown_set_and_let_go_of(place: Place):
    assert place.ask("limits", "show")["calls_per_minute"] == {
        "value": CALLS_PER_MINUTE,
        "set_by": "default",
        "used": None,
    }
    set_ = place.run("limits", "set", "calls_per_minute=600", "feature.writes=off", "money_per_day.EUR=5000").good()
    assert "feature.writes" in set_.out
    assert "off" in set_.out
    place.run("limits", "set", "--agent", "helper", "calls_per_day=9", "--as", OWNER).good()
    shown = place.ask("limits", "show", "--agent", "helper")
    assert shown["calls_per_minute"] == {"value": 600, "set_by": "workspace", "used": None}
    assert shown["calls_per_day"] == {"value": 9, "set_by": "agent", "used": 0}
    place.run("limits", "set", "calls_per_minute=", "feature.writes=").good()
    assert place.ask("limits", "show")["feature.writes"] == {"value": True, "set_by": "default", "used": None}


def test_what_cannot_be_set_is_refused_with_what_can(place: Place):
    assert "calls_per_day" in place.run("limits", "set", "calls_per_hour=3").refusal()
    assert "from 1 to 1000000" in place.run("limits", "set", "calls_per_minute=0").refusal()
    assert "NAME=VALUE" in place.run("limits", "set", "calls_per_minute").refusal()
    assert "runs this installation" in place.run("limits", "set", "calls_per_minute=9", "--as", OWNER).refusal()
    assert "no agent" in place.run("limits", "show", "--agent", "nobody").refusal()
