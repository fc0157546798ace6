# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions and procedures, and the ways to say which of them is meant."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, MissingObject, Refused
from tests.integration.postgresql.scene import MASTER, Scene, refused
from tests.integration.tasks import assert_settled, converge


def test_what_an_extension_made_in_the_schema_is_left_to_public(scene: Scene, account: str) -> None:
    """It belongs to the superuser, so the master cannot grant it, and everybody may use it anyway."""
    scene.sql("CREATE SCHEMA text AUTHORIZATION postgres")
    scene.sql(
        "CREATE EXTENSION pg_trgm SCHEMA text; CREATE TYPE text.span AS RANGE (subtype = int); "
        "CREATE FUNCTION text.own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        master=True,
    )
    grant: dict[str, Any] = {"on": "ALL FUNCTIONS IN SCHEMA text", "privileges": ["EXECUTE"]}
    try:
        own = converge(partial(scene.user, name=account, grants=[grant]))["statements"]
        assert f'GRANT EXECUTE ON FUNCTION "text"."own"() TO "{account}"' in own
        scene.sql(f"GRANT EXECUTE ON FUNCTION text.similarity(text, text) TO {account}")
        assert_settled(partial(scene.user, name=account, grants=[grant]))
        refused(scene, "purge_grants: false, since only a superuser can revoke it", name=account, grants=[])
        scene.sql(f"REVOKE EXECUTE ON FUNCTION text.similarity(text, text) FROM {account}, PUBLIC")
        for wanted in (grant, {**grant, "grant_option": True}):
            (warning,) = scene.user(name=account, grants=[wanted])["warnings"]
            assert "ALL leaves out what belongs to extensions or superusers" in warning
        by_name = {**grant, "on": "FUNCTION text.similarity(text, text)"}
        with pytest.raises(Refused, match=r"that belongs to rdsadmin.*only a superuser can grant it"):
            scene.user(name=account, grants=[by_name])
    finally:
        scene.sql("DROP SCHEMA text CASCADE")


@pytest.mark.parametrize(
    ("on", "kept"),
    [
        ("FUNCTION shop.f(VARIADIC a int)", "FUNCTION shop.f(integer)"),
        ("FUNCTION shop.f(OUT a int)", "FUNCTION shop.f()"),
        ('FUNCTION shop.f(m shop.mood, "Names" char varying(3)[])', "FUNCTION shop.f(shop.mood, character varying[])"),
        ("PROCEDURE shop.refresh(int, OUT done int)", "PROCEDURE shop.refresh(integer)"),
    ],
)
def test_arguments_as_grant_takes_them(scene: Scene, account: str, on: str, kept: str) -> None:
    result = converge(partial(scene.user, name=account, grants=[{"on": on, "privileges": ["EXECUTE"]}]))
    assert [grant["on"] for grant in result["account"]["grants"]] == [kept]


def test_a_procedure_beside_one_whose_argument_comes_out(scene: Scene, account: str) -> None:
    scene.sql(
        'CREATE SCHEMA twins; CREATE TYPE twins."a,b" AS (i int); '
        """CREATE PROCEDURE twins.p(OUT x int) LANGUAGE plpgsql AS 'BEGIN x := 1; END';
        CREATE PROCEDURE twins.p(int) LANGUAGE sql AS '';
        CREATE PROCEDURE twins.p(int, twins."a,b"[], VARIADIC text[]) LANGUAGE sql AS ''""",
        master=True,
    )
    try:
        converge(partial(scene.user, name=account, grants=[{"on": "PROCEDURE twins.p(int)", "privileges": ["ALL"]}]))
        every = {"on": "ALL PROCEDURES IN SCHEMA twins", "privileges": ["EXECUTE"]}
        grants = converge(partial(scene.user, name=account, grants=[every]))["account"]["grants"]
        assert_settled(partial(scene.user, name=account, grants=grants))
        converge(partial(scene.user, name=account, grants=[]))
    finally:
        scene.sql("DROP SCHEMA twins CASCADE")


def test_types_in_a_schema_that_the_login_may_not_use(scene: Scene, account: str) -> None:
    owner = scene.role("owner")
    scene.sql(
        f"""CREATE SCHEMA closed; GRANT USAGE ON SCHEMA closed, shop TO {owner};
        CREATE TYPE closed."a.b""." AS ENUM ('a'); CREATE TYPE public."a.b""." AS ENUM ('a');
        CREATE FUNCTION shop.g(closed."a.b"".") RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION shop.g(closed."a.b""."[], "a.b""."[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
        ALTER FUNCTION shop.g(closed."a.b"".") OWNER TO {MASTER};
        ALTER FUNCTION shop.g(closed."a.b""."[], "a.b""."[]) OWNER TO {owner}"""
    )
    try:
        masters, owners = (
            {"on": f"FUNCTION shop.g({arguments})", "privileges": ["EXECUTE"]}
            for arguments in ('closed."a.b""."', 'closed."a.b""."[], "a.b""."[]')
        )
        converge(partial(scene.user, name=account, grants=[owners]))
        words = rf"account {account} .*, grants\[1\]: .* permission denied for schema closed"
        refused(scene, words, name=account, grants=[owners, masters])
        scene.sql(f"""GRANT EXECUTE ON FUNCTION shop.g(closed."a.b"".") TO {account}""")
        refused(scene, rf"account {account} .*, grants: .* permission denied", name=account, grants=[owners])
    finally:
        scene.sql('DROP SCHEMA closed CASCADE; DROP TYPE public."a.b"".";')


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ("shop.nosuch", MissingObject, "FUNCTION shop.f.shop.nosuch. .* does not exist"),
        ("select", MissingObject, "FUNCTION shop.f.select. .* does not exist"),
        ("int DEFAULT 3", InvalidOption, "'int DEFAULT 3' is no type of an argument"),
        ("a.b.c", InvalidOption, "a type has 2 at most"),
    ],
)
def test_arguments_that_are_no_types(
    scene: Scene, account: str, arguments: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        scene.user(name=account, grants=[{"on": f"FUNCTION shop.f({arguments})", "privileges": ["EXECUTE"]}])
