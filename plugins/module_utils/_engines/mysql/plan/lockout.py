# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""A new account may not take logins away from who administers the server."""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import (
    host_order,
    matches_client,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.observed import MySQLObserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountChange, AccountName


def check_lockout(change: AccountChange, observed: MySQLObserved) -> None:
    """Of several accounts of a name, a client logs in as that with the most specific host. Raises Refused.

    https://dev.mysql.com/doc/refman/8.4/en/connection-access.html
    """
    name, login = change.name, observed.login
    if not change.created:
        return
    if name.name == observed.master:
        whose = f"the master user of {observed.title}"
    elif name.name == observed.user and matches_client(name.host, observed.client) and _is_stronger(name, login):
        whose = f"the login of this task ({login})"
    else:
        return
    raise Refused(
        f"Clients whose host matches {name} would no longer log in as {whose}, but as {name}. Choose another name.",
        change.at("name"),
    )


def _is_stronger(name: AccountName, other: AccountName) -> bool:
    return not other.name or host_order(name.host) > host_order(other.host)
