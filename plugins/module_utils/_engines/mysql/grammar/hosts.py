# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Hosts of accounts: which clients they match.

https://dev.mysql.com/doc/refman/8.4/en/account-names.html
"""

from __future__ import annotations

import ipaddress
import re

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import matches


def is_host_name(host: str) -> bool:
    """Whether a client's address has to be resolved before it can match: ``db1.example.org``, but no address or pattern
    of addresses such as ``10.0.%``, ``10.0.0.0/255.0.0.0`` or ``fe80::%``."""
    return ":" not in host and any(char.isalpha() for char in host)


def unreachable(host: str, resolves_hosts: bool) -> str:
    """Why no client matches, or an empty string.

    https://dev.mysql.com/doc/refman/8.4/en/account-names.html
    """
    if host in ("localhost", "127.0.0.1", "::1"):
        return f"{host} is the database server itself, where only the service has clients"
    if is_host_name(host):
        return "" if resolves_hosts else "the server does not resolve host names (skip_name_resolve is ON)"
    address, slash, _mask = host.partition("/")
    if slash and not _is_network(host):
        return f"{address} is no address of a network with that mask, so that no client's address matches"
    return ""


def _is_network(host: str) -> bool:
    try:
        ipaddress.ip_network(host)
    except ValueError:
        return False
    return True


def host_matches(pattern: str, address: str) -> bool:
    network = _network(pattern)
    if network is not None:
        try:
            return ipaddress.ip_address(address) in network
        except ValueError:
            return False
    return not pattern or matches(pattern.lower(), address.lower())


def _network(pattern: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if "/" not in pattern:
        return None
    try:
        return ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return None


def specificity(host: str) -> tuple[int, int]:
    """A literal host, then networks, then patterns by how late their first wildcard comes, then none."""
    network = _network(host)
    if network is not None:
        return (1000, network.prefixlen)
    wildcard = re.search(r"(?<!\\)[%_]", host)
    if wildcard:
        return (wildcard.start() + 1, 0)
    return (2000, 0) if host else (0, 0)
