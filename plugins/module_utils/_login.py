# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Where to log in and as whom: what is known of a database before there is a session with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._secrets import register_secret, register_token
from ansible_collections.dbops.aurora_iam.plugins.module_utils._transport import Transport

_SPECIAL = re.compile(r"[*?$]")


@dataclass(frozen=True)
class Endpoint:
    """A database as AWS describes it, or as the user does with ``login_host`` and ``engine``.

    title        how messages call it: ``cluster orders``, ``instance billing``, ``proxy web``, ``db.example.org:3306``
    engine       AWS's word: aurora-mysql, mysql, aurora-postgresql, postgres
    host, port   the real ones, for which a token is signed
    resource_id  ``cluster-…``, ``db-…`` or ``prx-…``: the part of the rds-db ARN; empty when not known
    arn          of the same; partition, region and account are taken from it; empty when not known
    iam_auth     whether IAM authentication is on; None when AWS was not asked
    secret       ARN of the master user's managed secret; empty when there is none
    database     the database that was made with the cluster; empty when there is none or it is not known
    identifier   of the cluster or instance, as AWS calls it; empty when AWS was not asked
    status       AWS's word; empty when AWS was not asked
    version      AWS's EngineVersion; empty when AWS was not asked
    members      identifiers of a cluster's instances
    pending_iam_auth  what IAM authentication will be after the next maintenance window; None when nothing is pending
    writer       the instance that AWS names as the writer: ``instance orders-1``; empty when it is not known
    follows      whether ``host`` is a cluster's own name, which in the end leads to the new writer after a failover
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
    identifier: str = ""
    status: str = ""
    version: str = ""
    members: tuple[str, ...] = ()
    pending_iam_auth: bool | None = None

    writer: str = ""
    follows: bool = False

    @property
    def is_proxy(self) -> bool:
        return self.resource_id.startswith("prx-")

    def connect_arn(self, account: str) -> str:
        """What the Resource element of an IAM policy says to allow connecting as ``account`` and as no other account;
        empty when not known. IAM reads ``*``, ``?`` and ``$`` in it as special, so that these are escaped.

        https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
        """
        return self.connect_resource(_SPECIAL.sub(lambda letter: f"${{{letter[0]}}}", account))

    def connect_resource(self, account: str) -> str:
        """The ARN that IAM is asked about when somebody connects as ``account``; empty when not known."""
        if not (self.arn and self.resource_id):
            return ""
        _arn, partition, _service, region, owner = self.arn.split(":")[:5]
        return f"arn:{partition}:rds-db:{region}:{owner}:dbuser:{self.resource_id}/{account}"


@dataclass(frozen=True)
class Credentials:
    """
    is_token  an IAM token: goes out only over TLS verified against host name and CA
    signed    of a token: for which user, host, port and region it was signed, when, and with which access key
    """

    user: str
    password: str = field(repr=False)
    is_token: bool = False
    signed: str = ""

    def __post_init__(self) -> None:
        """A server may repeat in an error what it was sent, and a task shows errors."""
        (register_token if self.is_token else register_secret)(self.password)


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

    @property
    def follows_failovers(self) -> bool:
        """Whether the same address leads to another server when the writer changes."""
        own = (self.host, self.port) == (self.endpoint.host, self.endpoint.port)
        return self.endpoint.follows and own and not self.unix_socket

    def rotated(self, refused: Credentials) -> Credentials | None:
        """What to try once more after ``refused``: a secret may be rotated between being read and being used."""
        if refused.is_token:
            return None
        fresh = self.credentials()
        return fresh if fresh != refused else None

    def require_verified(self, credentials: Credentials) -> None:
        """Whoever receives a token can use it. Raises Refused."""
        if credentials.is_token and (self.ssl_mode != "verify-full" or self.unix_socket):
            raise Refused(
                f"An IAM token is sent only over TLS with the server's name verified, and ssl_mode is {self.ssl_mode}; "
                "set ssl_mode: verify-full, and leave login_unix_socket out."
            )

    def read_only_answer(self) -> str:
        """The sentence for a server that takes no changes."""
        endpoint = self.endpoint
        cause = (
            f"{self.unix_socket or self.host} answers as a read-only server of {self.title}: a reader, or the writer "
            "before a failover"
        )
        if self.follows_failovers:
            writer = f"the writer, which AWS says is {endpoint.writer}" if endpoint.writer else "the writer"
            return f"{cause}; run the task again when {endpoint.host} leads to {writer}."
        if endpoint.writer:
            return f"{cause}; the writer is {endpoint.writer} at {endpoint.host}:{endpoint.port}, so log in there."
        return f"{cause}; connect to the writer (cluster) endpoint, or try again in a minute."
