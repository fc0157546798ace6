# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: at_least
short_description: Findings that are at least as grave
version_added: 0.1.0
description: Of the findings of M(dbops.aurora_iam.aurora_iam_facts), those of a severity and the graver ones.
options:
  _input:
    description: Findings.
    type: list
    elements: dict
    required: true
  severity:
    description: The severity. V(never) lets none through.
    type: str
    choices: [critical, high, medium, low, info, never]
    required: true
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: Fail where something grave is wrong
  ansible.builtin.assert:
    that: ansible_facts.aurora_iam.findings | dbops.aurora_iam.at_least('high') | length == 0
"""

RETURN = r"""
_value:
  description: Those findings, in their order.
  type: list
  elements: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.finding import SEVERITIES

NEVER = "never"


def at_least(findings: Iterable[Mapping[str, Any]], severity: str) -> list[Mapping[str, Any]]:
    """See DOCUMENTATION. Raises AnsibleFilterError for a severity that does not exist."""
    if severity == NEVER:
        return []
    if severity not in SEVERITIES:
        raise AnsibleFilterError(
            f"at_least: there is no severity {severity}; there are {', '.join(SEVERITIES)}, and {NEVER}."
        )
    grave = SEVERITIES[: SEVERITIES.index(severity) + 1]
    return [finding for finding in findings if finding["severity"] in grave]


class FilterModule:
    """Ansible's way to find filters."""

    def filters(self) -> dict[str, Any]:
        return {"at_least": at_least}
