"""Networks: IPv4 in IPv6 is IPv4, however it is written."""

from ipaddress import ip_network

import pytest

from tradepost.foundation.networks import read_network


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        (" 192.0.2.7 ", "192.0.2.7/32"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("::ffff:0:0/90", None),
    ],
)
def test_a_network_has_one_spelling(text: str, same: str | None):
    if same is None:
        with pytest.raises(ValueError, match="host bits"):
            read_network(text)
    else:
        assert read_network(text) == ip_network(same)


def test_an_address_with_a_prefix_names_its_network():
    assert str(read_network("::ffff:192.0.2.7/120", strict=False)) == "192.0.2.0/24"
