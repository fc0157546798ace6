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

NOTED = """
CREATE TABLE mal.noted (who text); GRANT ALL ON mal.noted TO PUBLIC;
CREATE FUNCTION mal.note() RETURNS int LANGUAGE plpgsql AS
    'BEGIN INSERT INTO mal.noted VALUES (current_user); RETURN 1; END';
CREATE FUNCTION mal.notes() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM mal.note(); RETURN coalesce(old, new); END';
CREATE FUNCTION mal.indexed(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN mal.note(); END';
CREATE DOMAIN mal.noting AS int CHECK (mal.note() = VALUE);
CREATE TYPE mal.kind AS ENUM ('x');
CREATE FUNCTION mal.number(mal.kind) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN mal.note(); END';
CREATE CAST (mal.kind AS int) WITH FUNCTION mal.number(mal.kind) AS IMPLICIT;
CREATE TYPE mine.kind AS ENUM ('x'); ALTER TYPE mine.kind OWNER TO "{account}";
CREATE FUNCTION mal.of_mine(mine.kind) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN mal.note(); END';
ALTER TABLE mal.noted OWNER TO other_mallory; ALTER DOMAIN mal.noting OWNER TO other_mallory;
ALTER TYPE mal.kind OWNER TO other_mallory; ALTER FUNCTION mal.of_mine OWNER TO other_mallory;
ALTER FUNCTION mal.note OWNER TO other_mallory; ALTER FUNCTION mal.notes OWNER TO other_mallory;
ALTER FUNCTION mal.indexed OWNER TO other_mallory; ALTER FUNCTION mal.number OWNER TO other_mallory;
"""
"""Functions of the accomplice that write down who runs them."""

_PAIR = """
SET ROLE "{account}"; CREATE TABLE mine.{name}_p (id int PRIMARY KEY); INSERT INTO mine.{name}_p VALUES (1);
GRANT SELECT, UPDATE, DELETE ON mine.{name}_p TO other_mallory;
CREATE TABLE mine.{name} (id int REFERENCES mine.{name}_p ON DELETE CASCADE ON UPDATE CASCADE{rest};
"""


def _pair(name: str, rest: str = ")") -> str:
    """A table that changes, as its owner, when the accomplice changes another."""
    return _PAIR.replace("{name}", name).replace("{rest}", rest)


ATTACKS = {
    "table mine.fired with privilege TRIGGER of other_mallory": (
        _pair("fired") + "INSERT INTO mine.fired VALUES (1); GRANT TRIGGER ON mine.fired TO other_mallory",
        "CREATE TRIGGER x BEFORE DELETE ON mine.fired FOR EACH ROW EXECUTE FUNCTION mal.notes(); "
        "DELETE FROM mine.fired_p",
    ),
    "table mine.key with privilege REFERENCES of other_mallory": (
        'SET ROLE "{account}"; CREATE TABLE mine.key (id int PRIMARY KEY); INSERT INTO mine.key VALUES (1); '
        "GRANT REFERENCES (id) ON mine.key TO other_mallory",
        "CREATE TABLE mal.referring (id mal.kind REFERENCES mine.key (id)); INSERT INTO mal.referring VALUES ('x')",
    ),
    "constraint referred_id_fkey on table mal.referred with type mal.kind of other_mallory": (
        'SET ROLE "{account}"; CREATE TABLE mine.old_key (id int PRIMARY KEY); INSERT INTO mine.old_key VALUES (1); '
        "GRANT REFERENCES ON mine.old_key TO other_mallory; RESET ROLE; SET ROLE other_mallory; "
        "CREATE TABLE mal.referred (id mal.kind REFERENCES mine.old_key); "
        'RESET ROLE; SET ROLE "{account}"; REVOKE ALL ON mine.old_key FROM other_mallory',
        "INSERT INTO mal.referred VALUES ('x')",
    ),
    "cast from mine.kind to integer with function mal.of_mine(mine.kind) of other_mallory": (
        'SET ROLE "{account}"; CREATE CAST (mine.kind AS int) WITH FUNCTION mal.of_mine(mine.kind) AS IMPLICIT; '
        "CREATE TABLE mine.number (id int PRIMARY KEY); INSERT INTO mine.number VALUES (1); "
        "CREATE TABLE mine.kinds (kind mine.kind REFERENCES mine.number); GRANT INSERT ON mine.kinds TO other_mallory",
        "INSERT INTO mine.kinds VALUES ('x')",
    ),
    "constraint executed_id_check on table mine.executed with function query_to_xml(text,boolean,boolean,text) of ": (
        _pair("executed", ", CHECK (id = 1 OR query_to_xml('SELECT mal.note()', true, true, '') IS NOT NULL))")
        + "INSERT INTO mine.executed VALUES (1)",
        "UPDATE mine.executed_p SET id = 2",
    ),
    "constraint typing_check with function domain_in(cstring,oid,integer) of ": (
        "DO $$ BEGIN EXECUTE format('CREATE DOMAIN mine.typing AS int CHECK (VALUE = 1 OR "
        "domain_in(''1'', %s, -1) IS NOT NULL)', 'mal.noting'::regtype::oid); END $$; "
        'ALTER DOMAIN mine.typing OWNER TO "{account}"; '
        + _pair("typed").replace("id int REFERENCES", "id mine.typing REFERENCES")
        + "INSERT INTO mine.typed VALUES (1)",
        "UPDATE mine.typed_p SET id = 2",
    ),
    "rule r on view mine.invoker": (
        "CREATE TABLE mal.of_new_owner (who text); ALTER TABLE mal.of_new_owner OWNER TO {new_owner}; "
        'SET ROLE "{account}"; CREATE VIEW mine.invoker WITH (security_invoker=true) AS SELECT 1 AS one; '
        "CREATE RULE r AS ON INSERT TO mine.invoker DO INSTEAD INSERT INTO mal.of_new_owner VALUES ('{new_owner}'); "
        "GRANT INSERT ON mine.invoker TO other_mallory",
        "INSERT INTO mine.invoker VALUES (1)",
    ),
    "table mine.part with table mal.parent of other_mallory": (
        'GRANT other_mallory TO "{account}"; '
        "CREATE TABLE mal.parent (id int) PARTITION BY LIST (id); ALTER TABLE mal.parent OWNER TO other_mallory; "
        'SET ROLE "{account}"; CREATE TABLE mine.part PARTITION OF mal.parent DEFAULT; '
        'INSERT INTO mine.part VALUES (1); RESET ROLE; REVOKE other_mallory FROM "{account}"',
        "CREATE INDEX ON mal.parent (mal.indexed(id))",
    ),
    "table mine.whole with table mal.part of other_mallory": (
        _pair("whole", ") PARTITION BY LIST (id)")
        + "RESET ROLE; CREATE TABLE mal.part PARTITION OF mine.whole DEFAULT; INSERT INTO mine.whole VALUES (1); "
        "ALTER TABLE mal.part OWNER TO other_mallory",
        "CREATE TRIGGER x BEFORE DELETE ON mal.part FOR EACH ROW EXECUTE FUNCTION mal.notes(); "
        "DELETE FROM mine.whole_p",
    ),
}
"""How the accomplice gets code executed as the new owner: what is made before the drop, and what is done after it."""
