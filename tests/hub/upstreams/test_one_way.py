"""There is no second way to a server: only dispatch calls one, and only registration looks at one."""

import ast
from functools import cache
from pathlib import Path

import tradepost

ROOT = Path(tradepost.__file__).parent
MAY_CONNECT = {"hub/upstreams/clients.py", "hub/upstreams/connection.py"}
MAY_ASK_FOR_A_CONNECTION = {
    "hub/upstreams/connections.py",  # which keeps them
    "hub/upstreams/dispatch.py",
    "hub/registration/discovery.py",
    "hub/registration/in_use.py",  # which reads what one that is open has found out
    "hub/registration/trial.py",  # what discovery tries
    "hub/upstreams/watching.py",  # which hands on what a server says of its own accord, and calls nothing
}
CALLS_BUNDLED_SERVERS = "hub/upstreams/dispatch.py"
PORT_METHODS = {"call", "read", "prompt", "complete"}
# The servers themselves and their own endpoints (stdio, HTTP without the hub) are not ways around the hub.
NOT_THE_HUB = ("commerce/", "protocol/")
STANDS_FOR_ONE = "app/shop.py"  # hands on, by the same method, what dispatch asks of a server that is loaded late


@cache
def modules() -> dict[str, ast.Module]:
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in sorted(ROOT.rglob("*.py"))
    }


def imported(tree: ast.Module) -> set[str]:
    """Every name that a module imports, with its module."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def test_only_one_place_makes_a_client():
    users = {
        name
        for name, tree in modules().items()
        if "tradepost.protocol.client" in imported(tree) and not name.startswith("protocol/")
    }
    assert users == MAY_CONNECT


def test_only_dispatch_and_discovery_ask_for_a_connection():
    for name, tree in modules().items():
        if name in MAY_ASK_FOR_A_CONNECTION | MAY_CONNECT:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                owner = ast.unparse(node.value)
                assert not (node.attr in ("to", "anew") and owner.endswith("connections")), f"{name} connects"
                assert not (owner.endswith("connection") and node.attr == "client"), f"{name} uses a client"


def test_only_dispatch_calls_a_bundled_server():
    for name, tree in modules().items():
        if name in (CALLS_BUNDLED_SERVERS, STANDS_FOR_ONE) or name.startswith(NOT_THE_HUB):
            continue
        if "tradepost.protocol.builtin.BuiltinServer" not in imported(tree):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PORT_METHODS:
                first = ast.unparse(node.args[0]) if node.args else ""
                assert "caller" not in first, f"{name} calls a bundled server: {ast.unparse(node)}"


def test_the_hub_uses_no_other_network_library():
    forbidden = {"httpx", "requests", "aiohttp", "urllib.request", "mcp.client"}
    for name, tree in modules().items():
        if name.startswith("hub/"):
            used = {one for one in imported(tree) for ban in forbidden if one == ban or one.startswith(ban + ".")}
            if name == "hub/telemetry/collector.py":  # OpenTelemetry's exporter wants a session of requests
                used -= {"requests"}
            assert not used, f"{name} uses {used}"
            if name != "hub/upstreams/guard.py":  # which takes its trust in certificates from there
                assert "httpx2" not in imported(tree), f"{name} uses httpx2"
