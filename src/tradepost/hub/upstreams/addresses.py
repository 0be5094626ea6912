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
# Global by the registry, yet answered by the cloud's own machinery.
_NEVER = (ipaddress.ip_network("168.63.129.16/32"), ipaddress.ip_network("100.100.100.200/32"))


def is_allowed(address: Address, allow_private: Sequence[Network]) -> bool:
    """Whether the hub may dial the address."""
    inner = _embedded(address)
    return all(_single_allowed(one, allow_private) for one in (address, *inner))


def parse_address(text: str) -> Address | None:
    """An address in its one ordinary spelling; None for names and for every odd spelling."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _single_allowed(address: Address, allow_private: Sequence[Network]) -> bool:
    if any(address.version == network.version and address in network for network in allow_private):
        return True
    if any(address.version == network.version and address in network for network in _NEVER):
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return True  # judged by the address inside
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
