# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Who may connect as whom, as an inventory lists it: the elements of the option principals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.connect_policies import KINDS, Holder
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption


@dataclass(frozen=True)
class Principal:
    """
    accounts  as which it is listed to connect
    managed   whether its policy is a managed one, which need not be attached to it
    """

    holder: Holder
    accounts: tuple[str, ...]
    managed: bool


_KEYS = ("type", "name", "accounts", "managed")


def read_principal(element: Any) -> Principal:
    """Raises InvalidOption."""
    kind, name = (element.get("type"), element.get("name")) if isinstance(element, Mapping) else ("", "")
    if kind not in KINDS or not isinstance(name, str) or not name:
        raise InvalidOption(
            f"The principal {element} is not complete; give each a type (user, group or role), a name, and accounts."
        )
    holder = Holder(kind, name)
    unknown = [str(key) for key in element if key not in _KEYS]
    if unknown:
        # A misspelt accounts would be none, which deletes the policy
        raise InvalidOption(f"The {holder.title} has {', '.join(unknown)}; a principal has only {', '.join(_KEYS)}.")
    if "/" in name:
        raise InvalidOption(
            f"The name of {holder.title} has a slash; give the name without path and ARN: {name.rpartition('/')[2]}."
        )
    return Principal(holder, _accounts(element.get("accounts"), holder), _managed(element.get("managed"), holder))


def _managed(value: Any, holder: Holder) -> bool:
    """Raises InvalidOption."""
    try:
        return bool(boolean(value or False))
    except TypeError:
        raise InvalidOption(f"The value {value} of managed of {holder.title} must be true or false.") from None


def _accounts(value: Any, holder: Holder) -> tuple[str, ...]:
    """Raises InvalidOption."""
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) and each for each in value):
        raise InvalidOption(f"The accounts of {holder.title} must be a list of names, such as [jane_doe].")
    return tuple(value)
