# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Data API's way to the real servers: sessions of the secret's user, values bound by type, results as fields."""

from __future__ import annotations

import base64
import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import psycopg2
import pymysql
from psycopg2 import extensions
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from pymysql.constants import FIELD_TYPE, FLAG

from tests.sandbox.aws.data_api_text import bind
from tests.sandbox.servers.clusters import RunningCluster

Field = dict[str, Any]


class ApiError(Exception):
    """What the caller is answered with."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def database_error(text: str) -> ApiError:
    return ApiError("DatabaseErrorException", text)


@dataclass(frozen=True)
class Answer:
    """``sizes``: of each row, in bytes, as the server sent it."""

    records: list[list[Field]]
    sizes: list[int]
    columns: list[str]
    updated: int


class ServerSession(Protocol):
    """One session of the server. Every method raises ApiError."""

    def begin(self) -> None: ...

    def execute(self, sql: str, parameters: Mapping[str, Mapping[str, Any]]) -> Answer: ...

    def end(self, commit: bool) -> None: ...

    def cancel(self) -> None:
        """Stop the statement that runs, from another thread."""

    def close(self) -> None: ...


def open_session(cluster: RunningCluster, user: str, password: str, database: str, ca_cert: str) -> ServerSession:
    """Raises ApiError."""
    if cluster.spec.family == "mysql":
        return MySQLServerSession(cluster, user, password, database, ca_cert)
    return PostgreSQLServerSession(cluster, user, password, database, ca_cert)


def _field(value: Any) -> Field:
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"longValue": value}
    if isinstance(value, float) and math.isfinite(value):
        return {"doubleValue": value}
    if isinstance(value, bytes | memoryview):
        return {"blobValue": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, list):
        return {"arrayValue": _array(value)}
    return {"stringValue": str(value)}


def _array(values: Sequence[Any]) -> dict[str, Any]:
    if any(isinstance(value, list) for value in values):
        raise ApiError("UnsupportedResultException", "The result contains the unsupported multidimensional array.")
    kinds = {bool: "booleanValues", int: "longValues", float: "doubleValues"}
    kind = next((kinds[type(value)] for value in values if type(value) in kinds), "stringValues")
    return {kind: [str(value) if kind == "stringValues" and value is not None else value for value in values]}


def _size(value: Any) -> int:
    if value is None:
        return 0
    return len(value) if isinstance(value, bytes) else len(str(value).encode())


def _answer(rows: Sequence[Sequence[Any]], columns: list[str], updated: int) -> Answer:
    records = [[_field(value) for value in row] for row in rows]
    return Answer(records, [sum(map(_size, row)) for row in rows], columns, updated)


def _value(parameter: Mapping[str, Any]) -> Any:
    """Raises ApiError for what cannot be bound."""
    if parameter.get("isNull"):
        return None
    for kind in ("booleanValue", "longValue", "doubleValue", "stringValue"):
        if kind in parameter:
            return parameter[kind]
    if "blobValue" in parameter:
        return base64.b64decode(parameter["blobValue"])
    raise ApiError("BadRequestException", "Array parameters are not supported.")


_POSTGRESQL_TYPES = {
    extensions.BOOLEAN.values: "bool",
    (17, 20, 21, 23, 25, 114, 3802, 700, 701, 1042, 1043, 1082, 1083, 1114, 1184, 1266, 1700, 2950, 869, 650, 19): "",
    (1000, 1005, 1007, 1016, 1009, 1015, 1014, 1003, 1021, 1022, 1231, 1182, 1115): "array",
}
"""https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api-operations.html: oids of the types that the
Data API returns; so neither oid nor regtype nor void, "char" or aclitem."""
_SUPPORTED_OIDS = frozenset(oid for oids in _POSTGRESQL_TYPES for oid in oids)
_FIRST_USER_OID = 16384


class PostgreSQLServerSession:
    def __init__(self, cluster: RunningCluster, user: str, password: str, database: str, ca_cert: str) -> None:
        try:
            self._connection = psycopg2.connect(
                host=cluster.writer.host,
                port=cluster.writer.port,
                user=user,
                password=password,
                dbname=database or cluster.spec.master_username,
                sslmode="verify-full",
                sslrootcert=ca_cert,
                # As the JDBC driver does, in the start-up packet
                client_encoding="UTF8",
                options="-c DateStyle=ISO",
                application_name="rds-data-api",
            )
        except psycopg2.OperationalError as error:
            raise database_error(f"{str(error).strip()}; SQLState: {_login_state(str(error))}") from None
        self._connection.autocommit = True

    def begin(self) -> None:
        self._connection.autocommit = False

    def execute(self, sql: str, parameters: Mapping[str, Mapping[str, Any]]) -> Answer:
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(bind(sql, lambda name: self._literal(parameters[name])))
                if cursor.description is None:
                    return Answer([], [], [], max(cursor.rowcount, 0))
                self._check_types(cursor.description)
                return _answer(cursor.fetchall(), [column.name for column in cursor.description], 0)
            except KeyError as error:
                raise ApiError("BadRequestException", f"Named parameter {error.args[0]} is not set.") from None
            except psycopg2.Error as error:
                raise _postgresql_error(error) from None

    def _literal(self, parameter: Mapping[str, Any]) -> str:
        """Bound as the JDBC driver binds: a string is a varchar, which the server does not turn into anything."""
        value = _value(parameter)
        if value is None:
            return "NULL"
        cast = {bool: "bool", int: "int8", float: "float8", str: "varchar", bytes: "bytea"}[type(value)]
        adapted = extensions.adapt(psycopg2.Binary(value) if isinstance(value, bytes) else value)
        if isinstance(adapted, extensions.QuotedString):
            adapted.prepare(self._connection)
        return f"CAST({adapted.getquoted().decode(self._connection.encoding)} AS {cast})"

    def _check_types(self, description: Sequence[Any]) -> None:
        for column in description:
            if column.type_code in _SUPPORTED_OIDS or column.type_code >= _FIRST_USER_OID:
                continue
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT format_type(%s, NULL)", (column.type_code,))
                (name,) = cursor.fetchone() or ("?",)
            raise ApiError("UnsupportedResultException", f"The result contains the unsupported data type {name}.")

    def end(self, commit: bool) -> None:
        try:
            self._connection.commit() if commit else self._connection.rollback()
        except psycopg2.Error as error:
            raise _postgresql_error(error) from None

    def cancel(self) -> None:
        self._connection.cancel()

    def close(self) -> None:
        with contextlib.suppress(psycopg2.Error):
            if not self._connection.closed and self._connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
                self._connection.rollback()
            self._connection.close()


def _login_state(text: str) -> str:
    states = {"does not exist": "3D000", "permission denied": "42501", "password authentication": "28P01"}
    return next((state for words, state in states.items() if words in text), "08001")


def _postgresql_error(error: psycopg2.Error) -> ApiError:
    """In the words of the JDBC driver, which the Data API passes on."""
    parts = [f"{error.diag.severity or 'ERROR'}: {error.diag.message_primary or str(error).strip()}"]
    parts += [f"\n  Detail: {error.diag.message_detail}"] if error.diag.message_detail else []
    parts += [f"\n  Hint: {error.diag.message_hint}"] if error.diag.message_hint else []
    parts += [f"\n  Position: {error.diag.statement_position}"] if error.diag.statement_position else []
    return database_error(f"{''.join(parts)}; SQLState: {error.pgcode or '08006'}")


class MySQLServerSession:
    def __init__(self, cluster: RunningCluster, user: str, password: str, database: str, ca_cert: str) -> None:
        self._arguments: dict[str, Any] = {
            "host": cluster.writer.host,
            "port": cluster.writer.port,
            "user": user,
            "password": password,
            "database": database or None,
            "ssl": {"ca": ca_cert},
            "charset": "utf8mb4",
            "autocommit": True,
        }
        try:
            self._connection = pymysql.connect(**self._arguments)
            self._thread: int = self._connection.thread_id()  # type: ignore[no-untyped-call]
        except pymysql.MySQLError as error:
            raise _mysql_error(error) from None

    def begin(self) -> None:
        """As the JDBC driver does it."""
        self._connection.autocommit(False)

    def execute(self, sql: str, parameters: Mapping[str, Mapping[str, Any]]) -> Answer:
        with self._connection.cursor() as cursor:
            try:
                text = bind(sql, lambda name: str(self._connection.escape(_value(parameters[name]))))
                cursor.execute(text)
                result: Any = cursor._result
                fields: Sequence[Any] = result.fields if result is not None and cursor.description else ()
                _check_fields(fields)
                rows = [
                    [_mysql_value(value, field) for value, field in zip(row, fields, strict=True)]
                    for row in cursor.fetchall()
                ]
                return _answer(rows, [field.name for field in fields], 0 if fields else cursor.rowcount)
            except KeyError as error:
                raise ApiError("BadRequestException", f"Named parameter {error.args[0]} is not set.") from None
            except (pymysql.MySQLError, AttributeError) as error:
                # AttributeError: PyMySQL's way to say that the connection was closed meanwhile
                raise _mysql_error(error) from None

    def end(self, commit: bool) -> None:
        try:
            self._connection.commit() if commit else self._connection.rollback()
        except pymysql.MySQLError as error:
            raise _mysql_error(error) from None

    def cancel(self) -> None:
        with contextlib.closing(pymysql.connect(**self._arguments)) as other, other.cursor() as cursor:
            cursor.execute(f"KILL QUERY {self._thread}")

    def close(self) -> None:
        with contextlib.suppress(pymysql.MySQLError, OSError):
            self._connection.close()


def _check_fields(fields: Sequence[Any]) -> None:
    unsupported = {FIELD_TYPE.GEOMETRY: "GEOMETRY", FIELD_TYPE.YEAR: "YEAR"}
    for field in fields:
        name = "SET" if field.flags & FLAG.SET else unsupported.get(field.type_code)
        if name:
            raise ApiError("UnsupportedResultException", f"The result contains the unsupported data type {name}.")


def _mysql_value(value: Any, field: Any) -> Any:
    if field.type_code == FIELD_TYPE.TINY and field.length == 1 and value is not None:
        return bool(value)
    return str(value) if isinstance(value, Decimal) else value


def _mysql_error(error: Exception) -> ApiError:
    number, text = error.args if len(error.args) == 2 else (2013, str(error))
    return database_error(f"{text}; Error code: {number}; SQLState: HY000")
