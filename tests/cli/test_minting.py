"""`tradepost key mint` for a person: a key for REST, as wide as the person's role or narrower (S0.42)."""

from __future__ import annotations

import httpx2

from tests.cli.conftest import OWNER, VIEWER
from tests.processes import Place


def test_a_key_of_a_person_works_over_rest_within_its_scopes(served: Place):
    minted = served.ask("key", "mint", "--user", VIEWER, "--scope", "read:servers", "--label", "metrics")
    listed = {row["prefix"]: row for row in served.ask("key", "list")}
    assert listed[minted["prefix"]]["of"] == VIEWER
    with httpx2.Client(headers={"authorization": f"Bearer {minted['key']}"}, trust_env=False) as client:
        assert client.get(f"{served.url}/api/v1/me").json()["user"]["email"] == VIEWER
        assert client.get(f"{served.url}/api/v1/servers").status_code == 200
        assert client.get(f"{served.url}/api/v1/audit").status_code == 403


def test_a_key_belongs_to_exactly_one(served: Place):
    assert "an agent or to a user" in served.run("key", "mint").refusal()
    both = served.run("key", "mint", "--agent", "helper", "--user", OWNER)
    assert "an agent or to a user" in both.refusal()
