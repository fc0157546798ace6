#!/usr/bin/python
# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_iam_revoke
short_description: Take database accounts out of the IAM policies that let principals connect as them
version_added: 0.1.0
description:
  - Takes accounts of one database out of the IAM policies of users, groups and roles. It only takes away. What a policy
    does not say already is never written, and a policy that is not there is not made.
  - The role P(dbops.aurora_iam.offboard#role) runs it.
  - Policies for an RDS Proxy in front of the database are changed too. AWS is asked for proxies only if a policy names
    one.
  - A policy is changed if it allows C(rds-db:connect) on accounts of this database and nothing else, as those that the
    role P(dbops.aurora_iam.connect_policy#role) writes do. A policy of which nothing is left is deleted. Any other
    policy that names an account is left as it is, and is in RV(left).
  - What was changed is read back. What fails of one policy does not keep the others from being changed; the task fails
    at its end.
options:
  accounts:
    description: Names of the accounts, without host on MySQL. They need not exist in the database.
    type: list
    elements: str
    required: true
  principals:
    description:
      - The principals, as the role P(dbops.aurora_iam.connect_policy#role) takes them. Dictionaries with C(type)
        (C(user), C(group) or C(role)), C(name), C(accounts) and C(managed).
      - Only those that are listed with one of O(accounts) are looked at, and only for these accounts. One that IAM does
        not have any more has no policies, and is in RV(gone).
      - With C(managed) also the managed policies that are attached to it are looked at, and the one that
        M(dbops.aurora_iam.aurora_iam_connect_policy) writes for it.
    type: list
    elements: raw
    required: true
  policy_name:
    description: The option of M(dbops.aurora_iam.aurora_iam_connect_policy).
    type: str
    default: aurora-iam
extends_documentation_fragment:
  - dbops.aurora_iam.connection
  - amazon.aws.common.modules
  - amazon.aws.region.modules
attributes:
  check_mode:
    support: full
    description: Reads the policies and changes none, and returns the same as the real run.
  diff_mode:
    support: none
    description: RV(revoked) says what changes.
  idempotent:
    support: full
    description: A second run changes nothing.
notes:
  - Needs C(rds:DescribeDBClusters) or C(rds:DescribeDBInstances), and for users C(iam:ListUserPolicies),
    C(iam:GetUserPolicy), C(iam:PutUserPolicy) and C(iam:DeleteUserPolicy); the same with C(Group) and C(Role).
    Where a policy names a proxy also C(rds:DescribeDBProxies) and C(rds:DescribeDBProxyTargets).
  - Nobody logs in to the database, which need not be available. One of O(cluster) and O(instance) is needed; the other
    options about the connection do nothing.
seealso:
  - module: dbops.aurora_iam.aurora_iam_users
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: Jane's role does not connect as jane_doe any more
  dbops.aurora_iam.aurora_iam_revoke:
    cluster: orders
    accounts: [jane_doe]
    principals:
      - type: role
        name: jane
        accounts: [jane_doe, shop_reader]
"""

RETURN = r"""
revoked:
  description: The policies that were changed.
  returned: always, after AWS has described the database
  type: list
  elements: dict
  sample:
    - principal: role jane
      policy: inline policy aurora-iam-orders of role jane
      accounts: [jane_doe]
  contains:
    principal:
      description: Type and name of the principal.
      type: str
      returned: always
    policy:
      description: The policy.
      type: str
      returned: always
    accounts:
      description: The accounts that were taken out of it.
      type: list
      elements: str
      returned: always
left:
  description: The policies that still name an account, and those that could not be read or changed.
  returned: always, after AWS has described the database
  type: list
  elements: dict
  contains:
    principal:
      description: Type and name of the principal.
      type: str
      returned: always
    policy:
      description: The policy; empty where the principal's policies could not be listed.
      type: str
      returned: always
    accounts:
      description: The accounts that it names; where it could not be read, those that the principal is listed with.
      type: list
      elements: str
      returned: always
    why:
      description: Why it is left.
      type: str
      returned: always
    failed:
      description: Whether this is why the task fails. A policy that is about more than this database is no reason.
      type: bool
      returned: always
gone:
  description: Principals that IAM does not have.
  returned: always, after AWS has described the database
  type: list
  elements: dict
  sample:
    - principal: user jane
      accounts: [jane_doe]
  contains:
    principal:
      description: Type and name of the principal.
      type: str
      returned: always
    accounts:
      description: The accounts that it is listed with.
      type: list
      elements: str
      returned: always
code:
  description: The error code that AWS gave.
  returned: when AWS gave one and nothing was changed
  type: str
"""

from ansible_collections.dbops.aurora_iam.plugins.module_utils._module_entry import run
from ansible_collections.dbops.aurora_iam.plugins.module_utils._revoke_module import OPERATION


def main() -> None:
    run(OPERATION)


if __name__ == "__main__":
    main()
