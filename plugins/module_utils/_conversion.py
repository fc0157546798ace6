# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Whether somebody can log in as an account after its password has stopped working. AWS is asked, not the database."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.access import judge
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.authorization import read_principals
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.proxy_users import ProxyUser, proxy_users
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError, Mistakes, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountChange

CONSENT = "convert_unchecked: true"


def check_conversions(clients: Clients, endpoint: Endpoint, converted: Sequence[AccountChange]) -> list[str]:
    """Warnings about accounts that are converted and can log in.

    Raises Refused and ManyMistakes for those that nobody could log in as, or for which that cannot be told.
    """
    names = ", ".join(str(change.name) for change in converted)
    if not endpoint.connect_resource("x"):
        return [
            f"It was not checked whether an IAM principal may connect as {names}, because the task names no cluster or "
            "instance. The password stops working all the same."
        ]
    mistakes = Mistakes()
    try:
        _refuse(clients, endpoint, converted, mistakes)
    except CloudError as error:
        raise Refused(
            f"Whether anybody could log in as {names} without the password cannot be told: {error.message} "
            f"If you know it, set {CONSENT}.",
            *(change.at("convert") for change in converted),
            **error.details,
        ) from error
    mistakes.refuse()
    return []


def _refuse(clients: Clients, endpoint: Endpoint, converted: Sequence[AccountChange], mistakes: Mistakes) -> None:
    """Raises CloudError."""
    names = {change.name.name for change in converted}
    connectable = judge(read_principals(clients), [endpoint], names, time.time()).connectable
    users = list(proxy_users(clients, endpoint))
    for change in converted:
        with mistakes.about(change.at("convert")):
            if change.name.name not in connectable:
                raise Refused(
                    f"no IAM principal may connect as {change.name}, so nobody could log in as it once its password "
                    f"has stopped working. Allow rds-db:connect on {endpoint.connect_arn(change.name.name)} first, or "
                    f"set {CONSENT}."
                )
        with mistakes.about(change.at("convert")):
            for user in _behind(users, change.name.name):
                raise Refused(
                    f"proxy {user.proxy} logs in as {change.name} with the password in secret {user.secret}, which "
                    f"would stop working. Let the proxy log in otherwise first, or set {CONSENT}."
                )


def _behind(users: Iterable[ProxyUser], name: str) -> Iterator[ProxyUser]:
    return (user for user in users if user.name == name)
