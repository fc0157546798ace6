# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What facts know of a database: every account with all that concerns it, and what could not be seen. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Account, AccountName, Grant

Limit = Union[int, str, None]


@dataclass(frozen=True)
class Unseen:
    """What was not read, and why, as one sentence with the next step."""

    what: str
    why: str


@dataclass(frozen=True)
class Owned:
    """What an account owns in one database (on MySQL: what it is the definer of).

    count    all of it
    objects  the first of it, in words; empty where the login may not look into the database
    """

    count: int
    objects: tuple[str, ...] = ()


@dataclass(frozen=True)
class SurveyedAccount:
    """
    can_log_in        it is no bare role and not locked
    reserved          it belongs to the service
    untouchable       reserved, the login itself, or the master user: the collection never changes it
    expired           its password has expired: since when, or how, in the engine's words; empty where it has not
    enrolled_by       PostgreSQL: the roles through which it is in rds_iam, where it is not directly; empty elsewhere
    inherited_roles   roles that it has only through other roles, on MySQL also by mandatory_roles
    admin_roles       MySQL: roles that it may give to others (WITH ADMIN OPTION)
    acts_as           MySQL: accounts as which it may act (PROXY)
    reached_by        MySQL: grants of other accounts that count for it, by account
    limits            limits beside the connection limit, in the engine's words; None is no limit
    owned             by database
    partial_revokes   MySQL: database → global privileges that do not hold there
    creator_grants    MySQL: what the server granted it by itself as the creator of routines
    sessions          open now; None where it cannot be told
    used              somebody has logged in as it since the server began to count; None where it cannot be told
    administrator_by  what makes it an administrator, in words
    """

    account: Account
    can_log_in: bool = True
    reserved: bool = False
    untouchable: bool = False
    expired: str = ""
    enrolled_by: str = ""
    inherited_roles: frozenset[AccountName] = frozenset()
    admin_roles: frozenset[AccountName] = frozenset()
    acts_as: frozenset[AccountName] = frozenset()
    reached_by: Mapping[AccountName, frozenset[Grant]] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    owned: Mapping[str, Owned] = field(default_factory=dict)
    partial_revokes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    creator_grants: frozenset[Grant] = frozenset()
    sessions: int | None = None
    used: bool | None = None
    administrator_by: tuple[str, ...] = ()

    @property
    def name(self) -> AccountName:
        return self.account.name


@dataclass(frozen=True)
class GroupRole:
    """A role that others are members of, or could be.

    members  direct ones; those that only administer it are not among them
    roles    what it is directly a member of
    partial_revokes  as of an account
    """

    name: AccountName
    members: frozenset[AccountName] = frozenset()
    roles: frozenset[AccountName] = frozenset()
    grants: frozenset[Grant] = frozenset()
    partial_revokes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class PublicGrant:
    """The same privileges of everybody, on objects of one kind.

    count    all of these objects
    objects  the first of them, as the engine's grants name them
    """

    privileges: tuple[str, ...]
    kind: str
    count: int
    objects: tuple[str, ...]


@dataclass(frozen=True)
class PublicRights:
    """What every account has in one database without a grant of its own.

    database      empty for what all databases share
    definer_code  routines that everybody may execute and that run with their owner's privileges
    roles         MySQL: roles that every account has by mandatory_roles
    """

    database: str
    grants: tuple[PublicGrant, ...] = ()
    definer_code: Owned = Owned(0)
    roles: tuple[AccountName, ...] = ()


@dataclass(frozen=True)
class Exposure:
    """Something that everybody has and that somebody should judge.

    code     the finding's
    subject  the database; on MySQL the server where it is in none
    message  one sentence: what everybody has, who loses it, and the next step
    """

    code: str
    subject: str
    message: str


@dataclass(frozen=True)
class Defect:
    """Something wrong that only the engine can know.

    code     the finding's
    message  one sentence: what is wrong, and the next step
    remedy   options of aurora_iam_user, beside the account's name, that put it right; None if none do
    """

    code: str
    account: AccountName
    message: str
    remedy: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class SurveyRequest:
    """What facts are asked for.

    grants     read what accounts and roles may do
    public     read what everybody may do
    passwords  read accounts that are not IAM-authenticated as thoroughly as those that are
    """

    grants: bool = True
    public: bool = True
    passwords: bool = False


@dataclass(frozen=True)
class Survey:
    """A database as one look at it shows it.

    login        whom the session is logged in as
    iam_auth     False where the server itself shows that IAM authentication is off; None where it does not tell
    accounts     of every kind, the reserved ones too; none where they could not be read
    public       what everybody has, by database
    exposures    what of that somebody should judge
    counted_for  seconds for which the server has counted who logs in; None where it does not count
    """

    login: AccountName
    accounts: tuple[SurveyedAccount, ...] = ()
    roles: tuple[GroupRole, ...] = ()
    defects: tuple[Defect, ...] = ()
    public: tuple[PublicRights, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    counted_for: int | None = None
    iam_auth: bool | None = None


def first_of(names: Sequence[str], shown: int) -> str:
    """The first names, and how many more there are."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def shortened(texts: Sequence[str], shown: int, what: str = "") -> list[str]:
    """The first texts; then one that says how many more there are, and of what."""
    more = len(texts) - shown
    return [*texts[:shown], f"and {more} more {what}".rstrip()] if more > 0 else list(texts)
