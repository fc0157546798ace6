# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The steps by which an account's objects get another definer, or go."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql import sql as statements
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving import sql
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.code import (
    COPY_PREFIX,
    ROUTINES,
    Code,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.leaving.steps import CodeStep
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.privileges import USAGE
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.sql import Dialect
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Scope
from ansible_collections.dbops.aurora_iam.plugins.module_utils._plan import Statement

CODECS = {
    "ascii": "ascii",
    "big5": "big5",
    "binary": "utf-8",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp850": "cp850",
    "cp932": "cp932",
    "gb18030": "gb18030",
    "gbk": "gbk",
    "latin1": "cp1252",
    "latin2": "iso8859_2",
    "sjis": "shift_jis",
    "utf8": "utf-8",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
}
"""Character sets of clients, and Python's names for them. https://dev.mysql.com/doc/refman/8.4/en/charset-charsets.html
MySQL's latin1 is cp1252."""


def body(code: Code) -> str | None:
    """What follows the head in SHOW CREATE, or None if it begins in another way than is known."""
    if code.object.kind == "VIEW":
        start, clause, rest = code.create.partition(sql.definer_clause(code.definer))
        return rest if clause and start.startswith("CREATE ALGORITHM=") else None
    item = replace(code.object, name=COPY_PREFIX + code.object.name) if code.copied else code.object
    for quote in "`", '"':
        head = sql.head(item, code.definer, quote)
        if code.create.startswith(head):
            return code.create[len(head) :]
    return None


def step(code: Code, dialect: Dialect) -> CodeStep:
    kind = code.object.kind
    if kind in ROUTINES:
        return _routine(code, dialect)
    if kind == "TRIGGER":
        return _trigger(code, dialect)
    altered = sql.alter_event(code.object, code.heir) if kind == "EVENT" else _altered_view(code)
    texts = (sql.settings(code, dialect), sql.use(code.object.database), altered, sql.usual_settings(dialect))
    return CodeStep(texts, codec=CODECS[code.client], endings=(2,))


def _altered_view(code: Code) -> Statement:
    start, _clause, rest = code.create.partition(sql.definer_clause(code.definer))
    return Statement("ALTER" + start[len("CREATE") :] + sql.definer_clause(code.heir) + rest)


def _made(code: Code, definer: AccountName, name: str = "") -> Statement:
    item = replace(code.object, name=name or code.object.name)
    return Statement(sql.head(item, definer, "`") + code.place + (body(code) or ""))


def _granted(code: Code, dialect: Dialect, name: str = "") -> list[Statement]:
    """A routine's grants go with it when it is dropped."""
    scope = Scope(code.object.kind, path=(code.object.database, name or code.object.name))
    return [
        statements.grant(
            ", ".join(word for word in words if word != "GRANT") or USAGE, scope, [grantee], "GRANT" in words, dialect
        )
        for grantee, words in code.grants
    ]


def _routine(code: Code, dialect: Dialect) -> CodeStep:
    """A copy stands by until everything is there again, so that nothing is lost if this breaks off."""
    copy = COPY_PREFIX + code.object.name
    prepared = [sql.settings(code, dialect), sql.use(code.object.database)]
    if not code.copied:
        prepared += [sql.drop(code.object, copy, leniently=True), _made(code, code.heir, copy)]
    replaced = [
        *([] if code.copied else _granted(code, dialect, copy)),
        sql.drop(code.object, leniently=code.copied),
        _made(code, code.heir),
    ]
    finished = [*_granted(code, dialect), sql.drop(code.object, copy), sql.usual_settings(dialect)]
    first = len(prepared) - 1
    return CodeStep(
        (*prepared, *replaced, *finished),
        codec=CODECS[code.client],
        endings=(first, first + len(replaced)),
        undo=() if code.copied else (_made(code, code.definer),),
    )


def _trigger(code: Code, dialect: Dialect) -> CodeStep:
    """Tried first under another name. The table is locked throughout, so that no row misses the trigger or has it
    twice."""
    trial = COPY_PREFIX.rstrip(":") + "_trial"
    texts = (
        sql.settings(code, dialect),
        sql.use(code.object.database),
        sql.lock_table(code.object),
        sql.drop(code.object, trial, leniently=True),
        _made(code, code.heir, trial),
        sql.drop(code.object, trial),
        sql.drop(code.object),
        _made(code, code.heir),
        sql.UNLOCK,
        sql.usual_settings(dialect),
    )
    return CodeStep(texts, codec=CODECS[code.client], endings=(7,), undo=(_made(code, code.definer),))
