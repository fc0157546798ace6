# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What was read from a server, as values: accounts in canonical form, and what their grants and names refer to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.access import (
    Access,
    GrantTables,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import Client
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.grantor import Authority
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.objects import Objects
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.roles import RoleEdges
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.drop.dependencies import (
    Dependencies,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.iam_login import PasswordRules
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.statements import (
    Dialect,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountName,
    Observed,
)

_NO_OBJECTS = Objects()
_NOBODY, _NO_CLIENT = AccountName(""), Client()
_PLAIN = Dialect(False)
_NO_DEPENDENCIES = Dependencies()
_NO_ROWS = GrantTables(_PLAIN, {})
_NO_AUTHORITY = Authority(Access(_NO_ROWS, _NOBODY, _NO_CLIENT))


@dataclass(frozen=True)
class MySQLObserved(Observed):
    """
    title            how messages call the server
    user, client     of the session, as the server sees them; ``login`` is the account that they matched
    master           the master user's name; empty when it is not known
    resolves_hosts   whether the server tells clients by the names of their hosts, too
    authentication_policy  which plugins and factors accounts must have
    plugin_active    whether accounts can be IAM-authenticated; ``iam_auth`` is what AWS says (None: was not asked)
    existing         accounts and roles whose names were looked up, in any case and under any host
    unlocked         of ``existing``, those that are not locked → the plugin by which they log in
    group_roles      those of ``accounts`` that CREATE ROLE made
    password_rules   of each account
    system_users     everybody who holds SYSTEM_USER directly
    activates_all_roles  all roles of an account are active at login, not only its default roles
    grant_tables     of the names that the task may mean, under whatever host, and of anonymous accounts
    administered     roles that the login may grant though it lacks ROLE_ADMIN
    admin_roles      of each account, the roles that it may give to others (WITH ADMIN OPTION)
    proxied          of each account, those as which it may act (PROXY)
    known_dynamic    the dynamic privileges that the server has registered; empty when the task names none
    doubled          dynamic privileges that the server holds twice, by account
    mandatory_roles  the server gives them to every account
    role_edges       which roles accounts and roles have, all of them; empty unless the task grants one to an account
                     that exists, or ends sessions
    dependencies     what has to be dealt with before accounts are dropped or locked
    unseen_definers  of accounts that are not there, those that code has as its definer which the login does not see;
                     empty where the server would let it create them
    """

    title: str = ""
    user: str = ""
    client: Client = _NO_CLIENT
    master: str = ""
    dialect: Dialect = _PLAIN
    folds_names: bool = False
    resolves_hosts: bool = True
    authentication_policy: str = "*,,"
    plugin_active: bool = False
    iam_auth: bool | None = None
    existing: frozenset[AccountName] = frozenset()
    unlocked: Mapping[AccountName, str] = field(default_factory=dict)
    group_roles: frozenset[AccountName] = frozenset()
    password_rules: Mapping[AccountName, PasswordRules] = field(default_factory=dict)
    system_users: frozenset[AccountName] = frozenset()
    activates_all_roles: bool = False
    grant_tables: GrantTables = _NO_ROWS
    administered: frozenset[AccountName] = frozenset()
    admin_roles: Mapping[AccountName, Collection[AccountName]] = field(default_factory=dict)
    proxied: Mapping[AccountName, Collection[AccountName]] = field(default_factory=dict)
    known_dynamic: frozenset[str] = frozenset()
    authority: Authority = _NO_AUTHORITY
    objects: Objects = _NO_OBJECTS
    doubled: Mapping[AccountName, Collection[str]] = field(default_factory=dict)
    mandatory_roles: frozenset[AccountName] = frozenset()
    role_edges: RoleEdges = field(default_factory=dict)
    dependencies: Dependencies = _NO_DEPENDENCIES
    unseen_definers: frozenset[AccountName] = frozenset()
