# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody whose functions an account uses, and every kind of object that can use one."""

from __future__ import annotations

MALLORY = "other_mallory"
ACCOMPLICE = """
CREATE ROLE other_mallory; CREATE SCHEMA mal AUTHORIZATION other_mallory; GRANT USAGE ON SCHEMA mal TO PUBLIC;
CREATE SCHEMA mine AUTHORIZATION "{account}"; GRANT ALL ON SCHEMA mine TO other_mallory;
SET ROLE other_mallory;
CREATE FUNCTION mal.f(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION mal.nested(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION mal.checked(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE FUNCTION mal.op(text, text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE FUNCTION mal.aggregated(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION mal.difference(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1; END';
CREATE FUNCTION mal.fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE OPERATOR mal.@@@ (LEFTARG = text, RIGHTARG = text, FUNCTION = mal.op);
CREATE AGGREGATE mal.total(text) (SFUNC = mal.aggregated, STYPE = text);
CREATE TYPE mal.mood AS ENUM ('good');
CREATE FUNCTION mal.casted(text) RETURNS mal.mood LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN ''good''; END';
CREATE CAST (text AS mal.mood) WITH FUNCTION mal.casted(text);
CREATE DOMAIN mal.label AS text CHECK (mal.checked(VALUE));
CREATE VIEW mal.shown AS SELECT 1 AS one;
RESET ROLE;
CREATE FUNCTION mal.wrapping(text) RETURNS text LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT mal.nested($1); END;
"""

USES = {
    "index mine.i_expression": ("CREATE INDEX i_expression ON mine.t (mal.f(v))", "function mal.f(text)"),
    "index mine.i_predicate": ("CREATE INDEX i_predicate ON mine.t (id) WHERE mal.checked(v)", "function mal.checked"),
    "index mine.i_operator": ("CREATE INDEX i_operator ON mine.t ((v OPERATOR(mal.@@@) 'x'))", "function mal.op("),
    "index mine.i_cast": ("CREATE INDEX i_cast ON mine.t ((v::mal.mood))", "function mal.casted(text)"),
    "index mine.i_body": ("CREATE INDEX i_body ON mine.t (mal.wrapping(v))", "function mal.nested(text)"),
    "constraint c on table mine.t": ("ALTER TABLE mine.t ADD CONSTRAINT c CHECK (mal.checked(v))", "function mal.ch"),
    "constraint d_check": ("CREATE DOMAIN mine.d AS text CHECK (mal.checked(VALUE))", "function mal.checked(text)"),
    "default value for column w of table mine.t": ("ALTER TABLE mine.t ADD w text DEFAULT mal.f('')", "function mal.f"),
    "default value for column g of table mine.t": (
        "ALTER TABLE mine.t ADD g text GENERATED ALWAYS AS (mal.f(v)) STORED",
        "function mal.f(text)",
    ),
    "statistics object mine.s": ("CREATE STATISTICS mine.s ON mal.f(v), id FROM mine.t", "function mal.f(text)"),
    "policy p on table mine.t": ("CREATE POLICY p ON mine.t USING (mal.checked(v))", "function mal.checked(text)"),
    "table mine.parted": ("CREATE TABLE mine.parted (v text) PARTITION BY HASH (mal.f(v))", "function mal.f(text)"),
    "table mine.typed": ("CREATE TABLE mine.typed (v mal.label)", "type mal.label"),
    "rule _RETURN on materialized view mine.m": (
        "CREATE MATERIALIZED VIEW mine.m AS SELECT mal.total(v) FROM mine.t WITH NO DATA",
        "function mal.aggregated(text,text)",
    ),
    "rule _RETURN on view mine.w": ("CREATE VIEW mine.w AS SELECT * FROM mal.shown", "view mal.shown"),
    "rule r on table mine.t": (
        "CREATE RULE r AS ON DELETE TO mine.t DO ALSO SELECT mal.f('x')",
        "function mal.f(text)",
    ),
    "trigger t on table mine.t": (
        "CREATE TRIGGER t BEFORE INSERT ON mine.t FOR EACH ROW EXECUTE FUNCTION mal.fires()",
        "function mal.fires()",
    ),
    "type mine.span": (
        "CREATE TYPE mine.span AS RANGE (SUBTYPE = int, SUBTYPE_DIFF = mal.difference)",
        "function mal.difference(integer,integer)",
    ),
}
"""Each with the statement that makes it, and what of the accomplice's it leads to."""
