# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database with code of every kind, and everything that the server says about it."""

from __future__ import annotations

from typing import Any

from tests.integration.conftest import Administration

Rows = list[tuple[str, ...]]

TABLES = "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(200)); CREATE TABLE log (c VARCHAR(200))"
AS = "CREATE DEFINER = {definer} "
CODE = (
    "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT', time_zone = '+05:00'",
    AS + """VIEW v (x, "y y") AS SELECT a, b || 'ü''s' FROM t WHERE a > 0 WITH LOCAL CHECK OPTION""",
    AS + "SQL SECURITY INVOKER VIEW w AS SELECT * FROM v",
    AS
    + """PROCEDURE "Pro ""c`"(IN "a b" INT, OUT c VARCHAR(9)) READS SQL DATA COMMENT 'it''s {letter}'
BEGIN
  -- a comment; with a semicolon
  SET c = 'ü' || "a b"; /* two  blanks */
END""",
    AS + "FUNCTION f(a INT) RETURNS VARCHAR(20) DETERMINISTIC RETURN 'ü;' || a -- end",
    "CREATE TRIGGER t1 BEFORE INSERT ON t FOR EACH ROW SET new.b = new.b || '1'",
    AS + "  trigger   t2   before insert on t  for each row SET new.b = new.b || 'ü' -- end",
    "CREATE TRIGGER t3 BEFORE INSERT ON t FOR EACH ROW SET new.b = new.b || '3'",
    AS + "TRIGGER t0 BEFORE INSERT ON t FOR EACH ROW PRECEDES t1 SET new.b = new.b || '0'",
    AS + "TRIGGER ins AFTER INSERT ON t FOR EACH ROW INSERT INTO log VALUES (new.b)",
    AS
    + """EVENT e1 ON SCHEDULE EVERY 3 HOUR STARTS '2036-01-01 00:00:00' ON COMPLETION PRESERVE
  COMMENT 'ü' DO INSERT INTO log VALUES ('ü' || 'x')""",
    AS + "EVENT e2 ON SCHEDULE AT '2036-01-01 00:00:00' DISABLE DO BEGIN DO 1; DO 2; END",
    AS + "EVENT e3 ON SCHEDULE EVERY 1 DAY STARTS '2036-01-01 00:00:00' DISABLE ON REPLICA DO DO 1",
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
GRANTS = (
    "SELECT User, Host, Routine_name, Routine_type, Proc_priv FROM mysql.procs_priv WHERE Db = DATABASE() ORDER BY "
    "1, 2, 3, 4"
)
FACTS = (
    "SELECT TRIGGER_NAME, ACTION_ORDER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1",
    "SELECT EVENT_NAME, STATUS, TIME_ZONE, STARTS, EXECUTE_AT, ON_COMPLETION, EVENT_COMMENT, ORIGINATOR FROM "
    "information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() ORDER BY 1",
    "SELECT ROUTINE_NAME, ROUTINE_DEFINITION, SQL_MODE, SECURITY_TYPE, ROUTINE_COMMENT, DTD_IDENTIFIER FROM "
    "information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() ORDER BY 1",
    GRANTS,
    "SELECT User, Host, Table_name, Table_priv FROM mysql.tables_priv WHERE Db = DATABASE() ORDER BY 1, 2, 3",
)


class Schema:
    """A database with code, read as the superuser through PyMySQL, which alters nothing of what the server says."""

    def __init__(self, admin: Administration, cluster: str, name: str) -> None:
        self._admin, self._cluster, self.name = admin, cluster, name

    def sql(self, statement: str) -> Rows:
        return self._admin.sql(self._cluster, statement, self.name)

    def has(self, account: str) -> bool:
        return bool(self.sql(f"SELECT 1 FROM mysql.user WHERE User = '{account}'"))

    def snapshot(self) -> dict[str, Any]:
        shown = {
            f"{kind} {row[0]}": self._shown(kind, row[0]) for kind, listed in LISTS.items() for row in self.sql(listed)
        }
        return {**shown, **{text: self.sql(text) for text in FACTS}}

    def _shown(self, kind: str, name: str) -> tuple[str, ...]:
        row = self.sql(f"SHOW CREATE {kind} `{name.replace('`', '``')}`")[0]
        return row[:6] if kind == "TRIGGER" else row  # then comes when it was made
