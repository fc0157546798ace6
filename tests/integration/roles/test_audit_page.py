# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of an audit report in a real browser: fast, harmless whatever is in it, and usable by everybody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.roles.browser import Page
from tests.integration.roles.estate import gathered
from tests.integration.roles.page import harmless, show

pytestmark = pytest.mark.direct("is about a page")

DATABASES, ACCOUNTS = 50, 200
ANSWER_MILLISECONDS = 100
READABLE = 4.5
"""The least contrast of text by WCAG 2.2, level AA"""


def search(page: Page, words: str) -> float:
    """Type it as a whole. Returns the milliseconds until it is laid out."""
    milliseconds: float = page.evaluate(
        f"""(() => {{
          const field = document.getElementById("search"), started = performance.now();
          field.value = {words!r};
          field.dispatchEvent(new Event("input", {{ bubbles: true }}));
          document.body.getBoundingClientRect();
          return performance.now() - started;
        }})()"""
    )
    return milliseconds


@pytest.mark.timed
def test_a_large_estate_is_shown_and_searched_at_once(page: Page, tmp_path: Path):
    show(page, tmp_path, gathered(DATABASES, ACCOUNTS))
    assert page.evaluate("document.getElementById('subtitle').textContent") == (
        "50 databases · 10,000 IAM accounts · 16 principals"
    )
    slowest = {words: min(search(page, words) for _attempt in range(3)) for words in ("s", "role/team", "ada_0", "zz")}
    assert max(slowest.values()) < ANSWER_MILLISECONDS, slowest
    search(page, "orders-01 user/ada")
    shown = "[...document.querySelectorAll('#access .group:not([hidden])')].map(e => e.innerText)"
    (matrix,) = page.evaluate(shown)
    assert matrix.startswith("cluster orders-01")
    columns = "[...document.querySelectorAll('.principal')].map(e => e.title)"
    assert page.evaluate(columns) == ["arn:aws:iam::123456789012:user/ada"]
    search(page, "")
    harmless(page)


def test_what_everybody_has_is_shown_once_for_each_database(page: Page, tmp_path: Path):
    """However many accounts and objects there are."""
    show(page, tmp_path, gathered(2, 200))
    groups = "[...document.querySelectorAll('#everybody .group:not([hidden])')]"
    assert page.evaluate(f"{groups}.map(e => e.querySelector('.name').innerText)") == [
        "cluster billing-01",
        "cluster catalogue-01",
    ]
    page.evaluate(f"{groups}.forEach(e => {{ e.querySelector('summary').click(); }})")
    page.evaluate("new Promise(done => setTimeout(done, 50))")
    rows = page.evaluate(f"{groups}.map(e => [...e.querySelectorAll('tbody tr')].map(row => row.innerText))")
    assert [len(each) for each in rows] == [3, 3]
    assert rows[0][0].split("\t") == ["billing", "CONNECT, TEMPORARY", "DATABASE", "billing"]
    assert rows[0][1].endswith(" and 1,214 more")
    assert "function_19(integer), owner postgres and 1 more" in rows[0][2]
    search(page, "catalogue security definer")
    assert page.evaluate(f"{groups}.map(e => e.querySelectorAll('tbody tr').length)") == [1]
    search(page, "nobody-has-this")
    assert page.evaluate("document.getElementById('everybody').hidden")
    search(page, "")
    harmless(page)


def press_tab_until(page: Page, expression: str) -> None:
    for _press in range(400):
        if page.evaluate(expression):
            return
        page.press("Tab", 9)
    raise AssertionError(f"The Tab key never gets to where {expression}")


def test_everything_is_reached_by_keyboard(page: Page, tmp_path: Path):
    show(page, tmp_path, gathered(2, 12))
    focused = "document.activeElement"
    page.press("/", 191, "/")
    assert page.evaluate(f"{focused}.id") == "search"
    press_tab_until(page, f"{focused}.closest('#access') && {focused}.localName === 'summary'")
    page.press("Enter", 13, "\r")
    press_tab_until(page, f"{focused}.closest('.matrix') !== null")
    assert page.evaluate("document.querySelectorAll('.matrix [tabindex=\"0\"]').length") == 1
    for key, code in (("ArrowDown", 40), ("ArrowRight", 39)):
        page.press(key, code)
    assert page.evaluate(f"[{focused}.parentNode.rowIndex, {focused}.cellIndex]") == [2, 1]
    page.press("Enter", 13, "\r")
    assert page.evaluate("document.getElementById('details').open")
    assert "role/dba as " in page.evaluate("document.getElementById('details').innerText")
    assert "inline policy everyone of role dba" in page.evaluate("document.getElementById('details').innerText")
    page.press("Escape", 27)
    assert not page.evaluate("document.getElementById('details').open")
    assert page.evaluate(f"[{focused}.parentNode.rowIndex, {focused}.cellIndex]") == [2, 1]
    unnamed = "[...document.querySelectorAll('input, select')].filter(e => !e.labels.length).length"
    assert page.evaluate(unnamed) == 0


CONTRAST = """(() => {
  const channels = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const ground = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const [red, green, blue, alpha = 1] = channels(getComputedStyle(each).backgroundColor);
      if (alpha === 1) return [red, green, blue];
    }
    return [255, 255, 255];
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = {};
  for (const node of document.querySelectorAll("body *")) {
    const text = [...node.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
    if (!text || !node.checkVisibility()) continue;
    const sides = [channels(getComputedStyle(node).color).slice(0, 3), ground(node)].map(light).sort((a, b) => b - a);
    const name = `${node.localName}.${node.className}`;
    found[name] = Math.min(found[name] || 99, (sides[0] + 0.05) / (sides[1] + 0.05));
  }
  return found;
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable(page: Page, tmp_path: Path, scheme: str):
    show(page, tmp_path, gathered(20, 40))
    page.prefer(scheme)
    page.evaluate("document.querySelectorAll('main details').forEach(e => { e.open = true; })")
    page.evaluate("new Promise(done => setTimeout(done, 50))")
    found = page.evaluate(CONTRAST)
    kinds = {"span.badge critical", "span.badge info", "td.allowed", "td.conditional", "td.denied"}
    assert kinds <= set(found)
    assert {name: contrast for name, contrast in found.items() if contrast < READABLE} == {}
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) > 600) == (scheme == "light")


def test_headings_of_the_matrix_stay(page: Page, tmp_path: Path):
    show(page, tmp_path, gathered(1, 200))
    top = "(() => { const e = document.querySelector('.scroll'), h = e.querySelector('thead th');"
    top += " return h.getBoundingClientRect().top - e.getBoundingClientRect().top; })()"
    before = page.evaluate(top)
    page.evaluate("document.querySelector('.scroll').scrollTo(0, 600)")
    assert page.evaluate("document.querySelector('.scroll').scrollTop") == 600
    assert page.evaluate(top) == before


def test_paper_has_what_the_filters_let_through(page: Page, tmp_path: Path):
    show(page, tmp_path, gathered(4, 30))
    page.prefer("dark")
    search(page, "identity-01")
    assert page.pdf().startswith(b"%PDF")
    # What a printer gets: the list of every account in place of a matrix, nothing that is only for the screen
    page.prefer("dark", media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    shown = page.evaluate("document.body.innerText")
    assert "Only: with identity-01" in shown
    assert "role/dba" in shown
    for selector in (".toolbar", ".matrix", "button"):
        visible = f"[...document.querySelectorAll({selector!r})].filter(e => e.checkVisibility()).length"
        assert page.evaluate(visible) == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.prefer("light")
