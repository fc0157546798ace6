# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The LDAP responder, byte by byte and over a real connection."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.sandbox.login.ldap import (
    INVALID_CREDENTIALS,
    SUCCESS,
    Bind,
    LdapResponder,
    ProtocolError,
    bind_response,
    parse,
    read_message,
)
from tests.sandbox.login.verifier import Login


def length(size: int, octets: int = 0) -> bytes:
    """A BER length; ``octets`` asks for a long form of that many."""
    if octets == 0 and size < 0x80:
        return bytes([size])
    octets = octets or (size.bit_length() + 7) // 8
    return bytes([0x80 | octets]) + size.to_bytes(octets, "big")


def element(tag: int, content: bytes, octets: int = 0) -> bytes:
    return bytes([tag]) + length(len(content), octets) + content


def bind_request(name: bytes, password: bytes, message_id: bytes = b"\x01", octets: int = 0) -> bytes:
    request = element(2, b"\x03") + element(4, name, octets) + element(0x80, password, octets)
    return element(0x30, element(2, message_id) + element(0x60, request, octets), octets)


UNBIND = element(0x30, element(2, b"\x02") + element(0x42, b""))


def parsed(message: bytes) -> Bind | None:
    content = read_message(io.BytesIO(message))
    assert content is not None
    return parse(content)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 1500, 32_000, 65_000])
@pytest.mark.parametrize("octets", [0, 4])
def test_passwords_of_any_length_and_lengths_of_any_form(size: int, octets: int) -> None:
    bind = parsed(bind_request(b"ledger:joe", b"x" * size, b"\x01\x02", octets))
    assert bind == Bind(b"\x01\x02", "ledger:joe", "x" * size)


def test_controls_after_the_request_are_ignored() -> None:
    content = element(2, b"\x01") + element(0x60, element(2, b"\x03") + element(4, b"a:b") + element(0x80, b"p"))
    assert parse(content + element(0xA0, b"")) == Bind(b"\x01", "a:b", "p")


def test_unbind_and_the_end() -> None:
    assert parsed(UNBIND) is None
    assert read_message(io.BytesIO(b"")) is None


GOOD = bind_request(b"ledger:joe", b"secret")


@pytest.mark.parametrize(
    "message",
    [
        b"\x31" + GOOD[1:],
        GOOD[:1],
        GOOD[:-1],
        b"\x30\x80" + GOOD[2:] + b"\0\0",
        b"\x30\x85" + b"\0" * 4 + GOOD[1:],
        b"\x30\x84\x01\x00\x00\x00",
        bind_request(b"a:b", b"x" * 65_536),
        bind_request(b"a:b", b"p", message_id=b""),
        bind_request(b"a:b", b"p", message_id=b"\x01" * 5),
        bind_request(b"a:b", b"\xff"),
        element(0x30, element(2, b"\x01") + element(0x63, b"")),
        element(0x30, element(2, b"\x01") + element(0x60, element(2, b"\x03") + element(4, b"a:b"))),
        element(0x30, element(2, b"\x01") + element(0x60, element(2, b"\x03") + b"\x04\x20a:b")),
        element(0x30, element(2, b"\x01") + element(0x60, element(2, b"\x03") + b"\x04\x80a:b")),
        element(
            0x30, element(2, b"\x01") + element(0x60, element(2, b"\x03") + element(4, b"a:b") + element(0xA3, b""))
        ),
    ],
)
def test_everything_else_is_a_protocol_error(message: bytes) -> None:
    with pytest.raises(ProtocolError):
        parsed(message)


def test_the_answers_are_those_of_rfc_4511() -> None:
    bind = Bind(b"\x07", "ledger:joe", "")
    assert bind_response(bind, SUCCESS) == bytes.fromhex("300c020107 6107 0a0100 0400 0400")
    assert bind_response(bind, INVALID_CREDENTIALS) == bytes.fromhex("300c020107 6107 0a0131 0400 0400")


@pytest.fixture
def responder() -> Iterator[tuple[int, list[Login]]]:
    logins: list[Login] = []

    def admits(login: Login) -> bool:
        logins.append(login)
        return login.token == "the token"

    with LdapResponder(0, admits) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1], logins
        server.shutdown()
        thread.join()


def converse(port: int, *messages: bytes) -> bytes:
    """What the responder answers until it ends the conversation, be it by a reset."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client, suppress(ConnectionError):
        client.sendall(b"".join(messages))
        client.shutdown(socket.SHUT_WR)
        while received := client.recv(4096):
            answer += received
    return answer


def test_a_conversation(responder: tuple[int, list[Login]]) -> None:
    port, logins = responder
    refused = bind_request("ledger:jo:ë".encode(), b"wrong", b"\x01")
    answer = converse(port, refused, bind_request(b"ledger:joe", b"the token", b"\x02"), UNBIND, GOOD)
    assert answer == bytes.fromhex("300c020101 6107 0a0131 0400 0400 300c020102 6107 0a0100 0400 0400")
    assert logins == [Login("ledger", "jo:ë", "wrong", True), Login("ledger", "joe", "the token", True)]


def test_what_is_no_bind_is_dropped_without_an_answer(responder: tuple[int, list[Login]]) -> None:
    port, logins = responder
    assert converse(port, b"GET / HTTP/1.1\r\n\r\n") == b""
    assert converse(port, element(0x30, element(2, b"\x01") + element(0x63, b"")), GOOD) == b""
    assert logins == []
