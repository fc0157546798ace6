# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The mark on an account that is half gone: its comment, which only who administers the account can write.

An account that hands over what it owns leaves rds_iam before that. If the rest then fails, nothing else would tell it
from a role that was never IAM-authenticated, which this collection does not drop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.names import quote_identifier

PREFIX = "[dbops.aurora_iam: leaving"
_QUOTED = r'"((?:[^"]|"")*)"'
_CODE = re.compile(rf", code {_QUOTED} ([0-9a-f]{{32}})")
_MARK = re.compile(
    rf'{re.escape(PREFIX)}(?:, to {_QUOTED})?((?:, code "(?:[^"]|"")*" [0-9a-f]{{32}})*)\](?:\n(.*))?\Z', re.DOTALL
)
_NO_CODE: Mapping[str, str] = MappingProxyType({})


class Mark(NamedTuple):
    """
    successor  who gets what the account owns, empty where it is dropped
    comment    what was there before
    code       by database, the checksum of the code that the task which began the drop was allowed to reassign
    """

    successor: str
    comment: str
    code: Mapping[str, str] = _NO_CODE


def write_mark(mark: Mark) -> str:
    successor = f", to {quote_identifier(mark.successor)}" if mark.successor else ""
    code = "".join(f", code {quote_identifier(name)} {checksum}" for name, checksum in sorted(mark.code.items()))
    return f"{PREFIX}{successor}{code}]" + (f"\n{mark.comment}" if mark.comment else "")


def read_mark(comment: str) -> Mark | None:
    found = _MARK.match(comment)
    if found is None:
        return None
    successor, code, comment = (text or "" for text in found.groups())
    checksums = {name.replace('""', '"'): checksum for name, checksum in _CODE.findall(code)}
    return Mark(successor.replace('""', '"'), comment, checksums)
