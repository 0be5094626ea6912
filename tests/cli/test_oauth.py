"""OAuth clients and grants by command."""

from __future__ import annotations

import json
from pathlib import Path

from joserfc.jwk import ECKey

from tests.cli.conftest import VIEWER
from tests.processes import Place


def test_clients_are_added_listed_and_disabled(place: Place, tmp_path: Path):
    desk = place.run("oauth-client", "add", "Desk", "--redirect", "http://127.0.0.1/callback", "--json").json()
    assert desk["secret"] is None
    job = place.run("oauth-client", "add", "Night job", "--agent", "helper", "--secret", "--json").json()
    assert job["secret"].startswith("tpcs_")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}))
    place.run("oauth-client", "add", "Signing job", "--agent", "helper", "--jwks", keys).good()
    listed = place.run("oauth-client", "list", "--json").json()
    assert [(row["name"], row["proves itself"]) for row in listed] == [
        ("Desk", "no"),
        ("Night job", "secret"),
        ("Signing job", "key"),
    ]
    assert job["secret"] not in place.run("oauth-client", "list").good().out  # shown once
    assert job["secret"] not in place.run("audit", "tail", "--limit", "50", "--json").good().out
    place.run("oauth-client", "disable", desk["client_id"]).good()
    assert place.run("oauth-client", "list", "--json").json()[0]["status"] == "disabled"


def test_what_is_refused(place: Place, tmp_path: Path):
    add = ("oauth-client", "add", "Desk")
    assert "nothing" in place.run(*add).refusal()
    assert "redirect URI" in place.run(*add, "--redirect", "javascript:alert(1)").refusal()
    assert "prove itself" in place.run(*add, "--agent", "helper").refusal()
    private = tmp_path / "private.json"
    private.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}))
    assert "private" in place.run(*add, "--agent", "helper", "--jwks", private).refusal()
    assert "role" in place.run(*add, "--redirect", "https://a.example/cb", "--as", VIEWER).refusal()
    assert "no client" in place.run("oauth-client", "disable", "tpc_unknown").refusal()


def test_grants_are_listed_and_taken_back(place: Place):
    assert place.run("oauth-grant", "list", "--json").json() == []
    assert "no grant" in place.run("oauth-grant", "revoke", "oag_unknown").refusal()
