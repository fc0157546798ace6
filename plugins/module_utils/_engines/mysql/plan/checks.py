# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What must not be done though MySQL would do it, and what it would refuse half-way through: found before it starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import (
    becomes_iam,
    iam_auth_off,
    refuse_own_accounts,
    similar_names,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.grantor import Authority
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.checks import (
    Planned,
    adopted,
    check_adoption,
    check_definers_seen,
    check_drop,
    check_may_drop_objects,
    check_sessions,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.dependencies import missing_to_see
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.steps import must_end_sessions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import is_reserved, similar
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    GLOBAL,
    format_scope,
    identifier,
    is_lost,
    on_table,
    tables_in_two_spellings,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    STATIC_PRIVILEGES,
    USAGE,
    in_order,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import PLUGIN, is_admitted
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.access import (
    check_hidden,
    foreign_access,
    kept_rights,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.lockout import check_lockout
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.memberships import (
    check_dropped_roles,
    check_loops,
    check_roles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.naming import (
    check_host,
    check_name,
    hidden_accounts,
    mistaken_names,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.resolve import element_of_grant
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.same_name import still_open
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.plan.system_users import (
    check_system_sessions,
    check_system_user,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Mistakes, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    PASSWORD,
    Account,
    AccountChange,
    AccountName,
    Changes,
    Grant,
    Scope,
)

_MYSQL = Scope("DATABASE", path=("mysql",))


def protected(observed: MySQLObserved) -> frozenset[AccountName]:
    """The login, the master user, and the service's own."""
    return frozenset(
        name
        for name in (*observed.existing, *observed.accounts, observed.login)
        if name == observed.login or name.name == observed.master or is_reserved(name.name)
    )


def review(changes: Changes, observed: MySQLObserved) -> list[str]:
    """Raises Refused, IamAuthDisabled, and ManyMistakes for several accounts; returns warnings."""
    refuse_own_accounts(changes.effective, observed.login, protected(observed), observed.title)
    planned = {change.name: change.after for change in changes.effective}
    mistakes = Mistakes()
    for change in changes.effective:
        with mistakes.about():
            _check_change(change, planned, observed)
    for change in changes.accounts:
        if must_end_sessions(change, observed.dependencies):
            with mistakes.about():
                check_sessions(change, observed.dependencies, observed.authority, observed.login)
                check_system_sessions(change, observed)
    mistakes.refuse()
    check_dropped_roles(changes.accounts, observed)
    check_loops(changes.effective, observed)
    _check_create_user(changes.effective, observed)
    _check_authority(changes.effective, observed)
    return list(_warnings(changes, observed))


def _check_change(change: AccountChange, planned: Planned, observed: MySQLObserved) -> None:
    _check_iam(change, observed)
    check_name(change)
    check_host(change, observed)
    check_lockout(change, observed)
    _check_routines(change, observed)
    check_system_user(change, observed)
    if change.created:
        check_adoption(change, observed.dependencies, observed.unseen_definers, observed.authority, observed.login)
    if change.dropped:
        check_drop(change, observed.dependencies, planned)
        check_definers_seen(change, missing_to_see(observed.authority), observed.login)
        check_may_drop_objects(change, observed.dependencies, observed.authority, observed.login, observed.folds_names)
    check_roles(change, observed)
    _check_spellings(change, observed)
    check_hidden(change, observed)


def _check_iam(change: AccountChange, observed: MySQLObserved) -> None:
    """Without its plugin the server refuses every statement about such an account except DROP USER (error 1524)."""
    if change.after is not None and change.after.authentication != PASSWORD and not observed.plugin_active:
        raise iam_auth_off(observed.title, f"error 1524: Plugin '{PLUGIN}' is not loaded")
    if becomes_iam(change) and observed.iam_auth is False:
        raise iam_auth_off(observed.title, "according to the RDS API")
    if not becomes_iam(change) or is_admitted(observed.authentication_policy, change.created):
        return
    if not observed.authority.holds_dynamic("AUTHENTICATION_POLICY_ADMIN"):
        raise Refused(
            f"authentication_policy of {observed.title} is {observed.authentication_policy!r}, which does not admit "
            f"{PLUGIN} as the only factor. Set it to '*,,' in the parameter group.",
            change.at(),
        )


def _check_routines(change: AccountChange, observed: MySQLObserved) -> None:
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


def _check_spellings(change: AccountChange, observed: MySQLObserved) -> None:
    """Alone, a REVOKE on the whole table may fail, too (1147)."""
    before = change.before.grants if change.before else frozenset()
    after = change.after.grants if change.after else frozenset()
    for table in sorted(tables_in_two_spellings(before) if change.after else ()):
        if on_table(before ^ after, table):
            limited = {grant.privilege for grant in on_table(before, table) if grant.scope.column}
            words = statements.privilege_list([(privilege, ()) for privilege in sorted(limited, key=in_order)])
            whole = statements.grant(words, table, [change.name], False, observed.dialect)
            remedy = f"{whole.text}; {statements.revoke(words, table, [change.name], observed.dialect).text}"
            raise Refused(
                f"{change.name} was granted columns of {format_scope(table)} in two spellings, which the server "
                f"confuses. Grant them on the whole table and revoke them, then run the task again: {remedy}",
                change.at("grants"),
            )


def _check_create_user(changes: Iterable[AccountChange], observed: MySQLObserved) -> None:
    """CREATE USER, ALTER USER, DROP USER and SET DEFAULT ROLE need the one privilege, or to write to mysql.*."""
    written = all(observed.authority.holds(privilege, _MYSQL) for privilege in ("INSERT", "UPDATE", "DELETE"))
    if written or observed.authority.holds("CREATE USER", GLOBAL):
        return
    for change in changes:
        if not change.altered or _itself(change, change.before) != _itself(change, change.after):
            raise Refused(
                f"{observed.login} may not create, alter or drop accounts; grant it CREATE USER ON *.*, or log in as "
                "somebody who has it.",
                change.at(),
            )


def _itself(change: AccountChange, account: Account | None) -> Account | None:
    """An account without what GRANT gives and REVOKE takes."""
    if account is None:
        return None
    default = account.default_roles - change.roles_revoked
    return replace(account, grants=frozenset(), roles=frozenset(), default_roles=default)


def _check_authority(changes: Iterable[AccountChange], observed: MySQLObserved) -> None:
    """MySQL asks that whoever grants or revokes a privilege holds it with grant option."""
    allowed: dict[tuple[str, Scope], bool] = {}
    mistakes = Mistakes()
    for change in changes:
        with mistakes.about():
            if change.after is not None:
                _check_grants(change, allowed, observed)
    mistakes.refuse()


def _check_grants(change: AccountChange, allowed: dict[tuple[str, Scope], bool], observed: MySQLObserved) -> None:
    """``allowed``: what the login may grant, as far as it was asked."""
    for grant in sorted(change.granted | change.revoked):
        key = (grant.privilege, grant.scope)
        if key not in allowed:
            allowed[key] = observed.authority.may_grant(*key)
        if not allowed[key] and not _revocable(grant, change, observed.authority):
            raise _not_allowed(grant, change, observed)
        _check_restrictions(grant, change, observed)


def _revocable(grant: Grant, change: AccountChange, authority: Authority) -> bool:
    """Who may write to the schema mysql may revoke dynamic privileges that they do not hold."""
    dynamic = grant.scope == GLOBAL and grant.privilege not in (*STATIC_PRIVILEGES, USAGE)
    return dynamic and grant in change.revoked and authority.holds("UPDATE", _MYSQL)


def _not_allowed(grant: Grant, change: AccountChange, observed: MySQLObserved) -> Refused:
    verb, remedy = "grant", "remove it from grants"
    if grant in change.revoked:
        verb, remedy = "revoke", "list it under grants, or set purge_grants: false"
    name = "the grant option" if grant.privilege == USAGE else grant.privilege
    return Refused(
        f"{observed.login} may not {verb} {name} on {format_scope(grant.scope)}, because it does not hold it there "
        f"with the grant option itself; {remedy}, or log in as somebody who does.",
        change.at(element_of_grant(change, grant, observed)),
    )


def _check_restrictions(grant: Grant, change: AccountChange, observed: MySQLObserved) -> None:
    """Partial revokes are kept, and two statements would not keep them.

    GRANT on a database where the global privilege is partially revoked lifts that instead of adding a privilege; REVOKE
    of a global privilege is refused (3879) where the login itself is restricted and the account is not.
    """
    restrictions = observed.grant_tables.restrictions.get(change.name, {})
    if grant.scope.kind == "DATABASE" and grant in change.granted:
        if grant.privilege in restrictions.get(grant.scope.path[0], ()):
            raise Refused(
                f"{change.name} holds {grant.privilege} on *.* with a partial revoke for {grant.scope.path[0]}, which "
                "granting it there would lift silently; remove the grant from the task, or lift the partial revoke by "
                "hand first.",
                change.at(element_of_grant(change, grant, observed)),
            )
    elif grant.scope == GLOBAL and grant in change.revoked:
        freer = [
            name
            for name in sorted(observed.authority.restricted(grant.privilege))
            if grant.privilege not in restrictions.get(name, ())
        ]
        if freer:
            raise Refused(
                f"{observed.login} may not revoke {grant.privilege} on *.* from {change.name}, which reaches database "
                f"{freer[0]} with it, where {observed.login} does not; list it under grants.",
                change.at(element_of_grant(change, grant, observed)),
            )


def _warnings(changes: Changes, observed: MySQLObserved) -> Iterator[str]:
    for session in observed.dependencies.unclear:
        yield (
            f"The session of {session} is not ended: it cannot be told which account it is of, because its client's "
            "host name hides the address."
        )
    yield from mistaken_names(changes.accounts)
    yield from hidden_accounts(changes.accounts, observed.existing)
    yield from foreign_access(changes, observed)
    yield from kept_rights(changes, observed)
    yield from similar_names(
        changes.accounts,
        lambda name: similar(name, observed.existing),
        "in MySQL the host is part of the name, and case matters",
    )
    yield from adopted(changes.accounts, observed.dependencies, observed.authority, observed.login)
    yield from still_open(changes.accounts, observed.unlocked)
