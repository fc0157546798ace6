# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit report's page of any report, made of the role's own template and filters without starting Ansible."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

from ansible_collections.dbops.aurora_iam.plugins.filter.audit_report import audit_report
from ansible_collections.dbops.aurora_iam.plugins.filter.csp_hash import csp_hash
from ansible_collections.dbops.aurora_iam.plugins.filter.script_json import script_json
from tests.integration.roles.browser import Page
from tests.sandbox.clients import CHECKOUT

ROLE = CHECKOUT / "roles" / "audit"
COMPLAINTS = {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Audits.issueAdded"}


def render(report: dict[str, Any]) -> str:
    def query(_lookup: str, *names: str) -> list[str]:
        return [(ROLE / "files" / name).read_text().rstrip() for name in names]

    # As ansible.builtin.template does
    environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True)  # noqa: S701
    environment.filters["dbops.aurora_iam.csp_hash"] = csp_hash
    environment.filters["dbops.aurora_iam.script_json"] = script_json
    environment.globals.update(query=query, lookup=lambda plugin, name: query(plugin, name)[0])
    template = environment.from_string((ROLE / "templates" / "report.html.j2").read_text())
    return template.render(aurora_iam_audit_report=report)


def show(page: Page, folder: Path, results: list[dict[str, Any]], **texts: str) -> None:
    path = folder / "report.html"
    path.write_text(render(audit_report(results, **texts)))
    page.events.clear()
    page.prefer("light")
    page.open(path)


def harmless(page: Page) -> None:
    """Nothing but the page itself was asked for, and the browser complains of nothing."""
    requests = [event["params"]["request"]["url"] for event in page.events if event["method"].endswith("BeSent")]
    assert len(requests) == 1
    assert requests[0].startswith("file://")
    assert [event for event in page.events if event["method"] in COMPLAINTS] == []
