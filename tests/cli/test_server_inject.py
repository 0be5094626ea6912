"""`tradepost server inject` and `tradepost assertion-keys`: shown, changed, refused, and published by a running hub."""

from __future__ import annotations

import json
from urllib.request import urlopen

from tests.processes import Place


def test_rules_are_shown_set_and_removed(served: Place):
    assert served.ask("server", "inject", "orders") == {"rules": [], "caller_assertion": None}
    place = ("server", "inject", "orders", "--tool", "get_order")
    said = served.run(*place, "--argument", "order_id=principal.attributes.order", "--optional").refusal()
    assert "'order_id' of get_order" in said
    said = served.run(*place, "--argument", "order_id=shop.id").refusal()
    assert "workspace.id, workspace.slug" in said
    assert "constant" in served.run(*place, "--argument", 'order_id=constant:"ord_1"').good().out
    assert served.ask(*place)["rules"] == [
        {"target": "argument", "name": "order_id", "constant": "ord_1", "set_by": "tool"}
    ]
    served.run(*place, "--remove", "argument:order_id").good()
    assert served.ask(*place)["rules"] == []


def test_what_a_bundled_server_has_no_use_for_is_refused(served: Place):
    for given in (["--header", "X-Tenant=workspace.id"], ["--caller-assertion"], ["--meta", "com.example/a=user.id"]):
        assert "bundled server" in served.run("server", "inject", "orders", *given).refusal()


def test_keys_are_made_rotated_and_published(served: Place):
    assert served.ask("assertion-keys", "list") == []
    served.run("assertion-keys", "rotate").good()
    (first,) = served.ask("assertion-keys", "list")
    assert first["state"] == "signing"
    served.run("assertion-keys", "rotate").good()
    assert "is published already" in served.run("assertion-keys", "rotate").refusal()
    assert [key["state"] for key in served.ask("assertion-keys", "list")] == ["next", "signing"]
    with urlopen(f"{served.url}/.well-known/jwks.json") as answer:
        published = json.load(answer)["keys"]
    assert {key["kid"] for key in published} == {key["kid"] for key in served.ask("assertion-keys", "list")}
    assert all("d" not in key for key in published)
