# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.objects import GLOBAL
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import (
    DATABASE_PRIVILEGES,
    USAGE,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    InvalidOption,
    MissingObject,
    Refused,
    UnknownPrivilege,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountName, Grant, Scope
from tests.unit.plugins.module_utils._engines.mysql.scenes import (
    CUSTOMERS,
    ENGINE,
    JANE,
    MASTER,
    OPTION,
    ORDERS,
    READER,
    REFRESH,
    SERVER,
    WITH_PATTERNS,
    account,
    authority,
    grant,
    request,
    resolved,
)


def column(name: str) -> Scope:
    return replace(CUSTOMERS, column=name)


def test_the_same_wish_in_other_words_is_the_same_state():
    plain = resolved(grant("orders.*", "SELECT", "INSERT"))
    assert plain == {Grant("SELECT", ORDERS), Grant("INSERT", ORDERS)}
    assert plain == resolved(grant("`orders`.*", "insert", "select", "Select"), grant("orders.*", "SELECT"))


def test_the_grant_option_belongs_to_the_object():
    assert resolved(grant("orders.*", "SELECT", option=True)) == {Grant("SELECT", ORDERS), OPTION}
    assert resolved(grant("orders.*", "USAGE", option=True)) == {OPTION}
    assert resolved(grant("orders.*", "USAGE")) == set()


def test_two_elements_that_disagree_on_an_objects_grant_option_are_refused():
    elements = (
        grant("orders.*", "SELECT", position="grants[0]"),
        grant("orders.*", "INSERT", option=True, position="grants[1]"),
    )
    with pytest.raises(InvalidOption, match=r"grants\[1\].*grants\[0\] says false for orders.*alike"):
        resolved(*elements)


def test_dynamic_privileges_have_a_grant_option_each():
    wish = (grant("*.*", "SHOW_ROUTINE", option=True), grant("*.*", "CONNECTION_ADMIN", "SELECT"))
    assert resolved(*wish) == {
        Grant("SHOW_ROUTINE", GLOBAL, True),
        Grant("CONNECTION_ADMIN", GLOBAL),
        Grant("SELECT", GLOBAL),
    }
    assert resolved(grant("*.*", "USAGE", "SHOW_ROUTINE", option=True)) == {
        Grant("SHOW_ROUTINE", GLOBAL, True),
        Grant(USAGE, GLOBAL, True),
    }


@pytest.mark.parametrize("privilege", ["SHOW_ROUTINE", "ALL"])
def test_two_elements_that_disagree_on_a_dynamic_privilege_s_grant_option_are_refused(privilege):
    elements = (
        grant("*.*", "show_routine", option=True, position="grants[0]"),
        grant("*.*", privilege, position="grants[1]"),
    )
    with pytest.raises(InvalidOption, match=r"grants\[1\].*grants\[0\] says true for SHOW_ROUTINE"):
        resolved(*elements)


@pytest.mark.parametrize(("on", "privilege"), [("performance_schema.*", "ALL"), ("performance_schema.t", "TRIGGER")])
def test_performance_schema_takes_some_privileges_only(on, privilege):
    found = [Scope("DATABASE", path=("performance_schema",)), Scope("TABLE", path=("performance_schema", "t"))]
    observed = replace(SERVER, objects=replace(SERVER.objects, scopes=frozenset(found)))
    assert resolved(grant(on, "SELECT", "DROP"), observed=observed)
    with pytest.raises(UnknownPrivilege, match=r"does not apply to performance_schema.*what does: SELECT, INSERT"):
        resolved(grant(on, privilege), observed=observed)
    held = resolved(grant(on, "SELECT"), observed=observed) | {Grant("TRIGGER", found[on.endswith("t")])}
    assert resolved(grant(on, "SELECT", "TRIGGER"), observed=replace(observed, accounts={JANE: account(*held)})) == held


def test_all_on_a_database_is_native_and_on_everything_it_is_what_the_login_holds():
    assert resolved(grant("orders.*", "ALL")) == {Grant(name, ORDERS) for name in DATABASE_PRIVILEGES}
    everything = resolved(grant("*.*", "all privileges"))
    assert everything == {Grant(held.privilege, GLOBAL) for held in MASTER if held.privilege != USAGE}
    assert not {"FILE", "SUPER", "SHUTDOWN"} & {item.privilege for item in everything}


def test_all_on_everything_is_explained_where_nothing_remains():
    poor = replace(SERVER, authority=authority(frozenset({Grant("SELECT", GLOBAL)})))
    with pytest.raises(Refused, match=r"ALL on \*\.\* means what admin@% holds there with the grant option"):
        resolved(grant("*.*", "ALL"), observed=poor)


def test_columns_are_spelled_as_stored_and_routines_in_lower_case():
    assert resolved(grant("orders.customers", "SELECT (ID, eMail)")) == {
        Grant("SELECT", column("id")),
        Grant("SELECT", column("Email")),
    }
    assert resolved(grant("PROCEDURE orders.Refresh", "EXECUTE")) == {Grant("EXECUTE", REFRESH)}


def test_a_column_keeps_the_spelling_that_the_account_was_granted_it_in():
    before = account(Grant("SELECT", column("eMAIL")))
    observed = replace(SERVER, accounts={JANE: before})
    assert resolved(grant("orders.customers", "SELECT (email)"), observed=observed) == before.grants


def test_of_two_spellings_a_task_means_the_one_that_it_writes():
    before = account(Grant("INSERT", column("email")), Grant("SELECT", column("EMAIL")), Grant("SELECT", column("ID")))
    observed = replace(SERVER, accounts={JANE: before})
    as_it_is = grant("orders.customers", "INSERT (email)", "SELECT (EMAIL, ID)")
    assert resolved(as_it_is, observed=observed) == before.grants
    another = grant("orders.customers", "SELECT (eMail)")
    assert resolved(another, observed=observed) == {Grant("SELECT", column("EMAIL"))}


@pytest.mark.parametrize(
    ("on", "privilege", "says"),
    [
        ("nowhere.*", "SELECT", "database nowhere does not exist"),
        ("nowhere.t", "SELECT", "database nowhere does not exist"),
        ("Orders.*", "SELECT", "database Orders does not exist"),
        ("orders.nothing", "SELECT", "table orders.nothing does not exist"),
        ("FUNCTION orders.refresh", "EXECUTE", "function orders.refresh does not exist"),
        ("orders.customers", "SELECT (nope)", "has no column nope"),
    ],
)
def test_a_missing_object_is_named(on, privilege, says):
    with pytest.raises(MissingObject, match=says):
        resolved(grant(on, privilege))


def test_a_grant_that_is_held_needs_no_object():
    gone = Scope("TABLE", path=("orders", "gone"))
    observed = replace(SERVER, accounts={JANE: account(Grant("SELECT", gone))})
    assert resolved(grant("orders.gone", "SELECT"), observed=observed) == {Grant("SELECT", gone)}
    with pytest.raises(MissingObject):
        resolved(grant("orders.gone", "SELECT", "INSERT"), observed=observed)


def test_names_fold_where_the_server_folds_them():
    folding = replace(SERVER, folds_names=True)
    assert resolved(grant("ORDERS.Customers", "SELECT"), observed=folding) == {Grant("SELECT", CUSTOMERS)}


def test_a_pattern_is_one_only_without_partial_revokes():
    assert resolved(grant("my%.*", "SELECT"), observed=WITH_PATTERNS) == {
        Grant("SELECT", Scope("PATTERN", path=("my%",)))
    }
    with pytest.raises(InvalidOption, match="partial_revokes is ON"):
        resolved(grant("my%.*", "SELECT"))


@pytest.mark.parametrize("observed", [SERVER, WITH_PATTERNS])
def test_an_underscore_is_itself_either_way(observed):
    expected = {Grant("SELECT", Scope("DATABASE", path=("my_db",)))}
    assert resolved(grant("my_db.*", "SELECT"), observed=observed) == expected
    assert resolved(grant(r"my\_db.*", "SELECT"), observed=observed) == expected


def test_a_name_too_long_when_escaped_is_refused():
    name = "_" * 40
    observed = replace(
        WITH_PATTERNS, objects=replace(SERVER.objects, scopes=frozenset({Scope("DATABASE", path=(name,))}))
    )
    with pytest.raises(Refused, match="grant on its tables"):
        resolved(grant(f"{name}.*", "SELECT"), observed=observed)


def test_a_dynamic_privilege_that_the_server_does_not_know():
    with pytest.raises(UnknownPrivilege, match="FOO_ADMIN is not a privilege that cluster orders knows"):
        resolved(grant("*.*", "FOO_ADMIN"))


def test_roles_are_found_or_named_with_what_is_alike():
    parsed = [ENGINE.parse(request(roles=("reader",)))]
    assert ENGINE.resolve(parsed, SERVER)[0].roles == {READER}
    with pytest.raises(MissingObject, match=r"roles\[0\]: role Reader does not exist .*\. Did you mean reader@%"):
        ENGINE.resolve([ENGINE.parse(request(roles=("Reader",)))], SERVER)


def test_an_account_is_no_role_of_itself():
    observed = replace(SERVER, existing=frozenset({AccountName("jane", "%")}))
    with pytest.raises(Refused, match="role of itself"):
        ENGINE.resolve([ENGINE.parse(request(roles=("jane",)))], observed)
