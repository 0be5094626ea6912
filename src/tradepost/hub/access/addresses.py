"""From where a key may be used: addresses and networks."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.networks import Network, read_network

Networks = tuple[Network, ...]
MOST = 50


def checked_networks(texts: Sequence[str] | None) -> list[str] | None:
    """The networks as they are kept. Raises InvalidArgument; an empty list would be a key that nobody can use."""
    if texts is None:
        return None
    if not texts or len(texts) > MOST:
        raise InvalidArgument(
            f"A key may be bound to 1 to {MOST} addresses or networks.",
            field="allowed_addresses",
            hint="Leave them out for a key that may be used from anywhere.",
        )
    return [str(_network(text)) for text in texts]


def networks_of(kept: Sequence[str] | None) -> Networks | None:
    """Kept networks, ready to be compared with."""
    return None if kept is None else tuple(read_network(text) for text in kept)


def is_within(address: str, networks: Networks) -> bool:
    """Whether an address is in one of them; False for what is no address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return any((mapped or found) in network for network in networks)


def _network(text: str) -> Network:
    try:
        return read_network(text, strict=False)
    except ValueError:
        raise InvalidArgument(
            f"'{text[:60]}' is neither an address nor a network.",
            field="allowed_addresses",
            hint="Write 192.0.2.7, 10.1.0.0/16 or 2001:db8::/32.",
        ) from None
