"""Which network addresses the hub may dial: public ones, and private ones only where the operator said so.

An IPv6 address can carry an IPv4 one inside (mapped, NAT64, 6to4, Teredo, ISATAP); each is looked through, because
`ipaddress` calls some of them global although they lead to this very machine.
"""

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")  # the only part of IPv6 that anybody has been given addresses of
# Global for `ipaddress`, and yet no place of anybody's: relays and documentation.
_NOWHERE = (ipaddress.ip_network("192.88.99.0/24"), ipaddress.ip_network("3fff::/20"))
# Answered by the cloud's own machinery, which gives out credentials. A wider network that an operator allows does not
# mean them: each has to be named alone.
_MACHINERY = frozenset(
    ipaddress.ip_address(one) for one in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")
)


def is_allowed(address: Address, allow_private: Sequence[Network]) -> bool:
    """Whether the hub may dial the address."""
    inner = _embedded(address)
    return all(_single_allowed(one, allow_private) for one in (address, *inner))


def parse_address(text: str) -> Address | None:
    """An address in its one ordinary spelling; None for names and for every odd spelling. One with a zone is odd: it
    means an interface of this machine."""
    try:
        return ipaddress.ip_address(text) if "%" not in text else None
    except ValueError:
        return None


def _single_allowed(address: Address, allow_private: Sequence[Network]) -> bool:
    own = [network for network in allow_private if address.version == network.version and address in network]
    if address in _MACHINERY:
        return any(network.num_addresses == 1 for network in own)
    if own:
        return True
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return True  # judged by the address inside
        if address not in _UNICAST:
            return False
    if any(address.version == network.version and address in network for network in _NOWHERE):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: Address) -> list[Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    value = int(address)
    last = ipaddress.IPv4Address(value & 0xFFFFFFFF)
    found: list[Address] = []
    if address.ipv4_mapped is not None:
        found.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    if any(address in network for network in _NAT64) or (address in _COMPATIBLE and value > 1):
        found.append(last)
    if (value >> 32) & 0xFFFFFFFF in (0x00005EFE, 0x02005EFE):  # ISATAP
        found.append(last)
    return found
