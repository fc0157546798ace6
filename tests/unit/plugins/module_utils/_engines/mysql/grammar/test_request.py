# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.base import ParsedPrivilege
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, UnknownPrivilege
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import GrantRequest
from tests.unit.plugins.module_utils._engines.mysql.scenes import ENGINE, grant, request


@pytest.mark.parametrize(
    ("text", "privilege"),
    [
        ("select", ParsedPrivilege("SELECT")),
        (" Create   Temporary tables ", ParsedPrivilege("CREATE TEMPORARY TABLES")),
        ("all", ParsedPrivilege("ALL")),
        ("ALL privileges", ParsedPrivilege("ALL")),
        ("usage", ParsedPrivilege("USAGE")),
    ],
)
def test_privileges_in_any_case_and_spacing(text, privilege):
    assert ENGINE.parse(request(grant("orders.*", text))).grants[0].privileges == (privilege,)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("SELECT (id, email)", ("id", "email")),
        ("select(id)", ("id",)),
        ("SELECT (`a,b`, `c``)`)", ("a,b", "c`)")),
    ],
)
def test_columns(text, columns):
    assert ENGINE.parse(request(grant("orders.t", text))).grants[0].privileges == (ParsedPrivilege("SELECT", columns),)


@pytest.mark.parametrize(
    ("on", "text", "says"),
    [
        ("orders.*", "FILE", "FILE does not apply to orders"),
        ("orders.*", "CONNECTION_ADMIN", "does not apply"),
        ("orders.t", "EXECUTE", r"does not apply to a table.*write on: PROCEDURE orders\.t or FUNCTION orders\.t"),
        ("`my db`.t", "alter routine", r"PROCEDURE `my db`\.t or FUNCTION `my db`\.t"),
        ("*.*", "load from s3", "AWS_LOAD_S3_ACCESS instead: list it under roles"),
        ("*.*", "SELECT INTO S3", "AWS_SELECT_S3_ACCESS"),
        ("*.*", "INVOKE SAGEMAKER", "AWS_SAGEMAKER_ACCESS"),
        ("orders.*", "INVOKE COMPREHEND", "AWS_COMPREHEND_ACCESS"),
        ("PROCEDURE orders.p", "SELECT", "what does: EXECUTE, ALTER ROUTINE"),
        ("orders.*", "SELEC", "not a privilege of MySQL"),
        ("*.*", "SELEC", "not a privilege of MySQL"),
        ("orders.*", "SELECT (id)", r"only privileges on a table .* orders\.\*"),
        ("orders.*", "GRANT OPTION", "grant_option: true"),
        ("orders.t", "DELETE (id)", "cannot be limited to columns"),
        ("orders.t", "ALL (id)", "cannot be limited to columns"),
        ("orders.t", "SELECT ()", "is not a privilege"),
        ("orders.t", "SELECT (id", "is not a privilege"),
        ("orders.t", "SELECT (id) ON x", "is not a privilege"),
        ("orders.t", "SELECT; DROP", "is not a privilege"),
        ("orders.t", "", "is not a privilege"),
        ("orders.*", "PROXY", "PROXY"),
        ("information_schema.*", "SELECT", "information_schema"),
    ],
)
def test_an_unknown_privilege_or_one_out_of_place_is_refused_by_name(on, text, says):
    with pytest.raises(UnknownPrivilege, match=says):
        ENGINE.parse(request(grant(on, text)))


@pytest.mark.parametrize(
    ("grants", "options", "says"),
    [
        ((grant("orders.*", "SELECT, INSERT"),), {}, "an element of its own"),
        ((GrantRequest(("SELECT",), "orders.*", database="x"),), {}, "database is for PostgreSQL"),
        ((GrantRequest(("SELECT",), "orders.*", owner="x"),), {}, "owner is for PostgreSQL"),
        ((), {"connection_limit": 0}, "-1 for no limit"),
        ((), {"connection_limit": 2**32}, "MySQL stores 4294967295 at most"),
    ],
)
def test_what_mysql_has_no_place_for(grants, options, says):
    with pytest.raises(InvalidOption, match=says):
        ENGINE.parse(request(*grants, **options))


def test_a_dynamic_privilege_is_left_for_the_server_to_know():
    assert ENGINE.parse(request(grant("*.*", "any_new_admin"))).grants[0].privileges[0].name == "ANY_NEW_ADMIN"


def test_grants_left_out_are_not_no_grants():
    assert ENGINE.parse(request()).grants == ()
    assert ENGINE.parse(request().__class__(name="jane")).grants is None
