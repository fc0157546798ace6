# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.statements import end_sessions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    LOCK_MARKER,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, AccountRequest, Scope
from tests.unit.plugins.module_utils._engines.postgresql import scenes
from tests.unit.plugins.module_utils._engines.postgresql.scenes import entry, grant, iam, statements

OF_RDS = scenes.Membership("rds_superuser", "master", "rdsadmin")


def held(*entries: scenes.Entry, **rest: object) -> scenes.PostgreSQLObserved:
    """joe and ann are there, made by the master, with these privileges."""
    both = (scenes.role("joe"), scenes.role("ann"))
    made = tuple(item for name in ("joe", "ann") for item in (iam(name), scenes.created_by_master(name)))
    return scenes.observed(
        roles=both,
        memberships=(*made, *rest.pop("memberships", ())),  # type: ignore[misc]
        entries=entries,
        accounts=("joe", "ann"),
        **rest,  # type: ignore[arg-type]
    )


def marked(name: str) -> str:
    return f"COMMENT ON ROLE \"{name}\" IS '{LOCK_MARKER}'"


def ending(name: str) -> str:
    return end_sessions([name], 17).text


def test_many_accounts_share_wide_statements() -> None:
    wanted = [
        AccountRequest(
            name, grants=(grant("orders", "SELECT", "INSERT (id)"), grant("recent", "SELECT")), roles=("readers",)
        )
        for name in ("ann", "joe")
    ]
    assert statements(scenes.observed(), *wanted) == [
        'CREATE ROLE "ann" LOGIN',
        'CREATE ROLE "joe" LOGIN',
        'GRANT "rds_iam" TO "ann", "joe"',
        'GRANT "readers" TO "ann", "joe"',
        'GRANT SELECT, INSERT ("id") ON TABLE "public"."orders" TO "ann", "joe"',
        'GRANT SELECT ON TABLE "public"."recent" TO "ann", "joe"',
    ]


def test_objects_with_the_same_grantees_share_a_statement() -> None:
    request = AccountRequest("joe", grants=(grant("ALL ROUTINES IN SCHEMA public", "EXECUTE"),))
    assert statements(held(), request) == [
        'GRANT EXECUTE ON FUNCTION "public"."total"(), "public"."total"(integer) TO "joe"',
        'GRANT EXECUTE ON PROCEDURE "public"."refresh"() TO "joe"',
    ]


def test_only_what_differs_is_altered() -> None:
    assert statements(held(), AccountRequest("joe", locked=False, connection_limit=-1, comment="")) == []
    assert statements(held(), AccountRequest("joe", locked=True, comment="gone")) == [
        'ALTER ROLE "joe" NOLOGIN',
        f"COMMENT ON ROLE \"joe\" IS '{LOCK_MARKER}\ngone'",
        ending("joe"),
    ]
    assert statements(held(), AccountRequest("joe", connection_limit=3)) == ['ALTER ROLE "joe" CONNECTION LIMIT 3']


LOCKED = f"{LOCK_MARKER}\nJoe's"
MARK = f"COMMENT ON ROLE \"joe\" IS '{LOCK_MARKER}\nJoe''s'"
UNMARK = "COMMENT ON ROLE \"joe\" IS 'Joe''s'"


@pytest.mark.parametrize(
    ("login", "comment", "options", "expected"),
    [
        (True, "Joe's", {"locked": True}, ['ALTER ROLE "joe" NOLOGIN', MARK, ending("joe")]),
        (False, LOCKED, {"locked": True}, []),
        (False, LOCKED, {}, []),
        (False, LOCKED, {"comment": "Joe's"}, []),
        (False, LOCKED, {"comment": ""}, [marked("joe")]),
        (False, LOCKED, {"locked": False}, ['ALTER ROLE "joe" LOGIN', UNMARK]),
        (False, "Joe's", {}, []),
        (False, "Joe's", {"locked": True}, [MARK]),
        (False, "Joe's", {"locked": False}, ['ALTER ROLE "joe" LOGIN']),
        (False, "", {"comment": "Joe's"}, [UNMARK]),
        (True, LOCKED, {}, []),
        (True, LOCKED, {"locked": False}, [UNMARK]),
    ],
)
def test_a_locked_account_bears_the_marker(
    login: bool, comment: str, options: dict[str, Any], expected: list[str]
) -> None:
    """Also where somebody else has locked it, once a task says that it is meant to be locked; and no longer than it is.
    The user's comment stays, and is all of it that anybody is shown."""
    state = scenes.observed(
        roles=(scenes.role("joe", login=login, comment=comment),),
        memberships=(iam("joe"), scenes.created_by_master("joe")),
        accounts=("joe",),
    )
    assert state.accounts[AccountName("joe")].comment == comment.replace(LOCKED, "Joe's")
    assert statements(state, AccountRequest("joe", **options)) == expected


def test_accounts_are_created_and_converted_locked() -> None:
    assert statements(scenes.observed(), AccountRequest("joe", locked=True))[:2] == [
        'CREATE ROLE "joe" NOLOGIN',
        marked("joe"),
    ]
    password = scenes.observed(
        roles=(scenes.role("joe", login=False),), memberships=(scenes.created_by_master("joe"),), accounts=("joe",)
    )
    assert statements(password, AccountRequest("joe", convert=True)) == [marked("joe"), 'GRANT "rds_iam" TO "joe"']


def test_nobody_writes_the_marker_as_a_comment() -> None:
    with pytest.raises(InvalidOption, match="leave that line out"):
        scenes.ENGINE.parse(AccountRequest("joe", comment=LOCKED))


def test_adds_come_before_revokes() -> None:
    state = held(entry(scenes.TABLE, "SELECT", "joe"), entry(scenes.TABLE, "DELETE", "joe", grantable=True))
    request = AccountRequest("joe", grants=(grant("orders", "DELETE", "INSERT"),))
    assert statements(state, request) == [
        'GRANT INSERT ON TABLE "public"."orders" TO "joe"',
        'REVOKE SELECT ON TABLE "public"."orders" FROM "joe"',
        'REVOKE GRANT OPTION FOR DELETE ON TABLE "public"."orders" FROM "joe"',
    ]


def test_columns_that_a_revoke_on_the_table_takes_along_are_given_back() -> None:
    state = held(entry(scenes.TABLE, "SELECT", "joe"), entry(scenes.COLUMN, "SELECT", "joe"))
    expected = [
        'REVOKE SELECT ON TABLE "public"."orders" FROM "joe"',
        'GRANT SELECT ("id") ON TABLE "public"."orders" TO "joe"',
    ]
    assert statements(state, AccountRequest("joe", grants=(grant("orders", "SELECT (id)"),))) == expected
    fresh = held(entry(scenes.TABLE, "SELECT", "joe"))
    assert statements(fresh, AccountRequest("joe", grants=(grant("orders", "SELECT (id)"),))) == expected


def test_each_grantor_takes_its_own_grant_back() -> None:
    state = held(
        entry(scenes.TABLE, "SELECT", "joe"),
        entry(scenes.TABLE, "SELECT", "joe", grantor="clerk"),
        memberships=(scenes.Membership("clerk", "master", inherits=False),),
    )
    assert statements(state, AccountRequest("joe", grants=())) == [
        'REVOKE SELECT ON TABLE "public"."orders" FROM "joe"',
        'SET ROLE "clerk"',
        'REVOKE SELECT ON TABLE "public"."orders" FROM "joe"',
        "SET ROLE NONE",
    ]


def test_a_grantor_out_of_reach_is_named() -> None:
    state = held(entry(scenes.TABLE, "SELECT", "joe", grantor="stranger"))
    with pytest.raises(Refused, match="from stranger"):
        statements(state, AccountRequest("joe", grants=()))


def test_an_object_of_somebody_else_takes_a_grant_option() -> None:
    request = AccountRequest("joe", grants=(grant("ledger", "SELECT"),))
    with pytest.raises(Refused, match="belongs to banker"):
        statements(held(), request)
    with_option = held(entry(scenes.FOREIGN, "SELECT", "master", grantor="banker", grantable=True))
    assert statements(with_option, request) == ['GRANT SELECT ON TABLE "public"."ledger" TO "joe"']
    as_owner = held(memberships=(scenes.Membership("banker", "master"),))
    assert statements(as_owner, request) == ['GRANT SELECT ON TABLE "public"."ledger" TO "joe"']
    by_set_role = held(memberships=(scenes.Membership("banker", "master", inherits=False),))
    assert statements(by_set_role, request)[0] == 'SET ROLE "banker"'


def test_the_schema_public_belongs_to_the_owner_of_the_database() -> None:
    schema = Scope("SCHEMA", "shop", ("sales",))
    state = held(objects=(scenes.SecuredObject(schema, "pg_database_owner"),))
    request = AccountRequest("joe", grants=(grant("SCHEMA sales", "USAGE"),))
    assert statements(state, request) == ['GRANT USAGE ON SCHEMA "sales" TO "joe"']


def test_default_privileges_name_owner_and_schema() -> None:
    grants = (grant("FUTURE TABLES IN SCHEMA public", "SELECT"), grant("FUTURE SCHEMAS", "USAGE", grant_option=True))
    assert statements(held(), AccountRequest("joe", grants=grants)) == [
        'ALTER DEFAULT PRIVILEGES FOR ROLE "master" IN SCHEMA "public" GRANT SELECT ON TABLES TO "joe"',
        'ALTER DEFAULT PRIVILEGES FOR ROLE "master" GRANT USAGE ON SCHEMAS TO "joe" WITH GRANT OPTION',
    ]


def test_a_membership_that_only_administers_is_turned_into_one_that_counts() -> None:
    administers = scenes.Membership("readers", "joe", "master", admin=True, inherits=False, sets=False)
    state = held(memberships=(administers,))
    assert statements(state, AccountRequest("joe", roles=())) == []
    assert statements(state, AccountRequest("joe", roles=("readers",))) == [
        'GRANT "readers" TO "joe" WITH INHERIT TRUE, SET TRUE'
    ]


def test_a_membership_is_revoked_as_its_grantor_since_16() -> None:
    state = held(memberships=(scenes.Membership("readers", "joe", "master"),))
    assert statements(state, AccountRequest("joe", roles=())) == ['REVOKE "readers" FROM "joe" GRANTED BY "master"']
    assert statements(replace(state, major=15), AccountRequest("joe", roles=())) == ['REVOKE "readers" FROM "joe"']
    other = held(memberships=(scenes.Membership("readers", "joe", "stranger"),))
    assert statements(other, AccountRequest("joe", roles=())) == ['REVOKE "readers" FROM "joe" GRANTED BY "stranger"']
    by_rds = replace(held(memberships=(scenes.Membership("readers", "joe", "rdsadmin"), OF_RDS)), on_rds=True)
    assert statements(by_rds, AccountRequest("joe", roles=())) == ['REVOKE "readers" FROM "joe"']


def test_an_account_that_loses_the_role_behind_its_iam_membership_gets_its_own() -> None:
    state = scenes.observed(
        roles=(scenes.role("joe"), scenes.role("group", login=False)),
        memberships=(iam("group"), scenes.Membership("group", "joe", "master"), scenes.created_by_master("joe")),
        accounts=("joe",),
    )
    assert statements(state, AccountRequest("joe", roles=())) == [
        'GRANT "rds_iam" TO "joe"',
        'REVOKE "group" FROM "joe" GRANTED BY "master"',
    ]


def test_conversion_keeps_everything() -> None:
    state = scenes.observed(
        roles=(scenes.role("joe", connection_limit=4, comment="kept"),),
        memberships=(scenes.Membership("readers", "joe", "master"), scenes.created_by_master("joe")),
        entries=(entry(scenes.TABLE, "SELECT", "joe"),),
        accounts=("joe",),
    )
    assert statements(state, AccountRequest("joe", convert=True)) == ['GRANT "rds_iam" TO "joe"']


def test_a_role_is_dropped_after_the_last_database() -> None:
    elsewhere = Scope("TABLE", "other", ("public", "t"))
    state = held(
        entry(elsewhere, "SELECT", "joe"),
        entry(scenes.TABLE, "SELECT", "joe"),
        objects=(scenes.SecuredObject(elsewhere, "master"),),
    )
    assert scenes.texts(state, AccountRequest("joe", present=False)) == [
        ("shop", ['ALTER ROLE "joe" NOLOGIN', marked("joe")]),
        ("shop", [ending("joe")]),
        ("shop", ['REVOKE SELECT ON TABLE "public"."orders" FROM "joe"']),
        ("other", ['REVOKE SELECT ON TABLE "public"."t" FROM "joe"']),
        ("shop", ['DROP ROLE "joe"']),
    ]


def test_the_login_does_not_make_itself_a_member_of_what_it_creates() -> None:
    created = statements(scenes.observed(self_grant="set, inherit"), AccountRequest("joe"))
    assert created[:2] == ["SET createrole_self_grant = ''", 'CREATE ROLE "joe" LOGIN']


def test_more_accounts_than_the_server_can_lock_go_in_portions() -> None:
    state = scenes.observed(locks=0)
    steps = scenes.steps(state, *(AccountRequest(f"a{number:03}") for number in range(250)))
    created = [sum(s.text.startswith("CREATE") for s in step.statements) for step in steps]
    assert created == [100, 100, 50]


def test_unlisted_accounts_are_locked_or_dropped_and_the_administrator_never() -> None:
    state = held()
    locking = ['ALTER ROLE "ann" NOLOGIN', marked("ann"), ending("ann")]
    assert statements(state, AccountRequest("joe"), unlisted="lock") == locking
    assert statements(state, AccountRequest("joe"), unlisted="drop") == [*locking, 'DROP ROLE "ann"']
    own = scenes.observed(memberships=(iam("master"),), accounts=("master",))
    assert statements(own, unlisted="drop") == []
