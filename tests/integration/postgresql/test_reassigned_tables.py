# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways in which others get code executed with the rights of the new owner of a table, type, view or subscription."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.administration import Administration
from tests.integration.postgresql.code import ATTACKS, MALLORY, NOTED
from tests.integration.postgresql.drop_scene import Sql, refused, warned
from tests.integration.tasks import Result, converge

pytestmark = pytest.mark.direct("asks what test_postgresql_code asks over both ways")


@pytest.mark.usefixtures("accomplice")
def test_what_lets_others_execute_code_as_the_new_owner_is_code(
    drop: Callable[..., Result], cluster: str, account: str, new_owner: str, sql: Sql, admin: Administration
):
    """Each is refused, and each is real: after a drop that accepts it, the new owner executes code of the accomplice.

    Foreign keys check and cascade as the owner of a table, and an index of a partition is built as its owner.
    """
    sql(NOTED.format(account=account))
    for made, _attack in ATTACKS.values():
        sql(made.replace("{account}", account).replace("{new_owner}", new_owner))
    for check in (True, False):
        found = refused(drop, check=check)
        assert [item for item in ATTACKS if not any(text.startswith(item) for text in found)] == []
    converge(lambda **mode: drop(reassign_code=True, **mode))
    noted = f"SELECT count(*) FROM (TABLE mal.noted UNION ALL TABLE mal.of_new_owner) AS n WHERE who = '{new_owner}'"
    for item, (_made, attack) in ATTACKS.items():
        before = admin.sql(cluster, noted, cluster)
        sql(f"SET ROLE {MALLORY}; {attack}")
        assert admin.sql(cluster, noted, cluster) != before, item


@pytest.mark.usefixtures("accomplice")
def test_what_lets_nobody_execute_code_is_none(drop: Callable[..., Result], account: str, new_owner: str, sql: Sql):
    """Usual defaults, checks, keys and privileges."""
    sql(
        f"CREATE ROLE other_deputy; GRANT {new_owner} TO other_deputy; "
        f'SET ROLE "{account}"; CREATE TABLE mine.p (id serial PRIMARY KEY, made timestamptz DEFAULT now() CHECK '
        "(made > '2000-01-01'), key uuid DEFAULT gen_random_uuid(), by text DEFAULT current_user, n float8 DEFAULT "
        "random(), clock timestamptz DEFAULT clock_timestamp()); ALTER TABLE mine.p ENABLE ROW LEVEL SECURITY; "
        "CREATE POLICY p ON mine.p USING (by = current_setting('app.user', true)); "
        "CREATE TABLE mine.c (id int REFERENCES mine.p, long bigint REFERENCES mine.p, v text CHECK (v LIKE 'a%')) "
        "PARTITION BY LIST (id); CREATE TABLE mine.part PARTITION OF mine.c DEFAULT; "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON mine.p TO {MALLORY}; GRANT ALL ON mine.p TO other_deputy, "
        f"{new_owner}; CREATE VIEW mine.v WITH (security_invoker=true) AS SELECT id FROM mine.p"
    )
    assert warned(drop(check=True), account) == []


@pytest.mark.parametrize("cluster", ["ledger"])  # before 16 only superusers own subscriptions
@pytest.mark.usefixtures("accomplice")
def test_a_subscription_is_code(
    drop: Callable[..., Result], cluster: str, account: str, new_owner: str, sql: Sql, admin: Administration
):
    """Its publisher decides what is written with its owner's rights."""
    sql(
        f'GRANT pg_create_subscription TO "{account}"; GRANT CREATE ON DATABASE {cluster} TO "{account}"; '
        f"SET ROLE \"{account}\"; CREATE SUBSCRIPTION other_sent CONNECTION 'host=192.0.2.1 password=x' "
        "PUBLICATION p WITH (connect=false)"
    )
    try:
        for check in (True, False):
            assert refused(drop, check=check) == [f"subscription other_sent (in database {cluster})"]
    finally:
        ended = "ALTER SUBSCRIPTION other_sent SET (slot_name=NONE)", "DROP SUBSCRIPTION other_sent"
        for statement in ended:
            admin.sql(cluster, statement, cluster)
