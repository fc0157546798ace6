# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The field's nouns: accounts, grants, scopes, and what was asked of them. Values only; no I/O, no engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Where

IAM = "iam"
"""Logs in with an IAM token."""
IAM_BROKEN = "iam-broken"
"""Meant to log in with an IAM token, but set up in a way that cannot work: MySQL's authentication string is not RDS."""
PASSWORD = "password"  # noqa: S105 - a way to log in, not a secret
"""Anything else: a password, a certificate, a group role, no login at all."""


ALL_HOSTS = "all hosts"
"""In place of a host: every account of the name. No client has such a host, because host names have no blanks."""


@dataclass(frozen=True, order=True)
class AccountName:
    """An account or a role as the server stores it. ``host`` is None on engines without hosts; an empty one is a host
    like any other."""

    name: str
    host: str | None = None

    def __str__(self) -> str:
        return self.name if self.host is None else f"{self.name}@{self.host}"


@dataclass(frozen=True, order=True)
class Scope:
    """What a privilege applies to, in stored names, never quoted.

    kind       the engine's own word: ``GLOBAL``, ``DATABASE``, ``TABLE``, ``FUNCTION``, ``FUTURE TABLES`` …
    database   PostgreSQL: the database whose catalogue holds the object. Empty for what the whole cluster shares,
               and on MySQL, where the database is the first part of ``path``.
    path       the names that lead to the object, outermost first
    arguments  a PostgreSQL routine's argument types as the catalogue prints them
    column     set for a privilege on one column; then the rest names its table
    owner      FUTURE scopes: the role whose new objects are meant (FOR ROLE)
    """

    kind: str
    database: str = ""
    path: tuple[str, ...] = ()
    arguments: str = ""
    column: str = ""
    owner: str = ""


@dataclass(frozen=True, order=True)
class Grant:
    """One privilege on one scope, in canonical form, so that comparing states is comparing sets."""

    privilege: str
    scope: Scope
    grantable: bool = False

    @property
    def key(self) -> tuple[str, Scope]:
        """Identity apart from the grant option."""
        return (self.privilege, self.scope)


@dataclass(frozen=True)
class Account:
    """The whole state of one account, observed or planned.

    authentication    IAM, IAM_BROKEN or PASSWORD
    tls               MySQL's ssl_type: ``""``, ``ANY``, ``X509`` or ``SPECIFIED``; empty on PostgreSQL
    connection_limit  sessions at the same time; -1 means no limit
    roles             the group roles it is a member of; rds_iam is not among them (that is ``authentication``),
                      nor are memberships that only administer
    default_roles     those of its roles whose privileges it has without SET ROLE: on MySQL they are active at login, on
                      PostgreSQL inherited
    """

    name: AccountName
    authentication: str = IAM
    locked: bool = False
    tls: str = ""
    connection_limit: int = -1
    comment: str = ""
    roles: frozenset[AccountName] = frozenset()
    default_roles: frozenset[AccountName] = frozenset()
    grants: frozenset[Grant] = frozenset()


@dataclass(frozen=True)
class Capabilities:
    """In what engines differ, as far as anything outside an engine needs to know.

    hosts            an account's name has a host part
    tls_requirement  an account itself can demand TLS (``require_tls``)
    port             the one that clients dial when none is named
    longest_name     of an account, in characters; in bytes of UTF-8 with ``names_in_bytes``
    """

    hosts: bool
    tls_requirement: bool
    port: int
    longest_name: int
    names_in_bytes: bool = False

    def too_long(self, name: str) -> bool:
        """Whether no account can have this name."""
        return len(name.encode() if self.names_in_bytes else name) > self.longest_name


@dataclass(frozen=True)
class GrantRequest:
    """An element of ``grants`` as the user wrote it, not yet read by an engine."""

    privileges: tuple[str, ...]
    on: str
    database: str = ""
    grant_option: bool = False
    owner: str = ""
    position: str = "grants[0]"
    """Where it stands among the account's options, for error messages."""


@dataclass(frozen=True)
class AccountRequest:
    """An account as the user wrote it. ``None`` means that the option was left out, so it is not managed."""

    name: str
    host: str | None = None
    present: bool = True
    grants: tuple[GrantRequest, ...] | None = None
    purge_grants: bool = True
    roles: tuple[str, ...] | None = None
    purge_roles: bool = True
    convert: bool = False
    convert_unchecked: bool = False
    require_tls: bool = True
    locked: bool | None = None
    connection_limit: int | None = None
    comment: str | None = None
    owned_objects: str = "fail"
    reassign_owned_to: str = ""
    reassign_code: bool = False
    terminate_sessions: bool = True
    position: str = ""
    """Where it stands in the task (``users[3]``), for error messages; empty for a single account."""

    @property
    def where(self) -> Where:
        return Where(str(AccountName(self.name, self.host)), self.position)

    @property
    def all_hosts(self) -> bool:
        """Whether it is about every account of the name, however it logs in: to drop or to lock them."""
        return (self.host or "").lower() == ALL_HOSTS


@dataclass(frozen=True)
class Desired:
    """A request whose names an engine has read and found on the server: grants and roles are canonical."""

    name: AccountName
    request: AccountRequest
    grants: frozenset[Grant] | None = None
    roles: frozenset[AccountName] | None = None


@dataclass(frozen=True)
class AccountChange:
    """What happens to one account. Everything an engine renders derives from the two states."""

    name: AccountName
    before: Account | None
    after: Account | None
    request: AccountRequest | None = None
    """``None`` for an account that no one listed (``unlisted``)."""

    def at(self, element: str = "") -> Where:
        """For an error about the account, or about this option of it."""
        where = self.request.where if self.request is not None else Where(str(self.name))
        if self.request is not None and self.request.all_hosts:
            where = where._replace(account=str(self.name))
        return where._replace(element=element)

    @property
    def created(self) -> bool:
        return self.before is None and self.after is not None

    @property
    def dropped(self) -> bool:
        return self.before is not None and self.after is None

    @property
    def altered(self) -> bool:
        return self.before is not None and self.after is not None and self.before != self.after

    @property
    def granted(self) -> frozenset[Grant]:
        """Grants to make. One that only gains the grant option is among them, one that only loses it is not."""
        held = {grant.key for grant in _grants(self.before)}
        new = _grants(self.after) - _grants(self.before)
        return frozenset(grant for grant in new if grant.grantable or grant.key not in held)

    @property
    def revoked(self) -> frozenset[Grant]:
        """Grants that go altogether, with their grant option if they have one."""
        kept = {grant.key for grant in _grants(self.after)}
        return frozenset(grant for grant in _grants(self.before) if grant.key not in kept)

    @property
    def grant_options_revoked(self) -> frozenset[Grant]:
        """Grants (as they are before) that stay but lose their grant option."""
        kept = {grant.key for grant in _grants(self.after) if not grant.grantable}
        return frozenset(grant for grant in _grants(self.before) if grant.grantable and grant.key in kept)

    @property
    def roles_granted(self) -> frozenset[AccountName]:
        return _roles(self.after) - _roles(self.before)

    @property
    def roles_revoked(self) -> frozenset[AccountName]:
        return _roles(self.before) - _roles(self.after)


def _grants(account: Account | None) -> frozenset[Grant]:
    return account.grants if account else frozenset()


def _roles(account: Account | None) -> frozenset[AccountName]:
    return account.roles if account else frozenset()


@dataclass(frozen=True)
class Changes:
    """All accounts that a task is about, changed or not, in a stable order (by name)."""

    accounts: tuple[AccountChange, ...]
    unlisted: frozenset[AccountName] = frozenset()
    """Those that the task did not list and that ``unlisted`` locks or drops."""

    @property
    def effective(self) -> tuple[AccountChange, ...]:
        return tuple(change for change in self.accounts if change.before != change.after)


@dataclass(frozen=True)
class Observed:
    """What an engine read from a server. Engines derive from it and add their own catalogue.

    accounts      those that the task names and that exist, of whatever kind; and all IAM-authenticated ones where the
                  task is about unlisted accounts too
    iam_accounts  the names of those that are IAM-authenticated, as far as they were read, without the service's own
    expired       accounts whose password has expired: since when, or how, in the engine's words
    login         whom this session is logged in as
    """

    accounts: Mapping[AccountName, Account] = field(default_factory=dict)
    iam_accounts: Collection[AccountName] = ()
    expired: Mapping[AccountName, str] = field(default_factory=dict)
    login: AccountName = AccountName("")
