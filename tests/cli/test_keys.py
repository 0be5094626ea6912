"""Keys as a caller meets them: unknown, of another hub, expired and revoked ones all look the same."""

from __future__ import annotations

import pytest

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
