# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What is wrong with accounts and only MySQL can have."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import Row, listed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import is_host_name
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import find_broken
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM, AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import Defect, SurveyedAccount


def find_defects(
    accounts: Collection[SurveyedAccount], foreign: Mapping[AccountName, Collection[Row]], resolves_hosts: bool
) -> Iterator[Defect]:
    """
    foreign         rows of others that count for each account
    resolves_hosts  the server tells clients by the names of their hosts, too
    """
    yield from find_broken(surveyed.account for surveyed in accounts)
    for surveyed in accounts:
        account = surveyed.account
        if account.authentication != IAM:
            continue
        # What anonymous accounts give to everybody is a finding of its own
        rows = [row for row in foreign.get(account.name, ()) if row.account.name]
        if rows and not account.locked:
            yield Defect(
                "foreign_grants",
                account.name,
                f"{account.name} also has {listed(rows)}, because MySQL looks for grants by user name and client while "
                "no role is active; revoke there what the account should not have.",
            )
        reason = _shut_out(account.name.host, resolves_hosts)
        if reason:
            yield Defect(
                "host_unreachable",
                account.name,
                f"Nobody can log in as {account.name}, because {reason}; make it anew with a host that clients have, "
                "such as % or 10.0.%.",
            )


def _shut_out(host: str, resolves_hosts: bool) -> str:
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
