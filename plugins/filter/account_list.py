# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: account_list
short_description: The accounts that a variable of a playbook lists
version_added: 0.1.0
description:
  - Turns a name, a list of names with commas, or a list of names and dictionaries into a list of dictionaries. It is
    for the variables C(aurora_iam_offboard) and C(aurora_iam_convert).
  - Fails for an empty text, which is what an unset variable of a shell gives; for an unknown key or value; for one name
    with different options; and for C(convert_unchecked) of a glob. An empty list is no mistake.
options:
  _input:
    description: The variable.
    type: raw
    required: true
  purpose:
    description: Which options the dictionaries may have beside C(name).
    type: str
    choices: [offboard, convert]
    required: true
positional: purpose
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: Both are the same
  ansible.builtin.assert:
    that: "'jane_doe, ann' | dbops.aurora_iam.account_list('offboard') == [{'name': 'jane_doe'}, {'name': 'ann'}]"
"""

RETURN = r"""
_value:
  description: Dictionaries with the keys that were given.
  type: list
  elements: dict
"""

import re
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.dbops.aurora_iam.plugins.module_utils._sentences import line

Element = dict[str, Any]

_GLOB = re.compile(r"[*?\[]")

_NAME: Element = {"name": {"type": "str", "required": True}}
SPECS: dict[str, Element] = {
    "offboard": {
        **_NAME,
        "owned_objects": {"type": "str", "choices": ["fail", "reassign", "drop"]},
        "reassign_owned_to": {"type": "str"},
        "reassign_code": {"type": "bool"},
        "terminate_sessions": {"type": "bool"},
    },
    "convert": {**_NAME, "convert_unchecked": {"type": "bool"}},
}


def account_list(value: Any, purpose: str) -> list[Element]:
    """See DOCUMENTATION. Raises AnsibleFilterError."""
    variable = f"aurora_iam_{purpose}"
    elements = value.split(",") if isinstance(value, str) else [value] if isinstance(value, Mapping) else value
    if not isinstance(elements, (list, tuple)):
        raise AnsibleFilterError(f"{variable} must be a list of names, such as [jane_doe].")
    found: dict[str, Element] = {}
    for element in elements:
        account = _read(element, variable, SPECS[purpose])
        if found.setdefault(account["name"], account) != account:
            raise AnsibleFilterError(
                line(f"{variable} lists {account['name']} twice, with different options; list it once.")
            )
    return list(found.values())


def _read(element: Any, variable: str, spec: Element) -> Element:
    if not isinstance(element, (str, Mapping)):
        raise AnsibleFilterError(line(f"{variable}: {element!r} is no name; give names, or dictionaries with a name."))
    given = dict(element) if isinstance(element, Mapping) else {"name": element}
    validated = ArgumentSpecValidator(spec).validate(given)
    if validated.error_messages:
        raise AnsibleFilterError(line(f"{variable}: {' '.join(validated.error_messages)}"))
    account = {key: option for key, option in validated.validated_parameters.items() if option is not None}
    account["name"] = account["name"].strip()
    if account.get("convert_unchecked") and _GLOB.search(account["name"]):
        raise AnsibleFilterError(
            line(f"{variable}: convert_unchecked is for single accounts, and {account['name']} is a glob; name them.")
        )
    if not account["name"]:
        raise AnsibleFilterError(f"{variable} has an empty name; set it to names such as jane_doe.")
    return account


class FilterModule:
    """Ansible's way to find filters."""

    def filters(self) -> dict[str, Any]:
        return {"account_list": account_list}
