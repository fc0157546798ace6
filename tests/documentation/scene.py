# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page's blocks find on the sandbox's clusters, and that nothing of it is left for the next page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from tests.sandbox.clients import State, aws_client

Things = dict[str, str]
"""what exists on a cluster, and the SQL that drops it"""

MYSQL = """
SELECT CONCAT(IF(table_type = 'VIEW', 'VIEW', 'TABLE'), ' `', table_schema, '`.`', table_name, '`'),
  CONCAT('DROP ', IF(table_type = 'VIEW', 'VIEW', 'TABLE'), ' IF EXISTS `', table_schema, '`.`', table_name, '`')
FROM information_schema.tables
WHERE table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
UNION ALL
SELECT CONCAT(routine_type, ' ', routine_schema, '.', routine_name),
  CONCAT('DROP ', routine_type, ' IF EXISTS `', routine_schema, '`.`', routine_name, '`')
FROM information_schema.routines WHERE routine_schema NOT IN ('mysql', 'sys')
UNION ALL
SELECT CONCAT('DATABASE ', schema_name), CONCAT('DROP DATABASE IF EXISTS `', schema_name, '`')
FROM information_schema.schemata
UNION ALL
SELECT CONCAT('USER ', user, '@', host), CONCAT('DROP USER IF EXISTS ', QUOTE(user), '@', QUOTE(host)) FROM mysql.user
"""

POSTGRESQL_OBJECTS = """
SELECT 'SCHEMA ' || nspname, format('DROP SCHEMA IF EXISTS %I CASCADE', nspname)
FROM pg_namespace WHERE nspname !~ '^pg_'
UNION ALL
SELECT 'ROUTINE ' || oid::regprocedure, format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure)
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT kind || ' ' || oid::regclass, format('DROP %s IF EXISTS %s CASCADE', kind, oid::regclass)
FROM (
  SELECT oid, CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
    ELSE 'TABLE' END AS kind
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
) AS relations
"""
POSTGRESQL_DATABASES = """
SELECT 'DATABASE ' || datname, format('DROP DATABASE IF EXISTS %I WITH (FORCE)', datname) FROM pg_database
"""
POSTGRESQL_ROLES = """
SELECT 'ROLE ' || rolname, format('DROP OWNED BY %1$I CASCADE; DROP ROLE %1$I', rolname) FROM pg_roles
"""


class Superuser(Protocol):
    """The sandbox's servers, for who may do everything there."""

    def sql(self, cluster: str, statement: str, database: str | None = None) -> list[tuple[str, ...]]: ...


class Stage:
    """The clusters that are up. ``prepare`` makes what a block needs; ``kept`` takes away what came meanwhile."""

    def __init__(self, state: State, superuser: Superuser) -> None:
        self._state = state
        self._superuser = superuser

    def run(self, cluster: str, database: str | None, sql: str) -> list[tuple[str, ...]]:
        """As the cluster's master, so that what is made belongs to it, as it would on Aurora."""
        described = self._state["clusters"][cluster]
        role = f'SET ROLE "{described["master"]}"; ' if self._is_postgresql(cluster) else ""
        return self._superuser.sql(cluster, role + sql, database or described["database"])

    @contextmanager
    def kept(self) -> Iterator[None]:
        before = {cluster: self._things(cluster) for cluster in self._state["clusters"]}
        switches = self._iam_switches()
        try:
            yield
        finally:
            self._switch_back(switches)
            for cluster, there in before.items():
                self._drop_new(cluster, there)

    def _is_postgresql(self, cluster: str) -> bool:
        return "postgres" in self._state["clusters"][cluster]["engine"]

    def _things(self, cluster: str) -> list[tuple[Things, str | None]]:
        """What can be dropped, in that order, each with the database to be in."""
        if not self._is_postgresql(cluster):
            return [(self._read(cluster, MYSQL, None), None)]
        own = self._state["clusters"][cluster]["database"]
        return [
            (self._read(cluster, POSTGRESQL_OBJECTS, own), own),
            (self._read(cluster, POSTGRESQL_DATABASES, None), None),
            (self._read(cluster, POSTGRESQL_ROLES, None), own),
        ]

    def _read(self, cluster: str, query: str, database: str | None) -> Things:
        return {row[0]: row[1] for row in self._superuser.sql(cluster, query, database)}

    def _drop_new(self, cluster: str, before: list[tuple[Things, str | None]]) -> None:
        for (there, _database), (now, database) in zip(before, self._things(cluster), strict=True):
            for thing in now.keys() - there.keys():
                self._superuser.sql(cluster, now[thing], database)

    def _iam_switches(self) -> dict[str, bool]:
        described = aws_client(self._state, "rds").describe_db_clusters()["DBClusters"]
        return {one["DBClusterIdentifier"]: one["IAMDatabaseAuthenticationEnabled"] for one in described}

    def _switch_back(self, switches: dict[str, bool]) -> None:
        rds: Any = aws_client(self._state, "rds")
        changed = [name for name, on in self._iam_switches().items() if switches.get(name, on) != on]
        for name in changed:
            rds.modify_db_cluster(
                DBClusterIdentifier=name, EnableIAMDatabaseAuthentication=switches[name], ApplyImmediately=True
            )
        deadline = time.monotonic() + 60
        while any(self._iam_switches()[name] != switches[name] for name in changed) and time.monotonic() < deadline:
            time.sleep(0.2)
