"""The door to Tasker's PostgreSQL: a task's rows, read in one transaction that can't write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from tasker_testkit.errors import HistoryError, listed
from tasker_testkit.replay.production import RecordedTask
from tasker_testkit.replay.tables import TABLES, recorded_task

if TYPE_CHECKING:
    from psycopg import Connection

_STEPS: Final = "(SELECT {column} FROM {schema}.workflow_steps WHERE task_uuid = %(task)s)"
_NAMED: Final = "(SELECT named_task_uuid FROM {schema}.tasks WHERE task_uuid = %(task)s)"
_SPACES: Final = f"(SELECT task_namespace_uuid FROM {{schema}}.named_tasks WHERE named_task_uuid IN {_NAMED})"
_OF_TASK: Final[Mapping[str, tuple[str, str]]] = {
    "named_tasks": ("named_task_uuid", _NAMED),
    "task_namespaces": ("task_namespace_uuid", _SPACES),
    "named_steps": ("named_step_uuid", _STEPS.replace("{column}", "named_step_uuid")),
    "workflow_step_edges": ("to_step_uuid", _STEPS.replace("{column}", "workflow_step_uuid")),
    "workflow_step_transitions": ("workflow_step_uuid", _STEPS.replace("{column}", "workflow_step_uuid")),
}
"""Tables to the column by which a task's rows are found, and its values; the other tables have ``task_uuid``."""
_SCHEMA: Final = "tasker"
"""Where Tasker puts its tables; schemas of the connection's search path come first."""
_PRESENT: Final = """
    SELECT quote_ident(place.schema), array_agg(class.relname::text)
    FROM unnest(current_schemas(false) || %(schema)s::name) WITH ORDINALITY AS place (schema, rank)
    JOIN pg_namespace ON pg_namespace.nspname = place.schema
    LEFT JOIN pg_class AS class ON class.relnamespace = pg_namespace.oid AND class.relname = ANY(%(tables)s)
    GROUP BY place.schema ORDER BY min(place.rank)
"""
_YOUNGEST: Final = """
    SELECT task_uuid::text, name, version, youngest.created_at::text
    FROM (SELECT * FROM {schema}.tasks ORDER BY task_uuid DESC LIMIT 5) AS youngest
    JOIN {schema}.named_tasks USING (named_task_uuid) ORDER BY task_uuid DESC
"""
_PATIENCE: Final = 10
"""Seconds to wait for a connection, where the DSN doesn't say."""
_FORM: Final = "postgresql://USER@HOST:PORT/DATABASE, or host=HOST port=PORT dbname=DATABASE user=USER"


def read_postgres(dsn: str, task: str) -> RecordedTask:
    """The task with that uuid, from Tasker's database at ``dsn`` (psycopg 3: the extra ``postgres``).

    Everything is read in one transaction, ``REPEATABLE READ READ ONLY``. Tables are looked for in the schemas of the
    search path and in ``tasker``. Raises HistoryError if there is no psycopg, no connection, no Tasker or no such task,
    and as ``recorded_task``. No message has the DSN in it, since there may be a password in it.
    """
    uuid = _uuid(task)
    with _reading(dsn) as connection:
        schema = _schema(connection)
        tables = {table: _rows(connection, schema, table, uuid) for table in TABLES}
        if not tables["tasks"]:
            raise _unknown(connection, schema, uuid)
    return recorded_task(tables, uuid)


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise HistoryError(
            f"--task {text!r:.60} isn't a UUID. Give that of the task, such as 01a2018f-9707-7507-9f25-14f8e029f8b9; "
            "Tasker answers it when a task is submitted."
        ) from None


@contextmanager
def _reading(dsn: str) -> Iterator[Connection]:
    """A connection in whose one transaction nothing can be written."""
    psycopg = _psycopg()
    connection = _connected(psycopg, dsn)
    try:
        with connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise HistoryError(
            f"PostgreSQL refuses it: {_in_words(error)}.\n"
            f"The user needs USAGE on Tasker's schema and SELECT on these tables:\n{listed(TABLES)}"
        ) from None
    except psycopg.Error as error:
        raise HistoryError(
            f"The task can't be read from PostgreSQL: {_in_words(error)}. Nothing was written."
        ) from None


def _psycopg() -> ModuleType:
    try:
        import psycopg
    except ImportError as error:
        raise HistoryError(
            f"--postgres needs psycopg 3, which can't be imported ({_in_words(error)}). "
            "Install it: pip install 'tasker_testkit[postgres]'"
        ) from None
    return psycopg


def _connected(psycopg: ModuleType, dsn: str) -> Connection:
    given = _parsed(psycopg, dsn)
    try:
        connection: Connection = psycopg.connect(**{"connect_timeout": _PATIENCE, **given})
    except (psycopg.Error, ValueError) as error:
        raise HistoryError(
            f"--postgres: no connection: {_in_words(error)}.\n"
            f"Check host, port, database, user and password of the address: {_FORM}."
        ) from None
    return connection


def _parsed(psycopg: ModuleType, dsn: str) -> Mapping[str, str]:
    """The address's parts. What looks like a part of a password isn't handed on, lest a message shows it."""
    try:
        given: Mapping[str, str] = psycopg.conninfo.conninfo_to_dict(dsn)
    except (psycopg.Error, ValueError):
        given = {"host": "@"}
    if "@" in given.get("host", "") or given.get("port", "").strip("0123456789,"):
        raise HistoryError(
            f"--postgres: that is no address of a database. Write {_FORM}. "
            "In the first form, @ / and % in a password are written %40 %2F and %25."
        )
    return given


def _schema(connection: Connection) -> str:
    """The first schema that has all of Tasker's tables, as SQL writes its name."""
    found = connection.execute(_PRESENT, {"schema": _SCHEMA, "tables": list(TABLES)}).fetchall()
    for schema, tables in found:
        if set(TABLES) <= set(tables):
            return str(schema)
    lacks = [f"{schema}: without {', '.join(sorted(set(TABLES) - set(tables)))}" for schema, tables in found]
    raise HistoryError(
        f"Database {connection.info.dbname!r} has no schema with Tasker's tables. Those that were looked into:\n"
        f"{listed(lacks)}\nGive Tasker's own database; if its tables are in a schema of another "
        f"name than {_SCHEMA}, add options=-csearch_path=SCHEMA to the address."
    )


def _rows(connection: Connection, schema: str, table: str, uuid: str) -> list[Mapping[str, Any]]:
    column, values = _OF_TASK.get(table, ("task_uuid", "(%(task)s)"))
    query = f"SELECT to_jsonb(one) FROM {{schema}}.{table} AS one WHERE {column} IN {values}"
    return [row for (row,) in connection.execute(query.replace("{schema}", schema), {"task": uuid})]


def _unknown(connection: Connection, schema: str, uuid: str) -> HistoryError:
    youngest = connection.execute(_YOUNGEST.replace("{schema}", schema)).fetchall()
    return HistoryError(
        f"Database {connection.info.dbname!r} has no task {uuid}. The youngest that it has:\n"
        f"{listed('  '.join(row) for row in youngest)}"
    )


def _in_words(error: Exception) -> str:
    """What an exception says, in one line without a full stop."""
    said = getattr(getattr(error, "diag", None), "message_primary", None) or str(error)
    lines = [line.strip(" \t-") for line in said.removeprefix("connection failed: ").splitlines()]
    return "; ".join(filter(None, lines)).rstrip(".?")
