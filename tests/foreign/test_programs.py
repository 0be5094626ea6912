"""Codex, Claude Code and mcp-remote (for programs that only start commands) as their makers publish them: each
connects without a key, calls a tool, renews its token, and stops where a person takes it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.foreign.installed import Programs, programs
from tests.foreign.model import ORDER, Model, model
from tests.foreign.person import Person
from tests.foreign.programs import ClaudeCode, Codex, McpRemote, Program, Setting
from tests.processes import Place

pytestmark = pytest.mark.foreign

AGENT = "Customer care"
OVER = "UPDATE oauth_tokens SET expires_at = '2026-01-01 00:00:00.000000' WHERE kind = 'access'"


@pytest.fixture(scope="module")
def installed_programs() -> Programs:
    return programs()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A demo on a machine that cannot reach the makers of programs, so that they register themselves."""
    place = Place(tmp_path_factory.mktemp("programs") / "data", databases={"TRADEPOST_CLIENT_DOCUMENTS": "false"})
    with place.start("demo") as serving:
        serving.wait_ready()
        yield place


@pytest.fixture(scope="module")
def person(demo: Place) -> Iterator[Person]:
    with Person(demo, AGENT) as one:
        yield one


@pytest.fixture
def standing_in() -> Iterator[Model]:
    with model(*ORDER) as one:
        yield one


def grants(demo: Place) -> dict[str, str]:
    """Who was let in and is still, by name: the id."""
    return {one["client"]: one["id"] for one in demo.ask("oauth-grant", "list")}


@pytest.mark.parametrize("kind", [Codex, ClaudeCode, McpRemote])
def test_it_connects_without_a_key(
    kind: Callable[[Setting], Program],
    installed_programs: Programs,
    demo: Place,
    person: Person,
    standing_in: Model,
    tmp_path: Path,
):
    setting = Setting(installed_programs, demo.url, tmp_path, standing_in.url, standing_in.told)
    program = kind(setting)
    refused = program.connect(lambda url: person.answer(url, "deny"))
    assert "did not allow" in refused or "access_denied" in refused, refused
    assert program.name not in grants(demo)

    connected = program.connect(person.answer)
    assert "Successfully logged in" in connected or "Authenticated with" in connected, connected
    assert program.name in person.pages[-1]
    assert "it registered itself" in person.pages[-1]
    order = program.call()
    assert order is not None
    assert "88213" in order

    demo.query(OVER)
    renewed = program.call()
    assert renewed is not None
    assert "88213" in renewed
    called = [one for one in demo.run("audit", "tail", "--json").lines() if one["tool"] == "get_order"]
    assert called
    assert all(one["user_id"] for one in called), called  # the person counts as who called

    demo.run("oauth-grant", "revoke", grants(demo)[program.name]).good()
    assert program.call() is None
    program.connect(person.answer)
    assert program.call() is not None
