"""`tradepost policy`: rules kept, tried on tables, carried from hub to hub."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import VIEWER
from tests.processes import Place

TABLE = """
- {note: a guarded agent, posture: guarded, tool: note, class: write, expect: allow}
- {agent: helper, tool: add_order_note, class: write, arguments: {note: hello}, expect: ask}
- {agent: helper, tool: pay, class: write, amount: 5100, currency: EUR, expect: deny, rule: large}
- {agent: helper, tool: pay, class: write, amount: 5000, currency: EUR, expect: ask}
- {posture: guarded, tool: spend, class: write, amount: 4000, currency: EUR, expect: allow}
- {posture: guarded, tool: spend, class: write, amount: 4000, currency: EUR, totals: {agent.money: 9100},
   expect: ask2, rule: day}
"""
DAY = ("day", "ask", "tool=spend", "approvals=2", "--when", "totals.agent.money > 90 * call.unit", "-m", "of a day")
CSV = """agent,tool,class,arguments,time,expect,rule
helper,pay,write,"{""n"": 1}",2026-11-27T10:00:00Z,deny,friday
helper,pay,write,"{""n"": 1}",2026-11-28T10:00:00Z,ask,
"""
LARGE = ("large", "deny", "tool=pay", "--when", "call.amount > 50 * call.unit", "-m", "too much")


def test_rules_are_kept_tried_and_carried(place: Place, tmp_path: Path):
    shown = place.ask("policy", "list")
    assert {"refund-small", "refund-by-two"} <= {one["name"] for one in shown["rules"] if one["built_in"]}
    table = tmp_path / "calls.yaml"
    table.write_text(TABLE, "utf-8")
    place.run("policy", "add", *DAY).good()
    tried = place.run("policy", "test", table)
    assert (tried.status, "6 calls, 1 not as expected" in tried.out) == (1, True), tried.out + tried.err
    assert "Nothing was changed" in place.run("policy", "add", *LARGE, "--dry-run").good().out
    added = place.run("policy", "add", *LARGE).good()
    assert "there is no tool 'pay' now" in added.err
    assert "cannot be read: No such file" in place.run("policy", "test", tmp_path / "none.yaml").refusal()
    assert place.run("policy", "test", table).good().out.count("DIFFERS") == 0

    place.run("policy", "freeze", "from=2026-11-27T00:00:00Z", "to=2026-11-28T00:00:00Z", "--name", "friday").good()
    days = tmp_path / "days.csv"
    days.write_text(CSV, "utf-8")
    assert "2 calls, 0 not as expected" in place.run("policy", "test", days).good().out

    place.run(
        "policy", "change", "large", "approvals=2", "outcome=ask", "expires_minutes=30", "approver_role=admin"
    ).good()
    own = ("policy", "add", "own", "ask", "tool=pay", "class=write", "caller_may_confirm=true", "approver_role=owner")
    assert "caller_may_confirm: True" in place.run(*own, "-m", "your own").good().out
    listed = place.run("policy", "list").good().out
    assert "ask2 admin" in listed
    assert "ask owner (or the caller)" in listed
    place.run("policy", "order", "large", "7").good()
    place.run("policy", "disable", "large").good()
    large = place.ask("policy", "show", "large")
    assert (large["outcome"], large["approvals"], large["order"], large["enabled"]) == ("ask", 2, 7, False)
    assert large["approver_role"] == "admin"

    place.run("policy", "zone", "Europe/Rome").good()
    file = tmp_path / "shop.yaml"
    file.write_text(place.run("export").good().out, "utf-8")
    assert place.run("import", file, "--dry-run").status == 0
    place.run("policy", "zone", "UTC").good()
    place.run("policy", "remove", "large").good()
    place.run("policy", "remove", "own").good()
    place.run("policy", "unfreeze").good()
    planned = place.run("import", file, "--dry-run")
    assert (planned.status, "+ create policy large" in planned.out) == (3, True)
    assert "~ change zone of the workspace (time_zone: UTC -> Europe/Rome)" in planned.out
    place.run("import", file).good()
    assert place.ask("policy", "show", "large") == {
        **large,
        "id": place.ask("policy", "show", "large")["id"],
        "version": 1,
    }
    own_rule = place.ask("policy", "show", "own")
    assert (own_rule["caller_may_confirm"], own_rule["approver_role"]) == (True, "owner")
    assert place.ask("policy", "show", "friday")["window"]["to"] == "2026-11-28T00:00:00Z"
    assert "Nothing to change" in place.run("import", file).good().out
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("format_version: 1\ntime_zone: Mars/Olympus\n", "utf-8")
    assert "Line 2, column 1 (time_zone): 'Mars/Olympus' is no time zone" in place.run("import", wrong).refusal()


def test_what_is_wrong_is_said(place: Place):
    wrong = ("policy", "add", "odd", "deny", "-m", "odd")
    assert "line 1, column 8" in place.run(*wrong, "--when", "true ||").refusal()
    assert "no variable 'amount'" in place.run(*wrong, "--when", "amount > 1").refusal()
    assert "MEMBER=VALUE" in place.run(*wrong, "tool").refusal()
    assert "no agent 'nobody'" in place.run(*wrong, "agent=nobody").refusal()
    assert "belong to rules that ask" in place.run(*wrong, "approver_role=admin").refusal()
    assert "no approver_role" in place.run("policy", "add", "odd", "ask", "approver_role=viewer", "-m", "o").refusal()
    assert "no 'tol'" in place.run(*wrong, "tol=pay").refusal()
    assert "built in" in place.run("policy", "remove", "refund-small").refusal()
    assert "already" in place.run("policy", "add", "refund-small", "deny", "-m", "mine").refusal()
    assert "admin" in place.run(*wrong, "--as", VIEWER).refusal()
    assert "no time zone" in place.run("policy", "zone", "../etc/passwd").refusal()
    assert "Nothing is frozen" in place.run("policy", "unfreeze").refusal()
