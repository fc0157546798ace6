# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""From what the task names to what the server has: the canonical form in which grants are compared."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
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
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import object_of
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.objects import (
    PUBLIC,
    SecuredObject,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import (
    DATABASE_OWNER,
    any_membership,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar import privileges
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.arguments import (
    readable_type,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    CLUSTER,
    FUTURE,
    PARENT,
    SIGNATURE,
    kind_of,
    kinds_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import is_reserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import (
    ANY_SIGNATURE,
    ARGUMENT_SEPARATOR,
    DEFAULT_SCHEMAS,
    describe_scope,
    name_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.request import parse_grant
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import RDS_IAM
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.acting import Acting
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    MissingObject,
    Mistakes,
    Refused,
    UnknownPrivilege,
    Where,
    about,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountChange,
    AccountName,
    Desired,
    Grant,
    Scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Subject


class Resolver:
    """Resolves the accounts of one task. Equal grants of many accounts are resolved once."""

    def __init__(self, wanted: Sequence[ParsedAccount], observed: PostgreSQLObserved) -> None:
        self.observed = observed
        self.created = {account.name.name for account in wanted if account.request.present}
        self._dropped = {account.name.name: account.request for account in wanted if not account.request.present}
        self._known: dict[tuple[object, ...], frozenset[Grant]] = {}
        self._acting = Acting(observed.authority, observed.roles.members(RDS_IAM, any_membership))
        self._out_of_reach: dict[tuple[object, ...], frozenset[Grant]] = {}

    def resolve(self, account: ParsedAccount) -> Desired:
        if not account.request.present:
            return Desired(account.name, account.request)
        mistakes = Mistakes()
        grants = None if account.grants is None else self._grants(account.name.name, account.grants, mistakes)
        roles = None if account.roles is None else self._roles(account.name.name, account.roles, mistakes)
        mistakes.refuse()
        return Desired(account.name, account.request, grants, roles)

    def _roles(self, account: str, names: Sequence[str], mistakes: Mistakes) -> frozenset[AccountName]:
        for index, name in enumerate(names):
            with mistakes.about(element=f"roles[{index}]"):
                self._check_role(account, name)
        # rds_iam is what makes it an IAM-authenticated account, and not one of its group roles
        return frozenset(AccountName(name) for name in names if name != RDS_IAM)

    def _check_role(self, account: str, name: str) -> None:
        if name == RDS_IAM:
            return
        if name == account:
            raise own_role(name)
        if name == DATABASE_OWNER:
            raise Refused(f"{name} has no other members than the owner of the database; remove it from roles.")
        role = self.observed.roles.by_name.get(name)
        if role is None and name not in self.created:
            raise missing(f"role {name}", self.observed.title)
        if role is not None and role.superuser:
            raise Refused(f"{name} is a superuser, and only superusers can grant it; remove it from roles.")
        if account in self.observed.roles.reachable(name, any_membership):
            raise Refused(f"{name} is itself a member of {account}; revoke one of the two memberships first.")

    def _grants(self, account: str, grants: Iterable[ParsedGrant], mistakes: Mistakes) -> frozenset[Grant]:
        found: dict[tuple[str, Scope], Grant] = {}
        for parsed in grants:
            with mistakes.about(element=parsed.position):
                self._add(account, parsed, found)
        return frozenset(found.values())

    def _add(self, account: str, parsed: ParsedGrant, found: dict[tuple[str, Scope], Grant]) -> None:
        unavailable = self._unavailable(parsed)
        for grant in self._expand(parsed):
            # What an owner has by ownership is not a grant and would never show up as one
            if self.observed.catalogue.owner(grant.scope) == account:
                continue
            if grant in unavailable:
                kept = self._held(account, grant)
                found.update((item.key, item) for item in kept if item.key not in found)
            elif grant.grantable or grant.key not in found:
                found[grant.key] = grant

    def element_of(self, change: AccountChange, grant: Grant) -> str:
        """Which element of ``grants`` asks for it; the option, where none does."""
        for request in change.request.grants or () if change.request is not None else ():
            if grant.key in {found.key for found in self._existing(parse_grant(request))}:
                return request.position
        return "grants"

    def objects(self, parsed: ParsedGrant) -> frozenset[Scope]:
        """Those that the element means."""
        return frozenset(object_of(grant.scope) for grant in self._existing(parsed))

    def _existing(self, parsed: ParsedGrant) -> frozenset[Grant]:
        try:
            return self._expand(parsed)
        except (MissingObject, Refused, UnknownPrivilege):
            return frozenset()

    def left_out(self, account: str, parsed: ParsedGrant) -> list[Grant]:
        """What the account does not get though the task says ALL, and has neither itself nor as everybody has it."""
        return [
            grant
            for grant in self._unavailable(parsed)
            if account != self.observed.catalogue.owner(grant.scope)
            and not self._public_has(grant)
            and not self._held(account, grant)
        ]

    def _held(self, account: str, grant: Grant) -> list[Grant]:
        """What the account has of it already stays, since the login could not give it back."""
        entries = self.observed.catalogue.entries(grant.scope, account)
        options = [entry.grantable for entry in entries if entry.privilege == grant.privilege]
        return [replace(grant, grantable=any(options))] if options else []

    def _unavailable(self, parsed: ParsedGrant) -> frozenset[Grant]:
        """Of ALL in a schema: what the login cannot grant, if everybody has it already, or if it belongs to an
        extension or a superuser, as what RDS brings along."""
        if not parsed.scope.kind.startswith(PARENT):
            return frozenset()
        key = _key(parsed)
        if key not in self._out_of_reach:
            self._out_of_reach[key] = frozenset(grant for grant in self._expand(parsed) if self._is_unavailable(grant))
        return self._out_of_reach[key]

    def _is_unavailable(self, grant: Grant) -> bool:
        if self.observed.authority.may_grant(grant.scope, grant.privilege):
            return False
        item = self.observed.catalogue.objects.get(object_of(grant.scope))
        supplied = item is not None and item.supplied and not self._acting.may_join(item.owner)
        return supplied or self._public_has(grant)

    def _public_has(self, grant: Grant) -> bool:
        entries = self.observed.catalogue.entries(grant.scope, PUBLIC)
        return not grant.grantable and any(entry.privilege == grant.privilege for entry in entries)

    def _expand(self, parsed: ParsedGrant) -> frozenset[Grant]:
        key = _key(parsed)
        if key not in self._known:
            scopes = list(self._scopes(parsed.scope))
            self._known[key] = frozenset(
                Grant(name, replace(scope, column=column) if column else scope, parsed.grantable)
                for privilege in parsed.privileges
                for scope in scopes
                for name in self._privilege_names(privilege, parsed)
                for column in self._columns(privilege, scope)
            )
        return self._known[key]

    def _privilege_names(self, privilege: ParsedPrivilege, parsed: ParsedGrant) -> tuple[str, ...]:
        kind, major = parsed.scope.kind, self.observed.major
        newer = privileges.newer(kind, privilege.name, major)
        if newer is not None:
            raise UnknownPrivilege(
                f"{newer[0]} came with PostgreSQL {newer[1]}, and {self.observed.title} runs {major}; leave it out."
            )
        if privilege.name != privileges.ALL:
            return (privilege.name,)
        return privileges.ON_COLUMNS if privilege.columns else privileges.available(kind, major)

    def _columns(self, privilege: ParsedPrivilege, scope: Scope) -> tuple[str, ...]:
        for column in privilege.columns:
            if replace(scope, column=column) not in self.observed.catalogue.objects:
                raise no_column(name_scope(scope), column, self.observed.title)
        return privilege.columns or ("",)

    def _scopes(self, scope: Scope) -> Iterator[Scope]:
        """The canonical scopes that a parsed one stands for."""
        if scope.kind == "DATABASE":
            yield self._shared(replace(scope, path=scope.path or (self.observed.database,)))
        elif kind_of(scope.kind).place == CLUSTER:
            yield self._shared(scope)
        else:
            scope = replace(scope, database=scope.database or self.observed.database)
            self._check_database(scope.database)
            if scope.kind.startswith(FUTURE):
                yield from self._future(scope)
            elif scope.kind.startswith(PARENT):
                yield from self._all_in_schema(scope)
            elif len(scope.path) == 1:
                self._check(scope)
                yield scope
            else:
                yield self._in_schema(scope)

    def _shared(self, scope: Scope) -> Scope:
        self._check(scope)
        return scope

    def _check_database(self, name: str) -> None:
        database = self.observed.catalogue.databases.get(name)
        if database is None:
            raise missing(f"database {name}", self.observed.title)
        if not database.connectable:
            raise Refused(
                f"the login {self.observed.login} may not connect to database {name}, where this must be "
                f"granted; grant it CONNECT on {name}, and see that {name} is valid and takes connections."
            )

    def _check(self, scope: Scope) -> None:
        if scope not in self.observed.catalogue.objects:
            raise missing(name_scope(scope), self.observed.title)

    def _future(self, scope: Scope) -> Iterator[Scope]:
        owner = scope.owner
        if owner and owner not in self.observed.roles.by_name and owner not in self.created:
            with about(Where(element="owner")):
                raise missing(f"role {owner}", self.observed.title)
        for schema in scope.path:
            self._check(Scope("SCHEMA", scope.database, (schema,)))
        owners = {owner} if owner else self._creators(scope)
        if not owners:
            raise MissingObject(
                f"nobody but the service's own roles owns {_place(scope)} or anything in it; name with owner the role "
                "whose new objects are meant."
            )
        for name in sorted(owners):
            yield replace(scope, owner=name)

    def _creators(self, scope: Scope) -> set[str]:
        """Whose new objects are meant where the task names no owner: those who own something there already, once this
        task has reassigned and dropped what it is to. Nobody but superusers sets default privileges of the service's
        own roles."""
        database = self.observed.catalogue.databases[scope.database]
        found: set[str] = set()
        for owner in self.observed.catalogue.creators(scope.database, *scope.path):
            # The server takes default privileges of the pseudo-role, and never uses them
            name = database.owner if owner == DATABASE_OWNER else owner
            dropped = self._dropped.get(name)
            found.add(name if dropped is None else dropped.reassign_owned_to)
        return {name for name in found if name and not is_reserved(name)}

    def _all_in_schema(self, scope: Scope) -> Iterator[Scope]:
        self._check(Scope("SCHEMA", scope.database, scope.path))
        words = [kind.word for kind in kinds_of(scope.kind)]
        for item in self.observed.catalogue.in_schema(scope.database, scope.path[0]):
            if item.scope.kind in words:
                yield item.scope

    def _in_schema(self, scope: Scope) -> Scope:
        schemas = [scope.path[0]] if scope.path[0] else list(DEFAULT_SCHEMAS)
        if scope.path[0]:
            self._check(Scope("SCHEMA", scope.database, (scope.path[0],)))
        for schema in schemas:
            found = self._find(replace(scope, path=(schema, scope.path[1])))
            if found:
                return found[0].scope
        what = f"{_as_written(scope)} in database {scope.database}"
        raise missing(what, self.observed.title, self._near(scope, schemas))

    def _find(self, scope: Scope) -> list[SecuredObject]:
        if kind_of(scope.kind).catalog.form == SIGNATURE:
            return self._find_routines(scope)
        item = self.observed.catalogue.objects.get(replace(scope, kind=kind_of(scope.kind).word))
        if item is None:
            return []
        if item.instead:
            raise MissingObject(f"{_as_written(scope)} has no privileges of its own; grant {item.instead}'s.")
        return [item] if item.is_domain or scope.kind != "DOMAIN" else []

    def _find_routines(self, scope: Scope) -> list[SecuredObject]:
        catalogue = self.observed.catalogue
        words = [kind.word for kind in kinds_of(scope.kind)]
        overloads = [item for item in catalogue.routines(scope.database, scope.path) if item.scope.kind in words]
        if scope.arguments != ANY_SIGNATURE:
            signature = self._signature(scope)
            return [item for item in overloads if item.argument_types == signature]
        if len(overloads) > 1:
            signatures = ", ".join(sorted(f"({item.scope.arguments})" for item in overloads))
            raise MissingObject(
                f"{_as_written(scope)} is overloaded; write the argument types as well, one of {signatures}."
            )
        return overloads

    def _signature(self, scope: Scope) -> str:
        """The OIDs of the argument types; ? for a type that does not exist."""
        texts = scope.arguments.split(ARGUMENT_SEPARATOR) if scope.arguments else []
        types = self.observed.catalogue.types
        return " ".join(str(types.get((scope.database, text), "?")) for text in texts)

    def _near(self, scope: Scope, schemas: Sequence[str]) -> list[str]:
        """What else goes by that name."""
        return sorted(
            describe_scope(item.scope)
            for schema in schemas
            for item in self.observed.catalogue.in_schema(scope.database, schema)
            if item.scope.path[1] == scope.path[1]
        )


def element_of_grant(change: AccountChange, grant: Grant, observed: PostgreSQLObserved) -> str:
    return Resolver((), observed).element_of(change, grant)


def elements(
    wanted: Sequence[ParsedAccount], subjects: Collection[Subject], observed: PostgreSQLObserved
) -> dict[AccountName, str]:
    resolver = Resolver(wanted, observed)
    # Which every account is in, whatever its roles
    subjects = [item for item in subjects if item != AccountName(RDS_IAM)]
    return {account.name: elements_of(account, subjects, resolver.objects, AccountName) for account in wanted}


def _key(parsed: ParsedGrant) -> tuple[object, ...]:
    """What grants have in common that stand for the same."""
    return (parsed.scope, parsed.privileges, parsed.grantable)


def _place(scope: Scope) -> str:
    if scope.path:
        return name_scope(Scope("SCHEMA", scope.database, scope.path))
    return f"a schema of {name_scope(Scope('DATABASE', path=(scope.database,)))}"


def _as_written(scope: Scope) -> str:
    path = ".".join(part for part in scope.path if part)
    if kind_of(scope.kind).catalog.form != SIGNATURE or scope.arguments == ANY_SIGNATURE:
        return f"{scope.kind} {path}"
    return f"{scope.kind} {path}({', '.join(map(readable_type, scope.arguments.split(ARGUMENT_SEPARATOR)))})"
