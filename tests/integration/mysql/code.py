# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database with code of every kind, and everything that the server says about it."""

from __future__ import annotations

from typing import Any

from tests.integration.administration import Administration

Rows = list[tuple[str, ...]]

TABLES = "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(200)); CREATE TABLE log (c VARCHAR(200))"
AS = "CREATE DEFINER = {definer} "
CODE = (
    AS + "VIEW v AS SELECT a, b FROM t WHERE a > 0",
    AS + "SQL SECURITY INVOKER VIEW w AS SELECT * FROM v",
    AS + """PROCEDURE `Pro "c``` (OUT c INT) READS SQL DATA SELECT COUNT(*) INTO c FROM t""",
    AS + "FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a + 1",
    "CREATE TRIGGER t1 BEFORE INSERT ON t FOR EACH ROW SET new.b = CONCAT(new.b, '1')",
    AS + "TRIGGER t2 BEFORE INSERT ON t FOR EACH ROW SET new.b = CONCAT(new.b, '2')",
    AS + "TRIGGER ins AFTER INSERT ON t FOR EACH ROW INSERT INTO log VALUES (new.b)",
    AS + "EVENT e1 ON SCHEDULE EVERY 3 HOUR STARTS '2036-01-01 00:00:00' DO INSERT INTO log VALUES ('x')",
    AS + "EVENT e2 ON SCHEDULE AT '2036-01-01 00:00:00' DISABLE DO DO 1",
)
LISTS = {
    "VIEW": "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()",
    "PROCEDURE": "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND "
    "ROUTINE_TYPE = 'PROCEDURE'",
    "FUNCTION": "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND "
    "ROUTINE_TYPE = 'FUNCTION'",
    "TRIGGER": "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()",
    "EVENT": "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()",
}


class Schema:
    """A database with code, read as the superuser through PyMySQL, which alters nothing of what the server says."""

    def __init__(self, admin: Administration, cluster: str, name: str) -> None:
        self._admin, self._cluster, self.name = admin, cluster, name

    def sql(self, statement: str) -> Rows:
        return self._admin.sql(self._cluster, statement, self.name)

    def has(self, account: str) -> bool:
        return bool(self.sql(f"SELECT 1 FROM mysql.user WHERE User = '{account}'"))

    def snapshot(self) -> dict[str, Any]:
        return {
            f"{kind} {row[0]}": self._shown(kind, row[0]) for kind, listed in LISTS.items() for row in self.sql(listed)
        }

    def _shown(self, kind: str, name: str) -> tuple[str, ...]:
        row = self.sql(f"SHOW CREATE {kind} `{name.replace('`', '``')}`")[0]
        return row[:6] if kind == "TRIGGER" else row  # then comes when it was made
