# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit report's page, whose texts others have chosen: none of it becomes markup, runs or hides anything."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.dbops.aurora_iam.plugins.module_utils._sentences import INVISIBLE, line
from tests.integration.roles.browser import Page
from tests.integration.roles.estate import gathered
from tests.integration.roles.page import harmless, show

pytestmark = pytest.mark.direct("is about a page")

HOSTILE = (
    "<img src=x onerror='window.harmed=1'>",
    "</script><script>window.harmed=1</script>",
    "<!--<script>",
    "javascript:window.harmed=1",
    '"><svg onload=window.harmed=1>',
    "{{ 7 * 7 }}\u2028${window.harmed=1}\x1b[2K\u202ea\u200db\u2066\x9b\U000e0041",
    "<style>@import 'http://127.0.0.1:9/x'</style>",
    "<iframe src=http://127.0.0.1:9/>",
)
SHOWN = [line(text) for text in HOSTILE]
"""As the page shows them: what cannot be seen is escaped."""
ELEMENTS = "[...document.querySelectorAll('*')].map(e => e.localName)"


def hostile() -> list[dict[str, Any]]:
    """Two databases of which everything that somebody can name is named like an attack."""
    results: list[dict[str, Any]] = copy.deepcopy(gathered(2, len(HOSTILE)))
    for result in results[0]["results"]:
        facts = result["ansible_facts"]["aurora_iam"]
        facts["cluster"]["title"] = f"cluster {HOSTILE[0]}{facts['cluster']['identifier']}"
        renamed = dict(zip([account["name"] for account in facts["accounts"]], HOSTILE, strict=True))
        for account, text in zip(facts["accounts"], HOSTILE, strict=True):
            account.update(name=text, comment=text, roles=[text], grants=[{"privileges": [text], "on": text}])
        for verdict, text in zip(facts["authorization"], HOSTILE * 4, strict=False):
            verdict["accounts"] = [renamed[name] for name in verdict["accounts"]]
            verdict.update(principal=f"arn:aws:iam::1:user/{text}", policy=text, statement=text)
        facts["findings"] = [
            {"code": "powerful", "severity": "high", "kind": text, "subject": text, "message": text,
             "remedy": {"name": text, "dbops.aurora_iam.aurora_iam_user": {"name": text}}}
            for text in HOSTILE
        ]  # fmt: skip
        facts["unseen"] = [{"what": text, "why": text} for text in HOSTILE]
        named = {"count": len(HOSTILE), "objects": list(HOSTILE)}
        facts["public"] = [
            {"database": text, "grants": [{"privileges": [text], "kind": text, **named}], "definer_code": named,
             "roles": list(HOSTILE)}
            for text in HOSTILE
        ]  # fmt: skip
    results[0]["results"].append({"item": {"cluster": HOSTILE[1]}, "msg": HOSTILE[0]})
    return results


def open_everything(page: Page) -> str:
    """Returns the text of every dialog that can be opened."""
    page.evaluate("document.querySelectorAll('main details').forEach(e => { e.open = true; })")
    page.evaluate("new Promise(done => setTimeout(done, 50))")
    page.evaluate("document.querySelectorAll('.remedy').forEach(e => { e.open = true; })")
    said: str = page.evaluate(
        """[...document.querySelectorAll(".matrix tbody td, .matrix tbody th")].map((cell) => {
          cell.click();
          const text = document.getElementById("details").textContent;
          document.getElementById("details").close();
          return text;
        }).join("\\n")"""
    )
    return said


def test_markup_is_text_wherever_it_stands(page: Page, tmp_path: Path):
    show(page, tmp_path, gathered(2, len(HOSTILE)))
    open_everything(page)
    usual = set(page.evaluate(ELEMENTS))
    show(page, tmp_path, hostile(), title=HOSTILE[1], as_of=HOSTILE[0])
    dialogs = open_everything(page)
    for part in ("#unread", "#findings", "#everybody", "#access"):
        seen = page.evaluate(f"document.querySelector({part!r}).textContent")
        assert [text for text in SHOWN if text not in seen] == []
    assert [text for text in SHOWN if text not in dialogs] == []
    everything = page.evaluate("document.title + document.body.innerText") + dialogs
    assert re.findall(f"(?![\n\t])[{INVISIBLE}]", everything) == []
    tasks = page.evaluate("[...document.querySelectorAll('.remedy pre')].map(e => e.textContent)")
    named = {
        value
        for task in tasks
        for value in yaml.safe_load(task)[0]["dbops.aurora_iam.aurora_iam_user"].values()
        if isinstance(value, str)
    }
    assert named >= {HOSTILE[5]}
    assert set(page.evaluate(ELEMENTS)) == usual
    assert page.evaluate("window.harmed") is None
    assert page.evaluate("document.title") == HOSTILE[1]
    attributes = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
    assert [name for name in page.evaluate(attributes) if name.startswith("on") or name == "src"] == []
    assert page.evaluate("document.querySelectorAll('script').length") == 2
    harmless(page)


def test_what_is_injected_does_not_run(page: Page, tmp_path: Path):
    """Should markup ever get in, the page's policy stops it. That the policy is there is shown by breaking it."""
    show(page, tmp_path, gathered(1, 3))
    page.evaluate(
        """(() => {
          const script = document.createElement("script");
          script.textContent = "window.harmed = 1";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend", "<img src='http://127.0.0.1:9/x' onerror='window.harmed = 1'>");
          return fetch("http://127.0.0.1:9/").catch(() => null).then(() => null);
        })()"""
    )
    assert page.evaluate("window.harmed") is None
    violations = [event for event in page.events if "ContentSecurityPolicy" in str(event)]
    assert len(violations) >= 3
