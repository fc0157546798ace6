# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Who has policies: IAM users and roles, and what is known of them at the moment of a login."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.patterns import (
    NotBefore,
    Unknown,
    Value,
    Values,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.policies import (
    INEFFECTIVE_KEYS,
    Policy,
)

USER, ROLE = "user", "role"
_TAG = "aws:principaltag/"
_LONGEST_SESSION = 12 * 3600
"""Seconds: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-settings.html"""


@dataclass(frozen=True, eq=False)
class Principal:
    """A user, or a role, which stands for every session of it.

    kind          USER or ROLE
    id            the unique id: AIDA…, AROA…
    groups        the names of a user's groups
    tags          of the user or role
    policies      inline and attached ones, a user's groups' included
    boundary      the permissions boundary: it has to allow as well
    session_tags  whether who assumes the role may bring tags of its own, which then replace the role's
    """

    arn: str
    kind: str
    name: str
    id: str
    policies: tuple[Policy, ...]
    groups: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    boundary: Policy | None = None
    session_tags: bool = False

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]


def values_at_login(principal: Principal, region: str, now: float | None = None) -> Values:
    """The condition keys of a login of the principal to a database in the region, at ``now`` or later.

    Which keys there are: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    A token is only accepted over TLS, in the region for which it was signed, and from the principal itself.
    """
    known = _known_values(principal, region, now)
    tags = {key.lower(): value for key, value in principal.tags.items()}

    def value(key: str) -> Value:
        if key in known:
            return known[key]
        if key.startswith(_TAG) and not principal.session_tags:
            return tags.get(key[len(_TAG) :])
        return Unknown()

    return value


def _known_values(principal: Principal, region: str, now: float | None) -> dict[str, Value]:
    user = principal.kind == USER
    later = Unknown() if now is None else NotBefore(moment=now)
    return {
        "aws:currenttime": later,
        "aws:epochtime": later,
        "aws:principalaccount": principal.account,
        "aws:principalarn": principal.arn,
        "aws:principalisawsservice": "false",
        "aws:principaltype": "User" if user else "AssumedRole",
        "aws:requestedregion": region,
        "aws:securetransport": "true",
        # A user's access key has none
        "aws:tokenissuetime": Unknown() if user or now is None else NotBefore(moment=now - _LONGEST_SESSION),
        # A role's is followed by the name that the session is given
        "aws:userid": principal.id if user else Unknown(f"{principal.id}:"),
        "aws:username": principal.name if user else None,
        "aws:viaawsservice": "false",
        **dict.fromkeys(INEFFECTIVE_KEYS),
    }
