# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: connect_policy
author:
  - dbops.aurora_iam contributors (@dbops)
short_description: Write the IAM policy that lets somebody connect as certain database accounts
version_added: 0.1.0
description:
  - Returns the least-privileged policy document for accounts of Aurora and RDS databases. One statement allows
    C(rds-db:connect) on each account's C(connect_arn), and on nothing else.
  - The same accounts give the same document, in whatever order they come.
  - A name stands for itself. C(*), C(?) and C($) in it are written as C(${*}), C(${?}) and C(${$}), so that the policy
    does not cover other accounts.
  - Fails if the document has more than the 6,144 characters that a managed policy may have.
positional: cluster
options:
  _input:
    description:
      - One account, or a list of them. Accounts as M(dbops.aurora_iam.aurora_iam_user) and
        M(dbops.aurora_iam.aurora_iam_users) return them, or names.
    type: raw
    required: true
  cluster:
    description:
      - What the names are accounts of. Needed for names, and not looked at for accounts that have a C(connect_arn).
      - A dictionary with the ARN of the cluster or instance (C(arn), or C(db_cluster_arn) or C(db_instance_arn) as
        M(amazon.aws.rds_cluster_info) and M(amazon.aws.rds_instance_info) return it) and its resource ID
        (C(resource_id), or C(db_cluster_resource_id) or C(dbi_resource_id)).
    type: dict
seealso:
  - name: The policy for IAM database access
    description: How AWS describes it.
    link: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
"""

EXAMPLES = r"""
- name: The accounts
  dbops.aurora_iam.aurora_iam_users:
    cluster: orders
    users:
      - name: jane_doe
      - name: report
  register: orders

- name: Who has this policy may connect as them
  amazon.aws.iam_managed_policy:
    name: orders-readers
    policy: "{{ orders.accounts | dbops.aurora_iam.connect_policy }}"

- name: Where the cluster is
  amazon.aws.rds_cluster_info:
    db_cluster_identifier: orders
  register: found

- name: The same for a name, without a task on the database
  amazon.aws.iam_policy:
    iam_type: role
    iam_name: report
    policy_name: orders-report
    policy_json: "{{ 'report' | dbops.aurora_iam.connect_policy(found.clusters[0]) | to_json }}"
"""

RETURN = r"""
_value:
  description: The policy document.
  type: dict
  sample:
    Version: "2012-10-17"
    Statement:
      - Sid: ConnectToDatabase
        Effect: Allow
        Action: rds-db:connect
        Resource:
          - arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ/jane_doe
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.document import connect_policy
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import AuroraIamError, InvalidOption
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._sentences import line

_ARN = ("arn", "db_cluster_arn", "db_instance_arn")
_RESOURCE_ID = ("resource_id", "db_cluster_resource_id", "dbi_resource_id")


def policy_for(accounts: Any, cluster: Any = None) -> dict[str, Any]:
    """The filter. Raises AnsibleFilterError."""
    try:
        database = None if cluster is None else _database(cluster)
        listed = [accounts] if isinstance(accounts, (str, Mapping)) else accounts
        if not isinstance(listed, (list, tuple)):
            raise InvalidOption(
                f"{accounts!r} must be a list of accounts: names, or accounts as the modules return them."
            )
        return connect_policy(_connect_arn(account, database) for account in listed)
    except AuroraIamError as error:
        raise AnsibleFilterError(line(error.message)) from None


def _database(cluster: Any) -> Endpoint:
    described = cluster if isinstance(cluster, Mapping) else {}
    arn, resource_id = (
        next((str(described[key]) for key in keys if described.get(key)), "") for keys in (_ARN, _RESOURCE_ID)
    )
    if not arn.startswith("arn:") or arn.count(":") < 5 or not resource_id.startswith(("cluster-", "db-", "prx-")):
        raise InvalidOption(
            "cluster does not describe a cluster; give a dictionary with its arn and its resource_id (cluster-…, db-… "
            "or prx-…, which is not the identifier)."
        )
    return Endpoint(title="", engine="", host="", port=0, resource_id=resource_id, arn=arn)


def _connect_arn(account: Any, database: Endpoint | None) -> str:
    described = account if isinstance(account, Mapping) else {"name": account}
    arn, name = described.get("connect_arn"), described.get("name")
    if arn:
        return str(arn)
    if not isinstance(name, str) or not name:
        raise InvalidOption(f"{account!r} is no account; give accounts as the modules return them, or names.")
    if database is None:
        raise InvalidOption(
            f"Nothing tells which database {name} is an account of; give the cluster's description to the filter, or "
            "set cluster in the task that returned the account."
        )
    return database.connect_arn(name)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"connect_policy": policy_for}
