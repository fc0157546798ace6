# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door of PostgreSQL: an LDAP responder that knows the simple bind and the unbind, and nothing else.

PostgreSQL's ``ldap`` method hands a password of any length to a bind, as ``pam`` does on RDS. The name that binds is
``<cluster>:<login name>``. https://datatracker.ietf.org/doc/html/rfc4511#section-4.2
"""

from __future__ import annotations

import socketserver
from dataclasses import dataclass, field
from io import BufferedIOBase

from tests.sandbox.login.gate import Admits
from tests.sandbox.login.verifier import Login

_INTEGER, _OCTET_STRING, _ENUMERATED, _SEQUENCE = 0x02, 0x04, 0x0A, 0x30
_BIND_REQUEST, _BIND_RESPONSE, _UNBIND_REQUEST, _SIMPLE = 0x60, 0x61, 0x42, 0x80
SUCCESS, INVALID_CREDENTIALS = 0, 49
_LONGEST_MESSAGE = 64 * 1024
_PATIENCE = 10.0
"""Seconds that a silent client is listened to."""


class ProtocolError(ValueError):
    """The bytes are not a message that this responder knows."""


@dataclass(frozen=True)
class Bind:
    message_id: bytes
    """As it came: the content of an INTEGER."""
    name: str
    password: str = field(repr=False)


def read_message(stream: BufferedIOBase) -> bytes | None:
    """The content of the next LDAPMessage, or None at the end. Raises ProtocolError."""
    tag = stream.read(1)
    if not tag:
        return None
    if tag[0] != _SEQUENCE:
        raise ProtocolError("an LDAP message begins with a SEQUENCE")
    length = _read_length(stream)
    if length > _LONGEST_MESSAGE:
        raise ProtocolError("the message is longer than 64 KiB")
    content = stream.read(length)
    if len(content) != length:
        raise ProtocolError("the message is cut short")
    return content


def _read_length(stream: BufferedIOBase) -> int:
    """A BER length in its short or its long form; LDAP forbids the indefinite one (RFC 4511, 5.1)."""
    first = stream.read(1)
    if not first:
        raise ProtocolError("the message ends before its length")
    if first[0] < 0x80:
        return first[0]
    count = first[0] & 0x7F
    octets = stream.read(count)
    if not 1 <= count <= 4 or len(octets) != count:
        raise ProtocolError("a length is indefinite, too long or cut short")
    return int.from_bytes(octets, "big")


def _take(content: bytes, wanted: int) -> tuple[bytes, bytes]:
    """The first element's content, which has the wanted tag, and what follows it."""
    if not content or content[0] != wanted:
        raise ProtocolError(f"an element with tag {wanted:#04x} is missing")
    start, length = 2, content[1] if len(content) > 1 else -1
    if length >= 0x80:
        count = length & 0x7F
        start, length = 2 + count, int.from_bytes(content[2 : 2 + count], "big") if 1 <= count <= 4 else -1
    if length < 0 or start + length > len(content):
        raise ProtocolError("an element's length is indefinite or reaches beyond the message")
    return content[start : start + length], content[start + length :]


def parse(message: bytes) -> Bind | None:
    """The bind request in an LDAPMessage's content, or None for an unbind. Raises ProtocolError for all else."""
    message_id, operation = _take(message, _INTEGER)
    if not 1 <= len(message_id) <= 4:
        raise ProtocolError("a message id has one to four bytes")
    if operation[:1] == bytes([_UNBIND_REQUEST]):
        return None
    request, _controls = _take(operation, _BIND_REQUEST)
    _version, request = _take(request, _INTEGER)
    name, request = _take(request, _OCTET_STRING)
    password, rest = _take(request, _SIMPLE)
    if rest:
        raise ProtocolError("something follows the password")
    try:
        return Bind(message_id, name.decode(), password.decode())
    except UnicodeDecodeError:
        raise ProtocolError("the name or the password is not UTF-8") from None


def bind_response(bind: Bind, result: int) -> bytes:
    """A BindResponse without a matched name or a message: the client is to learn no more than yes or no."""
    outcome = _element(_ENUMERATED, bytes([result])) + _element(_OCTET_STRING, b"") + _element(_OCTET_STRING, b"")
    return _element(_SEQUENCE, _element(_INTEGER, bind.message_id) + _element(_BIND_RESPONSE, outcome))


def _element(tag: int, content: bytes) -> bytes:
    """Short lengths only: answers are a few bytes."""
    return bytes([tag, len(content)]) + content


class LdapResponder(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, admits: Admits) -> None:
        self.admits = admits
        super().__init__(("127.0.0.1", port), _Conversation)


class _Conversation(socketserver.StreamRequestHandler):
    timeout = _PATIENCE
    server: LdapResponder

    def handle(self) -> None:
        try:
            while (message := read_message(self.rfile)) is not None:
                bind = parse(message)
                if bind is None:
                    return
                self.wfile.write(bind_response(bind, SUCCESS if self._admits(bind) else INVALID_CREDENTIALS))
        except (OSError, ProtocolError):
            return  # Whatever is neither a bind nor an unbind is dropped.

    def _admits(self, bind: Bind) -> bool:
        cluster, _colon, user = bind.name.partition(":")
        # PostgreSQL asks only for connections that matched a hostssl rule.
        return self.server.admits(Login(cluster, user, bind.password, uses_tls=True))
