# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Names of accounts and roles: which ones MySQL stores unaltered, and which ones belong to the service.

https://dev.mysql.com/doc/refman/8.4/en/account-names.html
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.checks import reserved
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.service_names import is_of_service
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, Where, about
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import ALL_HOSTS, AccountName

ANY_HOST = "%"
MAX_NAME = 32
MAX_HOST = 255

_RESERVED = re.compile(r"(mysql\..+|aws_[a-z0-9_]+_access)\Z", re.DOTALL)
"""MySQL's own accounts, and Aurora's own roles such as AWS_LAMBDA_ACCESS.

https://dev.mysql.com/doc/refman/8.4/en/reserved-accounts.html

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Compare-80-v3.html
"""


_LATIN1 = [bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256)]
"""https://dev.mysql.com/doc/refman/8.4/en/charset-we-sets.html: cp1252, with the bytes that this leaves out"""
_BYTES = {char: byte for byte, char in enumerate(_LATIN1)}

_PART = """(`(?:[^`]|``)*`|'(?:[^']|'')*'|"(?:[^"]|"")*"|[^,@`'"]+)"""
_QUOTED = re.compile(r"""(?:`(?:[^`]|``)*`|'(?:[^']|'')*'|"(?:[^"]|"")*")\Z""")
_HOST_IN_NAME = re.compile(r"%|[:/*]|localhost\Z|[0-9.]+\Z")
_LISTED_ROLE = re.compile(rf"\s*{_PART}\s*(?:@\s*{_PART})?\s*(?:,|\Z)")


def is_reserved(name: str) -> bool:
    """Whether Aurora keeps this account or role for itself."""
    return is_of_service(name) or bool(_RESERVED.match(name.lower()))


def account_name(name: str, host: str | None) -> AccountName:
    """The account as the server will store it. Raises InvalidOption for what it would trim, alter or cut; Refused for
    a reserved name."""
    with about(Where(element="name")):
        check_name(name, "the name")
        if is_reserved(name):
            raise reserved(name)
    host = ANY_HOST if host is None else host.lower()
    if host != ALL_HOSTS:
        _check_host(host)
    return AccountName(name, host)


def check_name(name: str, what: str, longest: int = MAX_NAME) -> None:
    """Raises InvalidOption for a name that the server could not store as it is. ``longest``: characters."""
    if not name:
        raise InvalidOption(f"{what} is empty; give the name.")
    if len(name) > longest:
        raise InvalidOption(
            f"{what} {name} has {len(name)} characters, and MySQL stores {longest} at most; choose a shorter name."
        )
    problem = _altered(name)
    if problem:
        raise InvalidOption(f"{what} {name!r} {problem}; choose a name that MySQL stores as it is.")


def _check_host(host: str) -> None:
    problem = "" if len(host) <= MAX_HOST else f"has more than {MAX_HOST} characters"
    if not host.isascii():
        problem = "has characters outside ASCII, which host names have not"
    problem = problem or _altered(host) or ("contains @" if "@" in host else "")
    if "\\" in host:
        # CREATE USER would take it, and every later statement but DROP USER fail (error 1133).
        problem = "contains a backslash, with which MySQL does not find the account again"
    if problem:
        raise InvalidOption(
            f"{host!r} {problem}; give a host name, an address, or a pattern such as 10.0.%.", Where(element="host")
        )


def is_host_name(host: str) -> bool:
    """Whether a client's address has to be resolved before it can match: ``db1.example.org``, but no address or pattern
    of addresses such as ``10.0.%``, ``10.0.0.0/255.0.0.0`` or ``fe80::%``."""
    return ":" not in host and any(char.isalpha() for char in host)


def _altered(text: str) -> str:
    """Why the server would store something else, or an empty string.

    It trims blanks at both ends, and its grant tables hold three bytes a character: a longer one becomes ``?``.
    """
    if text != text.strip(" "):
        return "begins or ends with a space, which MySQL removes"
    if not is_storable(text):
        return "has a character that MySQL's grant tables cannot hold"
    return ""


def is_storable(text: str) -> bool:
    """Whether every character fits utf8mb3, is no control character, and no half of a surrogate pair."""
    return all(" " <= char <= "\uffff" and not "\ud800" <= char <= "\udfff" and char != "\x7f" for char in text)


def sql_account(text: str) -> tuple[str, str] | None:
    """Name and host that are meant by what is an account in SQL rather than a name: ``'jane'``, ``jane@10.%``. None for
    a name, such as an e-mail address."""
    name, _at, host = (text, "", "") if _QUOTED.match(text) else text.rpartition("@")
    quoted = any(map(_QUOTED.match, (name, host)))
    found = (_unquoted(name) if _QUOTED.match(name) else name, _unquoted(host))
    return found if name and (quoted or _HOST_IN_NAME.search(host)) else None


def find_role(text: str, existing: Collection[AccountName]) -> AccountName | None:
    """Read ``role`` or ``role@host``: the last @ divides only if that role exists with that host."""
    name, at, host = text.rpartition("@")
    if at and AccountName(name, host.lower()) in existing:
        return AccountName(name, host.lower())
    plain = AccountName(text, ANY_HOST)
    return plain if plain in existing else None


def role_names(text: str) -> tuple[str, ...]:
    """Every name that ``text`` may mean, for looking them up, and for proposing one where it is a role as SQL writes
    it."""
    name, at, _host = text.rpartition("@")
    in_sql = sql_account(text)
    found = (text, name if at else "", in_sql[0] if in_sql else "")
    return tuple(dict.fromkeys(filter(None, found)))


def role_list(text: str) -> frozenset[AccountName]:
    """Read the value of mandatory_roles: ``role1, `role2`@'10.%'``.

    https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_mandatory_roles
    """
    return frozenset(
        AccountName(_unquoted(name), _unquoted(host).lower() or ANY_HOST)
        for name, host in _LISTED_ROLE.findall(text)
        if _unquoted(name)
    )


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1].replace(text[0] * 2, text[0]) if text[:1] in ("`", "'", '"') else text


def similar(name: AccountName, existing: Collection[AccountName]) -> list[AccountName]:
    """Those that a person may have meant: the same name under another host, or in another case."""
    folded = name.name.casefold()
    return sorted(other for other in existing if other.name.casefold() == folded and other != name)


def as_in_procs_priv(name: str) -> str:
    """How the server writes a name into mysql.procs_priv: the bytes of its UTF-8 as characters of latin1. The names are
    then no longer found: not by REVOKE, nor by anybody, once the server has read the table again.

    https://github.com/mysql/mysql-server/blob/8.0/sql/auth/sql_user_table.cc (replace_routine_table)
    """
    return "".join(_LATIN1[byte] for byte in name.encode("utf-8", "replace"))


def from_procs_priv(text: str) -> str:
    """The name that was granted, whichever way a server has written it."""
    try:
        return bytes(_BYTES[char] for char in text).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return text


def quoted_account(name: AccountName) -> str:
    """In a sentence: an anonymous account would be taken for a host."""
    return str(name) if name.name else f"''@{name.host}"


def login_name(text: str) -> AccountName:
    name, _at, host = text.rpartition("@")
    return AccountName(name, host.lower())
