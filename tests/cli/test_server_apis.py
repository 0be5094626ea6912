"""`tradepost server add-api`, `operations` and `api`: a document by hand, what is chosen of it, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

from tests.hub.billing import DOCUMENT, KEY
from tests.processes import Place

PRIVATE = {"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8"}
BASE = "http://127.0.0.1:18092/v1"


def test_a_document_is_registered_chosen_from_and_replaced(place: Place, tmp_path: Path):
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    add = ("server", "add-api", "home-billing", str(file))
    assert "--base-url" in place.run(*add, env=PRIVATE).refusal()
    refused = place.run(*add, "--base-url", BASE, "--credential", f"Wrong={KEY}", env=PRIVATE).refusal()
    assert "It has: Key (API key in the header X-Billing-Key)" in refused
    assert KEY not in refused
    said = place.run(
        *(*add, "--base-url", BASE, "--credential", f"Key={KEY}", "--operations", "tag:invoices,apply_credit,export"),
        *("--fields", "get_invoice=id,lines.sku", "--idempotency-header", "Idempotency-Key"),
        env=PRIVATE,
    ).good()
    assert "3 of 5 operations become tools" in said.out
    assert "No tool: GET /exports: The reference 'https://elsewhere.example/p.yaml' leads out" in said.out
    rows = {row["name"]: row for row in place.ask("server", "operations", "home-billing")}
    assert [name for name, row in rows.items() if row["chosen"]] == [
        "list_invoices", "get_invoice", "apply_credit", "export",
    ]  # fmt: skip
    assert (rows["get_invoice"]["fields"], rows["get_invoice"]["request"]) == ("id, lines.sku", "GET /invoices/{id}")

    change = ("server", "api", "home-billing")
    assert "Change one thing" in place.run(*change, env=PRIVATE).refusal()
    assert "no operation 'nothing'" in place.run(*change, "--operations", "nothing", env=PRIVATE).refusal()
    place.run(*change, "--operations", "reads", "--fields", "get_invoice=", env=PRIVATE).good()
    rows = {row["name"]: row for row in place.ask("server", "operations", "home-billing", "--chosen")}
    assert ("apply_credit" in rows, rows["get_invoice"]["fields"]) == (False, "")
    file.write_text("swagger: '2.0'", encoding="utf-8")
    assert "is Swagger 2.0" in place.run(*change, "--document", str(file), env=PRIVATE).refusal()
    assert KEY not in place.run("server", "list").good().out + place.run("audit", "tail", "--json").good().out
