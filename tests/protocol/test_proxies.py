"""Who a request comes from, behind proxies and with headers that lie (security.md row 38)."""

from ipaddress import ip_network
from typing import Any

import pytest

from tradepost.protocol.proxies import TrustedProxies

PROXIES = TrustedProxies([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


def looked(peer: str | None, *headers: tuple[str, str]) -> tuple[str | None, str]:
    scope: dict[str, Any] = {
        "client": None if peer is None else (peer, 1234),
        "scheme": "http",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    PROXIES.look(scope)
    return (scope["client"] and scope["client"][0]), scope["scheme"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", ["198.51.100.7"], "203.0.113.9"),  # a client's own word
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.7"], "198.51.100.7"),  # what stands before came from the client
        ("10.0.0.1", ["1.1.1.1", "198.51.100.7, 10.2.3.4"], "198.51.100.7"),
        ("10.0.0.1", ["10.9.9.9"], "10.9.9.9"),  # a client within the trusted network
        ("10.0.0.1", ["1.1.1.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, nonsense, 10.2.3.4"], "10.2.3.4"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("fd00::5", ["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["\xe9\x00"], "10.0.0.1"),
        (None, ["198.51.100.7"], None),  # a socket of this machine
    ],
)
def test_the_client_is_whom_the_outermost_trusted_proxy_saw(peer: str | None, forwarded: list[str], client: str | None):
    assert looked(peer, *(("X-Forwarded-For", value) for value in forwarded))[0] == client


@pytest.mark.parametrize(
    ("peer", "proto", "scheme"),
    [
        ("10.0.0.1", "https", "https"),
        ("10.0.0.1", "http, HTTPS", "https"),
        ("10.0.0.1", "gopher", "http"),
        ("203.0.113.9", "https", "http"),
    ],
)
def test_the_scheme_is_a_proxys_to_say(peer: str, proto: str, scheme: str):
    assert looked(peer, ("x-forwarded-proto", proto))[1] == scheme
