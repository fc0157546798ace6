# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Administrators of a database other than its master user: with a token, and with a password in a named secret."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator

from tests.integration.administration import Administration
from tests.sandbox.clients import State, aws_client

# On MySQL the master's rights come with its role. On PostgreSQL from 16 on, who is to grant rds_iam needs the ADMIN
# option on it, in the sandbox also as a member of rds_superuser.
_RIGHTS = {
    "orders": "GRANT rds_superuser_role TO {name} WITH ADMIN OPTION; SET DEFAULT ROLE rds_superuser_role TO {name}",
    "ledger": "ALTER ROLE {name} CREATEROLE; GRANT rds_superuser TO {name}; SET ROLE postgres; "
    "GRANT CONNECT ON DATABASE ledger TO {name} WITH GRANT OPTION",
}
_WITH_TOKEN = {
    "orders": "CREATE USER {name} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL",
    "ledger": "CREATE ROLE {name} LOGIN; GRANT rds_iam TO {name} WITH ADMIN OPTION",
}
_DROP = {"orders": "DROP USER {name}", "ledger": "DROP OWNED BY {name}; DROP ROLE {name}"}


def create_iam_administrator(admin: Administration, cluster: str) -> str:
    name = f"dba_{uuid.uuid4().hex[:8]}"
    admin.sql(cluster, f"{_WITH_TOKEN[cluster]}; {_RIGHTS[cluster]}".format(name=name))
    return name


@contextlib.contextmanager
def password_administrator(admin: Administration, state: State, cluster: str) -> Iterator[tuple[str, str]]:
    """Name and password. On MySQL an account of its own. On PostgreSQL the master user, which afterwards has its
    password again: from PostgreSQL 16 on nobody else in the sandbox may grant rds_iam and yet log in by password."""
    if cluster == "ledger":
        arn = state["clusters"][cluster]["secret_arn"]
        value = json.loads(aws_client(state, "secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
        name, password = value["username"], value["password"]
        try:
            yield name, password
        finally:
            change_password(admin, cluster, name, password)
        return
    name, password = f"dba_{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    admin.sql(cluster, f"CREATE USER {name} IDENTIFIED BY '{password}'; {_RIGHTS[cluster]}".format(name=name))
    try:
        yield name, password
    finally:
        drop_administrator(admin, cluster, name)


def change_password(admin: Administration, cluster: str, name: str, password: str) -> None:
    words = "IDENTIFIED BY" if cluster == "orders" else "PASSWORD"
    admin.sql(cluster, f"ALTER USER {name} {words} '{password}'")


def drop_administrator(admin: Administration, cluster: str, name: str) -> None:
    admin.sql(cluster, _DROP[cluster].format(name=name))


def put_secret(state: State, name: str, value: object) -> str:
    """Create the secret, or give it another value. Returns its ARN."""
    secrets = aws_client(state, "secretsmanager")
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        answer = secrets.put_secret_value(SecretId=name, SecretString=text)
    except secrets.exceptions.ResourceNotFoundException:
        answer = secrets.create_secret(Name=name, SecretString=text)
    return str(answer["ARN"])
