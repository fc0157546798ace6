# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Options: their argument specs, and how they become requests. Validation only; no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountRequest, GrantRequest

Spec = dict[str, dict[str, Any]]


def connection_spec() -> Spec:
    """The options by which every module finds the database and logs in."""
    return {
        "cluster": {"type": "str"},
        "instance": {"type": "str"},
        "proxy": {"type": "str"},
        "engine": {"type": "str", "choices": ["aurora-mysql", "aurora-postgresql", "mysql", "postgres"]},
        "login_host": {"type": "str"},
        "login_port": {"type": "int"},
        "login_user": {"type": "str"},
        "login_password": {"type": "str", "no_log": True},
        "login_unix_socket": {"type": "path"},
        "login_db": {"type": "str"},
        "login_method": {
            "type": "str",
            "choices": ["auto", "password", "secret", "iam", "data_api"],
            "default": "auto",
        },
        "login_secret": {"type": "str", "no_log": False},
        "ssl_mode": {"type": "str", "choices": ["require", "verify-ca", "verify-full"], "default": "verify-full"},
        "ca_cert": {"type": "path", "fallback": (env_fallback, ["AURORA_IAM_CA_CERT"])},
        "connect_timeout": {"type": "int", "default": 30},
        "lock_timeout": {"type": "int", "default": 30},
    }


def account_spec() -> Spec:
    """The options that describe one account.

    ``grants`` has no suboptions here, though it has in the documentation: while ansible-core walks through
    suboptions to collect what must not be logged, an element of the wrong type makes it give up, and it then prints
    ``login_password``. :func:`account_request` validates the elements, when the password is already protected.
    """
    return {
        "name": {"type": "str", "required": True},
        "host": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "grants": {"type": "list", "elements": "dict"},
        "purge_grants": {"type": "bool", "default": True},
        "roles": {"type": "list", "elements": "str"},
        "purge_roles": {"type": "bool", "default": True},
        "convert": {"type": "bool", "default": False},
        "require_tls": {"type": "bool", "default": True},
        "locked": {"type": "bool"},
        "connection_limit": {"type": "int"},
        "comment": {"type": "str"},
        "owned_objects": {"type": "str", "choices": ["fail", "reassign", "drop"], "default": "fail"},
        "reassign_owned_to": {"type": "str"},
        "reassign_code": {"type": "bool", "default": False},
        "terminate_sessions": {"type": "bool", "default": True},
    }


def accounts_spec() -> Spec:
    """The options that describe a set of accounts. ``users`` has no suboptions here, for the reason above."""
    return {
        "users": {"type": "list", "elements": "dict", "required": True},
        "unlisted": {"type": "str", "choices": ["keep", "lock", "drop"], "default": "keep"},
        "confirm": {"type": "bool", "default": False},
    }


def facts_spec() -> Spec:
    """The options that say what facts to gather."""
    return {
        "gather_subset": {"type": "list", "elements": "str", "default": ["all"]},
        "names": {"type": "list", "elements": "str", "default": []},
        "passwords": {"type": "bool", "default": False},
        "simulate": {"type": "bool", "default": False},
    }


REPORTED = frozenset(
    {
        "authentication",
        "connect_arn",
        "default_roles",
        "inherited_roles",
        "limits",
        "owns",
        "partial_revokes",
        "powers",
        "roles_not_default",
        "sessions",
        "tls",
        "used",
    }
)
"""What facts say of an account beside the options that would make it. An element of ``users`` may have it, and it means
nothing there, so that facts can be handed to aurora_iam_users as they are."""


def iam_auth_spec() -> Spec:
    """The options by which IAM authentication is turned on and off."""
    return {
        "iam_auth": {"type": "str", "choices": ["enabled", "disabled"], "required": True},
        "apply_immediately": {"type": "bool", "default": True},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 1200},
        "confirm": {"type": "bool", "default": False},
    }


_GRANT_SPEC: Spec = {
    "privileges": {"type": "list", "elements": "str", "required": True},
    "on": {"type": "str", "required": True},
    "database": {"type": "str"},
    "grant_option": {"type": "bool", "default": False},
    "owner": {"type": "str"},
}


class _Elements:
    """The elements of a list of dictionaries. Those that are alike are validated once, because that takes longer than
    everything else that is done with an option.

    named  the one option, a text, in which elements that are alike may differ
    """

    def __init__(self, spec: Spec, named: str = "") -> None:
        self._validator = ArgumentSpecValidator(spec)
        self._named = named
        self._known: dict[str, dict[str, Any]] = {}

    def options(self, element: Any, position: str) -> dict[str, Any]:
        """The element's options, converted and with defaults. Raises InvalidOption."""
        if not isinstance(element, Mapping):
            names = ", ".join(self._validator.argument_spec)
            raise InvalidOption(f"{position}expected a dictionary with {names}, found {element!r}.")
        name = element.get(self._named)
        if not isinstance(name, str):
            return self._validated(element, position)
        alike = repr({key: value for key, value in element.items() if key != self._named})
        if alike not in self._known:
            self._known[alike] = self._validated(element, position)
        return {**self._known[alike], self._named: name}

    def _validated(self, element: Mapping[str, Any], position: str) -> dict[str, Any]:
        self._refuse_what_is_no_text(element, position)
        result = self._validator.validate(dict(element))
        if result.error_messages:
            problems = [
                f"unknown option {error}" if isinstance(error, UnsupportedError) else str(error)
                for error in result.errors.errors
            ]
            raise InvalidOption(position + "; ".join(problems))
        validated: dict[str, Any] = result.validated_parameters
        return validated

    def _refuse_what_is_no_text(self, element: Mapping[str, Any], position: str) -> None:
        """Ansible would make a text of a list: an account called ``['jane']``. And YAML reads an unquoted ``no`` as a
        boolean and ``1.50`` as 1.5, which would be accounts called False and 1.5."""
        for option, value in element.items():
            kind = self._validator.argument_spec.get(option, {}).get("type")
            if kind == "str" and isinstance(value, (Mapping, list, tuple)):
                raise InvalidOption(f"{position}{option} is {value!r}; give a text, not a list or a dictionary.")
            if kind == "str" and isinstance(value, (bool, float)):
                raise InvalidOption(f"{position}{option} is {value!r}, no text; quote it.")


_ACCOUNTS = _Elements(account_spec(), named="name")
_GRANTS = _Elements(_GRANT_SPEC, named="on")


def account_request(options: Mapping[str, Any], position: str = "") -> AccountRequest:
    """Read the validated options of one account. ``position`` says where they stand, for messages (``users[3]: ``).

    Raises InvalidOption.
    """
    _check_texts(options, position)
    if not options["name"]:
        raise InvalidOption(
            f"{position}name is empty; an account needs the name that the IAM policy's resource ends with."
        )
    limit = options["connection_limit"]
    if limit is not None and limit < -1:
        raise InvalidOption(f"{position}connection_limit is {limit}; give a number of sessions, or -1 for no limit.")
    if (options["owned_objects"] == "reassign") != bool(options["reassign_owned_to"]):
        raise InvalidOption(
            f"{position}owned_objects: reassign and reassign_owned_to go together: the one says that somebody else "
            "gets what the account owns, the other who."
        )
    return AccountRequest(
        name=options["name"],
        host=options["host"] or "",
        present=options["state"] == "present",
        grants=_grant_requests(options["grants"], position),
        purge_grants=options["purge_grants"],
        roles=_texts(options["roles"]),
        purge_roles=options["purge_roles"],
        convert=options["convert"],
        require_tls=options["require_tls"],
        locked=options["locked"],
        connection_limit=limit,
        comment=options["comment"],
        owned_objects=options["owned_objects"],
        reassign_owned_to=options["reassign_owned_to"] or "",
        reassign_code=options["reassign_code"],
        terminate_sessions=options["terminate_sessions"],
        position=position,
    )


def _check_texts(options: Mapping[str, Any], position: str) -> None:
    """Bytes in another encoding than UTF-8 reach a module as halves of surrogate pairs, which no server can be sent."""
    for option, value in options.items():
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
                raise InvalidOption(f"{position}{option} has characters that are none ({text!r}); write it in UTF-8.")
    if "" in (options.get("roles") or ()):
        raise InvalidOption(f"{position}roles has an empty element; name a role there, or remove it.")


def account_requests(options: Mapping[str, Any]) -> list[AccountRequest]:
    """Read the elements of ``users``. Raises InvalidOption, naming the element."""
    elements: Sequence[Mapping[str, Any]] = options["users"]
    if not elements and options["unlisted"] == "drop" and not options["confirm"]:
        raise InvalidOption(
            "users is empty and unlisted is drop, which would drop every IAM-authenticated account; if that is "
            "what you want, set confirm: true."
        )
    return [_element(element, f"users[{index}]: ") for index, element in enumerate(elements)]


def _element(element: Any, position: str) -> AccountRequest:
    if isinstance(element, Mapping):
        element = {key: value for key, value in element.items() if key not in REPORTED}
    return account_request(_ACCOUNTS.options(element, position), position)


def _grant_requests(elements: Sequence[Any] | None, position: str) -> tuple[GrantRequest, ...] | None:
    if elements is None:
        return None
    return tuple(_grant_request(element, f"{position}grants[{index}]") for index, element in enumerate(elements))


def _grant_request(element: Any, position: str) -> GrantRequest:
    options = _GRANTS.options(_with_on(element), f"{position}: ")
    _check_texts(options, f"{position}: ")
    if not options["privileges"]:
        raise InvalidOption(f"{position}: privileges is empty; list at least one, or remove the element.")
    return GrantRequest(
        privileges=tuple(options["privileges"]),
        on=options["on"],
        database=options["database"] or "",
        grant_option=options["grant_option"],
        owner=options["owner"] or "",
        position=position,
    )


def _with_on(element: Any) -> Any:
    """YAML 1.1, which Ansible reads, takes an unquoted ``on`` for the boolean true, also as a key.

    https://yaml.org/type/bool.html
    """
    if not isinstance(element, Mapping):
        return element
    return {"on" if key in (True, "true") else key: value for key, value in element.items()}


def _texts(values: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
