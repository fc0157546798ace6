# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    MissingObject,
    Refused,
    UnknownPrivilege,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import (
    AccountName,
    AccountRequest,
    Grant,
    GrantRequest,
    Scope,
)
from tests.unit.plugins.module_utils._engines.postgresql import scenes
from tests.unit.plugins.module_utils._engines.postgresql.scenes import grant


def resolve(*grants: GrantRequest, **rest: object) -> frozenset[Grant]:
    request = AccountRequest("joe", grants=grants)
    desired = scenes.ENGINE.resolve([scenes.ENGINE.parse(request)], scenes.observed(**rest))[0]  # type: ignore[arg-type]
    assert desired.grants is not None
    return desired.grants


def scopes(*grants: GrantRequest) -> set[Scope]:
    return {item.scope for item in resolve(*grants)}


@pytest.mark.parametrize(
    ("on", "privilege", "expected"),
    [
        ("TABLE public.orders", "SELECT", {scenes.TABLE}),
        ("orders", "SELECT", {scenes.TABLE}),
        ("FUNCTION public.total()", "EXECUTE", {scenes.NO_ARGUMENTS}),
        ("FUNCTION total(int)", "EXECUTE", {scenes.ONE_ARGUMENT}),
        ("ROUTINE refresh", "EXECUTE", {scenes.PROCEDURE}),
        ("DOMAIN email", "USAGE", {scenes.DOMAIN}),
        ("TYPE public.email", "USAGE", {scenes.DOMAIN}),
        ("DATABASE", "CONNECT", {scenes.DATABASE}),
        ("ALL TABLES IN SCHEMA public", "SELECT", {scenes.TABLE, scenes.VIEW, scenes.STRANGE, scenes.FOREIGN}),
        ("ALL FUNCTIONS IN SCHEMA public", "EXECUTE", {scenes.NO_ARGUMENTS, scenes.ONE_ARGUMENT}),
        (
            "ALL ROUTINES IN SCHEMA public",
            "EXECUTE",
            {scenes.NO_ARGUMENTS, scenes.ONE_ARGUMENT, scenes.PROCEDURE},
        ),
        ("FUTURE TYPES", "USAGE", {Scope("FUTURE TYPES", "shop", owner="master")}),
    ],
)
def test_names_become_what_the_catalogue_has(on: str, privilege: str, expected: set[Scope]) -> None:
    assert scopes(grant(on, privilege)) == expected


def test_all_is_what_this_kind_of_object_has_on_this_version() -> None:
    on_17 = {item.privilege for item in resolve(grant("orders", "ALL"))}
    on_16 = {item.privilege for item in resolve(grant("orders", "ALL"), major=16)}
    assert on_17 - on_16 == {"MAINTAIN"}
    assert {item.privilege for item in resolve(grant("orders", "ALL (id)"))} == {
        "SELECT",
        "INSERT",
        "UPDATE",
        "REFERENCES",
    }


def test_spelling_order_and_repetition_make_no_difference() -> None:
    once = resolve(grant("TABLE public.orders", "SELECT", "INSERT"))
    assert once == resolve(grant("orders", "insert"), grant('public."orders"', "Select", "INSERT"))


def test_the_grant_option_wins_where_a_privilege_is_listed_with_and_without() -> None:
    found = resolve(grant("orders", "SELECT", grant_option=True), grant("orders", "SELECT", "INSERT"))
    assert found == {Grant("SELECT", scenes.TABLE, grantable=True), Grant("INSERT", scenes.TABLE)}


def test_what_the_account_owns_needs_no_grant() -> None:
    state = scenes.observed(roles=(scenes.role("banker"),))
    request = AccountRequest("banker", grants=(grant("ledger", "SELECT"), grant("orders", "SELECT")))
    desired = scenes.ENGINE.resolve([scenes.ENGINE.parse(request)], state)[0]
    assert desired.grants == {Grant("SELECT", scenes.TABLE)}


FUTURE = grant("FUTURE TABLES IN SCHEMA public", "SELECT")


@pytest.mark.parametrize("on", ["FUTURE TABLES IN SCHEMA public", "FUTURE TABLES"])
@pytest.mark.parametrize(
    ("owning", "expected"),
    [
        (("master", "banker"), {"master", "banker"}),
        (("banker", "joe"), {"banker"}),
        (("pg_database_owner", "rdsadmin", "rds_superuser", "pg_monitor"), {"master"}),
    ],
)
def test_without_owner_future_objects_are_those_of_who_owns_something_there(
    on: str, owning: tuple[str, ...], expected: set[str]
) -> None:
    found = resolve(grant(on, "SELECT"), creators=owning)
    assert {item.scope.owner for item in found} == expected
    named = resolve(grant(on, "SELECT", owner="readers"), creators=owning)
    assert {item.scope.owner for item in named} == {"readers"}


@pytest.mark.parametrize(
    ("ann", "expected"),
    [
        (AccountRequest("ann", present=False, owned_objects="reassign", reassign_owned_to="readers"), {"readers"}),
        (AccountRequest("ann", present=False, owned_objects="drop"), set()),
        (AccountRequest("ann"), {"ann"}),
    ],
)
def test_what_the_same_task_reassigns_has_its_new_owner(ann: AccountRequest, expected: set[str]) -> None:
    state = scenes.observed(creators=("master", "ann"), roles=(scenes.role("ann"),))
    wanted = [scenes.ENGINE.parse(request) for request in (AccountRequest("joe", grants=(FUTURE,)), ann)]
    found = scenes.ENGINE.resolve(wanted, state)[0].grants or ()
    assert {item.scope.owner for item in found} == {"master", *expected}


def test_a_schema_of_the_service_needs_an_owner() -> None:
    with pytest.raises(MissingObject, match=r"grants\[0\]: .* owns SCHEMA public in database shop .* with owner"):
        resolve(FUTURE, creators=("rdsadmin",))
    assert resolve(grant(FUTURE.on, "SELECT", owner="readers"), creators=("rdsadmin",))


SUPPLIED = scenes.SecuredObject(Scope("TABLE", "shop", ("public", "pg_stat_statements")), "rdsadmin", supplied=True)
ALL_TABLES = grant("ALL TABLES IN SCHEMA public", "SELECT", "INSERT")


def supplied(*entries: scenes.Entry) -> scenes.PostgreSQLObserved:
    banker = (scenes.role("joe"), scenes.role("banker"))
    administered = (scenes.iam("joe"), scenes.created_by_master("joe"), scenes.created_by_master("banker"))
    return scenes.observed(
        objects=(SUPPLIED,), entries=entries, roles=banker, memberships=administered, accounts=("joe",), on_rds=True
    )


@pytest.mark.parametrize(
    ("entries", "left_out"),
    [
        ((), ["INSERT", "SELECT"]),
        ((scenes.public(SUPPLIED.scope, "SELECT"),), ["INSERT"]),
        ((scenes.entry(SUPPLIED.scope, "SELECT", "joe", "rdsadmin"),), ["INSERT"]),
        ((scenes.entry(SUPPLIED.scope, "SELECT", "master", "rdsadmin", grantable=True),), ["INSERT"]),
        ((scenes.entry(SUPPLIED.scope, "SELECT", "master", "rdsadmin"),), ["INSERT", "SELECT"]),
    ],
)
def test_all_leaves_out_what_only_superusers_can_grant(entries: tuple[scenes.Entry, ...], left_out: list[str]) -> None:
    """It is said once for all accounts, also when nothing changes."""
    state = supplied(*entries)
    requests = [AccountRequest(name, grants=(ALL_TABLES,)) for name in ("joe", "ann")]
    names = ", ".join(f"{privilege} on TABLE public.pg_stat_statements in database shop" for privilege in left_out)
    for wanted in ([requests[0]], requests if not entries else requests[:1]):
        (warning,) = scenes.warnings(state, *wanted)
        assert warning.startswith(
            f"ALL leaves out what belongs to extensions or superusers and the login master cannot grant: {names}. "
        )
    granted = [text for text in scenes.statements(state, requests[0]) if "pg_stat_statements" in text]
    expected = "SELECT" in "".join(item.privilege for item in entries if item.grantable)
    assert bool(granted) == expected


def test_what_is_named_by_itself_is_not_left_out() -> None:
    by_name = grant("pg_stat_statements", "INSERT")
    assert [item.privilege for item in resolve(by_name, objects=(SUPPLIED,))] == ["INSERT"]


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        (grant("TABLE public.nope", "SELECT"), MissingObject, "TABLE public.nope"),
        (grant("TABLE nope.orders", "SELECT"), MissingObject, "SCHEMA nope"),
        (grant("TABLE numbers", "SELECT"), MissingObject, "Did you mean SEQUENCE public.numbers"),
        (grant("FUNCTION refresh()", "EXECUTE"), MissingObject, "Did you mean PROCEDURE"),
        (grant("FUNCTION total", "EXECUTE"), MissingObject, "overloaded"),
        (grant("FUNCTION total(text)", "EXECUTE"), MissingObject, "total(text)"),
        (grant("TYPE nope", "USAGE"), MissingObject, "TYPE nope"),
        (grant("orders", "SELECT (nope)"), MissingObject, "column nope"),
        (grant("orders", "SELECT", database="nope"), MissingObject, "database nope"),
        (grant("DATABASE nope", "CONNECT"), MissingObject, "DATABASE nope"),
        (grant("PARAMETER nope", "SET"), MissingObject, "PARAMETER nope"),
        (grant("FUTURE TABLES", "SELECT", owner="nope"), MissingObject, "role nope"),
        (grant("FUTURE TABLES IN SCHEMA nope", "SELECT"), MissingObject, "SCHEMA nope"),
        (grant("t", "SELECT", database="rdsadmin"), Refused, "may not connect to database rdsadmin"),
        (grant("FUTURE LARGE OBJECTS", "SELECT"), UnknownPrivilege, "PostgreSQL 18"),
    ],
)
def test_what_is_not_there_is_named(request_: GrantRequest, error: type[AuroraIamError], words: str) -> None:
    with pytest.raises(error, match=r"^account joe, grants\[0\]") as caught:
        resolve(request_)
    assert words in str(caught.value)


def roles(*names: str, **rest: object) -> frozenset[AccountName] | None:
    request = AccountRequest("joe", roles=names)
    return scenes.ENGINE.resolve([scenes.ENGINE.parse(request)], scenes.observed(**rest))[0].roles  # type: ignore[arg-type]


def test_roles_are_found_and_rds_iam_is_none_of_them() -> None:
    assert roles("readers", "rds_iam") == {AccountName("readers")}


def test_an_account_of_the_same_task_can_be_a_role() -> None:
    wanted = [scenes.ENGINE.parse(AccountRequest("ann")), scenes.ENGINE.parse(AccountRequest("joe", roles=("ann",)))]
    assert scenes.ENGINE.resolve(wanted, scenes.observed())[1].roles == {AccountName("ann")}


@pytest.mark.parametrize(
    ("name", "error"), [("nope", MissingObject), ("joe", Refused), ("pg_database_owner", Refused), ("root", Refused)]
)
def test_roles_that_cannot_be_given(name: str, error: type[AuroraIamError]) -> None:
    with pytest.raises(error):
        roles(name, roles=(scenes.role("root", superuser=True),))


def test_a_circle_of_memberships_is_refused() -> None:
    with pytest.raises(Refused, match="itself a member"):
        roles("readers", memberships=(scenes.Membership("joe", "readers"),))
