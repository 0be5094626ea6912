"""Keys as a caller meets them: unknown, of another hub, expired and revoked ones all look the same."""

from __future__ import annotations

import pytest

from tests.cli.conftest import OWNER
from tests.processes import Place, Result

PAST = "2001-01-01 00:00:00.000000"


def call_with(place: Place, key: str) -> Result:
    return place.run("call", "get_approval", "--agent", "helper", "approval_id=act_1", env={"TRADEPOST_KEY": key})


@pytest.fixture
def key(served: Place) -> dict[str, str]:
    minted: dict[str, str] = served.run("key", "mint", "--agent", "helper", "--json").json()
    return minted


@pytest.mark.behaviour("S1.2")
def test_bad_keys_are_refused_alike(served: Place, key: dict[str, str]):
    good = call_with(served, key["key"])
    assert "approval" in good.refusal()  # it got in: what it asked for is not there
    expired = served.run("key", "mint", "--agent", "helper", "--days", "1", "--json").json()
    served.query(f"UPDATE api_keys SET expires_at = '{PAST}' WHERE prefix = '{expired['prefix']}'")
    served.run("key", "revoke", key["prefix"]).good()
    keys = {
        "revoked": key["key"],
        "expired": expired["key"],
        "foreign": "tp_" + key["key"][3:-10] + "aaaaaaaaaa",
        "none": "secret",
    }
    said = {name: call_with(served, text).refusal() for name, text in keys.items()}
    assert len(set(said.values())) == 1, said
    assert all(text not in refusal for text, refusal in zip(keys.values(), said.values(), strict=True))
    bridge = served.run("connect", "--agent", "helper", env={"TRADEPOST_KEY": key["key"]})
    assert "key mint" in bridge.refusal()
    assert bridge.out == ""


def test_a_key_is_shown_once(served: Place, key: dict[str, str]):
    listed = served.run("key", "list").good().out
    assert key["prefix"] in listed
    assert key["key"] not in listed
    assert key["key"] not in served.run("key", "list", "--json").good().out
    assert key["key"] not in served.run("audit", "tail", "--limit", "100", "--json").good().out


@pytest.mark.behaviour("S3.23")
def test_a_scope_that_does_not_exist_is_not_given(served: Place):
    refused = served.run("key", "mint", "--agent", "helper", "--scope", "read:order").refusal()
    assert "read:orders" in refused
    assert served.run("key", "mint", "--agent", "helper", "--scope", "custom:loading-dock").good().out


def test_a_key_works_from_its_addresses_alone(served: Place):
    here = served.run("key", "mint", "--agent", "helper", "--from", "127.0.0.0/8", "--from", "::1", "--json").json()
    elsewhere = served.run("key", "mint", "--agent", "helper", "--from", "192.0.2.7", "--json").json()
    assert "approval" in call_with(served, here["key"]).refusal()
    wrong = call_with(served, elsewhere["key"]).refusal()
    assert wrong == call_with(served, "tp_unknown").refusal()
    assert "neither an address" in served.run("key", "mint", "--agent", "helper", "--from", "here").refusal()


def test_a_rotated_key_works_beside_the_new_one_for_its_grace(served: Place):
    first = served.run("key", "mint", "--agent", "helper", "--label", "till", "--json").json()
    second = served.run("key", "rotate", first["prefix"], "--grace", "1", "--json").json()
    third = served.run("key", "rotate", second["prefix"], "--grace", "0", "--json").json()
    asked = [call_with(served, one["key"]).refusal() for one in (first, second, third)]
    assert ["approval" in said for said in asked] == [True, False, True]
    listed = {row["prefix"]: row for row in served.run("key", "list", "--json").json()}
    assert listed[first["prefix"]]["expires_at"]
    assert listed[second["prefix"]]["revoked_at"]
    assert listed[third["prefix"]]["label"] == "till"


def test_a_key_of_a_person_names_person_and_profile(served: Place):
    minted = served.run("key", "mint", "--user", OWNER, "--profile", "team", "--scope", "read:orders", "--json").json()
    listed = {row["prefix"]: row for row in served.run("key", "list", "--json").json()}
    assert listed[minted["prefix"]]["of"] == OWNER
    assert "exactly one" in served.run("key", "mint", "--user", OWNER, "--agent", "helper").refusal()
    assert "profile already" in served.run("key", "mint", "--agent", "helper", "--profile", "team").refusal()
