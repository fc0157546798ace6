# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Hosts that no client can match, and why. Which host matches which client is in ``catalog/clients.py``.

https://dev.mysql.com/doc/refman/8.4/en/account-names.html
https://github.com/mysql/mysql-server/blob/8.0/sql/auth/sql_auth_cache.cc (ACL_HOST_AND_IP)
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import is_host_name

_SERVER_ITSELF = ("localhost", "127.0.0.1", "::1")
_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]+){3}\Z")
_FOREIGN = re.compile(r"[^0-9a-z._%:-]")
_ALL_BITS = 2**32 - 1
_EXAMPLES = "% or a pattern such as 10.0.%"


class Unreachable(NamedTuple):
    """Why no client matches a host, and what to write instead."""

    reason: str
    instead: str = _EXAMPLES


def unreachable(host: str, resolves_hosts: bool) -> Unreachable | None:
    """None for a host that a client can match. ``resolves_hosts``: the server tells clients by the names of their
    hosts, too."""
    if host in _SERVER_ITSELF:
        return Unreachable(f"{host} is the database server itself, where only the service has clients")
    if "/" in host:
        return _unreachable_network(host)
    foreign = _FOREIGN.search(host)
    if foreign:
        instead = _FOREIGN.sub("", host.replace("*", "%"))
        return Unreachable(f"{foreign[0]} is neither part of an address nor a wildcard", instead or _EXAMPLES)
    if ":" in host:
        return _unreachable_ipv6(host)
    if is_host_name(host):
        return (
            None if resolves_hosts else Unreachable("the server does not resolve host names (skip_name_resolve is ON)")
        )
    return _unreachable_ipv4(host)


def _unreachable_ipv4(host: str) -> Unreachable | None:
    known = not host or re.search("[%_]", host) or _address(host) is not None
    return None if known else Unreachable(f"{host} is no IPv4 address")


def _unreachable_network(host: str) -> Unreachable | None:
    address, _slash, mask = host.partition("/")
    if network_of(host) is not None:
        return None
    if ":" in address:
        return Unreachable("MySQL has no masks for IPv6", "a pattern such as fd00::%")
    bits, number = _mask(mask), _address(address)
    if bits is None or number is None:
        return Unreachable(f"{address} and {mask} are no IPv4 address and mask", "10.0.0.0/8 or 10.0.0.0/255.0.0.0")
    if not bits:
        return Unreachable("MySQL takes a mask of no bits for no mask", "%")
    network = ipaddress.IPv4Address(number & bits)
    return Unreachable(f"{address} has bits that the mask leaves out", f"{network}/{mask}")


def _unreachable_ipv6(host: str) -> Unreachable | None:
    """The server compares the text of an address."""
    if host.startswith("::ffff:"):
        return Unreachable("MySQL knows a client with an IPv4 address by that", "the IPv4 address")
    if "%" in host or "_" in host:
        return None
    try:
        address = str(ipaddress.IPv6Address(host))
    except ValueError:
        return Unreachable(f"{host} is no IPv6 address", "an address or a pattern such as fd00::%")
    return None if address == host else Unreachable("MySQL compares IPv6 addresses in their short form", address)


def network_of(host: str) -> ipaddress.IPv4Network | None:
    """``10.0.0.0/8`` or ``10.0.0.0/255.0.0.0``; None for what the server compares as text, and for what it never
    matches."""
    address, _slash, mask = host.partition("/")
    number, bits = _address(address), _mask(mask)
    if number is None or not bits or number & ~bits:
        return None
    return ipaddress.IPv4Network((number, bin(bits).count("1")))


def _mask(text: str) -> int | None:
    """``8`` or ``255.0.0.0``."""
    if re.match(r"[0-9]+\Z", text):
        return _ALL_BITS << 32 - int(text) & _ALL_BITS if int(text) <= 32 else None
    number = _address(text)
    inverse = None if number is None else number ^ _ALL_BITS
    return number if inverse is not None and not inverse & inverse + 1 else None


def _address(text: str) -> int | None:
    """Zeros may lead, and do not mean octal numbers."""
    numbers = [int(part) for part in text.split(".")] if _ADDRESS.match(text) else [256]
    return None if max(numbers) > 255 else int.from_bytes(bytes(numbers), "big")
