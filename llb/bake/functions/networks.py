"""Functions on IP networks in CIDR notation."""

from __future__ import annotations

import ipaddress

from llb.bake.evaluation.functions import Parameter, define
from llb.bake.evaluation.whole_numbers import whole
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import NUMBER, STRING
from llb.bake.values.value import Value, list_of, string

_PREFIX = Parameter("prefix", STRING)
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MOST_BITS = 32


@define("cidrhost", _PREFIX, Parameter("hostnum", NUMBER))
def _host(prefix: Value, hostnum: Value) -> Value:
    """The address of a host in a network; a negative number counts from the end."""
    network, host = _network(prefix), whole(hostnum)
    last = network.num_addresses - 1
    if not -network.num_addresses <= host <= last:
        raise Unsuitable(
            f"prefix of {network.prefixlen} does not accommodate a host numbered {host}"
        )
    return string(str(network[host]))


@define("cidrnetmask", _PREFIX)
def _netmask(prefix: Value) -> Value:
    """The mask of a network."""
    return string(str(_network(prefix).netmask))


@define("cidrsubnet", _PREFIX, Parameter("newbits", NUMBER), Parameter("netnum", NUMBER))
def _subnet(prefix: Value, newbits: Value, netnum: Value) -> Value:
    """A network in another one, whose prefix is longer by some bits."""
    bits, place = whole(newbits), whole(netnum)
    network = _network(prefix)
    if bits > _MOST_BITS:
        raise Unsuitable("may not extend prefix by more than 32 bits")
    length = network.prefixlen + bits
    if length > network.max_prefixlen or bits < 0:
        raise Unsuitable(
            f"insufficient address space to extend prefix of {network.prefixlen} by {bits}"
        )
    if not 0 <= place < 2**bits:
        raise Unsuitable(
            f"prefix extension of {bits} does not accommodate a subnet numbered {place}"
        )
    return string(str(_subnetwork(network, length, place)))


@define("cidrsubnets", _PREFIX, variadic=Parameter("newbits", NUMBER))
def _subnets(prefix: Value, *newbits: Value) -> Value:
    """Networks one after the other in another one, each with a longer prefix."""
    network = _network(prefix, argument=0)
    start = int(network.network_address)
    end = start + network.num_addresses
    current = "the start"
    found = []
    for at, each in enumerate(newbits, 1):
        length = network.prefixlen + _bits(each, at)
        if length > network.max_prefixlen:
            message = (
                f"would extend prefix to {length} bits, which is too long for an"
                f" IPv{network.version} address"
            )
            raise Unsuitable(message, argument=at)
        size = 1 << (network.max_prefixlen - length)
        start = (start + size - 1) // size * size
        if start + size > end:
            message = (
                "not enough remaining address space for a subnet with a prefix of"
                f" {length} bits after {current}"
            )
            raise Unsuitable(message, argument=at)
        current = f"{type(network.network_address)(start)}/{length}"
        found.append(string(current))
        start += size
    return list_of(found, STRING)


def _bits(value: Value, at: int) -> int:
    bits = whole(value)
    if bits < 1:
        raise Unsuitable("must extend prefix by at least one bit", argument=at)
    if bits > _MOST_BITS:
        raise Unsuitable("may not extend prefix by more than 32 bits", argument=at)
    return bits


def _subnetwork(network: _Network, length: int, place: int) -> str:
    address = int(network.network_address) + (place << (network.max_prefixlen - length))
    return f"{type(network.network_address)(address)}/{length}"


def _network(prefix: Value, argument: int | None = None) -> _Network:
    """Parse a network; one of IPv4 addresses in IPv6 is one of IPv4."""
    text = prefix.text
    has_length = "/" in text and text.rpartition("/")[2].isdecimal()
    try:
        network = ipaddress.ip_network(text, strict=False) if has_length else None
    except ValueError:
        network = None
    if network is None:
        raise Unsuitable(f"invalid CIDR expression: {text}", argument=argument)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.IPv4Network((int(mapped), network.prefixlen - 96))
    return network
