# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Names and hosts of new accounts that are mistakes, and anonymous accounts that hide them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import (
    hides,
    hides_sentence,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.hosts import unreachable
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import sql_account
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountChange, AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import first_of

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


def hidden_accounts(changes: Iterable[AccountChange], existing: Collection[AccountName]) -> Iterator[str]:
    """Warnings about anonymous accounts."""
    wanted = [change.name for change in changes if change.after is not None and not change.after.locked]
    for nameless in sorted(name for name in existing if not name.name):
        hidden = [str(name) for name in wanted if hides(nameless.host, name.host)]
        if hidden:
            yield hides_sentence(nameless.host, first_of(hidden, _NAMED))
