# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stranger where the database is expected gets nothing, whatever the way to log in, ssl_mode and kind of address."""

from __future__ import annotations

import contextlib
import socket
import uuid
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.integration.administration import Administration
from tests.integration.administrators import put_secret
from tests.integration.modules.recording_listener import (
    CONVERSATIONS,
    Conversation,
    Recorder,
    mysql_greeting,
    mysql_logging_in,
    mysql_packet,
    mysql_rows,
    recording,
)
from tests.integration.tasks import TaskFailed, Tasks
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("is about logging in on a connection")

SECRET = "S3cret-of-this-test"
ENGINES = {"orders": "aurora-mysql", "ledger": "aurora-postgresql"}
MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SSL_REQUEST = bytes.fromhex("0000000804d2162f")

Address = dict[str, Any]


def tcp(family: socket.AddressFamily, address: str) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.bind((address, 0))
    listener.listen()
    return listener


def at_a_path(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    return listener


def ways_to_log_in(secret: str) -> list[dict[str, Any]]:
    return [
        {"login_method": "password", "login_user": "admin", "login_password": SECRET},
        {"login_method": "secret", "login_secret": secret},
        {"login_method": "iam", "login_user": "admin"},
    ]


def attempt(tasks: Tasks, **options: Any) -> str:
    with pytest.raises(TaskFailed) as failure:
        tasks.user(name="jane", connect_timeout=3, **options)
    return str(failure.value)


@pytest.fixture
def secret(state: State) -> str:
    return put_secret(state, f"stranger/{uuid.uuid4().hex}", {"username": "admin", "password": SECRET})


def at_an_address(recorder_port: int, cluster: str) -> list[Address]:
    """How a task may be led to the stranger: directly, and as the tunnel of a cluster."""
    by_hand = {"engine": ENGINES[cluster], "login_port": recorder_port}
    return [
        {**by_hand, "login_host": "127.0.0.1"},
        {**by_hand, "login_host": "localhost"},
        {"cluster": cluster, "login_host": "127.0.0.1", "login_port": recorder_port},
    ]


@pytest.mark.parametrize("cluster", ENGINES)
def test_a_server_without_tls_is_sent_nothing(tasks: Tasks, cluster: str, secret: str):
    with recording(tcp(socket.AF_INET, "127.0.0.1"), CONVERSATIONS[cluster]) as recorder:
        port = recorder.port
        for address, way, mode in product(at_an_address(port, cluster), ways_to_log_in(secret), MODES):
            message = attempt(tasks, **address, **way, ssl_mode=mode)
            assert SECRET not in message
            assert "prefer" not in message.replace(f"got: {mode}", "")
        assert sent(recorder) == b""
        told = attempt(tasks, **address, **ways_to_log_in(secret)[0])
    assert "offers no TLS, and nothing secret is sent without" in told


@pytest.mark.parametrize("cluster", ENGINES)
def test_a_server_at_an_ipv6_address_neither(tasks: Tasks, cluster: str, secret: str):
    with recording(tcp(socket.AF_INET6, "::1"), CONVERSATIONS[cluster]) as recorder:
        for way in ways_to_log_in(secret):
            told = attempt(tasks, engine=ENGINES[cluster], login_host="::1", login_port=recorder.port, **way)
            assert "offers no TLS" in told or ("iam" in way.values() and "No IAM token can be signed for ::1" in told)
        assert sent(recorder) == b""


def sent(recorder: Recorder) -> bytes:
    """Beside the question for TLS."""
    return b"".join(message for message in recorder.received if message != SSL_REQUEST)


@contextlib.contextmanager
def sockets(folder: Path, abstract: str, port: int, cluster: str) -> Iterator[list[Recorder]]:
    """Strangers where libpq and MySQL's clients look when a host is taken for a socket."""
    places = [f"{folder}/.s.PGSQL.{port}", f"\0{abstract}/.s.PGSQL.{port}", f"{folder}/mysqld.sock", f"\0{abstract}"]
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(recording(at_a_path(place), CONVERSATIONS[cluster])) for place in places]


@pytest.mark.parametrize("cluster", ENGINES)
def test_a_host_is_never_taken_for_a_socket_or_a_list(tasks: Tasks, tmp_path: Path, cluster: str, secret: str):
    abstract = f"stranger-{uuid.uuid4().hex}"
    with (
        recording(tcp(socket.AF_INET, "127.0.0.1"), CONVERSATIONS[cluster]) as tcp_recorder,
        sockets(tmp_path, abstract, tcp_recorder.port, cluster) as recorders,
    ):
        hosts = [str(tmp_path), f"{tmp_path}/mysqld.sock", f"@{abstract}", f"nowhere.invalid,{tmp_path}"]
        hosts += ["127.0.0.1,127.0.0.1", f"127.0.0.1:{tcp_recorder.port}", f"host=127.0.0.1 hostaddr={tmp_path}"]
        databases = ({"engine": ENGINES[cluster]}, {"cluster": cluster})
        for host, way, named in product(hosts, ways_to_log_in(secret), databases):
            told = attempt(tasks, **named, **way, login_host=host, login_port=tcp_recorder.port)
            assert "is neither a host name nor an IP address" in told.replace("which ", "")
        for path in ("127.0.0.1", f"@{abstract}", f"{tmp_path},127.0.0.1"):
            told = attempt(
                tasks,
                engine=ENGINES[cluster],
                login_unix_socket=path,
                login_port=tcp_recorder.port,
                **ways_to_log_in(secret)[1],
            )
            assert "login_unix_socket is" in told
        assert [recorder.received for recorder in (*recorders, tcp_recorder)] == [[]] * 5


@pytest.mark.parametrize("cluster", ENGINES)
def test_a_name_that_cannot_be_resolved_fails(tasks: Tasks, cluster: str, secret: str):
    """It is not left to the driver, which would check the certificate for this name instead of the endpoint's."""
    for way in ways_to_log_in(secret):
        told = attempt(tasks, cluster=cluster, login_host="no-such-host.invalid", **way)
        assert f"Cannot log in to cluster {cluster}: the name no-such-host.invalid cannot be resolved" in told


@pytest.mark.parametrize(
    "name", ["host=127.0.0.1 sslmode=disable", "postgresql://127.0.0.1/x?sslmode=disable", "o'brien \\", "a,b"]
)
def test_the_name_of_a_database_is_never_more_than_a_name(tasks: Tasks, admin: Administration, account: str, name: str):
    """A tenant who may create databases chooses their names, and facts and tasks log in to each of them."""
    with recording(tcp(socket.AF_INET, "127.0.0.1"), CONVERSATIONS["ledger"]) as recorder:
        name = name.replace("disable", f"disable port={recorder.port}") if name.startswith("host") else name
        quoted = '"' + name + '"'
        admin.sql("ledger", f"CREATE DATABASE {quoted} OWNER postgres")
        try:
            grants = [{"privileges": ["CONNECT"], "on": "DATABASE", "database": name}]
            assert tasks.user(cluster="ledger", name=account, grants=grants)["changed"]
            assert tasks.user(cluster="ledger", login_db=name, name=account, state="absent")["changed"]
            assert tasks.facts(cluster="ledger")["accounts"] is not None
        finally:
            admin.sql("ledger", f"DROP DATABASE {quoted} WITH (FORCE)")
        assert recorder.received == []


FILE_WANTED = mysql_packet(1, b"\xfb/etc/passwd")
"""https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_local_infile_request.html"""
GREETINGS = (b"", b"\x0a", b"\x0a8.4\0ab", mysql_greeting(b"\xff\xfe\x80"))
TO_THE_LOGIN = (
    b"",
    b"\x01",
    b"\x01\x09",
    b"\xfe",
    b"\xfedialog\0",
    b"\xfeclient_ed25519\0x",
    b"\xfe\xff\xc3\0x",
    b"\xfemysql_old_password\0x",
    b"\xff",
    b"\xff\x15\x04",
)
TO_A_QUERY = (
    mysql_packet(1, b""),
    mysql_packet(1, b"\0\0\0\2\0\0\0"),
    mysql_packet(1, b"\x05\x01\x02"),
    FILE_WANTED,
    mysql_rows(),
    mysql_rows([b"8.4.7"]),
    mysql_rows([b"x", b"0"]),
    mysql_rows([b"8.4.7", b"x"]),
    mysql_rows([b"\xff", b"0"]),
    mysql_rows([b"8.4.7", b"0"], [b"8.4.7", b"0"]),
)


def saying(*messages: bytes) -> Conversation:
    def conversation(connection: socket.socket, receive: Callable[[], bytes]) -> None:
        for message in messages:
            connection.sendall(message)
            receive()

    return conversation


def test_what_is_no_answer_of_mysql_is_told_in_a_sentence(tasks: Tasks, tmp_path: Path):
    """On a Unix socket, where nothing verifies the server. No file of this host is sent to it."""
    greeting = mysql_packet(0, mysql_greeting())
    conversations = [saying(mysql_packet(0, each)) for each in GREETINGS]
    conversations += [saying(greeting, mysql_packet(2, each)) for each in TO_THE_LOGIN]
    conversations += [mysql_logging_in(each) for each in TO_A_QUERY]
    for number, conversation in enumerate(conversations):
        path = f"{tmp_path}/{number}"
        with recording(at_a_path(path), conversation) as recorder:
            way = {"login_user": "admin", "login_password": SECRET}
            told = attempt(tasks, engine="aurora-mysql", login_unix_socket=path, **way)
        assert path in told
        assert "defect" not in told
        assert b"root:" not in b"".join(recorder.received)
