"""Whatever is wrong with what was asked: one clear sentence with what to do, exit status 1, and nothing changed.

The commands run beside each other over one stopped Tradepost, once; each test looks at one of them.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli.conftest import VIEWER
from tests.processes import Place, Result, free_ports

ACTION = "act_00000000000000000000000000"
APPROVE = ("approvals", "approve", ACTION)
ADD = ("server", "add", "other")


@dataclass(frozen=True)
class Case:
    """A command, and words that its one sentence and its advice must have. `{...}` are filled in by the fixture."""

    command: tuple[str, ...]
    says: str
    advises: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


CASES = {
    "no database URL at all": Case(
        ("approvals", "list"), "not a database URL", "sqlite:///", {"TRADEPOST_HUB_URL": "x"}
    ),
    "a database that is not supported": Case(
        ("serve",), "'mysql' databases are not supported", "PostgreSQL", {"TRADEPOST_HUB_URL": "mysql://root@host/hub"}
    ),
    "an unreachable PostgreSQL": Case(
        ("store", "export", "{new}"),
        "cannot be used",
        "server runs",
        {"TRADEPOST_STORE_URL": "postgresql://me:secret-word@127.0.0.1:{nobody}/x"},
    ),
    "upgrading an unreachable PostgreSQL": Case(
        ("db", "upgrade"),
        "cannot be used",
        "server runs",
        {"TRADEPOST_HUB_URL": "postgresql://me:secret-word@127.0.0.1:{nobody}/x"},
    ),
    "a database in a folder that is not there": Case(
        ("audit", "tail"), "cannot be used", "folder exists", {"TRADEPOST_HUB_URL": "sqlite:////no/such/folder/hub.db"}
    ),
    "a port in use": Case(("serve", "--port", "{taken}"), "in use", "--port"),
    "a port in use by a demo": Case(("demo", "--port", "{taken}", "--data", "{new}"), "in use", "--port"),
    "no port for the tracker": Case(
        ("demo", "--port", "{before_taken}", "--data", "{other_new}"), "port {taken}", "--port"
    ),
    "an address that is not ours": Case(("serve", "--host", "203.0.113.1"), "Cannot listen", "--port"),
    "a setting of the wrong type": Case(
        ("serve",), "setting port is wrong", "TRADEPOST_PORT", {"TRADEPOST_PORT": "many"}
    ),
    "a network that is none": Case(
        ("serve",), "setting allow_private is wrong", "TRADEPOST_ALLOW_PRIVATE", {"TRADEPOST_ALLOW_PRIVATE": "home"}
    ),
    "a data folder that is a file": Case(("db", "upgrade", "--data", "{file}"), "cannot be used", "--data"),
    "a demo in a data folder that is a file": Case(
        ("demo", "--data", "{file}", "--port", "{nobody}"), "cannot be used", "--data"
    ),
    "a data folder that is not there": Case(("approvals", "list", "--data", "{new}"), "cannot be used", "folder"),
    "a time that is none": Case(("demo", "--now", "yesterday", "--data", "{new}"), "'yesterday' is not a time", "like"),
    "an approval without a name": Case(APPROVE, "a person with a name", "--as"),
    "an unknown person": Case((*APPROVE, "--as", "nobody@acme.example"), "no user 'nobody@acme.example'", "List"),
    "a viewer who approves": Case((*APPROVE, "--as", VIEWER), "role operator", "owner"),
    "an unknown approval": Case(("approvals", "show", ACTION), "no approval", ""),
    "an outcome that is none": Case(("approvals", "settle", ACTION, "perhaps"), "no outcome", "succeeded or failed"),
    "an unknown state": Case(("approvals", "list", "--state", "done"), "'done' is no state", "pending"),
    "an unknown workspace": Case(("agent", "list", "--workspace", "other"), "no workspace 'other'", "workspace list"),
    "a workspace that is there": Case(("workspace", "create", "acme", "--owner", "a@b.test"), "already", "another"),
    "an owner without an address": Case(("workspace", "create", "new", "--owner", "boss"), "no e-mail address", "like"),
    "an unknown role": Case(("user", "add", "a@b.test", "--role", "king"), "'king' is no role", "viewer"),
    "a person who may not": Case(("user", "add", "a@b.test", "--as", VIEWER), "admin", ""),
    "an unknown agent": Case(("key", "mint", "--agent", "nobody"), "no agent 'nobody'", ""),
    "an unknown profile": Case(("agent", "create", "x", "--profile", "none"), "no profile 'none'", ""),
    "an unknown key": Case(("key", "revoke", "aaaaaaaa"), "no key", ""),
    "an unknown server": Case(("server", "test", "none"), "no server 'none'", "server list"),
    "an unknown tool of a server": Case(("server", "disable", "none", "tool"), "no server 'none'", "server list"),
    "a class that is none": Case(("server", "enable", "x", "y", "--class", "nice"), "'nice' is no class", "read"),
    "a setting without a value": Case(
        ("server", "settings", "orders", "--set", "waiting"), "sets nothing", "NAME=VALUE"
    ),
    "a header that is none": Case(
        (*ADD, "https://example.com/mcp", "--header", "Authorization"), "'Name: value'", "Quote"
    ),
    "a server in a private network": Case((*ADD, "http://127.0.0.1:8000/mcp"), "private", "TRADEPOST_ALLOW_PRIVATE"),
    "a program without a file of servers": Case((*ADD, "stdio:time"), "no 'time'", "TRADEPOST_SERVERS_FILE"),
    "a file of servers that is not there": Case(
        (*ADD, "stdio:time"), "cannot be read", "TRADEPOST_SERVERS_FILE", {"TRADEPOST_SERVERS_FILE": "/no/such/file"}
    ),
    "a URL that is none": Case((*ADD, "example"), "URL", "http"),
    "an import file that is not there": Case(("store", "import", "{new}"), "cannot be read", "path"),
    "an export of no store": Case(("store", "export", "{new}"), "no store", "Import"),
    "an audit export over a file": Case(("audit", "export", "{file}"), "cannot be written", "new file"),
    "a call without a key": Case(
        ("call", "get_order", "--agent", "helper"), "No key of the agent 'helper'", "key mint"
    ),
    "a call without a hub": Case(
        ("call", "get_order", "--agent", "helper", "order_id=1"),
        "No hub answers",
        "tradepost serve",
        {"TRADEPOST_KEY": "tp_x"},
    ),
    "a bridge without a hub": Case(
        ("connect", "--agent", "helper"), "No hub answers", "tradepost serve", {"TRADEPOST_KEY": "tp_x"}
    ),
    "a server alone that is none": Case(("serve", "nothing", "--stdio"), "no bundled server 'nothing'", "orders"),
    "a server alone without a way": Case(("serve", "orders"), "how the server shall be served", "--stdio or --http"),
    "a server alone without a store": Case(("serve", "orders", "--stdio"), "workspace", "import"),
}
USAGE = {
    "an unknown command": ("approval", "list"),
    "an unknown option": ("approvals", "list", "--frob"),
    "a missing argument": ("approvals", "show"),
    "a missing option": ("call", "get_order"),
    "a number out of range": ("serve", "--port", "99999"),
}


def _digests(folder: Path) -> dict[str, str]:
    """What stands in a data folder, but for what comes with the first look: the files beside a SQLite database and
    the vault's key."""
    passing = ("-wal", "-shm", "vault.key")
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(passing))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@dataclass
class Outcome:
    """What all commands said, and what they left behind."""

    words: dict[str, str]
    results: dict[str, Result]
    before: dict[str, str]
    after: dict[str, str]
    new: list[Path]


@pytest.fixture(scope="module")
def outcome(made: Place, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "file").write_text("something", encoding="utf-8")
    first = free_ports(3)
    with closing(socket.create_server(("127.0.0.1", first + 1))):
        words = {
            "file": str(folder / "file"),
            "new": str(folder / "new"),
            "other_new": str(folder / "other_new"),
            "taken": str(first + 1),
            "before_taken": str(first),
            "nobody": str(first + 2),
        }
        commands = {name: (case.command, case.env) for name, case in CASES.items()}
        commands |= {name: (command, {}) for name, command in USAGE.items()}

        def run(command: tuple[str, ...], env: Mapping[str, str]) -> Result:
            own = {"TRADEPOST_PORT": str(free_ports(1))}  # two that serve at the same time would refuse each other
            filled = own | {name: value.format(**words) for name, value in env.items()}
            return made.run(*(part.format(**words) for part in command), env=filled)

        made.run("vault", "status").good()  # the first look: the key is made, and written down which it is
        before = _digests(made.data)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            under_way = {name: pool.submit(run, *wanted) for name, wanted in commands.items()}
            results = {name: future.result() for name, future in under_way.items()}
    return Outcome(words, results, before, _digests(made.data), [folder / "new", folder / "other_new"])


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_sentence_with_advice(outcome: Outcome, name: str):
    said = outcome.results[name].refusal()
    case = CASES[name]
    assert case.says.format(**outcome.words) in said
    assert case.advises in said
    assert len(said.splitlines()) <= 2
    assert "secret-word" not in said
    assert outcome.results[name].out == ""


@pytest.mark.parametrize("name", USAGE)
def test_wrong_usage_has_a_status_of_its_own(outcome: Outcome, name: str):
    result = outcome.results[name]
    assert result.status == 2
    assert "Traceback" not in result.err
    assert "--help" in result.err


def test_nothing_was_written(outcome: Outcome):
    assert outcome.after == outcome.before
    assert not any(path.exists() for path in outcome.new)
