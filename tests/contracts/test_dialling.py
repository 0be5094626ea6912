"""Every place that reaches out to the network, read off the source: it goes through the guard, or an operator wrote the
address, or it stands here with its reason, or it is a mistake (security.md §2 rows 20-22)."""

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tradepost"

# What can open a connection, by module and by name.
LIBRARIES = {
    "httpx",
    "httpx2",
    "requests",
    "aiohttp",
    "urllib.request",
    "http.client",
    "smtplib",
    "aiosmtplib",
    "ftplib",
    "websockets",
}
OPENERS = {"open_connection", "create_connection", "HttpPool", "open_unix_connection", "sock_connect", "getaddrinfo"}

GUARDED = {
    "agents/models/naming.py": "models' endpoints: the guard checks them each time, and no redirect is followed",
    "hub/upstreams/guard.py": "the guard itself",
    "hub/upstreams/clients.py": "servers: over the guard's own pools",
    "hub/upstreams/diagnosis.py": "what is wrong with a server: the guard's addresses alone",
    "hub/upstreams/oauth/accounts.py": "tokens for servers: over the guard's own pool",
    "hub/upstreams/oauth/fetching.py": "tokens for servers: over the guard's own pool",
    "hub/notices/posting.py": "webhooks that an admin names: over the guard's own pool",
    "hub/registration/registries.py": "registries that an admin names: over the guard's own pool",
    "identity/oauth/fetching.py": "documents of OAuth clients: over the guard's own pool",
    "identity/people/oidc_fetch.py": "what an issuer names on other hosts: dialled to the guard's addresses",
}
OF_THE_OPERATOR = {
    "app/hub.py": "takes connections for documents from tests",
    "cli/calling.py": "a command that talks to its own hub",
    "cli/chatting.py": "a command that talks to its own hub",
    "protocol/bridge.py": "a command that talks to its own hub",
    "hub/vault/managers/asking.py": "secrets managers of the operator's file",
    "commerce/outbound/http.py": "ports of the shop: an address from the operator's settings alone",
    "hub/telemetry/collector.py": "the collector of the operator's settings",
    "hub/notices/mailing.py": "the mail account of the operator's settings",
    "commerce/outbound/smtp.py": "the mail server of the operator's settings",
    "starter/tracker.py": "the demo's own tracker, on this machine",
}
BENEATH = {
    "hub/upstreams/rest/link.py": "over a pool that it is given",
    "protocol/http_dial.py": "dials the addresses that it is given, and no others",
    "protocol/client.py": "over a pool that it is given",
    "protocol/sse_link.py": "over a pool that it is given",
    "protocol/wire.py": "over a pool that it is given",
    "protocol/peers.py": "Unix sockets between the processes of one hub",
}


def opens(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return bool({alias.name for alias in node.names} & LIBRARIES)
    if isinstance(node, ast.ImportFrom):
        return node.module in LIBRARIES or bool({one.name for one in node.names} & OPENERS)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "import_module":
        return ast.unparse(node.args[0]).strip("'") in LIBRARIES
    return isinstance(node, ast.Attribute) and node.attr in OPENERS


def reaches_out(path: Path) -> bool:
    return any(opens(node) for node in ast.walk(ast.parse(path.read_text("utf-8"))))


def test_whatever_reaches_out_is_known_and_why_it_may() -> None:
    known = {**GUARDED, **OF_THE_OPERATOR, **BENEATH}
    found = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if reaches_out(path)}
    assert found - known.keys() == set()
    assert known.keys() - found == set()  # no reason without its module
