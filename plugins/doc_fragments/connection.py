# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options by which every module finds the database and logs in."""

    DOCUMENTATION = r"""
options:
  cluster:
    description:
      - Identifier of the Aurora or Multi-AZ DB cluster. The writer's endpoint, the port, the engine, the resource ID,
        the master user and its managed secret come from the RDS API.
      - One of O(cluster), O(instance) and O(proxy) is needed, or O(login_host) with O(engine).
    type: str
  instance:
    description: Identifier of an RDS DB instance that is not a member of a cluster.
    type: str
  proxy:
    description:
      - Name of the RDS Proxy to go through. Its endpoint, engine family, resource ID and, if it has exactly one that
        clients may log in with, its secret come from the RDS API. Tokens are signed for the proxy, and IAM policies
        name its resource ID.
      - A proxy's certificate comes from a public authority, so RDS's bundle is not looked for; see O(ca_cert).
    type: str
  engine:
    description:
      - AWS's word for the engine. Read from the RDS API where O(cluster), O(instance) or O(proxy) is set.
    type: str
    choices: [aurora-mysql, aurora-postgresql, mysql, postgres]
  login_host:
    description:
      - One host name or IP address to connect to. Overrides the one from the RDS API, for a tunnel. Tokens are still
        signed for the real endpoint, and the certificate must still be for its name.
    type: str
  login_port:
    description: Port to dial. The RDS API's if left out, or else the engine's usual one.
    type: int
  login_user:
    description:
      - User to log in as. The secret's, or else the cluster's master user, if left out.
      - Where the password comes from a secret, no other user than the secret's is taken.
    type: str
  login_password:
    description: Password to log in with.
    type: str
  login_unix_socket:
    description:
      - Absolute path of a socket file (MySQL) or socket directory (PostgreSQL) to connect to instead of host and port.
    type: path
  login_db:
    description:
      - PostgreSQL, the database to log in to, which is also the one that a grant without C(database) is about. The
        database that was made with the cluster if left out, or else C(postgres).
    type: str
  login_method:
    description:
      - V(password) uses O(login_password). V(secret) reads O(login_secret), or else the cluster's managed master
        secret, from Secrets Manager. V(iam) signs an IAM token for O(login_user), anew for every connection.
      - V(data_api) goes through the RDS Data API, which logs in with O(login_secret), or else the cluster's managed
        master secret. It needs no network route to the database and no database driver, but O(cluster), and the Data
        API to be on. The options about a connection (O(login_host), O(login_port), O(login_unix_socket), O(login_user),
        O(login_password)) are refused with it, and O(ssl_mode), O(ca_cert) and O(connect_timeout) have no meaning.
      - V(auto) takes the first that applies. O(login_password) if it is set; O(login_secret) if it is set; the managed
        master secret if there is one and O(login_user) names no other user; an IAM token.
    type: str
    choices: [auto, password, secret, iam, data_api]
    default: auto
  login_secret:
    description:
      - ARN or name of a secret in Secrets Manager whose value is JSON with C(username) and C(password).
    type: str
  ssl_mode:
    description:
      - What is verified of the server before anything secret is sent, in libpq's words for both engines. V(require)
        verifies nothing, so that O(ca_cert) has no meaning with it. V(verify-ca) verifies who issued the certificate,
        V(verify-full) also that it is for the endpoint.
      - There is no mode without TLS. Every RDS and Aurora endpoint offers it.
      - A token is only sent with V(verify-full), the password from a secret only with V(verify-ca) or V(verify-full).
    type: str
    choices: [require, verify-ca, verify-full]
    default: verify-full
  ca_cert:
    description:
      - File with the certificate authorities that the server's certificate is checked against, on the host where the
        task runs. If not set, E(AURORA_IAM_CA_CERT) is used.
      - If neither is set, RDS's bundle C(global-bundle.pem) is looked for in C(~/.aws/rds), C(/etc/pki/rds) and
        C(/etc/ssl/rds), and then the system's own authorities are used.
    type: path
  connect_timeout:
    description:
      - Seconds to wait for a connection. After a failover, the seconds within which the cluster's endpoint must lead to
        the new writer.
      - From 1 to 86400.
    type: int
    default: 30
  lock_timeout:
    description:
      - Seconds to wait for another run of this collection, or for a lock on an object.
      - On PostgreSQL a statement waits less than a second at a time, so that others do not queue behind it.
      - From 1 to 86400.
    type: int
    default: 30
requirements:
  - boto3 >= 1.34 (wherever AWS is asked, also for a secret or a token)
  - PyMySQL >= 1.1.1 (for MySQL, unless over the Data API)
  - psycopg2 >= 2.9 (for PostgreSQL, unless over the Data API)
"""
