# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.catalog.clients import (
    Client,
    hides,
    matches_client,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.hosts import unreachable


@pytest.mark.parametrize(
    ("stronger", "weaker", "hidden"),
    [
        ("10.1.2.3", "10.1.2.%", True),
        ("10.1.2.3", "10.1.2.0/24", True),
        ("10.1.0.0/16", "10.1.2.%", True),
        ("10.1.0.0/16", "10.0.0.0/8", True),
        ("10.1.0.0/16", "11.0.0.0/8", False),
        ("10.1.2.%", "%.3", True),
        ("10.1.2.%", "%", True),
        ("db1.corp", "%.corp", True),
        ("DB1.corp", "%.CORP", True),
        ("db1.corp", "%.org", False),
        ("10.1.2._", "10.1.%", True),
        ("10.1.2._", "10.1.%.77", False),
        ("%", "10.1.%", False),
        ("%", "%", False),
    ],
)
def test_which_anonymous_hosts_hide_others(stronger: str, weaker: str, hidden: bool) -> None:
    assert hides(stronger, weaker) is hidden


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("fd00:0::2", "short form"),
        ("fd00::2%", ""),
        ("fd00::", ""),
        ("fe80::%", ""),
        ("::ffff:%", "IPv4"),
        ("fd00::/8", "no masks"),
        ("fd00::g", "no IPv6 address"),
        ("10.1.2.3/32", ""),
        ("10.0.0.0/" + "9" * 200, "no IPv4 address and mask"),
        ("", ""),
    ],
)
def test_hosts_that_no_client_has(host: str, reason: str) -> None:
    """The server was asked about all of these: tests/integration/mysql/test_hosts.py has those with IPv4."""
    found = unreachable(host, False)
    assert (found is None) is not bool(reason)
    assert found is None or reason in found.reason


def test_an_address_that_is_no_text() -> None:
    assert matches_client("10.0.0.1", Client(address="10.0.0.1"))
    assert not matches_client("10.0.0.1", Client("db1.corp"))
    assert matches_client("fd00::%", Client(address="FD00::1"))
