# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts and roles that AWS documents or creates.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.html
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.MasterAccounts.html
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Compare-80-v3.html
"""

from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar import names as mysql
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar import names as postgresql

OF_SERVICE = [
    "rdsadmin",
    "rdsdbadmin",
    "rdsrepladmin",
    "rdsrepladmin_priv_checks_user",
    "rdsgrprepladmin",
    "rdsproxyadmin",
    "rdstopmgr",
    "rdswriteforwarduser",
    "rds_ad",
    "rds_extension",
    "rds_iam",
    "rds_password",
    "rds_replication",
    "rds_superuser",
    "rds_superuser_role",
]
OF_MYSQL = ["mysql.infoschema", "mysql.session", "mysql.sys", "AWS_COMPREHEND_ACCESS", "AWS_LAMBDA_ACCESS"]
OF_POSTGRESQL = ["pg_monitor", "pg_database_owner", "public", "none"]
OF_USERS = ["rds", "rdsuser", "rdsuser_jane", "rdsapp", "rds2admin", "rdsadmin_jane", "my_rdsadmin", "admin", "awsome"]


@pytest.mark.parametrize("name", OF_SERVICE)
def test_names_of_the_service_are_reserved_on_both_engines(name: str) -> None:
    assert mysql.is_reserved(name)
    assert postgresql.is_reserved(name)


def test_names_of_one_engine_are_reserved_on_it() -> None:
    assert all(map(mysql.is_reserved, OF_MYSQL))
    assert all(map(postgresql.is_reserved, OF_POSTGRESQL))
    assert not any(map(postgresql.is_reserved, OF_MYSQL))
    assert not mysql.is_reserved("pg_monitor")


@pytest.mark.parametrize("name", OF_USERS)
def test_names_of_users_are_not_reserved(name: str) -> None:
    assert not mysql.is_reserved(name)
    assert not postgresql.is_reserved(name)
