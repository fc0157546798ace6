# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.grammar.arguments import (
    read_argument,
    readable_type,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption


@pytest.mark.parametrize(
    ("argument", "found"),
    [
        ("int", "integer"),
        ("Text", '"text"'),
        ('"Text"', '"Text"'),
        ('"a""b"', '"a""b"'),
        ('shop."My, Type" [3]', '"shop"."My, Type"[]'),
        ("int[][]", "integer[]"),
        ("text array[4]", '"text"[]'),
        ("numeric(10, 2)", "numeric"),
        ("dec", "numeric"),
        ("double  precision", "double precision"),
        ("float(24)", "real"),
        ("float(25)", "double precision"),
        ("float", "float"),
        ("national character varying (3)", "character varying"),
        ("char(3)", "character"),
        ('"char"', '"char"'),
        ("bit varying(3)", "bit varying"),
        ("timestamp(3) with time zone[]", "timestamp with time zone[]"),
        ("time without time zone", "time"),
        ("interval day to second(3)", "interval"),
        ("geometry(Point, 4326)", '"geometry"'),
        ("IN int", "integer"),
        ("in out int", "integer"),
        ("INOUT c text", '"text"'),
        ("c INOUT text", '"text"'),
        ('VARIADIC "any"', '"any"'),
        ("a int", "integer"),
        ('"A" shop.mood', '"shop"."mood"'),
        ("at timestamp with time zone", "timestamp with time zone"),
        ("OUT done int", ""),
        ("done OUT int", ""),
    ],
)
def test_only_the_type_of_an_argument_remains(argument: str, found: str) -> None:
    assert read_argument(argument, "on") == found


@pytest.mark.parametrize(
    "argument", ["int int int", ";", "", "int DEFAULT 3", "t.id%TYPE", "a.b.c", "int[", "int[x]", "1", "a b c", "(int)"]
)
def test_what_is_no_type_is_refused(argument: str) -> None:
    with pytest.raises(InvalidOption):
        read_argument(argument, "on")


def test_types_as_a_person_writes_them() -> None:
    assert readable_type('"shop"."My"[]') == 'shop."My"[]'
