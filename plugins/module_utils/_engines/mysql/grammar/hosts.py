# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Hosts of accounts: which clients they match.

https://dev.mysql.com/doc/refman/8.4/en/account-names.html
https://github.com/mysql/mysql-server/blob/8.0/sql/auth/sql_auth_cache.cc (ACL_HOST_AND_IP)
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import matches

_SERVER_ITSELF = ("localhost", "127.0.0.1", "::1")
_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]+){3}\Z")
_FOREIGN = re.compile(r"[^0-9a-z._%:-]")
_ALL_BITS = 2**32 - 1
_EXAMPLES = "% or a pattern such as 10.0.%"


class Unreachable(NamedTuple):
    """Why no client matches a host, and what to write instead."""

    reason: str
    instead: str = _EXAMPLES


def is_host_name(host: str) -> bool:
    """Whether a client's address has to be resolved before it can match: ``db1.example.org``, but no address or pattern
    of addresses such as ``10.0.%``, ``10.0.0.0/255.0.0.0`` or ``fe80::%``."""
    return ":" not in host and any(char.isalpha() for char in host)


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
    if _network(host) is not None:
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


def host_matches(pattern: str | None, address: str) -> bool:
    network, client = _network(pattern or ""), _address(address)
    if network is not None:
        return client is not None and client & network[1] == network[0]
    return not pattern or matches(pattern.lower(), address.lower())


def specificity(host: str | None) -> tuple[int, int]:
    """A literal host, then networks, then patterns by how late their first wildcard comes, then none."""
    host = host or ""
    network = _network(host)
    if network is not None and "/" in host:
        return (1000, network[1])
    wildcard = re.search(r"(?<!\\)[%_]", host)
    if wildcard:
        return (wildcard.start() + 1, 0)
    return (2000, 0) if host else (0, 0)


def hides(anonymous: str | None, host: str | None) -> bool:
    """Whether some clients match both, and log in as the account without a name."""
    return specificity(anonymous) > specificity(host) and _meet(_pattern(anonymous or ""), _pattern(host or ""))


def hides_sentence(anonymous: str | None, accounts: str) -> str:
    return (
        f"Clients that match the anonymous account ''@'{anonymous}' log in as that, and not as {accounts}, because its "
        f"host is more specific. Drop it if nobody needs it: DROP USER ''@'{anonymous}'."
    )


def _pattern(host: str) -> str:
    """One that matches all clients of the host, and more for a network that does not end between two numbers."""
    network = _network(host)
    if network is None or "/" not in host:
        return host.lower() or "%"
    numbers = str(ipaddress.IPv4Address(network[0])).split(".")
    whole = [number for number, bits in zip(numbers, network[1].to_bytes(4, "big")) if bits == 255]
    return ".".join(whole) if len(whole) == 4 else ".".join([*whole, "%"])


@lru_cache(maxsize=4096)
def _meet(first: str, second: str) -> bool:
    """Whether a text matches both patterns."""
    if not first or not second:
        return not (first + second).strip("%")
    if second[0] == "%":
        first, second = second, first
    if first[0] == "%":
        return _meet(first[1:], second) or _meet(first, second[1:])
    return (first[0] == second[0] or "_" in (first[0], second[0])) and _meet(first[1:], second[1:])


def _network(host: str) -> tuple[int, int] | None:
    """Address and mask as numbers; None for what the server compares as text, and for what it never matches."""
    address, slash, mask = host.partition("/")
    number, bits = _address(address), _mask(mask) if slash else _ALL_BITS
    if number is None or not bits or number & ~bits:
        return None
    return number, bits


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
