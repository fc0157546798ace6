# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Which accounts and which rows of the grant tables a client matches, and in which order the server tries them.

https://dev.mysql.com/doc/refman/8.4/en/connection-access.html

https://github.com/mysql/mysql-server/blob/trunk/sql/auth/sql_auth_cache.cc: ``ACL_HOST_AND_IP``, ``get_sort``
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.hosts import network_of
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import is_host_name
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import matches, overlap
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName

ANONYMOUS = ""
LOCALHOST = "localhost"

_LITERAL, _FURTHEST = 128, 127
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}\Z")
_NUMERIC = re.compile(r"[0-9./]+\Z")
_LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_WILDCARD = re.compile(r"\\.|([%_])", re.DOTALL)


class Client(NamedTuple):
    """A client as the server knows it.

    host     its name, where the server resolves names; ``localhost`` on a socket
    address  empty on a socket
    """

    host: str = ""
    address: str = ""


def client_of(login_user: str) -> Client:
    """Of a session, by the client's part of USER(): a name, or an address if the server knows no name."""
    told = login_user.rpartition("@")[2]
    return Client(told) if is_host_name(told) else Client(address=told)


def matches_client(host: str | None, client: Client) -> bool:
    """Whether the host of an account, or of a row, matches the client."""
    network = network_of(host or "")
    if network is not None:
        return bool(_IPV4.match(client.address)) and ipaddress.ip_address(client.address) in network
    host = _plain(host or "")
    return host == "" or any(matches(host.lower(), told.lower()) for told in client if told)


def specificity(text: str | None) -> int:
    """Of a host, database or user: the later the first wildcard, the more specific; an empty text is the least."""
    text = text or ""
    wildcard = next((match.start() for match in _WILDCARD.finditer(text) if match[1]), None)
    if wildcard is None:
        return _LITERAL if text else 0
    return 1 if text == "%" else min(wildcard + 2, _FURTHEST)


def host_order(host: str | None) -> tuple[int, int, int]:
    """A sort key of hosts, in which the most specific is the greatest: addresses, networks with a prefix, networks with
    a mask, everything else. Hosts with equal keys are in no order that the server keeps."""
    host = host or ""
    network = network_of(host)
    if network is not None:
        return (1 if host.count(".") > 3 else 2, network.prefixlen, _LITERAL)
    return (3 if _IPV4.match(host) else 0, 0, specificity(host))


def logs_in_as(user: str, client: Client, accounts: Iterable[AccountName]) -> AccountName | None:
    """The account that such a client is checked against, whether it may log in or not. Anonymous accounts count as
    accounts of every name."""
    found = [name for name in accounts if name.name in (user, ANONYMOUS) and matches_client(name.host, client)]
    return max(found, key=lambda name: (host_order(name.host), specificity(name.name)), default=None)


def may_share_clients(host: str | None, other: str | None, resolves_hosts: bool) -> bool:
    """Whether there may be a client that both hosts match.

    resolves_hosts  the server tells clients by the names of their hosts, too
    """
    if not host or not other:
        return True
    named = is_host_name(host), is_host_name(other)
    if named[0] != named[1] and resolves_hosts:
        return True
    return overlap(_as_pattern(host).lower(), _as_pattern(other).lower())


def hides(anonymous: str | None, host: str | None) -> bool:
    """Whether clients that match both log in as the account without a name."""
    return host_order(anonymous) > host_order(host) and may_share_clients(anonymous, host, True)


def hides_sentence(anonymous: str | None, accounts: str) -> str:
    return (
        f"Clients that match the anonymous account ''@'{anonymous}' log in as that, and not as {accounts}, because its "
        f"host is more specific. Drop it if nobody needs it: DROP USER ''@'{anonymous}'."
    )


def _plain(host: str) -> str:
    """The server reads addresses as numbers, so that zeros may lead."""
    return _LEADING_ZEROS.sub("", host) if _NUMERIC.match(host) else host


def _as_pattern(host: str) -> str:
    """A pattern that matches every client that the host matches."""
    network = network_of(host)
    if network is None:
        return host
    whole = network.prefixlen // 8
    return ".".join([*str(network.network_address).split(".")[:whole], *["%"] * (4 - whole)])
