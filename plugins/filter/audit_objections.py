# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_objections
short_description: Why a run must fail on an audit report
version_added: 0.1.0
description: Says in sentences which databases could not be read, and what is found that is too grave.
options:
  _input:
    description: What P(dbops.aurora_iam.audit_report#filter) returned.
    type: dict
    required: true
  severity:
    description: Findings of this severity and graver ones are too grave; with V(never) none is.
    type: str
    choices: [critical, high, medium, low, info, never]
    required: true
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: Fail where something grave is wrong, or could not be seen
  ansible.builtin.assert:
    that: objections | length == 0
    fail_msg: "{{ objections | join(' ') }}"
  vars:
    objections: "{{ [gathered] | dbops.aurora_iam.audit_report | dbops.aurora_iam.audit_objections('high') }}"
"""

RETURN = r"""
_value:
  description: The sentences; none if all is well.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.finding import SEVERITIES

NEVER = "never"
QUOTED = 10
"""Findings that are quoted; the report has all."""


def audit_objections(report: Mapping[str, Any], severity: str) -> list[str]:
    """See DOCUMENTATION. Raises AnsibleFilterError for a severity that does not exist."""
    if severity not in (*SEVERITIES, NEVER):
        raise AnsibleFilterError(
            f"audit_objections: there is no severity {severity}; there are {', '.join(SEVERITIES)}, and {NEVER}."
        )
    databases = report["databases"]
    unread = [f"{each['database']}: {each['error']}" for each in databases if each["error"]]
    too_grave = SEVERITIES[: SEVERITIES.index(severity) + 1] if severity != NEVER else ()
    grave = [f"{each['database']}: {each['message']}" for each in report["findings"] if each["severity"] in too_grave]
    objections = []
    if unread:
        objections += [f"{len(unread)} of {len(databases)} databases could not be read.", *unread]
    if grave:
        objections += [f"Findings of severity {severity} or graver: {len(grave)}.", *grave[:QUOTED]]
    return objections


class FilterModule:
    """Ansible's way to find filters."""

    def filters(self) -> dict[str, Any]:
        return {"audit_objections": audit_objections}
