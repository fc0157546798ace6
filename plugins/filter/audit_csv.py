# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_csv
short_description: A table of an audit report as CSV
version_added: 0.1.0
description:
  - Lines end with CR LF and every cell is quoted as RFC 4180 says, in UTF-8.
  - What a spreadsheet would take for a formula, as it begins with C(=), C(+), C(-) or C(@), of full width too, gets
    an apostrophe in front, and so does what begins with a tab or the end of a line.
  - This holds at the beginning of a cell and, because a spreadsheet may separate cells by another character than the
    comma, after each comma, semicolon, tab and end of a line in it.
options:
  _input:
    description: What P(dbops.aurora_iam.audit_report#filter) returned.
    type: dict
    required: true
  table:
    description:
      - V(findings) has a row for each finding.
      - V(access) has a row for each account that a principal may connect as, perhaps under a condition, or would be
        allowed to but for a denial.
      - V(public) has a row for each set of privileges that every account has without a grant of its own.
    type: str
    choices: [access, findings, public]
    required: true
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: Keep who may connect
  ansible.builtin.copy:
    content: "{{ [gathered] | dbops.aurora_iam.audit_report | dbops.aurora_iam.audit_csv('access') }}"
    dest: access.csv
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The table, with a line of column names.
  type: str
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

Row = Mapping[str, Any]
COLUMNS = {
    "access": ("database", "account", "principal", "outcome", "policy", "statement", "depends_on", "advisory"),
    "findings": ("severity", "database", "kind", "subject", "code", "message", "remedy"),
    "public": ("database", "in", "privileges", "kind", "count", "objects"),
}
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = re.compile(r"""(\A|[,;\t\r\n])(?=[\s"']*[=+\-@\uff1d\uff0b\uff0d\uff20]|[ "']*[\t\r\n])""")


def audit_csv(report: Mapping[str, Any], table: str) -> str:
    """See DOCUMENTATION. Raises AnsibleFilterError for a table that does not exist."""
    if table not in COLUMNS:
        *others, last = sorted(COLUMNS)
        known = f"{', '.join(others)} and {last}"
        raise AnsibleFilterError(f"audit_csv: there is no table {table}; there are {known}.")
    rows: Mapping[str, Callable[[], Iterable[Row]]] = {
        "access": lambda: _access(report),
        "findings": lambda: ({**finding, "database": finding["databases"]} for finding in report["findings"]),
        "public": lambda: _public(report),
    }
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS[table])
    for row in rows[table]():
        writer.writerow([_value(row.get(column)) for column in COLUMNS[table]])
    return written.getvalue()


def _access(report: Mapping[str, Any]) -> Iterator[Row]:
    for database in report["databases"]:
        rows = [
            {**verdict, "database": database["database"], "account": account}
            for verdict in database["facts"].get("authorization", [])
            for account in verdict["accounts"]
        ]
        yield from sorted(rows, key=lambda row: (row["account"], row["principal"]))


def _public(report: Mapping[str, Any]) -> Iterator[Row]:
    for database in report["databases"]:
        for rights in database["facts"].get("public", []):
            where = {"database": database["database"], "in": rights["database"]}
            yield from ({**where, **grant} for grant in rights["grants"])
            if rights["definer_code"]["count"]:
                yield {**where, "privileges": ["EXECUTE"], "kind": "SECURITY DEFINER code", **rights["definer_code"]}
            if rights["roles"]:
                roles = rights["roles"]
                yield {**where, "privileges": ["member"], "kind": "role", "count": len(roles), "objects": roles}


def _value(value: Any) -> str:
    """Lists of words in one cell, tasks as JSON, which is YAML."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return FORMULA.sub(r"\1'", text)


class FilterModule:
    """Ansible's way to find filters."""

    def filters(self) -> dict[str, Any]:
        return {"audit_csv": audit_csv}
