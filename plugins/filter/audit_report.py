# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_report
short_description: Join the facts of many databases in one report
version_added: 0.1.0
description:
  - Takes what loops over M(dbops.aurora_iam.aurora_iam_facts) registered, and joins it in one dictionary.
  - What changes by itself is left out, so that two reports on the same state are the same to the letter. That is the
    number of open sessions.
  - What is wrong with an IAM policy on many databases of an AWS account is one finding.
  - A database that is in it twice, by its ARN, is reported once.
options:
  _input:
    description: Registered results, one element for each loop.
    type: list
    elements: dict
    required: true
  title:
    description: The report's title.
    type: str
    default: Who can get in by IAM
  as_of:
    description: What the report says of its own date. Nothing if empty.
    type: str
    default: ""
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: Look at two clusters
  dbops.aurora_iam.aurora_iam_facts:
    cluster: "{{ item.cluster }}"
  loop:
    - cluster: orders
    - cluster: ledger
  failed_when: false
  register: gathered

- name: Show what is wrong with them
  ansible.builtin.debug:
    msg: "{{ ([gathered] | dbops.aurora_iam.audit_report).findings }}"
"""

RETURN = r"""
_value:
  description: The report.
  type: dict
  contains:
    version:
      description: Of this shape; 1.
      type: int
    title:
      description: The report's title.
      type: str
    as_of:
      description: What was given.
      type: str
    counts:
      description: Number of findings, by severity.
      type: dict
    databases:
      description: Each with C(database), the name by which the rest of the report calls it, which no other has; with
        C(error), why it could not be read, or nothing; and with C(facts), as the module returns them, but for findings.
      type: list
      elements: dict
    findings:
      description:
        - Those of all databases, the gravest first; as the module returns them, with C(databases), the names of those
          that it is about, and C(database), the first of them and how many more there are.
      type: list
      elements: dict
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.finding import SEVERITIES

Facts = dict[str, Any]
WHERE = ("cluster", "instance", "proxy", "login_host")


def audit_report(gathered: Sequence[Mapping[str, Any]], title: str = "Who can get in by IAM", as_of: str = "") -> Facts:
    """See DOCUMENTATION."""
    read = [_database(result) for registered in gathered for result in registered["results"]]
    databases = _named(_once(read))
    findings = _by_cause(databases)
    findings.sort(key=lambda each: (SEVERITIES.index(each["severity"]), each["code"], each["database"]))
    found = Counter(finding["severity"] for finding in findings)
    return {
        "version": 1,
        "title": title,
        "as_of": as_of,
        "counts": {severity: found[severity] for severity in SEVERITIES},
        "databases": [
            {"database": each["database"], "error": each["error"], "facts": each["facts"]} for each in databases
        ],
        "findings": findings,
    }


def _by_cause(databases: Iterable[Facts]) -> list[Facts]:
    """One finding for each cause. A policy is of an AWS account, and is wrong once on however many databases."""
    found: dict[Any, Facts] = {}
    for database in databases:
        for finding in database["facts"].pop("findings", []):
            cause = [finding[key] for key in ("code", "subject", "message")]
            where = _part(database, 4) if finding["kind"] == "policy" else database["database"]
            found.setdefault((where, *cause), {**finding, "databases": []})["databases"].append(database["database"])
    return [{"database": _first(finding["databases"]), **finding} for finding in found.values()]


def _first(databases: Sequence[str]) -> str:
    more = len(databases) - 1
    return databases[0] + (f" and {more} more" if more else "")


def _database(result: Mapping[str, Any]) -> Facts:
    """One iteration of the loop. A module that fails returns ``msg``, and no facts."""
    gathered = result.get("ansible_facts", {}).get("aurora_iam")
    item = result.get("item", {})
    title = next((f"{key} {item[key]}" for key in WHERE if item.get(key)), "database")
    if gathered is None:
        return {
            "title": title.replace("login_host ", ""),
            "error": result.get("msg") or "It was not read.",
            "facts": {},
        }
    facts = {key: _lasting(value) for key, value in gathered.items()}
    return {"title": facts.get("cluster", {}).get("title") or title, "error": "", "facts": facts}


def _lasting(value: Any) -> Any:
    """Without the number of sessions that accounts have open."""
    if not isinstance(value, list):
        return value
    return [{key: each[key] for key in each if key != "sessions"} for each in value]


def _once(databases: Iterable[Facts]) -> list[Facts]:
    """Without those that were read before, which their ARNs say."""
    kept: dict[Any, Facts] = {}
    for number, database in enumerate(databases):
        kept.setdefault(_arn(database) or number, database)
    return list(kept.values())


def _arn(database: Facts) -> str:
    arn: str = database["facts"].get("cluster", {}).get("arn", "")
    return arn


def _named(databases: list[Facts]) -> list[Facts]:
    """Clusters of one name are told apart by region, by AWS account, and at last by number; sorted by name."""
    levels: list[Callable[[int, Facts], str]] = [
        lambda _number, each: str(each["title"]),
        lambda _number, each: f"{each['title']} ({_part(each, 3)})",
        lambda _number, each: f"{each['title']} ({_part(each, 3)}, {_part(each, 4)})",
        lambda number, each: f"{each['title']} (number {number})",
    ]
    names = [""] * len(databases)
    for level in levels:
        shared = Counter(names)
        names = [
            level(number, each) if shared[name] > 1 or not name else name
            for number, (name, each) in enumerate(zip(names, databases), 1)
        ]
    named = [{**each, "database": name} for name, each in zip(names, databases)]
    return sorted(named, key=lambda each: each["database"])


def _part(database: Facts, position: int) -> str:
    parts = _arn(database).split(":")
    return parts[position] if len(parts) > position else "unknown"


class FilterModule:
    """Ansible's way to find filters."""

    def filters(self) -> dict[str, Any]:
        return {"audit_report": audit_report}
