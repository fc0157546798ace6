# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: convert_users
short_description: The accounts with passwords that names and globs mean
version_added: 0.1.0
description:
  - Makes the option O(dbops.aurora_iam.aurora_iam_users#module:users) of a task that converts accounts.
  - A glob never means the login and the master user. A name means them, so that the task refuses it.
options:
  _input:
    description: Facts with the subset C(accounts), gathered with O(dbops.aurora_iam.aurora_iam_facts#module:passwords).
    type: dict
    required: true
  listed:
    description: What P(dbops.aurora_iam.account_list#filter) returned.
    type: list
    elements: dict
    required: true
positional: listed
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: Convert the accounts of services
  dbops.aurora_iam.aurora_iam_users:
    cluster: orders
    users: "{{ ansible_facts.aurora_iam | dbops.aurora_iam.convert_users([{'name': 'svc_*'}]) }}"
"""

RETURN = r"""
_value:
  description: An element for each account.
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._facts import Filter

Element = dict[str, Any]


def convert_users(facts: Mapping[str, Any], listed: Sequence[Mapping[str, Any]]) -> list[Element]:
    """See DOCUMENTATION."""
    options = {each["name"]: {key: value for key, value in each.items() if key != "name"} for each in listed}
    meant = Filter(tuple(options))
    return [
        {
            **{key: each[key] for key in ("name", "host") if key in each},
            **options.get(each["name"], {}),
            "convert": True,
        }
        for each in facts["other_accounts"]
        if _is_convertible(each, options) and meant.passes(each["name"])
    ]


def _is_convertible(account: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """What must not be changed, the module refuses where somebody has listed it by name."""
    return account["authentication"] == "password" and (account["name"] in options or not account["untouchable"])


class FilterModule:
    """Ansible's way to find filters."""

    def filters(self) -> dict[str, Any]:
        return {"convert_users": convert_users}
