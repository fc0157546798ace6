# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Administrators, accounts and memberships of every kind on PostgreSQL, and who of them logs in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from tests.integration.administrators import put_secret
from tests.integration.tasks import PROMISED, TaskFailed, Tasks
from tests.sandbox.clients import State

MASTER, PASSWORD = "postgres", "Pa55word!"
DEPUTIES, GROUPS, ACCOUNTS = ("d1", "d2"), ("plain", "enrolled"), ("a1", "a2")

OPTIONS = {
    "full": ("", ""),
    "admin": ("WITH ADMIN OPTION", "WITH ADMIN TRUE"),
    "admin only": ("WITH ADMIN OPTION", "WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"),
    "inherit": ("", "WITH INHERIT TRUE, SET FALSE"),
    "set": ("", "WITH INHERIT FALSE, SET TRUE"),
}
"""Of a membership, before 16 and since."""
ADMINISTRATOR_BY = {
    "creates roles": "",
    "rds_superuser": "GRANT rds_superuser TO {name}",
    "grants rds_iam": "GRANT rds_iam TO {name} {admin_only}",
}
ENROLLED = {"no": "", "directly": "GRANT rds_iam TO {name}", "by group": "GRANT {enrolled} TO {name}"}
STATES = {
    "password": f"CREATE ROLE {{name}} LOGIN PASSWORD '{PASSWORD}'",
    "iam": "CREATE ROLE {name} LOGIN; SET ROLE {master}; GRANT rds_iam TO {name}",
    "by group": "CREATE ROLE {name} LOGIN; SET ROLE {master}; GRANT {enrolled} TO {name}",
    "locked": "CREATE ROLE {name} NOLOGIN; SET ROLE {master}; GRANT rds_iam TO {name}",
}


@dataclass(frozen=True)
class Deputy:
    """An administrator that is not the master user."""

    administrator_by: str
    enrolled: str


@dataclass(frozen=True)
class Example:
    """
    accounts     by name: state, creator, whether it owns a table
    memberships  role, member, options
    login        who runs the task, and how, unless it has to be with a token
    """

    deputies: dict[str, Deputy]
    accounts: dict[str, tuple[str, str, bool]]
    memberships: list[tuple[str, str, str]]
    login: tuple[str, str]
    users: list[dict[str, Any]]
    unlisted: str


@dataclass(frozen=True)
class Bench:
    """A cluster to try on."""

    cluster: str
    major: int
    state: State = field(repr=False)
    tasks: Tasks = field(repr=False)
    server: Any = field(repr=False)
    password: str = field(repr=False)
    """the master user's"""
    signer: Any = field(repr=False)
    prefix: str = field(default_factory=lambda: f"adm_{uuid.uuid4().hex[:6]}_")

    def name(self, short: str) -> str:
        return short if short == MASTER else self.prefix + short

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        with self.server.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else []

    def set(self, example: Example) -> None:
        words = {
            "admin_only": OPTIONS["admin only"][self.major >= 16],
            **{group: self.name(group) for group in GROUPS},
        }
        plain, enrolled = map(self.name, GROUPS)
        as_master = f"SET ROLE {MASTER}; {{}}; RESET ROLE".format
        self.sql(as_master(f"CREATE ROLE {plain}; CREATE ROLE {enrolled}; GRANT rds_iam TO {enrolled}"))
        for short, deputy in example.deputies.items():
            name = self.name(short)
            self.sql(as_master(f"CREATE ROLE {name} LOGIN CREATEROLE PASSWORD '{PASSWORD}'"))
            self.sql(ADMINISTRATOR_BY[deputy.administrator_by].format(name=name, **words) or "SELECT 1")
            self.sql(as_master(ENROLLED[deputy.enrolled].format(name=name, **words) or "SELECT 1"))
        for short, (state, creator, owner) in example.accounts.items():
            name = self.name(short)
            made = STATES[state].format(name=name, master=MASTER, **words)
            self.sql(f"SET ROLE {self.name(creator)}; {made}; RESET ROLE")
            if owner:
                self.sql(f"CREATE TABLE public.{name} (); ALTER TABLE public.{name} OWNER TO {name}")
        for role, member, options in example.memberships:
            given = OPTIONS[options][self.major >= 16]
            text = f"GRANT {self.name(role)} TO {self.name(member)} {given}"
            for attempt in (as_master(text), text):
                self.sql("RESET ROLE")
                try:
                    self.sql(attempt)
                    break
                except psycopg2.errors.InvalidGrantOperation:
                    break  # it is the other's member already
                except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InternalError_):
                    continue

    def clear(self) -> None:
        self.sql("RESET ROLE")
        for account in ACCOUNTS:  # which may belong to the master or a group by now
            self.sql(f"DROP TABLE IF EXISTS public.{self.name(account)}")
        for (name,) in self.sql(f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{self.prefix}')"):
            self.sql(f"DROP OWNED BY {name} CASCADE")
        names = self.sql(f"SELECT string_agg(rolname, ', ') FROM pg_roles WHERE starts_with(rolname, '{self.prefix}')")
        if names[0][0]:
            self.sql(f"DROP ROLE {names[0][0]}")

    def logins(self, example: Example) -> set[tuple[str, str]]:
        """Who logs in, and by what."""
        found = set()
        for short in (MASTER, *example.deputies):
            name = self.name(short)
            password = self.password if short == MASTER else PASSWORD
            for way, secret in (("password", password), ("token", self.token(name))):
                if self._logs_in(name, secret):
                    found.add((short, way))
        # From 16 on the sandbox lets its master in by password even so, which nothing says of RDS
        if self._has_rights_of_rds_iam():
            found.discard((MASTER, "password"))
        return found

    def token(self, name: str) -> str:
        described = self.state["clusters"][self.cluster]
        signed: str = self.signer.generate_db_auth_token(described["host"], described["port"], name)
        return signed

    def _logs_in(self, name: str, secret: str) -> bool:
        described = self.state["clusters"][self.cluster]
        try:
            psycopg2.connect(
                host=described["host"],
                port=described["port"],
                user=name,
                password=secret,
                dbname="postgres",
                sslmode="require",
            ).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _has_rights_of_rds_iam(self) -> bool:
        options = "WHERE m.inherit_option OR m.set_option" if self.major >= 16 else ""
        rows = self.sql(
            f"WITH RECURSIVE up AS (SELECT '{MASTER}'::regrole::oid UNION SELECT roleid FROM up JOIN ("
            f"SELECT * FROM pg_auth_members m {options}) m ON m.member = up.oid) "
            "SELECT FROM up WHERE oid = 'rds_iam'::regrole"
        )
        return bool(rows)

    def options(self, example: Example, token: bool) -> dict[str, Any]:
        """Of the task. Accounts of others are on its list, and nothing is said of them."""
        who, way = example.login
        way = "iam" if token else way
        given: dict[str, Any] = {"cluster": self.cluster, "login_db": "postgres", "login_method": way}
        password = self.password if who == MASTER else PASSWORD
        if way == "secret":
            value = {"username": self.name(who), "password": password}
            given["login_secret"] = put_secret(self.state, f"{self.prefix}{who}", value)
        else:
            given["login_user"] = self.name(who)
        if way == "password":
            given["login_password"] = password
        users = [self._named(user) for user in example.users]
        if example.unlisted != "keep":
            given.update(unlisted=example.unlisted, confirm=True)
            users += [{"name": name} for name in self._of_others()]
        return {**given, "users": users}

    def _named(self, user: dict[str, Any]) -> dict[str, Any]:
        named = {**user, "name": self.name(user["name"])}
        if "roles" in user:
            named["roles"] = [self.name(role) for role in user["roles"]]
        if "reassign_owned_to" in user:
            named["reassign_owned_to"] = self.name(user["reassign_owned_to"])
        return named

    def _of_others(self) -> list[str]:
        rows = self.sql(
            "WITH RECURSIVE down AS (SELECT 'rds_iam'::regrole::oid UNION SELECT m.member FROM down "
            "JOIN pg_auth_members m ON m.roleid = down.oid) SELECT rolname FROM pg_roles JOIN down USING (oid) "
            f"WHERE rolcanlogin AND NOT starts_with(rolname, '{self.prefix}') AND rolname <> '{MASTER}'"
        )
        return [name for (name,) in rows]

    def answer(self, options: dict[str, Any], check: bool) -> dict[str, Any]:
        try:
            result = self.tasks.users(check=check, **options)
        except TaskFailed as failure:
            return {"msg": failure.result["msg"]}
        return {key: result[key] for key in PROMISED}
