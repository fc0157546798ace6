#!/usr/bin/python
# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_iam_user
short_description: Manage one IAM-authenticated account of an Aurora or RDS database
version_added: 0.1.0
description:
  - Makes one database account whose holder logs in with an IAM token instead of a password, or drops it. One task is
    the whole account, from how it logs in to its grants, its roles, its limits and its lock.
  - On MySQL the account is C(IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'). On PostgreSQL it is a login role that
    is a member of C(rds_iam).
  - An option that is left out is not managed. What an option names is made exact, see O(purge_grants) and
    O(purge_roles).
  - After writing, the module reads the account again and fails if it is not what was planned.
extends_documentation_fragment:
  - dbops.aurora_iam.account
  - dbops.aurora_iam.connection
  - amazon.aws.common.modules
  - amazon.aws.region.modules
attributes:
  check_mode:
    support: full
    description: Plans without writing anything, and returns the same as the real run.
  diff_mode:
    support: full
    description: Shows the accounts that change, before and after, as YAML.
  idempotent:
    support: full
    description: A second run changes nothing.
notes:
  - IAM authentication must be on for the cluster. MySQL refuses to create the account otherwise (error 1524).
seealso:
  - name: IAM database authentication
    description: How AWS describes it.
    link: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: Jane reads the orders, on Aurora MySQL
  dbops.aurora_iam.aurora_iam_user:
    cluster: orders
    name: jane_doe
    grants:
      - privileges: [SELECT]
        "on": orders.*

- name: The billing service writes its schema, on Aurora PostgreSQL
  dbops.aurora_iam.aurora_iam_user:
    cluster: ledger
    name: billing_service
    connection_limit: 40
    grants:
      - privileges: [CONNECT, TEMPORARY]
        "on": DATABASE
        database: ledger

- name: Jane has left, whatever host her accounts on Aurora MySQL are for
  dbops.aurora_iam.aurora_iam_user:
    cluster: orders
    name: jane_doe
    host: all hosts
    state: absent
"""

RETURN = r"""
account:
  description: The account after the task, in the words of the options that would make it; empty if it is absent,
    or if O(host=all hosts) means several.
  returned: success
  type: dict
  sample:
    name: jane_doe
    host: "%"
    require_tls: true
    locked: false
    connection_limit: -1
    comment: ""
    roles: []
    grants:
      - privileges: [SELECT]
        "on": "`orders`.*"
  contains:
    name:
      description: The name as stored.
      type: str
      returned: when the account exists
    host:
      description: The host part of the name.
      type: str
      returned: when the account exists, on MySQL
    require_tls:
      description: Whether the account itself demands TLS.
      type: bool
      returned: when the account exists, on MySQL
    locked:
      description: Whether new logins are refused.
      type: bool
      returned: when the account exists
    connection_limit:
      description: Sessions at the same time; -1 means no limit.
      type: int
      returned: when the account exists
    comment:
      description: The account's comment.
      type: str
      returned: when the account exists
    roles:
      description: The group roles that the account is a member of, without C(rds_iam).
      type: list
      elements: str
      returned: when the account exists
    grants:
      description: The grants made to the account itself, as O(grants) takes them.
      type: list
      elements: dict
      returned: when the account exists
connect_arn:
  description:
    - The resource that an IAM policy names to let somebody connect as this account, and as no other account.
    - C(*), C(?) and C($) in the account's name are escaped, as C(${*}), C(${?}) and C(${$}), because IAM reads them as
      special. The policy needs C(Version) C(2012-10-17).
    - Empty when the resource ID is not known, which is when none of O(cluster), O(instance) and O(proxy) is set.
  returned: success
  type: str
  sample: arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ/jane_doe
statements:
  description: The SQL that was sent, or in check mode would be, in order. It replays as it stands and has no secrets.
  returned: success
  type: list
  elements: str
  sample:
    - CREATE USER 'jane_doe'@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL
errors:
  description:
    - What is wrong, one entry for each account and mistake. Mistakes in options, and names that do not exist, are all
      listed at once.
    - C(msg) has the same, with the account's place in the task.
  returned: when the task fails because of an account or an option of it
  type: list
  elements: dict
  sample:
    - account: jane_doe
      element: grants[0]
      message: EXECUT is not a privilege of MySQL. Did you mean EXECUTE?
  contains:
    account:
      description: The account as the task names it, or as the server does where the task does not list it.
      type: str
      returned: always
    element:
      description: The option or the element of it, such as C(grants[0].on) or C(roles[1]); empty for the whole account.
      type: str
      returned: always
    message:
      description: The cause and the next step.
      type: str
      returned: always
statements_executed:
  description: The statements that the server had carried out when the task failed, over all sessions that it needed.
  returned: when the task fails after it has planned
  type: list
  elements: str
statements_in_doubt:
  description: The statements that the server had got when the last session broke, and may have carried out.
  returned: when a session broke for good while it changed something
  type: list
  elements: str
in_the_way:
  description: For each account that cannot be dropped, what keeps it, with the database it is in.
  returned: when a drop is refused
  type: dict
  sample:
    jane_doe:
      - owns table public.invoices in database ledger
reassigned_code:
  description: The code that a stronger role or account would get and run with its own rights.
  returned: when reassigning it is refused
  type: list
  elements: str
planned:
  description: The accounts that are not as they should be after the statements, as they were planned, as YAML.
  returned: when the verification fails
  type: str
found:
  description: The same accounts as the server has them.
  returned: when the verification fails
  type: str
code:
  description: The error code that AWS or the database server gave; MySQL's number, PostgreSQL's SQLSTATE.
  returned: when AWS or the server gave one
  type: str
statement:
  description: The statement that failed.
  returned: when a statement failed
  type: str
"""

from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._account_module import Outcome, account_operation
from ansible_collections.dbops.aurora_iam.plugins.module_utils._module_entry import run
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import (
    account_request,
    account_spec,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._reconcile import NOT_READ
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Result


def report(outcome: Outcome[Any]) -> Result:
    change, *others = outcome.changes.accounts
    return {
        "account": outcome.describe(change.after) if change.after and not others else {},
        "connect_arn": outcome.login.endpoint.connect_arn(change.name.name),
    }


OPERATION = account_operation(account_spec(), lambda options: ([account_request(options)], NOT_READ), report)


def main() -> None:
    run(OPERATION)


if __name__ == "__main__":
    main()
