"""What commands say to programs is JSON, and what they say to people is not empty."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.processes import PYTHON, ROOT, Place

LISTS = (
    "workspace list",
    "user list",
    "profile list",
    "agent list",
    "key list",
    "server list",
    "approvals list",
    "approvals list --state all",
    "db status",
)


def test_lists_are_json_on_request(served: Place):
    started = {command: served.begin(*command.split(), "--json") for command in LISTS}
    for command, running in started.items():
        assert isinstance(running.result().json(), list), command
    tools = served.ask("server", "tools", "orders")["tools"]
    assert {row["state"] for row in tools} == {"enabled"}
    assert served.ask("audit", "verify")["intact"] is True
    rows = served.run("audit", "tail", "--json").lines()
    assert rows
    assert all(row["kind"] for row in rows)


def test_the_audit_log_is_exported_line_by_line(place: Place):
    lines = place.run("audit", "export").good().out.splitlines()
    assert lines
    assert all(json.loads(line)["kind"] for line in lines)
    target = place.data / "audit.jsonl"
    said = place.run("audit", "export", target).good().out
    assert f"{len(target.read_text('utf-8').splitlines())} rows" in said
    assert "cannot be written" in place.run("audit", "export", target).refusal()
    head = place.ask("audit", "verify")["head"]
    assert place.run("audit", "verify", "--head", head).good()
    assert place.run("audit", "verify", "--head", "0" * 64).refusal()


def test_a_reader_that_has_had_enough_is_no_error(made: Place):
    script = f"({PYTHON} -m tradepost audit export; echo ended $? >&2) | true"
    ended = subprocess.run(["bash", "-c", script], env=made.env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stderr.strip() == "ended 141"


@pytest.mark.parametrize("command", ["", "approvals", "server", "audit"])
def test_help_is_given_without_a_command(made: Place, command: str):
    result = made.run(*command.split())
    assert result.status == 2
    assert "Usage:" in result.out + result.err
    helped = made.run(*command.split(), "--help").good()
    assert "Usage:" in helped.out


def test_a_wrong_command_is_answered_with_the_right_one(made: Place):
    assert "Did you mean 'approvals'?" in made.run("approval").err
