#!/usr/bin/python
# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_iam_users
short_description: Manage all IAM-authenticated accounts of an Aurora or RDS database in one task
version_added: 0.1.0
description:
  - Makes a set of database accounts, whose holders log in with an IAM token instead of a password, what the task says;
    and says what happens to the IAM-authenticated accounts that the task does not list.
  - One task is one connection for each database that needs one, one observation, and as few statements as the engine
    allows, however many accounts there are. Use it instead of a loop over M(dbops.aurora_iam.aurora_iam_user).
  - On PostgreSQL what changes in one database is one transaction. On MySQL, which has none for accounts, the statements
    are in an order that is safe to interrupt; after a failure the message says which of them ran, and a second run
    finishes the work.
options:
  unlisted:
    description:
      - What happens to IAM-authenticated accounts of this cluster that O(users) does not list. V(lock) refuses new
        logins as them, V(drop) drops them unless they own something.
      - Accounts with a password, reserved accounts, the master user and the login itself are never touched. Neither are
        PostgreSQL roles that cannot log in, unless the collection has locked them.
    type: str
    choices: [keep, lock, drop]
    default: keep
  confirm:
    description: Must be V(true) for an empty O(users) together with O(unlisted=drop), which drops every account.
    type: bool
    default: false
extends_documentation_fragment:
  - dbops.aurora_iam.account.users
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
seealso:
  - module: dbops.aurora_iam.aurora_iam_user
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: These people and services may log in to the orders cluster, and nobody else
  dbops.aurora_iam.aurora_iam_users:
    cluster: orders
    unlisted: lock
    users:
      - name: jane_doe
        roles: [analysts]
      - name: billing_service
        connection_limit: 40
        grants:
          - privileges: [SELECT, INSERT, UPDATE]
            "on": orders.invoices
          - privileges: [EXECUTE]
            "on": PROCEDURE orders.close_month
      - name: john_roe
        state: absent
"""

RETURN = r"""
accounts:
  description: The listed accounts after the task, as M(dbops.aurora_iam.aurora_iam_user) returns one.
  returned: success
  type: list
  elements: dict
created:
  description: The accounts that were made, as C(name), or C(name@host) on MySQL.
  returned: success
  type: list
  elements: str
altered:
  description: The accounts that were there and are changed, those that are locked as unlisted too.
  returned: success
  type: list
  elements: str
dropped:
  description: The accounts that were dropped, those that were unlisted too.
  returned: success
  type: list
  elements: str
unlisted:
  description:
    - The IAM-authenticated accounts that the task did not list, whether it keeps, locks or drops them. The login, the
      master user and reserved accounts are never among them.
  returned: success
  type: list
  elements: str
unchanged:
  description: The listed accounts that were as the task says already.
  returned: success
  type: list
  elements: str
statements:
  description: The SQL that was sent, or in check mode would be, in order. It replays as it stands and has no secrets.
  returned: success
  type: list
  elements: str
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

from collections.abc import Iterable
from typing import Any, Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._account_module import Outcome, account_operation
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountChange
from ansible_collections.dbops.aurora_iam.plugins.module_utils._module_entry import run
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import (
    account_requests,
    accounts_spec,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Result


def report(outcome: Outcome[Any]) -> Result:
    changes = outcome.changes.accounts
    listed = [change for change in changes if change.request is not None]
    return {
        "accounts": [outcome.describe(change.after) for change in listed if change.after],
        "created": _names(changes, lambda change: change.created),
        "altered": _names(changes, lambda change: change.altered),
        "dropped": _names(changes, lambda change: change.dropped),
        "unlisted": sorted(map(str, outcome.unlisted)),
        "unchanged": _names(listed, lambda change: change.before == change.after),
    }


def _names(changes: Iterable[AccountChange], are_meant: Callable[[AccountChange], bool]) -> list[str]:
    return [str(change.name) for change in changes if are_meant(change)]


OPERATION = account_operation(accounts_spec(), lambda options: (account_requests(options), options["unlisted"]), report)


def main() -> None:
    run(OPERATION)


if __name__ == "__main__":
    main()
