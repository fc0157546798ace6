# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""As whom the RDS Proxies in front of a database log in to it.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_UserAuthConfigInfo.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients, listed
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.credentials import secret_credentials
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.proxy_targets import targets
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint


class ProxyUser(NamedTuple):
    """``secret``: the ARN of the one that has its password."""

    proxy: str
    name: str
    secret: str


def proxy_users(clients: Clients, endpoint: Endpoint) -> Iterator[ProxyUser]:
    """Of every proxy for the cluster or instance; of a proxy, its own. Raises CloudError."""
    for proxy in all_proxies(clients):
        if is_before(clients, proxy, endpoint):
            for auth in proxy.get("Auth", ()):
                if secret := auth.get("SecretArn"):
                    yield ProxyUser(proxy["DBProxyName"], secret_credentials(clients, secret).user, secret)


def all_proxies(clients: Clients) -> list[dict[str, Any]]:
    """Of the region. Raises CloudError."""
    return listed(clients, "describe_db_proxies", "rds:DescribeDBProxies", "the proxies of the region", "DBProxies")


def is_before(clients: Clients, proxy: dict[str, Any], endpoint: Endpoint) -> bool:
    """Whether the proxy is for the cluster or instance. Raises CloudError."""
    if endpoint.is_proxy:
        return bool(proxy["DBProxyArn"] == endpoint.arn)
    found = targets(clients, proxy["DBProxyName"])
    return any(endpoint.identifier in (each.get("TrackedClusterId"), each.get("RdsResourceId")) for each in found)
