# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""From parsed accounts to desired ones: every name found on the server, ALL expanded, in canonical form. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import (
    ParsedAccount,
    ParsedGrant,
    ParsedPrivilege,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import (
    elements_of,
    missing,
    no_column,
    own_role,
    role_element,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.names import (
    find_role,
    role_names,
    similar,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import (
    MAX_IDENTIFIER,
    canonical,
    format_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    ALL,
    PERFORMANCE_SCHEMA_PRIVILEGES,
    STATIC_PRIVILEGES,
    USAGE,
    in_order,
    privileges_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.request import parse_grant
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    InvalidOption,
    Mistakes,
    Refused,
    UnknownPrivilege,
    Where,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountChange,
    AccountName,
    Desired,
    Grant,
    Scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Subject


def resolve_account(account: ParsedAccount, observed: MySQLObserved) -> list[Desired]:
    """The account, or all of its name. Raises MissingObject, UnknownPrivilege, InvalidOption, Refused."""
    if account.request.all_hosts:
        return _whole_name(account, observed)
    if not account.request.present:
        return [Desired(account.name, account.request)]
    if account.name in observed.group_roles:
        raise Refused(
            f"{account.name} is a role, as which nobody logs in. Choose another name for the account, and list the "
            "role under its roles.",
            Where(element="name"),
        )
    mistakes = Mistakes()
    grants = _grants(account, observed, mistakes)
    roles = _roles(account, observed, mistakes)
    mistakes.refuse()
    return [Desired(account.name, account.request, grants, roles)]


def _whole_name(account: ParsedAccount, observed: MySQLObserved) -> list[Desired]:
    name, request = account.name, account.request
    found = sorted(other for other in observed.existing if other.name == name.name)
    if not found and request.present:
        near = [f"{other.name}" for other in similar(name, observed.existing)]
        raise missing(f"an account called {name.name}", observed.title, near)
    return [Desired(other, request) for other in found or [name]]


def _roles(account: ParsedAccount, observed: MySQLObserved, mistakes: Mistakes) -> frozenset[AccountName] | None:
    if account.roles is None:
        return None
    found = set()
    for index, text in enumerate(account.roles):
        with mistakes.about(element=f"roles[{index}]"):
            found.add(_role(text, account, observed))
    return frozenset(found)


def _role(text: str, account: ParsedAccount, observed: MySQLObserved) -> AccountName:
    role = find_role(text, observed.existing)
    if role is None:
        near = {other for name in role_names(text) for other in similar(AccountName(name), observed.existing)}
        raise missing(f"role {text}", observed.title, [str(other) for other in sorted(near)])
    if role == account.name:
        raise own_role(role)
    return role


def _grants(account: ParsedAccount, observed: MySQLObserved, mistakes: Mistakes) -> frozenset[Grant] | None:
    if account.grants is None:
        return None
    reader = _AccountReader(account.name, observed)
    wanted: set[Grant] = set()
    for parsed in account.grants:
        with mistakes.about(element=parsed.position):
            wanted |= reader.read(parsed)
    return frozenset(wanted)


class _AccountReader:
    """Reads the elements of one account's ``grants``; remembers where each level's grant option was asked for."""

    def __init__(self, account: AccountName, observed: MySQLObserved) -> None:
        self._observed = observed
        before = observed.accounts.get(account)
        self._held = before.grants if before else frozenset[Grant]()
        self._options: dict[str, tuple[bool, str]] = {}

    def read(self, parsed: ParsedGrant) -> set[Grant]:
        scope = canonical(parsed.scope, self._observed.folds_names)
        self._check_pattern(scope, parsed)
        wanted = {grant for privilege in parsed.privileges for grant in self._expand(privilege, scope, parsed)}
        self._check_exists(scope, wanted, parsed)
        self._check_performance_schema(scope, wanted, parsed)
        for grant in sorted(filter(_is_dynamic, wanted)):
            self._check_option(grant.privilege, "a privilege has one grant option", parsed)
        if any(privilege.name == USAGE for privilege in parsed.privileges) or not all(map(_is_dynamic, wanted)):
            shared = "in MySQL the grant option applies to all privileges on one object alike"
            self._check_option(format_scope(scope), shared, parsed)
            if parsed.grantable:
                wanted.add(Grant(USAGE, scope, True))
        return wanted

    def _expand(self, privilege: ParsedPrivilege, scope: Scope, parsed: ParsedGrant) -> Iterable[Grant]:
        if privilege.name == USAGE:
            return ()
        if privilege.columns:
            return (Grant(privilege.name, self._column(column, scope, parsed)) for column in privilege.columns)
        if privilege.name != ALL:
            names: tuple[str, ...] = (privilege.name,)
            self._check_known(privilege.name, scope, parsed)
        elif scope.kind == "GLOBAL":
            names = self._everything(parsed)
        else:
            names = privileges_of(scope.kind)
        return (_grant(name, scope, parsed.grantable) for name in names)

    def _everything(self, parsed: ParsedGrant) -> tuple[str, ...]:
        names = self._observed.authority.global_privileges()
        if not names:
            raise Refused(
                f"ALL on *.* means what {self._observed.login} holds there with the grant option, "
                "and that is nothing; name the databases instead, or log in as the master user."
            )
        return names

    def _check_known(self, name: str, scope: Scope, parsed: ParsedGrant) -> None:
        dynamic = name not in STATIC_PRIVILEGES
        if dynamic and name not in self._observed.known_dynamic and Grant(name, scope) not in self._held:
            raise UnknownPrivilege(
                f"{name} is not a privilege that {self._observed.title} knows; SHOW PRIVILEGES lists them."
            )

    def _column(self, column: str, scope: Scope, parsed: ParsedGrant) -> Scope:
        """The column's scope, spelled as in the account's grants: the grant table keeps the spelling of the statement
        that made it, and a REVOKE must repeat it."""
        held = self._spellings(scope, column)
        if not held and scope in self._observed.objects.scopes and not self._stored(scope, column):
            raise no_column(format_scope(scope), column, self._observed.title)
        spelled = column if column in held else min(held, default=self._stored(scope, column) or column)
        return replace(scope, column=spelled)

    def _spellings(self, table: Scope, column: str) -> set[str]:
        columns = {grant.scope.column for grant in self._held if grant.scope.path == table.path}
        return {held for held in columns if held and held.lower() == column.lower()}

    def _stored(self, table: Scope, column: str) -> str:
        return self._observed.objects.column(table.path, column)

    def _check_exists(self, scope: Scope, wanted: set[Grant], parsed: ParsedGrant) -> None:
        """What the account holds already needs no object: MySQL keeps the grants on a table that was dropped."""
        if scope.kind in ("GLOBAL", "PATTERN") or scope in self._observed.objects.scopes:
            return
        if wanted and wanted <= self._held:
            return
        kind = scope.kind.lower()
        if Scope("DATABASE", path=scope.path[:1]) not in self._observed.objects.scopes:
            kind, scope = "database", Scope("DATABASE", path=scope.path[:1])
        login = "" if self._observed.authority.sees(scope) else str(self._observed.login)
        raise missing(f"{kind} {'.'.join(scope.path)}", self._observed.title, unseen_by=login)

    def _check_pattern(self, scope: Scope, parsed: ParsedGrant) -> None:
        if scope.kind not in ("DATABASE", "PATTERN"):
            return
        if scope.kind == "PATTERN" and not self._observed.dialect.database_patterns:
            raise InvalidOption(
                f"{format_scope(scope)} is a pattern, but partial_revokes is ON on "
                f"{self._observed.title}, which makes % and _ in a database name plain characters; name the databases "
                r"one by one (or write \% for a % in a name)."
            )
        if len(self._observed.dialect.stored_database(scope)) > MAX_IDENTIFIER:
            raise Refused(
                f"the name of database {scope.path[0]}, with its _ and % escaped, is longer than "
                f"the {MAX_IDENTIFIER} characters that MySQL's grant tables hold; grant on its tables instead."
            )

    def _check_performance_schema(self, scope: Scope, wanted: set[Grant], parsed: ParsedGrant) -> None:
        """The server denies the others to everybody (1044), unless they came by a pattern.

        https://dev.mysql.com/doc/refman/8.4/en/performance-schema-table-characteristics.html
        """
        if scope.path[:1] != ("performance_schema",):
            return
        for grant in sorted(wanted - self._held, key=lambda grant: in_order(grant.privilege)):
            if grant.privilege not in PERFORMANCE_SCHEMA_PRIVILEGES:
                raise UnknownPrivilege(
                    f"{grant.privilege} does not apply to {format_scope(scope)}, which is the "
                    f"server's own; what does: {', '.join(PERFORMANCE_SCHEMA_PRIVILEGES)}."
                )

    def _check_option(self, what: str, rule: str, parsed: ParsedGrant) -> None:
        asked, position = self._options.setdefault(what, (parsed.grantable, parsed.position))
        if asked != parsed.grantable:
            raise InvalidOption(
                f"grant_option is {str(parsed.grantable).lower()}, but {position} says "
                f"{str(asked).lower()} for {what}; {rule}, so make the two agree."
            )


def element_of_grant(change: AccountChange, grant: Grant, observed: MySQLObserved) -> str:
    """Which element of ``grants`` asks for it; the option, where none does."""
    for request in change.request.grants or () if change.request is not None else ():
        if grant.key in {found.key for found in _AccountReader(change.name, observed).read(parse_grant(request))}:
            return request.position
    return "grants"


def elements(
    wanted: Sequence[ParsedAccount], subjects: Collection[Subject], observed: MySQLObserved
) -> dict[AccountName, str]:
    def objects(parsed: ParsedGrant) -> frozenset[Scope]:
        return frozenset((canonical(parsed.scope, observed.folds_names),))

    def role(text: str) -> AccountName | None:
        return find_role(text, observed.existing)

    return {account.name: elements_of(account, subjects, objects, role) for account in wanted}


def element_of_role(change: AccountChange, role: AccountName, observed: MySQLObserved) -> str:
    return role_element(change, lambda text: find_role(text, observed.existing) == role)


def _grant(name: str, scope: Scope, grantable: bool) -> Grant:
    dynamic = scope.kind == "GLOBAL" and name not in STATIC_PRIVILEGES
    return Grant(name, scope, dynamic and grantable)


def _is_dynamic(grant: Grant) -> bool:
    return grant.scope.kind == "GLOBAL" and grant.privilege not in STATIC_PRIVILEGES
