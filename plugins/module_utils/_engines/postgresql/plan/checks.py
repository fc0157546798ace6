# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What must not be done, found out before the first statement, and what a person should know about the rest."""

from __future__ import annotations

from operator import itemgetter

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import ParsedGrant
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import (
    becomes_iam,
    iam_auth_off,
    refuse_own_accounts,
    similar_names,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.grouping import object_of, together
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.objects import PUBLIC
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.cascade import Cascade
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.checks import (
    refuse_open_sessions,
    review_drops,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.kinds import (
    kind_of,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.objects import (
    name_scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.request import parse_grant
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    RDS_AD,
    RDS_IAM,
    refuse_two_logins,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.comments import comment_to_write
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.derived import Derived
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.lockout import (
    own_accounts,
    refuse_lost_logins,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.memberships import (
    refuse_passed_on,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import IamAuthDisabled, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountChange,
    AccountName,
    Changes,
    Grant,
    Scope,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import first_of

ITEM_LIMIT = 2400
"""Entries in the access list of one table or column. The list is kept in the row of pg_class (pg_attribute), which must
fit into one page of 8 kB: "row is too big". Compressed, an entry takes a little more than 3 bytes."""
ROW_SIZE, ENTRY_SIZE = 7900, 3.3
"""Bytes that the list may take in its row, and that each further entry takes."""
_SHOWN = 10


def review(derived: Derived) -> list[str]:
    """Raises Refused, IamAuthDisabled."""
    changes, observed = derived.changes, derived.observed
    if not changes.effective and all(comment_to_write(change, observed) is None for change in changes.accounts):
        _refuse_two_logins(derived)
        refuse_open_sessions(changes, observed)
        return [*_similar_names(changes, observed), *_left_out(derived)]
    _refuse_without_iam(changes, observed)
    refuse_own_accounts(changes.effective, observed.login, own_accounts(observed), observed.title)
    _refuse_two_logins(derived)
    refuse_passed_on(changes, observed)
    reassigned = review_drops(changes, observed, derived.acting)
    refuse_lost_logins(changes, observed, derived.after.roles, derived.logins)
    _refuse_without_rights(changes, observed)
    _refuse_dependents(derived)
    _refuse_full_lists(derived)
    warnings = [*_similar_names(changes, observed), *_left_out(derived), *reassigned]
    return [*warnings, *_still_public(changes, observed), *_lost_members(changes, observed)]


def _refuse_two_logins(derived: Derived) -> None:
    """Raises Refused."""
    if RDS_AD in derived.observed.roles.by_name:
        refuse_two_logins(derived.changes, derived.after.roles)


def _refuse_without_iam(changes: Changes, observed: PostgreSQLObserved) -> None:
    if not any(becomes_iam(change) for change in changes.accounts):
        return
    if RDS_IAM not in observed.roles.by_name:
        raise IamAuthDisabled(
            f"The role rds_iam does not exist on {observed.title}: it is not an RDS or Aurora server, or its version "
            "does not support IAM authentication. Check the host that the task logs in to."
        )
    if observed.iam_auth is False:
        raise iam_auth_off(observed.title, "according to the RDS API")


def _refuse_without_rights(changes: Changes, observed: PostgreSQLObserved) -> None:
    """Before 16 the server says only "permission denied" of ALTER ROLE."""
    altered = any(_alters_role(change, observed) for change in changes.accounts)
    if altered and not observed.authority.may_create_roles():
        raise Refused(
            f"The login {observed.login} has no CREATEROLE, which creating, altering and dropping accounts takes; log "
            f"in as the master user of {observed.title}."
        )


def _alters_role(change: AccountChange, observed: PostgreSQLObserved) -> bool:
    before, after = change.before, change.after
    if before is None or after is None:
        return before != after
    limited = (before.locked, before.connection_limit) != (after.locked, after.connection_limit)
    return limited or comment_to_write(change, observed) is not None


def _refuse_dependents(derived: Derived) -> None:
    """A grant option that was used cannot be taken without taking from others what they have by it."""
    for change in derived.changes.effective:
        lost = {} if change.dropped else _grant_options_lost(change, derived.cascade)
        for entry in derived.observed.catalogue.granted_by(change.name.name) if lost else ():
            grant = lost.get((entry.privilege, object_of(entry.scope)))
            if entry.grantee != entry.grantor and grant is not None:
                raise Refused(
                    f"{change.name} has granted {entry.privilege} on {name_scope(entry.scope)} on to "
                    f"{entry.grantee or 'PUBLIC'}; revoke that first, or leave {change.name} its grant option.",
                    change.at(derived.resolver.element_of(change, grant)),
                )


def _grant_options_lost(change: AccountChange, cascade: Cascade) -> dict[tuple[str, Scope], Grant]:
    """What is revoked, with or without its grant option, by privilege and object."""
    revoked = [grant for grant in change.revoked if not cascade.takes(change.name.name, grant)]
    return {(grant.privilege, object_of(grant.scope)): grant for grant in [*revoked, *change.grant_options_revoked]}


def _refuse_full_lists(derived: Derived) -> None:
    catalogue = derived.observed.catalogue
    gaining: dict[Scope, dict[str, tuple[AccountChange, Grant]]] = {}
    for change in derived.changes.effective:
        for grant in change.granted:
            if kind_of(grant.scope.kind).catalog.in_row and not catalogue.entries(grant.scope, change.name.name):
                gaining.setdefault(grant.scope, {})[change.name.name] = change, grant
    for scope, names in sorted(gaining.items(), key=itemgetter(0)):
        item = catalogue.objects.get(scope)
        items, size = (item.items, item.size) if item else (0, 0)
        if items + len(names) > ITEM_LIMIT or size + len(names) * ENTRY_SIZE > ROW_SIZE:
            raise Refused(
                f"{name_scope(scope)} would have {items + len(names)} grantees, and PostgreSQL has room for about "
                f'{ITEM_LIMIT} in its access list (then "row is too big"); grant it to a group role, and give the '
                "accounts that role with roles.",
                *(change.at(derived.resolver.element_of(change, grant)) for change, grant in names.values()),
            )


def _similar_names(changes: Changes, observed: PostgreSQLObserved) -> list[str]:
    def similar(name: AccountName) -> list[AccountName]:
        folded = name.name.lower()
        return [AccountName(other) for other in observed.namesakes if other.lower() == folded and other != name.name]

    return list(similar_names(changes.accounts, similar, "in PostgreSQL case matters"))


def _still_public(changes: Changes, observed: PostgreSQLObserved) -> list[str]:
    """A revoke does not take away what everybody has: one warning for the accounts that keep the same."""
    losing = together(
        (f"{grant.privilege} on {name_scope(grant.scope)}", change.name.name)
        for change in changes.effective
        if change.after is not None
        for grant in change.revoked
        if _public_has(grant, observed)
    )
    keeping = together((tuple(sorted(set(names))), what) for what, names in sorted(losing.items()))
    return [
        f"{first_of(names, _SHOWN)} still ha{'s' if len(names) == 1 else 've'} {first_of(kept, _SHOWN)}, because "
        "PUBLIC has; revoke it from PUBLIC if nobody needs it."
        for names, kept in sorted(keeping.items())
    ]


def _public_has(grant: Grant, observed: PostgreSQLObserved) -> bool:
    entries = (observed.catalogue.entries(level, PUBLIC) for level in (grant.scope, object_of(grant.scope)))
    return any(entry.privilege == grant.privilege for found in entries for entry in found)


def _left_out(derived: Derived) -> list[str]:
    """What ALL in a schema does not mean, since extensions and RDS have brought it along."""
    read: dict[tuple[object, ...], ParsedGrant] = {}
    found: set[str] = set()
    for change in derived.changes.accounts:
        for grant in change.request.grants or () if change.request is not None and change.after is not None else ():
            key = (grant.on, grant.database, grant.owner, grant.privileges, grant.grant_option)
            if key not in read:
                read[key] = parse_grant(grant)
            left_out = derived.resolver.left_out(change.name.name, read[key])
            found |= {f"{item.privilege} on {name_scope(item.scope)}" for item in left_out}
    if not found:
        return []
    return [
        f"ALL leaves out what belongs to extensions or superusers and the login {derived.observed.login} cannot grant: "
        f"{first_of(sorted(found), _SHOWN)}. Put extensions into a schema of their own."
    ]


def _lost_members(changes: Changes, observed: PostgreSQLObserved) -> list[str]:
    warnings = []
    for change in changes.effective:
        members = observed.roles.members(change.name.name) if change.dropped else set()
        if members:
            warnings.append(f"{', '.join(sorted(members))} lose the membership of {change.name}, which is dropped.")
    return warnings
