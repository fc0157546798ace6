# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: convert_report
short_description: What the playbook convert did on one cluster, and whose password is left
version_added: 0.1.0
description: Joins the results of the tasks of the playbook C(dbops.aurora_iam.convert).
options:
  _input:
    description: The facts that were gathered with passwords, before anything was converted.
    type: dict
    required: true
  cluster:
    description: What the cluster or instance is called.
    type: str
    required: true
  converted:
    description: What M(dbops.aurora_iam.aurora_iam_users) returned, or why it failed.
    type: dict
    required: true
  listed:
    description: The names and globs that were listed.
    type: list
    elements: str
    required: true
positional: cluster, converted, listed
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: Whose password is left
  ansible.builtin.debug:
    msg: "{{ ansible_facts.aurora_iam | dbops.aurora_iam.convert_report('orders', result, ['svc_*']) }}"
"""

RETURN = r"""
_value:
  description: The report.
  type: dict
  contains:
    summary:
      description: C(cluster), C(converted), C(still_with_password), and C(failed) where the task failed.
      type: dict
      returned: always
    matched:
      description: The names and globs that match an account, however it logs in.
      type: list
      elements: str
      returned: always
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._facts import Filter
from ansible_collections.dbops.aurora_iam.plugins.module_utils._sentences import line

Facts = Mapping[str, Any]


def convert_report(facts: Facts, cluster: str, converted: Facts, listed: Sequence[str]) -> dict[str, Any]:
    """See DOCUMENTATION."""
    altered = converted.get("altered", ())
    passwords = [_title(each) for each in facts["other_accounts"] if _is_left(each)]
    summary: dict[str, Any] = {
        "cluster": cluster,
        "converted": list(map(line, altered)),
        "still_with_password": [line(title) for title in passwords if title not in altered],
    }
    if "msg" in converted:
        summary["failed"] = line(str(converted["msg"]))
    names = {each["name"] for each in (*facts["accounts"], *facts["other_accounts"])}
    return {"summary": summary, "matched": [each for each in listed if any(map(Filter((each,)).passes, names))]}


def _is_left(account: Facts) -> bool:
    """The login and the master user keep their passwords."""
    return bool(account["authentication"] == "password" and not account["untouchable"])


def _title(account: Facts) -> str:
    return "@".join(filter(None, (account["name"], account.get("host"))))


class FilterModule:
    """Ansible's way to find filters."""

    def filters(self) -> dict[str, Any]:
        return {"convert_report": convert_report}
