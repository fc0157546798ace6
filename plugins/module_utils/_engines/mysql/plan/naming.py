# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Names and hosts of new accounts: which ones no client could use, or would lock somebody out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import (
    client_of,
    hides,
    hides_sentence,
    host_order,
    matches_client,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.hosts import unreachable
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import sql_account
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    format_scope,
    identifier,
    is_lost,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.resolve import element_of_grant
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountChange, AccountName

_NAMED = 3
"""Accounts that a warning names before it only counts them."""


def check_name(change: AccountChange) -> None:
    """The server takes it for a name like any other, and no IAM policy would. Raises InvalidOption."""
    mistake = _mistaken_name(change.name.name) if change.created else ""
    if mistake:
        raise InvalidOption(mistake, change.at("name"))


def mistaken_names(changes: Iterable[AccountChange]) -> Iterator[str]:
    """Warnings about what is not there to be dropped."""
    gone = (change.name.name for change in changes if change.before is None and change.after is None)
    yield from filter(None, map(_mistaken_name, gone))


def _mistaken_name(text: str) -> str:
    meant = sql_account(text)
    if meant is None:
        return ""
    name, host = meant
    where = f" and host: '{host}'" if host else ""
    return f"{text} is an account as SQL writes it, and not a name. Write name: {name}{where}."


def check_host(change: AccountChange, observed: MySQLObserved) -> None:
    """The server creates such an account, and at best warns later (1285). Raises Refused.

    https://dev.mysql.com/doc/refman/8.4/en/host-cache.html
    """
    if not change.created:
        return
    if not change.name.host:
        raise Refused(
            f"The host of {change.name} is empty. It matches every client, as % does, but is another host. Leave host "
            "out, or write a pattern such as 10.0.%.",
            change.at("host"),
        )
    found = unreachable(change.name.host, observed.resolves_hosts)
    if found:
        raise Refused(
            f"Nobody could log in as {change.name}, because {found.reason}. Write another host: {found.instead}.",
            change.at("host"),
        )


def check_routines(change: AccountChange, observed: MySQLObserved) -> None:
    """Raises Refused."""
    for grant in sorted(grant for grant in change.granted if is_lost(change.name, grant.scope)):
        database = identifier(grant.scope.path[0])
        remedy = f"Grant it on {database}.*"
        if all(text.isascii() for text in grant.scope.path):
            remedy += ", or grant it to a role with an ASCII name and list that under roles"
        raise Refused(
            f"MySQL loses {grant.privilege} on {format_scope(grant.scope)} for {change.name} when it restarts, because "
            f"a name has letters outside ASCII. {remedy}.",
            change.at(element_of_grant(change, grant, observed)),
        )


def check_lockout(change: AccountChange, observed: MySQLObserved) -> None:
    """Of several accounts of a name, a client logs in as that with the most specific host. Raises Refused.

    https://dev.mysql.com/doc/refman/8.4/en/connection-access.html
    """
    name, login, client = change.name, observed.login, observed.client
    if not change.created:
        return
    if name.name == observed.master:
        whose = f"the master user of {observed.title}"
    elif name.name == client.name and matches_client(name.host, client_of(str(client))) and _is_stronger(name, login):
        whose = f"the login of this task ({login})"
    else:
        return
    raise Refused(
        f"Clients whose host matches {name} would no longer log in as {whose}, but as {name}. Choose another name.",
        change.at("name"),
    )


def _is_stronger(name: AccountName, other: AccountName) -> bool:
    return not other.name or host_order(name.host) > host_order(other.host)


def hidden_accounts(changes: Iterable[AccountChange], existing: Collection[AccountName]) -> Iterator[str]:
    """Warnings about anonymous accounts."""
    wanted = [change.name for change in changes if change.after is not None and not change.after.locked]
    for nameless in sorted(name for name in existing if not name.name):
        hidden = [str(name) for name in wanted if hides(nameless.host, name.host)]
        if hidden:
            yield hides_sentence(nameless.host, _first_of(hidden))


def _first_of(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
