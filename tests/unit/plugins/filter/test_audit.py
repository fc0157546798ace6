# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the audit report."""

from __future__ import annotations

import base64
import copy
import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.filter.audit_csv import audit_csv
from ansible_collections.dbops.aurora_iam.plugins.filter.audit_objections import audit_objections
from ansible_collections.dbops.aurora_iam.plugins.filter.audit_report import audit_report
from ansible_collections.dbops.aurora_iam.plugins.filter.csp_hash import csp_hash
from ansible_collections.dbops.aurora_iam.plugins.filter.script_json import script_json
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.finding import SEVERITIES

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    "a\u2028b\u2029c",
    "<img src=x onerror=alert(1)>",
    "&lt;",
    "javascript:alert(1)",
    '"\\',
]


def finding(code: str = "powerful", severity: str = "high", message: str = "It is wrong.") -> dict[str, Any]:
    return {
        "code": code, "severity": severity, "kind": "account", "subject": "jane", "message": message, "remedy": None
    }  # fmt: skip


def database(name: str = "orders", region: str = "eu-west-1", owner: str = "1", **facts: Any) -> dict[str, Any]:
    """One iteration of the loop over aurora_iam_facts."""
    arn = f"arn:aws:rds:{region}:{owner}:cluster:{name}"
    cluster = {"title": f"cluster {name}", "arn": arn}
    return {"item": {"cluster": name}, "ansible_facts": {"aurora_iam": {"cluster": cluster, **facts}}}


def report_of(*results: dict[str, Any]) -> dict[str, Any]:
    return audit_report([{"results": list(results)}])


def names(report: dict[str, Any]) -> list[str]:
    return [each["database"] for each in report["databases"]]


def test_hosts_and_loops_are_joined_and_the_gravest_comes_first():
    here = {"results": [database("orders", findings=[finding("never_used", "low"), finding()])]}
    there = {"results": [database("ledger", findings=[finding("iam_auth_off", "critical"), finding()])]}
    given_before = copy.deepcopy([here, there])
    report = audit_report([here, there], title="T", as_of="today")
    assert [here, there] == given_before
    assert (report["version"], report["title"], report["as_of"]) == (1, "T", "today")
    assert names(report) == ["cluster ledger", "cluster orders"]
    assert [(each["severity"], each["database"]) for each in report["findings"]] == [
        ("critical", "cluster ledger"),
        ("high", "cluster ledger"),
        ("high", "cluster orders"),
        ("low", "cluster orders"),
    ]
    assert report["counts"] == {"critical": 1, "high": 2, "medium": 0, "low": 1, "info": 0}
    assert all("findings" not in each["facts"] for each in report["databases"])


def test_the_table_of_what_everybody_has():
    grant = {"privileges": ["CONNECT", "TEMPORARY"], "kind": "DATABASE", "count": 1, "objects": ["=shop"]}
    code = {"count": 30, "objects": ["FUNCTION public.f(), owner boss"]}
    rights = {"database": "shop", "grants": [grant], "definer_code": code, "roles": []}
    roles = {"database": "", "grants": [], "definer_code": {"count": 0, "objects": []}, "roles": ["a", "b"]}
    report = report_of(database("orders", public=[rights, roles]), {"item": {"cluster": "gone"}, "msg": "Gone."})
    _head, *rows = csv.reader(io.StringIO(audit_csv(report, "public")))
    assert rows == [
        ["cluster orders", "shop", "CONNECT, TEMPORARY", "DATABASE", "1", "'=shop"],
        ["cluster orders", "shop", "EXECUTE", "SECURITY DEFINER code", "30", "FUNCTION public.f(), owner boss"],
        ["cluster orders", "", "member", "role", "2", "a, b"],
    ]


def test_a_database_that_could_not_be_read_is_in_the_report():
    report = report_of({"item": {"cluster": "gone"}, "msg": "There is no cluster gone."}, database("orders"))
    assert [(each["database"], each["error"]) for each in report["databases"]] == [
        ("cluster gone", "There is no cluster gone."),
        ("cluster orders", ""),
    ]


def test_what_is_known_of_a_database_without_aws_is_its_host():
    report = report_of({"item": {"login_host": "db.example.org"}, "msg": "No answer."})
    assert names(report) == ["db.example.org"]


def test_databases_of_one_name_are_told_apart():
    assert names(report_of(database(region="a"), database(region="b"), database("ledger"))) == [
        "cluster ledger",
        "cluster orders (a)",
        "cluster orders (b)",
    ]
    assert names(report_of(database(owner="1"), database(owner="2"))) == [
        "cluster orders (eu-west-1, 1)",
        "cluster orders (eu-west-1, 2)",
    ]
    failed = {"item": {"cluster": "x"}, "msg": "No."}
    assert names(report_of(failed, failed)) == ["cluster x (number 1)", "cluster x (number 2)"]


def test_one_that_was_looked_at_twice_is_in_it_once():
    assert names(report_of(database(), database())) == ["cluster orders"]


def test_what_changes_by_itself_is_left_out():
    reports = [report_of(database(accounts=[{"name": "jane", "sessions": n}])) for n in (0, 3, None)]
    assert reports[0] == reports[1] == reports[2]


def test_what_is_wrong_with_a_policy_is_one_finding_for_a_fleet():
    policy, account = {**finding("policy_everything", "info"), "kind": "policy"}, finding()
    fleet = [database(name, findings=[dict(policy), dict(account)]) for name in ("a", "b", "c")]
    elsewhere = database("a", owner="2", region="eu-west-3", findings=[dict(policy)])
    report = report_of(*fleet, elsewhere)
    found = [(each["code"], each["database"], len(each["databases"])) for each in report["findings"]]
    assert found == [
        ("powerful", "cluster a (eu-west-1)", 1),
        ("powerful", "cluster b", 1),
        ("powerful", "cluster c", 1),
        ("policy_everything", "cluster a (eu-west-1) and 2 more", 3),
        ("policy_everything", "cluster a (eu-west-3)", 1),
    ]
    assert report["counts"]["info"] == 2
    assert rows(audit_csv(report, "findings"))[3]["database"] == "cluster a (eu-west-1), cluster b, cluster c"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def access(account: str, principal: str = "arn:aws:iam::1:user/jane") -> dict[str, Any]:
    return {
        "principal": principal, "outcome": "conditional", "accounts": [account], "policy": "inline policy p",
        "statement": "statement 1", "depends_on": ["aws:a", "aws:b"], "advisory": False,
    }  # fmt: skip


def test_a_row_for_each_account_and_principal():
    report = report_of(database(authorization=[access("zoe"), {**access("b"), "accounts": ["a", "b"]}]))
    found = rows(audit_csv(report, "access"))
    assert [row["account"] for row in found] == ["a", "b", "zoe"]
    assert found[0] == {
        "database": "cluster orders", "account": "a", "principal": "arn:aws:iam::1:user/jane",
        "outcome": "conditional", "policy": "inline policy p", "statement": "statement 1",
        "depends_on": "aws:a, aws:b", "advisory": "no",
    }  # fmt: skip


FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@pytest.mark.parametrize("first", FORMULA)
def test_a_spreadsheet_finds_no_formula(first: str):
    (row,) = rows(audit_csv(report_of(database(authorization=[access(f"{first}cmd|' /C calc'!A0")])), "access"))
    assert row["account"] == f"'{first}cmd|' /C calc'!A0"


def cells(table: str) -> Iterator[str]:
    """As spreadsheets may see them: by the comma, or by another separator of the user's country; trimmed."""
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(table, newline=""), delimiter=separator):
            yield from (part for cell in row for part in (cell, cell.lstrip(" \"'")) if not cell.startswith("'"))


@pytest.mark.parametrize("first", FORMULA)
@pytest.mark.parametrize(
    "before", ["", "a;", "a,", "a\t", "a\n", "a\r", 'a;"', "a; ", 'a";', 'a\n"', "a;'\"", 'a,"", ;']
)
def test_a_spreadsheet_finds_no_formula_whatever_its_separator(before: str, first: str):
    table = audit_csv(report_of(database(authorization=[access(f"{before}{first}cmd|' /C calc'!A0")])), "access")
    assert [cell for cell in cells(table) if cell.startswith(FORMULA)] == []


@given(st.text(st.sampled_from("ab=+-@;,\t\r\n\"' \uff1d")))
def test_no_text_is_a_formula(name: str):
    table = audit_csv(report_of(database(authorization=[access(name)])), "access")
    assert [cell for cell in cells(table) if cell.startswith(FORMULA)] == []


def test_every_cell_is_quoted():
    table = audit_csv(report_of(database(authorization=[access("jane")])), "access")
    assert all(re.fullmatch(r'"[^"]*"(,"[^"]*")*', each) for each in table.splitlines())


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_any_name_comes_back_from_csv(name: str):
    (row,) = rows(audit_csv(report_of(database(authorization=[access(name)])), "access"))
    assert row["account"].replace("'", "") == name.replace("'", "")
    assert not row["account"].startswith(FORMULA)


def test_a_finding_keeps_its_remedy_as_yaml():
    remedy = {"name": "Repair", "m": {"cluster": "orders"}}
    report = report_of(database(findings=[{**finding(), "remedy": remedy}, finding("iam_by_group")]))
    by_code = {row["code"]: row["remedy"] for row in rows(audit_csv(report, "findings"))}
    assert by_code["iam_by_group"] == ""
    assert json.loads(by_code["powerful"]) == remedy


def test_an_unknown_table_or_severity_is_an_error():
    with pytest.raises(AnsibleFilterError, match="there are access, findings and public"):
        audit_csv(report_of(), "users")
    with pytest.raises(AnsibleFilterError, match="critical, high"):
        audit_objections(report_of(), "grave")


def test_a_run_fails_on_what_is_at_least_as_grave():
    report = report_of(database(findings=[finding(severity=severity, message=severity) for severity in SEVERITIES]))
    for number, severity in enumerate(SEVERITIES, 1):
        first, *quoted = audit_objections(report, severity)
        assert first == f"Findings of severity {severity} or graver: {number}."
        assert quoted == [f"cluster orders: {graver}" for graver in SEVERITIES[:number]]
    assert audit_objections(report, "never") == []
    assert audit_objections(report_of(database(findings=[])), "info") == []


def test_a_run_fails_on_what_could_not_be_read():
    report = report_of(
        {"item": {"cluster": "gone"}, "msg": "There is none."},
        database(findings=[finding(message=str(number)) for number in range(30)]),
    )
    assert audit_objections(report, "never") == ["1 of 2 databases could not be read.", "cluster gone: There is none."]
    both = audit_objections(report, "high")
    assert both[2] == "Findings of severity high or graver: 30."
    assert len(both) == 3 + 10


class Scripts(HTMLParser):
    """What an HTML parser takes for the content of script elements, and the names of all elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.content = ""
        self.elements: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        self.content += data


@given(st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"]))))
def test_no_text_gets_out_of_its_script_element(text: str):
    written = script_json({text: [text, {"a": text}]})
    assert not set("<>&\u2028\u2029") & set(written)
    page = Scripts(f"<script>{written}</script>")
    assert page.elements == ["script"]
    assert json.loads(page.content) == {text: [text, {"a": text}]}


def test_the_hash_of_a_script():
    assert csp_hash("") == "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    assert csp_hash("ä")[8:-1] == base64.b64encode(hashlib.sha256("ä".encode()).digest()).decode()
