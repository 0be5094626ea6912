"""`tradepost server settings`: shown, changed for a server and for one tool, let go of again."""

from __future__ import annotations

from tests.processes import Place


def test_settings_are_shown_changed_and_let_go_of(served: Place):
    assert served.ask("server", "settings", "orders")["timeout_seconds"] == {"value": 60.0, "set_by": "default"}
    set_ = served.run("server", "settings", "orders", "get_order", "--set", "timeout_seconds=20", "--set", "running=4")
    assert "timeout_seconds" in set_.good().out
    shown = served.ask("server", "settings", "orders", "get_order")
    assert (shown["timeout_seconds"], shown["running"], shown["waiting"]) == (
        {"value": 20.0, "set_by": "tool"},
        {"value": 4, "set_by": "tool"},
        {"value": 256, "set_by": "default"},
    )
    served.run("server", "settings", "orders", "get_order", "--unset", "running", "--unset", "timeout_seconds").good()
    assert {one["set_by"] for one in served.ask("server", "settings", "orders", "get_order").values()} == {"default"}
    tags = [row["tag"] for row in served.run("audit", "tail", "--json").lines()]
    assert tags.count("tool:settings") == 2


def test_rules_of_the_registry_are_shown_and_changed(place: Place):
    assert place.ask("server", "rules") == {
        "changed_tools": {"value": "remove", "set_by": "default"},
        "visible_tools": {"value": 30, "set_by": "default"},
        "result_tokens": {"value": 25_000, "set_by": "default"},
    }
    assert "keep" in place.run("server", "rules", "changed_tools=keep").good().out
    assert place.ask("server", "rules")["changed_tools"] == {"value": "keep", "set_by": "workspace"}
    place.run("server", "rules", "changed_tools=").good()
    assert place.ask("server", "rules")["changed_tools"]["set_by"] == "default"
    assert "keep or remove" in place.run("server", "rules", "changed_tools=newest").refusal()
    assert "changed_tools, visible_tools, result_tokens" in place.run("server", "rules", "colour=red").refusal()


def test_what_cannot_be_set_is_refused_with_what_can(served: Place):
    refused = served.run("server", "settings", "orders", "--set", "patience=3").refusal()
    assert "no setting 'patience'" in refused
    assert "timeout_seconds, running, waiting" in refused
    assert "from 1 to 300" in served.run("server", "settings", "orders", "--set", "timeout_seconds=900").refusal()
