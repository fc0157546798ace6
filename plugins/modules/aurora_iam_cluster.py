#!/usr/bin/python
# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_iam_cluster
short_description: Turn IAM authentication of an Aurora cluster or an RDS instance on or off
version_added: 0.1.0
description:
  - Turns IAM database authentication on or off for a cluster or an instance that exists, and changes nothing else of
    it.
  - A change that is pending already is not asked for again, and one to the opposite is withdrawn.
  - Turning it off takes the only way to log in from every IAM-authenticated account. The module counts them in the
    database, with the same connection options as the other modules of the collection, and demands O(confirm) if there
    are any or if it cannot log in.
options:
  iam_auth:
    description: What IAM authentication has to be.
    type: str
    choices: [enabled, disabled]
    required: true
  apply_immediately:
    description:
      - Whether RDS makes the change now. With V(false) it waits for the maintenance window, and until then the task
        finds it pending and changes nothing.
      - RDS makes everything that is pending then, so the module refuses while anything else waits for the maintenance
        window.
    type: bool
    default: true
  wait:
    description:
      - Whether to wait. Before the change, until RDS can modify the cluster or the instance. After it, until the flag
        is as wanted and the cluster and all its instances are available; only with O(apply_immediately=true).
      - With V(false) a state in which nothing can be modified is an error, and the change may still be under way when
        the task ends.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait in all.
    type: int
    default: 1200
  confirm:
    description:
      - Must be V(true) to turn IAM authentication off while there are IAM-authenticated accounts, or while they cannot
        be counted.
    type: bool
    default: false
extends_documentation_fragment:
  - dbops.aurora_iam.connection
  - amazon.aws.common.modules
  - amazon.aws.region.modules
attributes:
  check_mode:
    support: full
    description: Decides, counts and refuses without changing anything, and returns the same as the real run.
  diff_mode:
    support: full
    description: Shows the flag and what is pending, before and after, as YAML.
  idempotent:
    support: full
    description: A second run changes nothing.
notes:
  - Needs C(rds:DescribeDBClusters), C(rds:DescribeDBInstances) and C(rds:ModifyDBCluster) for a cluster,
    C(rds:DescribeDBInstances) and C(rds:ModifyDBInstance) for an instance, and to turn it off whatever the login needs.
  - Nothing is sent to the database, which is only read, and only to turn IAM authentication off.
  - The options by which a database is named without AWS do not suffice here, and O(proxy) is refused.
seealso:
  - module: dbops.aurora_iam.aurora_iam_user
  - name: Enabling and disabling IAM database authentication
    description: How AWS describes it.
    link: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.Enabling.html
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: Accounts of the orders cluster can log in with IAM tokens
  dbops.aurora_iam.aurora_iam_cluster:
    cluster: orders
    iam_auth: enabled

- name: The same for an RDS instance, in its next maintenance window
  dbops.aurora_iam.aurora_iam_cluster:
    instance: billing
    iam_auth: enabled
    apply_immediately: false

- name: Nobody logs in to the catalogue cluster with a token any more
  dbops.aurora_iam.aurora_iam_cluster:
    cluster: catalogue
    iam_auth: disabled
    confirm: true
"""

RETURN = r"""
iam_auth:
  description: What IAM authentication is when the task ends.
  returned: success
  type: str
  sample: enabled
pending:
  description:
    - What it will be after the maintenance window, or when a change that was not waited for is over. Empty when nothing
      is pending.
  returned: success
  type: str
  sample: ""
msg:
  description: That a change is pending.
  returned: when one is, and on failure
  type: str
  sample: IAM authentication of cluster orders is not enabled yet, but pending.
accounts:
  description: The IAM-authenticated accounts, which lose their login, as C(name), or C(name@host) on MySQL.
  returned: when IAM authentication is turned off, or is not for want of O(confirm), and the accounts could be counted
  type: list
  elements: str
cluster:
  description: The cluster when the task ends.
  returned: success, with O(cluster)
  type: dict
  contains:
    identifier:
      description: Its identifier.
      type: str
      returned: always
    arn:
      description: Its ARN.
      type: str
      returned: always
    resource_id:
      description: Its resource ID, which the resource of an IAM policy names.
      type: str
      returned: always
      sample: cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ
    engine:
      description: AWS's word for the engine.
      type: str
      returned: always
      sample: aurora-mysql
    engine_version:
      description: Its version.
      type: str
      returned: always
      sample: 8.0.mysql_aurora.3.10.0
    status:
      description: Its status.
      type: str
      returned: always
      sample: available
    instances:
      description: Its instances, each with C(identifier), C(class) and C(status).
      type: list
      elements: dict
      returned: always
      sample:
        - identifier: orders-1
          class: db.r6g.large
          status: available
instance:
  description: The instance when the task ends, with the keys of RV(cluster) except C(instances).
  returned: success, with O(instance)
  type: dict
code:
  description: The error code that AWS or the database server gave.
  returned: when AWS or the server gave one
  type: str
"""

from ansible_collections.dbops.aurora_iam.plugins.module_utils._cluster_module import OPERATION
from ansible_collections.dbops.aurora_iam.plugins.module_utils._module_entry import run


def main() -> None:
    run(OPERATION)


if __name__ == "__main__":
    main()
