# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Where to log in and as whom: what is known of a database before there is a session with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._transport import Transport


@dataclass(frozen=True)
class Endpoint:
    """A database as AWS describes it, or as the user does with ``login_host`` and ``engine``.

    title        how messages call it: ``cluster orders``, ``instance billing-1``, ``db.example.org:3306``
    engine       AWS's word: aurora-mysql, mysql, aurora-postgresql, postgres
    host, port   the real ones, for which a token is signed
    resource_id  ``cluster-…``, ``db-…`` or ``prx-…``: the part of the rds-db ARN; empty when not known
    arn          of the cluster or instance; partition, region and account are taken from it; empty when not known
    iam_auth     whether IAM authentication is on; None when AWS was not asked
    secret       ARN of the master user's managed secret; empty when there is none
    database     the database that was made with the cluster; empty when there is none or it is not known
    """

    title: str
    engine: str
    host: str
    port: int
    resource_id: str = ""
    arn: str = ""
    iam_auth: bool | None = None
    master_user: str = ""
    secret: str = ""
    database: str = ""

    def connect_arn(self, account: str) -> str:
        """The resource that an IAM policy names to let somebody connect as ``account``; empty when not known.

        https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
        """
        if not (self.arn and self.resource_id):
            return ""
        _arn, partition, _service, region, owner = self.arn.split(":")[:5]
        return f"arn:{partition}:rds-db:{region}:{owner}:dbuser:{self.resource_id}/{account}"


@dataclass(frozen=True)
class Credentials:
    user: str
    password: str = field(repr=False)
    is_token: bool = False
    """An IAM token: goes out only over TLS verified against host name and CA."""


@dataclass(frozen=True)
class Login:
    """Everything an engine needs to open sessions.

    host, port, unix_socket  what is dialled; differs from the endpoint's when there is a tunnel
    credentials              called anew for every connection, because a token lives for 15 minutes only
    database                 the database to be in when none is named
    ssl_mode                 libpq's words, for both engines
    connect_timeout          seconds
    lock_timeout             seconds to wait for another run, or for a lock on an object
    transport                what carries statements instead of a connection; then nothing is dialled
    """

    endpoint: Endpoint
    host: str
    port: int
    credentials: Callable[[], Credentials] = field(repr=False)
    unix_socket: str = ""
    database: str = ""
    ssl_mode: str = "verify-full"
    ca_cert: str = ""
    connect_timeout: int = 30
    lock_timeout: int = 30
    transport: Transport | None = field(default=None, repr=False)

    @property
    def title(self) -> str:
        return self.endpoint.title
