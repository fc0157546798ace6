# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization import patterns
from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.patterns import (
    matcher,
    matches,
    plain_glob,
)

TEXTS = st.text("ab:.*\\[^]\n", max_size=12)


@given(pattern=st.text("ab:*?.\\[^]", max_size=10), text=TEXTS, arn=st.booleans())
def test_many_stars_match_as_few_do(pattern: str, text: str, arn: bool) -> None:
    """The automaton, which is for patterns with many stars, against the regular expression."""
    glob = plain_glob(pattern, arn)
    automaton = patterns._Automaton(glob.expression or re.escape(glob.head))
    assert automaton.matches(text) == bool(matcher(glob)(text))


def test_no_pattern_takes_long() -> None:
    started = time.perf_counter()
    assert not matches("*a" * 40 + "b", "a" * 200)
    assert matches("*a" * 40, "a" * 200)
    assert time.perf_counter() - started < 1


def test_the_head_is_what_stands_before_the_first_wildcard() -> None:
    assert (plain_glob("arn:aws:*:x").head, plain_glob("joe").head, plain_glob("jo?").head) == ("arn:aws:", "joe", "jo")
    assert plain_glob("joe").literal
    assert not plain_glob("?").literal
