#!/usr/bin/python
# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_iam_connect_policy
short_description: Let IAM users, groups and roles connect as accounts of a database
version_added: 0.1.0
description:
  - Gives each principal one IAM policy for the database, which allows C(rds-db:connect) on the accounts that it is
    listed with, and nothing else. Without accounts the policy is deleted.
  - Everything is checked before anything is written. The accounts exist, the principals exist, the policies are not too
    large, and what is there under their names was written by this module for this database.
  - What was written is read back. A policy that may not be read fails the task.
  - The role P(dbops.aurora_iam.connect_policy#role) runs it.
options:
  principals:
    description:
      - Dictionaries with C(type) (C(user), C(group) or C(role)), C(name), C(accounts) (names, without host on MySQL)
        and C(managed). Each principal once.
      - With C(managed) the policy is a managed one. It is written and kept, and attaching it is left to those who
        manage the principal. Without C(accounts) it is detached everywhere and deleted.
    type: list
    elements: raw
    required: true
  known_accounts:
    description: Names of the accounts that there are. Another one is refused. Not checked if left out.
    type: list
    elements: str
  policy_name:
    description:
      - What the names of the policies begin with. Up to 32 letters, digits and C(+ = , @ _ -).
      - A name is this, the region, the resource ID, the type and the name of the principal, joined by dots. If that is
        longer than the 128 characters of IAM, a hash takes the place of the principal's name.
    type: str
    default: aurora-iam
extends_documentation_fragment:
  - dbops.aurora_iam.connection
  - amazon.aws.common.modules
  - amazon.aws.region.modules
attributes:
  check_mode:
    support: full
    description: Reads, refuses, and returns the same as the real run, without writing.
  diff_mode:
    support: full
    description: Shows the accounts of each policy that changes, before and after, as YAML.
  idempotent:
    support: full
    description: A second run changes nothing.
notes:
  - Needs C(rds:DescribeDBClusters), C(rds:DescribeDBInstances) or C(rds:DescribeDBProxies), and for users
    C(iam:ListUserPolicies), C(iam:GetUserPolicy), C(iam:PutUserPolicy) and C(iam:DeleteUserPolicy); the same with
    C(Group) and C(Role). Managed policies need C(iam:GetPolicy), C(iam:GetPolicyVersion), C(iam:ListPolicyVersions),
    C(iam:CreatePolicy), C(iam:CreatePolicyVersion), C(iam:DeletePolicyVersion), C(iam:DeletePolicy),
    C(iam:ListEntitiesForPolicy), C(iam:DetachUserPolicy), C(iam:DetachGroupPolicy) and C(iam:DetachRolePolicy).
  - Nobody logs in to the database. One of O(cluster), O(instance) and O(proxy) is needed; the other options about the
    connection do nothing.
seealso:
  - plugin: dbops.aurora_iam.connect_policy
    plugin_type: filter
  - module: dbops.aurora_iam.aurora_iam_revoke
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: The role that reports connects as report_reader
  dbops.aurora_iam.aurora_iam_connect_policy:
    cluster: orders
    principals:
      - type: role
        name: reporting
        accounts: [report_reader]

- name: The same through a proxy, by a managed policy
  dbops.aurora_iam.aurora_iam_connect_policy:
    proxy: orders-proxy
    principals:
      - type: role
        name: reporting
        managed: true
        accounts: [report_reader]

- name: It connects as nobody any more
  dbops.aurora_iam.aurora_iam_connect_policy:
    cluster: orders
    principals:
      - type: role
        name: reporting
"""

RETURN = r"""
policies:
  description: The policies that there are afterwards, and those that were deleted.
  returned: success
  type: list
  elements: dict
  sample:
    - principal: role reporting
      policy: aurora-iam.eu-central-1.cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ.role.reporting
      managed: false
      accounts: [report_reader]
      changed: true
  contains:
    principal:
      description: Type and name of the principal.
      type: str
      returned: always
    policy:
      description: Name of the policy.
      type: str
      returned: always
    managed:
      description: Whether it is a managed policy.
      type: bool
      returned: always
    accounts:
      description: The accounts in it, as a policy writes them; none if it was deleted.
      type: list
      elements: str
      returned: always
    changed:
      description: Whether it was written or deleted.
      type: bool
      returned: always
code:
  description: The error code that AWS gave.
  returned: when AWS gave one
  type: str
"""

from ansible_collections.dbops.aurora_iam.plugins.module_utils._connect_policy_module import OPERATION
from ansible_collections.dbops.aurora_iam.plugins.module_utils._module_entry import run


def main() -> None:
    run(OPERATION)


if __name__ == "__main__":
    main()
