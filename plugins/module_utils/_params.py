# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Options: their argument specs, and how they become requests. Validation only; no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.validation import check_type_dict
from ansible.module_utils.errors import RequiredError, UnsupportedError

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    NOWHERE,
    InvalidOption,
    Mistakes,
    Where,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, AccountRequest, GrantRequest

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
        "convert_unchecked": {"type": "bool", "default": False},
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
        "acts_as",
        "admin_roles",
        "administrator_by",
        "creator_grants",
        "authentication",
        "connect_arn",
        "default_roles",
        "inherited_roles",
        "limits",
        "owns",
        "partial_revokes",
        "reached_by",
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

    def options(self, element: Any) -> dict[str, Any]:
        """The element's options, converted and with defaults. Raises InvalidOption."""
        if not isinstance(element, Mapping):
            element = self._dictionary(element)
        name = element.get(self._named)
        if not isinstance(name, str):
            return self._validated(element)
        alike = repr({key: value for key, value in element.items() if key != self._named})
        if alike not in self._known:
            self._known[alike] = self._validated(element)
        return {**self._known[alike], self._named: name}

    def _dictionary(self, element: Any) -> Any:
        """Also from a text, as Ansible does: ``privileges=SELECT on=orders.*``."""
        try:
            return check_type_dict(element)
        except TypeError as error:
            names = ", ".join(self._validator.argument_spec)
            raise InvalidOption(f"expected a dictionary with {names}, found {element!r}.") from error

    def _validated(self, element: Mapping[str, Any]) -> dict[str, Any]:
        mistakes = Mistakes()
        for option, value in element.items():
            with mistakes.about(element=str(option)):
                self._check_kind(option, value)
        mistakes.refuse()
        result = self._validator.validate(dict(element))
        for error in result.errors.errors:
            with mistakes.about():
                raise self._refusal(error)
        mistakes.refuse()
        validated: dict[str, Any] = result.validated_parameters
        return validated

    def _check_kind(self, option: object, value: Any) -> None:
        """Ansible would make a text of a list: an account called ``['jane']``. And YAML reads an unquoted ``no`` as a
        boolean and ``1.50`` as 1.5, which would be accounts called False and 1.5."""
        spec = self._validator.argument_spec.get(option, {})
        if spec.get("type") == "str" and isinstance(value, (Mapping, list, tuple)):
            raise InvalidOption(f"{value!r} is no text; give a text, not a list or a dictionary.")
        if spec.get("type") == "str" and isinstance(value, (bool, float)):
            raise InvalidOption(f"{value!r} is no text; quote it.")

    def _refusal(self, error: Exception) -> InvalidOption:
        """With the option that the message begins with, or quotes."""
        if isinstance(error, UnsupportedError):
            text = str(error)
            return InvalidOption(f"unknown option {text}", Where(element=text.partition(".")[0]))
        named = (word for word in re.findall(r"\w+", str(error)) if word in self._validator.argument_spec)
        option = "" if isinstance(error, RequiredError) else next(named, "")
        return InvalidOption(f"{str(error).rstrip('.')}.", Where(element=option))


# Of a list of dictionaries Ansible does not say which element is none
_ACCOUNTS = _Elements({**account_spec(), "grants": {"type": "list", "elements": "raw"}}, named="name")
_GRANTS = _Elements(_GRANT_SPEC, named="on")


def account_request(options: Mapping[str, Any], position: str = "") -> AccountRequest:
    """Read the validated options of one account. ``position`` says where they stand, for messages (``users[3]``).

    Raises InvalidOption.
    """
    mistakes = Mistakes()
    where = Where(_account(options), position)
    _check_texts(options, where, mistakes)
    for option, check in _CHECKS.items():
        with mistakes.about(where, option):
            check(options)
    grants = _grant_requests(options["grants"], where, mistakes)
    mistakes.refuse()
    return AccountRequest(
        name=options["name"],
        host=options["host"],
        present=options["state"] == "present",
        grants=grants,
        purge_grants=options["purge_grants"],
        roles=_texts(options["roles"]),
        purge_roles=options["purge_roles"],
        convert=options["convert"],
        convert_unchecked=options["convert_unchecked"],
        require_tls=options["require_tls"],
        locked=options["locked"],
        connection_limit=options["connection_limit"],
        comment=options["comment"],
        owned_objects=options["owned_objects"],
        reassign_owned_to=options["reassign_owned_to"] or "",
        reassign_code=options["reassign_code"],
        terminate_sessions=options["terminate_sessions"],
        position=position,
    )


def _check_name(options: Mapping[str, Any]) -> None:
    if not options["name"]:
        raise InvalidOption("an account needs the name that the IAM policy's resource ends with; give it.")


def _check_limit(options: Mapping[str, Any]) -> None:
    limit = options["connection_limit"]
    if limit is not None and limit < -1:
        raise InvalidOption(f"connection_limit is {limit}; give a number of sessions, or -1 for no limit.")


def _check_new_owner(options: Mapping[str, Any]) -> None:
    if (options["owned_objects"] == "reassign") != bool(options["reassign_owned_to"]):
        raise InvalidOption(
            "owned_objects: reassign and reassign_owned_to go together: the one says that somebody else gets what the "
            "account owns, the other who."
        )


_CHECKS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "name": _check_name,
    "connection_limit": _check_limit,
    "reassign_owned_to": _check_new_owner,
}


def _check_texts(options: Mapping[str, Any], where: Where, mistakes: Mistakes) -> None:
    for option, value in options.items():
        if isinstance(value, str):
            _check_text(value, where, option, mistakes)
    for option in ("roles", "privileges"):
        for index, text in enumerate(options.get(option) or ()):
            _check_text(text, where, f"{option}[{index}]", mistakes)
            if option == "roles" and not text:
                with mistakes.about(where, f"roles[{index}]"):
                    raise InvalidOption("the name of a role is empty; name a role, or remove the element.")


def _check_text(text: str, where: Where, element: str, mistakes: Mistakes) -> None:
    """Bytes in another encoding than UTF-8 reach a module as halves of surrogate pairs, which no server can be sent."""
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        with mistakes.about(where, element):
            raise InvalidOption(f"{text!r} contains invalid UTF-8; write it in UTF-8.")


def account_requests(options: Mapping[str, Any]) -> list[AccountRequest]:
    """Read the elements of ``users``. Raises InvalidOption, and ManyMistakes where several are wrong."""
    elements: Sequence[Mapping[str, Any]] = options["users"]
    if not elements and options["unlisted"] == "drop" and not options["confirm"]:
        raise InvalidOption(
            "users is empty and unlisted is drop, which would drop every IAM-authenticated account; if that is "
            "what you want, set confirm: true."
        )
    mistakes = Mistakes()
    requests = []
    for index, element in enumerate(elements):
        position = f"users[{index}]"
        with mistakes.about(Where(_account(element), position)):
            requests.append(_element(element, position))
    mistakes.refuse()
    return requests


def _account(element: Any) -> str:
    """As errors name it, as far as it can be read."""
    if not isinstance(element, Mapping):
        return ""
    name, host = element.get("name"), element.get("host")
    return str(AccountName(name, host if isinstance(host, str) else None)) if isinstance(name, str) else ""


def _element(element: Any, position: str) -> AccountRequest:
    if isinstance(element, Mapping):
        element = {key: value for key, value in element.items() if key not in REPORTED}
    return account_request(_ACCOUNTS.options(element), position)


def _grant_requests(
    elements: Sequence[Any] | None, where: Where, mistakes: Mistakes
) -> tuple[GrantRequest, ...] | None:
    if elements is None:
        return None
    requests = []
    for index, element in enumerate(elements):
        position = f"grants[{index}]"
        with mistakes.about(where, position):
            requests.append(_grant_request(element, position))
    return tuple(requests)


def _grant_request(element: Any, position: str) -> GrantRequest:
    options = _GRANTS.options(_with_on(element))
    mistakes = Mistakes()
    _check_texts(options, NOWHERE, mistakes)
    mistakes.refuse()
    if not options["privileges"]:
        raise InvalidOption("privileges is empty; list at least one, or remove the element.")
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
