"""`tradepost export`, `tradepost import` and servers from a registry, as people type them."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import VIEWER
from tests.hub.registration.registry_double import entry
from tests.processes import Place

SECRET = "CANARY-c0ffee"
SERVERS = """
servers:
- slug: tracker
  url: http://127.0.0.1:18099/mcp
  headers:
  - name: Authorization
assignments:
- agent: helper
  server: orders
  tool: get_order
"""
CREDENTIALS = """
format_version: 1
rules: {changed_tools: keep}
servers:
- slug: warehouse
  url: http://127.0.0.1:18099
  secret_url: true
- slug: stock
  url: http://127.0.0.1:18099/mcp
  oauth: {flow: client_credentials, client_id: us, client_secret: true, token_url: "http://127.0.0.1:18099/token"}
- slug: invoicing
  url: openapi:http://127.0.0.1:18099/v1
  api:
    source: http://127.0.0.1:18099/openapi.json
    operations: [reads, create_invoice]
    fields: {GET /invoices: [items.id]}
"""


def test_a_file_is_planned_brought_and_given_out_again(place: Place, tmp_path: Path):
    """Exit status 3 means that a dry run found something to do; what is missing is said at the end."""
    file = tmp_path / "shop.yaml"
    file.write_text(f"format_version: 1{SERVERS}", "utf-8")
    env = {"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8"}
    planned = place.run("import", file, "--dry-run", env=env)
    assert (planned.status, planned.err) == (3, "")
    assert "+ create server tracker (url: http://127.0.0.1:18099/mcp)" in planned.out
    assert "2 to create, 0 to change, 0 to remove. Nothing was changed." in planned.out
    assert "tracker: the header Authorization (TRADEPOST_HEADER_TRACKER__AUTHORIZATION)" in planned.out
    assert "Nothing was changed" in place.run("import", file, "--dry-run", env=env).out

    done = place.run("import", file, env={**env, "TRADEPOST_HEADER_TRACKER__AUTHORIZATION": f"Bearer {SECRET}"}).good()
    assert "2 created, 0 changed, 0 removed." in done.out
    assert "To be set" not in done.out
    exported = place.run("export").good().out
    assert SECRET not in exported + done.out + done.err
    again = tmp_path / "again.yaml"
    place.run("export", "-o", again).good()
    assert again.read_text("utf-8") == exported
    assert place.run("import", again, "--dry-run").good().out == "Nothing to change.\n"
    told = json.loads(place.run("import", again, "--prune", "--json").good().out)
    assert (told["changed"], told["changes"], told["to_be_set"]) == (False, [], [])
    assert place.ask("export")["agents"][0]["slug"] == "helper"

    file.write_text(f"format_version: 1\nprofiles:\n- slug: other{SERVERS}  typo: 1\n", "utf-8")
    assert (
        "Line 13, column 3 (assignments[0].typo): There is no member 'typo' here."
        in place.run("import", file).refusal()
    )
    assert "other" not in place.run("export").good().out
    assert "cannot be read" in place.run("import", tmp_path / "nothing.yaml").refusal()
    assert "needs a person with the role admin" in place.run("export", "--as", VIEWER).refusal()
    assert "needs a person with the role admin" in place.run("import", again, "--as", VIEWER).refusal()

    file.write_text(CREDENTIALS, "utf-8")
    given = {**env, "TRADEPOST_URL_WAREHOUSE": f"http://127.0.0.1:18099/{SECRET}/mcp"}
    brought = place.run("import", file, env=given).good()
    assert "stock: the client's secret (TRADEPOST_CLIENT_SECRET_STOCK)" in brought.out
    assert "the secret URL" not in brought.out
    place.run("export", "-o", again).good()
    assert SECRET not in again.read_text("utf-8") + brought.out + brought.err
    assert place.run("import", again, "--dry-run", "--prune", env=env).good().out.startswith("Nothing to change.\n")
    place.run("server", "operations", "invoicing", env=env).good()  # of a document that nobody has read yet


class _Registry(http.server.BaseHTTPRequestHandler):
    """Two servers: one with an endpoint, and a package."""

    def do_GET(self) -> None:
        secret = {"name": "Authorization", "isRequired": True, "isSecret": True}
        remotes = [{"type": "streamable-http", "url": "http://127.0.0.1:18099/mcp", "headers": [secret]}]
        tracker = entry("com.example/tracker", remotes=remotes)
        program = entry("com.example/program", packages=[{"registryType": "pypi", "identifier": "a-program"}])
        one = {"tracker": tracker, "program": program}
        named = next((name for name in one if f"%2F{name}/" in self.path), None)
        page = {"servers": [tracker, program], "metadata": {"count": 2, "nextCursor": "com.example/program:1.0.2"}}
        body = json.dumps(one[named] if named else page).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_is_found_in_a_registry_and_added(place: Place, registry: str):
    env = {"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8", "TRADEPOST_REGISTRY": registry}
    assert "private or special" in place.run("server", "browse", "--registry", registry).refusal()
    listed = place.run("server", "browse", "example", env=env).good().out
    assert "com.example/tracker" in listed
    assert "no: a package" in listed
    assert "--cursor 'com.example/program:1.0.2'" in listed
    assert (
        "needs a value of: Authorization" in place.run("server", "add-from", "com.example/tracker", env=env).refusal()
    )
    said = place.run("server", "add-from", "com.example/program", env=env).refusal()
    assert "only packages to be run: pypi a-program" in said
    assert "TRADEPOST_SERVERS_FILE" in said
    added = place.run(
        *("server", "add-from", "com.example/tracker", "--slug", "parcels"),
        *("--set", f"Authorization=Bearer {SECRET}"),
        env=env,
    ).good()
    assert "tradepost server test parcels" in added.out
    assert SECRET not in added.out + added.err
    assert place.ask("export")["servers"][-1]["headers"] == [{"name": "Authorization", "secret": True}]
