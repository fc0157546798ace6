# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log in as a person or a service would: with a token signed by an IAM principal's own keys.

``python -m tests.sandbox.clients orders jane_doe`` signs with the AWS keys in the environment, and logs in with every
client that this machine has. Each prints whom the server says it is; the exit code says whether all were let in.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psycopg2
import pymysql

from tests.sandbox.aws.signed_requests import password
from tests.sandbox.layout import of_checkout

CHECKOUT = Path(__file__).parents[2]
State = dict[str, Any]


class LoginRefused(Exception):
    """The server's own words."""


@dataclass(frozen=True)
class Principal:
    """An IAM user's access key, or a role session's with its token."""

    access_key: str
    secret_key: str
    session_token: str | None = None

    def token(self, state: State, host: str, port: int, user: str) -> str:
        """An IAM authentication token; valid for 15 minutes. Made without any call."""
        client = boto3.client(
            "rds",
            region_name=state["region"],
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            aws_session_token=self.session_token,
        )
        token: str = client.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user)
        return token


def read_state() -> State:
    """What ``up`` wrote. Raises SystemExit where no sandbox is up."""
    path = of_checkout().state_json
    if not path.exists():
        raise SystemExit("The sandbox is not up; start it with: make sandbox-up")
    state: State = json.loads(path.read_text())
    return state


def aws_client(state: State, service: str) -> Any:
    """A client of the sandbox's AWS API, as its administrator."""
    return boto3.client(
        service,
        endpoint_url=state["endpoint_url"],
        region_name=state["region"],
        aws_access_key_id=state["access_key"],
        aws_secret_access_key=state["secret_key"],
    )


def ask_hook(state: State, method: str, name: str, document: Any = None) -> Any:
    """A request to the sandbox's hook, as its administrator. Raises urllib.error.HTTPError."""
    body = None if document is None else json.dumps(document).encode()
    headers = {"Authorization": password(state["access_key"], state["secret_key"])}
    request = urllib.request.Request(f"{state['endpoint_url']}/_sandbox/{name}", body, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def create_principal(state: State, name: str, *statements: dict[str, Any]) -> Principal:
    """Make an IAM user with an inline policy of these statements (none at all is possible) and an access key."""
    iam = aws_client(state, "iam")
    iam.create_user(UserName=name)
    if statements:
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_user_policy(UserName=name, PolicyName="connect", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Principal(key["AccessKeyId"], key["SecretAccessKey"])


def described_endpoint(state: State, name: str) -> dict[str, Any]:
    """What is known of a cluster, of a standalone instance, or of a proxy."""
    described: dict[str, Any] = {**state["clusters"], **state["instances"], **state["proxies"]}[name]
    return described


def connect_statement(state: State, cluster: str, user: str, effect: str = "Allow") -> dict[str, Any]:
    """The policy statement by which a principal may, or must not, connect to a cluster as ``user``."""
    described = described_endpoint(state, cluster)
    _arn, partition, _rds, region, account = described["arn"].split(":")[:5]
    resource_id = described["resource_id"]
    return {
        "Effect": effect,
        "Action": "rds-db:connect",
        "Resource": f"arn:{partition}:rds-db:{region}:{account}:dbuser:{resource_id}/{user}",
    }


@dataclass(frozen=True)
class Attempt:
    """What a client is given to log in with."""

    host: str
    port: int
    user: str
    secret: str
    database: str
    ca_cert: str
    tls: bool = True


def with_pymysql(attempt: Attempt) -> str:
    """PyMySQL sends the token by mysql_clear_password when the server asks for it."""
    try:
        connection = pymysql.connect(
            host=attempt.host,
            port=attempt.port,
            user=attempt.user,
            password=attempt.secret,
            ssl={"ca": attempt.ca_cert} if attempt.tls else None,
            ssl_disabled=not attempt.tls,
            connect_timeout=10,
        )
    except pymysql.MySQLError as error:
        raise LoginRefused(str(error)) from error
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        row = cursor.fetchone()
        return str(row[0]) if row else ""


def with_psycopg2(attempt: Attempt) -> str:
    try:
        connection = psycopg2.connect(
            host=attempt.host,
            port=attempt.port,
            user=attempt.user,
            password=attempt.secret,
            dbname=attempt.database,
            sslmode="verify-full" if attempt.tls else "disable",
            sslrootcert=attempt.ca_cert,
            connect_timeout=10,
        )
    except psycopg2.OperationalError as error:
        raise LoginRefused(str(error).strip()) from error
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            row = cursor.fetchone()
            return str(row[0]) if row else ""
    finally:
        connection.close()


def with_mysql(attempt: Attempt) -> str:
    """The mysql program. The token is in its environment, where other users do not see it, not among its arguments."""
    return _run(
        [
            str(program("mysql")),
            "--no-defaults",
            "--batch",
            "--skip-column-names",
            "--execute=SELECT CURRENT_USER()",
            f"--host={attempt.host}",
            f"--port={attempt.port}",
            "--protocol=TCP",
            f"--user={attempt.user}",
            "--ssl-mode=VERIFY_IDENTITY",
            f"--ssl-ca={attempt.ca_cert}",
        ],
        {"MYSQL_PWD": attempt.secret, "LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN": "1"},
    )


def with_psql(attempt: Attempt) -> str:
    """The psql program, with everything in its environment."""
    return _run(
        [str(program("psql")), "--no-psqlrc", "--no-align", "--tuples-only", "--command=SELECT current_user"],
        {
            "PGHOST": attempt.host,
            "PGPORT": str(attempt.port),
            "PGUSER": attempt.user,
            "PGPASSWORD": attempt.secret,
            "PGDATABASE": attempt.database,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": attempt.ca_cert,
        },
    )


def _run(command: list[str], environment: dict[str, str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    if result.returncode:
        raise LoginRefused(result.stderr.strip())
    return result.stdout.strip()


Client = Callable[[Attempt], str]
LIBRARIES: dict[str, Client] = {
    "aurora-mysql": with_pymysql,
    "aurora-postgresql": with_psycopg2,
    "mysql": with_pymysql,
    "postgres": with_psycopg2,
}
PROGRAMS: dict[str, tuple[str, Client]] = {
    "aurora-mysql": ("mysql", with_mysql),
    "aurora-postgresql": ("psql", with_psql),
    "mysql": ("mysql", with_mysql),
    "postgres": ("psql", with_psql),
}


def clients_for(engine: str) -> Iterator[tuple[str, Client]]:
    """The Python library, and the engine's own program where it is on PATH."""
    library = LIBRARIES[engine]
    yield library.__name__.removeprefix("with_"), library
    name, client = PROGRAMS[engine]
    if program(name):
        yield name, client


def program(name: str) -> str | None:
    """The engine's own client: the machine's, or else the one that came with the sandbox's servers."""
    return shutil.which(name) or shutil.which(name, path=str(of_checkout().cache / "debian/usr/bin"))


def attempt(state: State, cluster: str, user: str, secret: str, *, tls: bool = True) -> Attempt:
    """An attempt at a cluster's writer, with a token or a password."""
    described = described_endpoint(state, cluster)
    return Attempt(described["host"], described["port"], user, secret, described["database"], state["ca_cert"], tls)


def login(state: State, cluster: str, user: str, principal: Principal) -> str:
    """Sign a token for ``user`` with the principal's keys, log in with it, return the server's CURRENT_USER.

    Raises LoginRefused.
    """
    described = described_endpoint(state, cluster)
    token = principal.token(state, described["host"], described["port"], user)
    return LIBRARIES[described["engine"]](attempt(state, cluster, user, token))


def main(cluster: str, user: str) -> int:
    state = read_state()
    described = described_endpoint(state, cluster)
    keys = Principal(
        os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], os.environ.get("AWS_SESSION_TOKEN")
    )
    token = keys.token(state, described["host"], described["port"], user)
    refused = 0
    for name, client in clients_for(described["engine"]):
        try:
            print(f"{name}: logged in to {cluster} as {client(attempt(state, cluster, user, token))}")
        except LoginRefused as error:
            refused += 1
            print(f"{name}: refused by {cluster} as {user}: {error}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
