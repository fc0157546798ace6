# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What may stand for the address of a server: one host name or IP address, one port, one socket's path.

A driver reads more into it than that. libpq takes ``/tmp`` and ``@x`` for Unix sockets, ``a,b`` for a list of hosts,
and a socket's path that does not begin with a slash for a host:
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-HOST
What is dialled that way is dialled without TLS, or its certificate is checked for another name than was meant.
"""

from __future__ import annotations

import ipaddress
import re
import socket

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, Unreachable
from ansible_collections.dbops.aurora_iam.plugins.module_utils._secrets import register_secret

_HOST_NAME = re.compile(
    r"(?=.{1,254}\Z)[a-z0-9_][a-z0-9_-]{0,62}(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?\Z", re.IGNORECASE | re.ASCII
)
"""https://www.rfc-editor.org/rfc/rfc1123#section-2.1, with the underscores that names of containers have"""
_HOST_IN_URL = re.compile(
    r"(?:[a-z][a-z0-9+.:-]*://)?(?:[^@/\s]*@)?\[?(?P<host>[^/@,\s\[\]]+?)\]?(?::(?P<port>\d{1,5}))?(?:[/?]\S*)?",
    re.IGNORECASE | re.ASCII,
)
_MAX_PORT = 65535
_MAX_SOCKET_PATH = 107
"""Bytes: https://man7.org/linux/man-pages/man7/unix.7.html, sun_path"""


def check_host(host: str, what: str, port_option: str = "login_port") -> None:
    """``what`` names the host in the sentence: an option, or the endpoint that AWS told. Raises InvalidOption."""
    if _is_host(host):
        return
    register_secret(_password(host))
    begin = f"{what} is {host!r}, which is neither a host name nor an IP address"
    alone, port = _apart(host)
    if alone:
        and_port = f" and {port_option}: {port}" if port else ""
        raise InvalidOption(f"{begin}; write {what}: {alone}{and_port}.")
    raise InvalidOption(
        f"{begin}; give one host here, its port in {port_option}, and the path of a Unix socket in login_unix_socket."
    )


def _apart(text: str) -> tuple[str, str]:
    """The host and the port of a URL or of ``host:port``; empty where there is none."""
    found = _HOST_IN_URL.fullmatch(text)
    if found is None or not _is_host(found["host"]):
        return "", ""
    return found["host"], found["port"] or ""


def _password(text: str) -> str:
    """Of a URL: the message shows what is wrong, and a URL may have a password in it."""
    found = re.search(r"//[^@/:\s]*:([^@/\s]+)@", text)
    return found[1] if found else ""


def _is_host(text: str) -> bool:
    return _HOST_NAME.match(text) is not None or _is_address(text)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def check_port(port: int) -> None:
    """Raises InvalidOption."""
    if not 1 <= port <= _MAX_PORT:
        raise InvalidOption(f"login_port is {port}; give 1 to {_MAX_PORT}.")


def check_socket(path: str) -> None:
    """Raises InvalidOption."""
    problem = "" if path.startswith("/") else "does not begin with a slash"
    if "," in path or "\0" in path:
        problem = "contains a comma or a NUL character"
    if len(path.encode(errors="surrogateescape")) > _MAX_SOCKET_PATH:
        problem = f"is longer than the {_MAX_SOCKET_PATH} bytes of a socket's address"
    if problem:
        raise InvalidOption(f"login_unix_socket is {path!r}, which {problem}; give the absolute path of one socket.")


def resolve(host: str, port: int, title: str) -> list[str]:
    """The IP addresses of a host, without duplicates, in the order of the resolver. Raises Unreachable."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the latter where a part of the name is empty or too long
        raise Unreachable(
            f"Cannot log in to {title}: the name {host} cannot be resolved; check the spelling, and that this machine "
            "asks a DNS that knows it."
        ) from None
    return list(dict.fromkeys(str(address[0]) for _family, _type, _protocol, _canonical, address in found))
