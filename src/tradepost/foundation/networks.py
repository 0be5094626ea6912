"""Networks as people write them: of IPv4, IPv6, or IPv4 in IPv6, which is the same as plain IPv4."""

from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")


def read_network(text: str, *, strict: bool = True) -> Network:
    """A network, or one address as one. `strict`: nothing may be set behind the prefix. Raises ValueError."""
    network = ip_network(text.strip(), strict=strict)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        first = network.network_address.ipv4_mapped
        if first is not None:
            return IPv4Network((first, network.prefixlen - _MAPPED.prefixlen))
    return network
