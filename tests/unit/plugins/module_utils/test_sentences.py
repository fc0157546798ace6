# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._report import to_yaml
from ansible_collections.dbops.aurora_iam.plugins.module_utils._sentences import INVISIBLE, escape_sentences, line, text

HIDDEN = [
    chr(number)
    for number in range(0x110000)
    if unicodedata.category(chr(number)) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    # They are drawn, with the digits or letters that follow them
    and "ARABIC NUMBER" not in (name := unicodedata.name(chr(number), ""))
    and not re.search("ARABIC (SIGN|FOOTNOTE|END|DISPUTED|POUND|PIASTRE)|SYRIAC|KAITHI", name)
]
NAME = "x\x1b[2K\x1b[1A\u202ey\u200d\n"
SHOWN = r"x\x1b[2K\x1b[1A\u202ey\u200d\n"


def test_nothing_is_left_that_a_terminal_or_a_browser_acts_on():
    assert len(HIDDEN) > 2000
    assert [character for character in HIDDEN if character in line(character)] == []


@pytest.mark.parametrize(
    "character", ["\ufe0f", "\u034f", "\u115f", "\u3164", "\uffa0", "\u2800", "\u180b", "\U000e0100"]
)
def test_nothing_is_left_that_cannot_be_seen(character: str):
    assert line(f"a{character}b") == f"a{ascii(character)[1:-1]}b"


@pytest.mark.parametrize("shown", ["jane_doe", "Dörte", "日本語", "العربية", 'it\'s \\ "x"', "« table »", "😀"])
def test_what_can_be_seen_stays(shown: str):
    assert line(shown) == text(shown) == shown


@given(st.text(st.sampled_from("".join(HIDDEN[:200]) + 'a"\\: -')))
def test_a_diff_stays_the_same_yaml(name: str):
    shown = text(to_yaml([{"name": name}]))
    assert yaml.safe_load(shown) == [{"name": name}]
    assert not re.search(f"(?!\n)[{INVISIBLE}]", shown)


def test_sentences_are_escaped_and_data_is_exact():
    data = {"name": NAME, "statements": [NAME]}
    result: dict[str, Any] = {
        **data,
        "msg": NAME,
        "warnings": [NAME],
        "errors": [{**data, "message": NAME}],
        "diff": {"before": NAME, "after": NAME, "before_header": NAME, "after_header": NAME},
        "exception": NAME,
        "ansible_facts": {"aurora_iam": {"accounts": [data], "findings": [{"subject": NAME, "message": NAME}]}},
    }
    lines = SHOWN.replace(r"\n", "\n")
    assert escape_sentences(result) == {
        **data,
        "msg": SHOWN,
        "warnings": [SHOWN],
        "errors": [{**data, "message": SHOWN}],
        "diff": {"before": lines, "after": lines, "before_header": SHOWN, "after_header": SHOWN},
        "exception": lines,
        "ansible_facts": {"aurora_iam": {"accounts": [data], "findings": [{"subject": NAME, "message": SHOWN}]}},
    }
    assert result["msg"] == NAME


@pytest.mark.parametrize(
    "odd", [{}, {"msg": 5}, {"msg": ["a"]}, {"warnings": "x"}, {"diff": []}, {"ansible_facts": None}]
)
def test_a_result_of_another_shape_is_left_as_it_is(odd: dict[str, Any]):
    assert escape_sentences(odd) == odd
