"""Tasks that a real Tasker has done, from its tables in a real PostgreSQL, in a database of our own."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import threading
import uuid
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from production_samples import HANDLERS, RECORDED, REST, SECRETS, TABLES, TEMPLATES, refused

from tasker_testkit import load_history
from tasker_testkit.cli import main
from tasker_testkit.replay.postgres import read_postgres

ADDRESS = os.environ.get("TASKER_TESTKIT_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
REQUIRED = "TASKER_TESTKIT_POSTGRES_REQUIRED"
ROOT = Path(__file__).resolve().parents[2]
TASKS = {row["context"]["order_ref"]: row["task_uuid"] for row in TABLES["tasks"]["rows"]}
ORDER = TASKS["order_gateway_error"]
PAGE = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
ENUMS = ("identity_strategy", "dlq_reason", "dlq_resolution_status")
ADVICE = (
    "  Check host, port, database, user and password of the address: postgresql://USER@HOST:PORT/DATABASE, or "
    "host=HOST port=PORT dbname=DATABASE user=USER.\n"
)


def connected(address=ADDRESS, **more):
    """A connection of the tests' own, which may write."""
    import psycopg

    return psycopg.connect(address, autocommit=True, connect_timeout=5, **more)


def fill(connection, schema):
    """Tasker's tables with the recorded rows, in a new schema."""
    connection.execute(f'CREATE SCHEMA "{schema}"')
    connection.execute(f'SET search_path = "{schema}"')
    for enum in ENUMS:
        connection.execute(f"CREATE DOMAIN {enum} AS text")
    for table, content in TABLES.items():
        connection.execute(f"CREATE TABLE {table} ({', '.join(content['columns'])})")
        rows = f"SELECT * FROM jsonb_populate_recordset(null::{table}, %s::jsonb)"
        connection.execute(f"INSERT INTO {table} {rows}", (json.dumps(content["rows"]),))


@pytest.fixture(scope="module")
def server():
    """The server's own connection; where none answers, tests are skipped, or fail if they must not be."""
    psycopg = pytest.importorskip("psycopg", reason="psycopg is an extra: pip install tasker-testkit[postgres]")
    try:
        connection = connected()
    except psycopg.OperationalError as error:
        reason = f"no PostgreSQL answers at {ADDRESS} (TASKER_TESTKIT_POSTGRES): {error}"
        (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)(reason)
    with connection:
        yield connection


@contextmanager
def database_on(server):
    """The address of a new database, which is gone afterwards."""
    from psycopg.conninfo import make_conninfo

    name = f"tasker_testkit_{uuid.uuid4().hex}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        yield make_conninfo(ADDRESS, dbname=name)
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def tasker(server):
    """The address of a database with Tasker's schema and the recorded rows; tests leave it as it is."""
    with database_on(server) as address:
        with connected(address) as connection:
            fill(connection, "tasker")
        yield address


@pytest.fixture
def changed(server):
    """The address of a database as ``tasker`` is, and a connection to change it."""
    with database_on(server) as address, connected(address) as connection:
        fill(connection, "tasker")
        yield address, connection


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Nothing is written into the project."""
    monkeypatch.chdir(tmp_path)


def imported(*arguments):
    """The history that an import writes."""
    assert main(["import", *map(str, arguments), "--history", "x.json"]) == 0
    return load_history("x.json")


@pytest.mark.parametrize("file", REST, ids=lambda path: path.stem)
def test_both_sources_agree(file, tasker):
    """What REST and the database both know of a task is the same; what only the database knows is there."""
    name = json.loads(file.read_text(encoding="utf-8"))["task"]["name"]
    other = imported("--rest-json", file, "--template", TEMPLATES[name])
    history = imported("--postgres", tasker, "--task", TASKS[file.stem])
    for key in ("profile", "start", "template", "input", "state", "execution_status"):
        assert getattr(history, key) == getattr(other, key)
    for step, shown in zip(history.steps, other.steps, strict=True):
        for key in ("name", "type", "state", "parents", "max_attempts"):
            assert getattr(step, key) == getattr(shown, key)
        assert set(shown.transitions) <= set(step.transitions)
        for one, seen in zip(step.attempts, shown.attempts, strict=True):
            assert (one.outcome, one.ended_at) == (seen.outcome, seen.ended_at)
            assert seen.started_at in (None, one.started_at)
            assert None not in (one.enqueued_at, one.started_at)
    assert history.transitions[0].after == "pending"
    assert history.transitions[-1].after == history.state


@pytest.mark.parametrize("name", [one for one in TASKS if one != "order_cancelled"])
def test_a_scenario_is_that_task(name, tasker, capsys):
    """The scenario is the one that REST's answers give, byte for byte, and runs as expected."""
    file = RECORDED / f"rest/{name}.json"
    template = TEMPLATES[json.loads(file.read_text(encoding="utf-8"))["task"]["name"]]
    call = ["--scenario", "x.scenario.yaml", "--template", str(template), "--handlers", HANDLERS]
    assert main(["import", "--rest-json", str(file), *call]) == 0
    shown = Path("x.scenario.yaml").read_bytes()
    assert main(["import", "--postgres", tasker, "--task", TASKS[name], *call]) == 0
    assert Path("x.scenario.yaml").read_bytes() == shown
    assert main(["run", "x.scenario.yaml"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("name", TASKS)
def test_secrets_stay_behind(name, tasker, capsys):
    """None of the made-up secrets is on the screen; the same task gives the same bytes, however its UUID is written."""
    assert main(["import", "--postgres", tasker, "--task", TASKS[name]]) == 0
    shown = capsys.readouterr().out
    assert not [secret for secret in SECRETS if secret in shown]
    assert main(["import", "--postgres", tasker, "--task", TASKS[name].replace("-", "").upper()]) == 0
    assert capsys.readouterr().out == shown


def test_a_cancelled_task_is_cancelled_again(tasker, capsys):
    """Of a cancelled task, too, there is a scenario: what was running goes on until the cancel, and is dropped."""
    template = str(TEMPLATES["ecommerce_order_processing"])
    call = ["--scenario", "x.scenario.yaml", "--template", template, "--handlers", HANDLERS]
    assert main(["import", "--postgres", tasker, "--task", TASKS["order_cancelled"], *call]) == 0
    assert main(["run", "x.scenario.yaml"]) == 0, capsys.readouterr().err
    assert "cancelled after 1.064059 s" in capsys.readouterr().out


@pytest.mark.usefixtures("no_handlers")
def test_the_pages_commands_work(tasker, capsys):
    """Each command of docs/production.md does what the page says, with answers and addresses in their places."""
    answers = json.loads((RECORDED / "rest/order_gateway_error.json").read_text(encoding="utf-8"))
    parts = {"task": answers["task"], "steps": answers["workflow_steps"], "order-rest": answers}
    audits = {f"audit-{step}": found for step, found in answers["audit"].items()}
    for name, answer in {**parts, **audits}.items():
        Path(f"{name}.json").write_text(json.dumps(answer), encoding="utf-8")
    shutil.copy(TEMPLATES["ecommerce_order_processing"], "order_processing.yaml")
    shutil.copy(HANDLERS, "handlers.py")
    lines = [
        line
        for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    assert sum("--postgres" in line for line in lines) == 1
    for line in lines:
        words = shlex.split(line.replace("audit-*.json", " ".join(f"{name}.json" for name in audits)))
        assert words[0] == "tasker-testkit"
        given = [tasker if word.startswith("postgresql://") else word for word in words[1:]]
        assert main(given) == 0, f"{line}: {capsys.readouterr().err}"
    assert load_history("order.json").state == "complete"


def test_an_empty_address_is_the_environments(tasker, monkeypatch):
    """With an empty address PostgreSQL's own variables say where the database is."""
    from psycopg.conninfo import conninfo_to_dict

    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE", "password": "PGPASSWORD"}
    given = conninfo_to_dict(tasker)
    for key in names.keys() & given.keys():
        monkeypatch.setenv(names[key], str(given[key]))
    assert imported("--postgres", "", "--task", ORDER).state == "complete"


def test_another_schema_is_found_by_the_search_path(server):
    """Tables in a schema of another name are found through the address's search path, whatever the name."""
    from psycopg.conninfo import make_conninfo

    with database_on(server) as address:
        with connected(address) as connection:
            fill(connection, 'Tasker "old"'.replace('"', '""'))
        path = make_conninfo(address, options='-csearch_path=\\"Tasker\\ \\"\\"old\\"\\"\\"')
        assert imported("--postgres", path, "--task", ORDER).state == "complete"


def view(connection, table, **columns):
    """Put a view in a table's place, with other values in some columns."""
    kept = [column.split()[0] for column in TABLES[table]["columns"]]
    values = [f"{columns[name]} AS {name}" if name in columns else name for name in kept]
    connection.execute(f"ALTER TABLE {table} RENAME TO real_{table}")
    connection.execute(f"CREATE VIEW {table} AS SELECT {', '.join(values)} FROM real_{table}")


def test_everything_is_read_in_one_transaction(changed):
    """The first table and the last one are read in the same transaction: read-only, of the same snapshot."""
    address, connection = changed
    began = "to_char(now(), 'SSSSUS')"
    seen = "current_setting('transaction_read_only'), current_setting('transaction_isolation')"
    view(connection, "tasks", context=f"jsonb_build_object('seen', jsonb_build_array({began}, {seen}))")
    view(connection, "named_steps", name=f"name || '@' || {began}")
    view(connection, "workflow_step_transitions", from_state=f"'@' || {began}")
    history = imported("--postgres", address, "--task", ORDER)
    (moment, *rest) = history.input["seen"]
    assert rest == ["on", "repeatable read"]
    assert {step.name.partition("@")[2] for step in history.steps} == {moment}
    assert {move.before for step in history.steps for move in step.transitions} == {f"@{moment}"}


def test_one_transaction_is_begun(tasker, monkeypatch):
    """On the wire there is one transaction, begun read-only, and nothing before or behind it."""
    import psycopg

    connect = psycopg.connect

    def traced(**given):
        connection = connect(**given)
        connection.pgconn.trace(trace.fileno())
        return connection

    monkeypatch.setattr(psycopg, "connect", traced)
    with Path("trace").open("w+b") as trace:
        assert imported("--postgres", tasker, "--task", ORDER).state == "complete"
        trace.seek(0)
        sent = [line.split(b"\t")[-1].strip() for line in trace if b"\tF\t" in line]
    assert sent[0] == b'"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"'
    assert sent[-2:] == [b'"COMMIT"', b"Terminate"]
    assert sum(b"BEGIN" in line or b"COMMIT" in line or b"ROLLBACK" in line for line in sent) == 2


def test_nothing_can_be_written(changed, capsys):
    """Even a view that writes when it is read can't: PostgreSQL refuses, and the table stays empty."""
    address, connection = changed
    connection.execute("CREATE TABLE written (at timestamp)")
    body = "INSERT INTO tasker.written VALUES (now()) RETURNING 'x'::text"
    connection.execute(f"CREATE FUNCTION tasker.writes() RETURNS text LANGUAGE sql VOLATILE AS $$ {body} $$")
    view(connection, "tasks_dlq", resolution_notes="tasker.writes()")
    view(connection, "tasks", reason="tasker.writes()")
    assert refused(capsys, "--postgres", address, "--task", ORDER, "--history", "x.json") == (
        "The task can't be read from PostgreSQL: cannot execute INSERT in a read-only transaction. "
        "Nothing was written.\n"
    )
    assert connection.execute("SELECT count(*) FROM written").fetchone() == (0,)


def test_a_connection_that_breaks_off(changed, capsys):
    """A server that goes away in the middle is one error."""
    address, connection = changed
    view(connection, "named_steps", name="name || pg_terminate_backend(pg_backend_pid())::text")
    error = refused(capsys, "--postgres", address, "--task", ORDER, "--history", "x.json")
    assert error == (
        "The task can't be read from PostgreSQL: terminating connection due to administrator command. "
        "Nothing was written.\n"
    )


def test_a_user_without_rights(server, changed, capsys):
    """A user who may not read Tasker's tables is told which rights are needed; those of the page alone will do."""
    from psycopg.conninfo import make_conninfo

    address, connection = changed
    role = f"tasker_testkit_{uuid.uuid4().hex}"
    server.execute(f"CREATE ROLE {role} LOGIN")
    try:
        call = ("--postgres", make_conninfo(address, user=role), "--task", ORDER)
        error = refused(capsys, *call, "--history", "x.json")
        assert error.startswith(
            "PostgreSQL refuses it: permission denied for schema tasker.\n"
            "  The user needs USAGE on Tasker's schema and SELECT on these tables:\n  tasks\n  named_tasks\n"
        )
        connection.execute(f"GRANT USAGE ON SCHEMA tasker TO {role}")
        assert "permission denied for table" in refused(capsys, *call, "--history", "x.json")
        (grants,) = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
        assert grants.count(" tasker.") == len(error.split(":\n")[1].split())
        connection.execute(grants.replace("reader", role))
        assert imported(*call).state == "complete"
    finally:
        connection.execute(f"DROP OWNED BY {role}")
        server.execute(f"DROP ROLE {role}")


def test_a_task_that_isnt_there(tasker, capsys):
    """An unknown UUID is refused, with the youngest tasks that are there."""
    stranger = "01a20190-472f-7685-8843-000000000000"
    said = refused(capsys, "--postgres", tasker, "--task", stranger, "--history", "x.json").splitlines()
    assert said[0].endswith(f" has no task {stranger}. The youngest that it has:")
    assert said[1] == f"  {TASKS['order_cancelled']}  ecommerce_order_processing  1.0.0  2026-11-22 04:42:42.349063"
    assert len(said) == 6


def test_what_is_no_uuid(capsys):
    """A text that is no UUID is refused before anybody is asked."""
    assert refused(capsys, "--postgres", "postgresql://127.0.0.1:1/x", "--task", "order-17") == (
        "--task 'order-17' isn't a UUID. Give that of the task, such as 01a2018f-9707-7507-9f25-14f8e029f8b9; "
        "Tasker answers it when a task is submitted.\n"
    )


def test_a_running_task_isnt_imported(changed, capsys):
    """A task that isn't at rest is refused with its state; a complete step whose results are gone is, too."""
    address, connection = changed
    connection.execute("DELETE FROM task_transitions WHERE to_state = 'complete'")
    error = refused(capsys, "--postgres", address, "--task", ORDER, "--history", "x.json")
    assert error.startswith(f"tasks[{ORDER}]: task {ORDER} is still running: its state is 'evaluating_results'.")
    down = TASKS["order_gateway_down"]
    connection.execute("UPDATE workflow_steps SET results = NULL")
    connection.execute("UPDATE workflow_step_transitions SET metadata = '{}'")
    error = refused(capsys, "--postgres", address, "--task", down, "--history", "x.json")
    assert "step 'validate_cart' is complete and has no result, neither there nor in its transitions." in error


def test_a_database_without_tasker(server, capsys):
    """A database that isn't Tasker's is refused, with the schemas that were looked into and what each lacks."""
    with database_on(server) as address, connected(address) as connection:
        connection.execute("CREATE TABLE tasks (id int)")
        error = refused(capsys, "--postgres", address, "--task", ORDER, "--history", "x.json").splitlines()
        assert error[0].endswith("has no schema with Tasker's tables. Those that were looked into:")
        assert error[1] == (
            "  public: without named_steps, named_tasks, task_namespaces, task_transitions, tasks_dlq, "
            "workflow_step_edges, workflow_step_transitions, workflow_steps"
        )
        assert error[2].endswith("add options=-csearch_path=SCHEMA to the address.")


def test_tables_of_another_version(changed, capsys):
    """A column that Tasker 0.1.8 has and this database hasn't is named."""
    address, connection = changed
    connection.execute("ALTER TABLE tasks DROP COLUMN context")
    assert refused(capsys, "--postgres", address, "--task", ORDER, "--history", "x.json") == (
        f"tasks[{ORDER}]: there is no 'context'. Only tables as Tasker 0.1.8 keeps them can be read.\n"
    )
    connection.execute("ALTER TABLE workflow_steps DROP COLUMN task_uuid")
    error = refused(capsys, "--postgres", address, "--task", ORDER, "--history", "x.json")
    assert error.startswith('The task can\'t be read from PostgreSQL: column "task_uuid" does not exist')


def test_a_database_that_isnt_there(server, capsys):
    """A port where nobody listens, an unknown database, an unknown user: no connection, and why."""
    from psycopg.conninfo import make_conninfo

    for part, said in (
        ({"host": "127.0.0.1", "port": 1}, "port 1 failed: Connection refused"),
        ({"dbname": "tasker_testkit_none"}, 'database "tasker_testkit_none" does not exist'),
        ({"user": "tasker_testkit_none", "password": "geheim"}, 'role "tasker_testkit_none" does not exist'),
    ):
        error = refused(capsys, "--postgres", make_conninfo(ADDRESS, **part), "--task", ORDER, "--history", "x.json")
        assert error.startswith("--postgres: no connection: connection to server at ")
        assert said in error
        assert error.endswith(ADVICE)
        assert "geheim" not in error


def test_a_wrong_password(capsys):
    """A password that the server refuses is said and not shown."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_refuse, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        address = f"postgresql://ada:geheim@127.0.0.1:{port}/tasker?sslmode=disable&gssencmode=disable"
        error = refused(capsys, "--postgres", address, "--task", ORDER, "--history", "x.json")
        thread.join()
    assert 'failed: FATAL:  password authentication failed for user "ada".\n' in error
    assert "geheim" not in error


def _refuse(listener):
    """Answer one client as a server does that doesn't take its password."""
    client, _ = listener.accept()
    with client:
        client.recv(1000)
        fields = b'SFATAL\0C28P01\0Mpassword authentication failed for user "ada"\0\0'
        client.sendall(b"E" + struct.pack("!I", len(fields) + 4) + fields)


@pytest.mark.parametrize(
    "address",
    [
        "tasker",
        "postgres:/u:geheim@host/x",
        "postgresql://u:geheim@geheim@127.0.0.1/x",
        "postgresql://u:geheim/geheim@127.0.0.1/x",
        "postgresql://u:ge%heim@127.0.0.1/x",
        "host=127.0.0.1 password='geheim",
        "port=geheim",
    ],
)
def test_what_is_no_address(address, capsys):
    """A text that is no address, or one with an unescaped password, is refused without showing it."""
    assert refused(capsys, "--postgres", address, "--task", ORDER) == (
        "--postgres: that is no address of a database. Write postgresql://USER@HOST:PORT/DATABASE, or host=HOST "
        "port=PORT dbname=DATABASE user=USER. In the first form, @ / and % in a password are written %40 %2F and %25.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Where is the task? Give --rest-json FILE..., or --postgres DSN --task UUID.\n"),
        (
            ("--postgres", "x", "--rest-json", "x", "--task", ORDER),
            "--rest-json and --postgres are two sources of a task. Give one of them.\n",
        ),
        (("--postgres", "x"), "--postgres needs --task UUID: a database holds many tasks.\n"),
        (
            ("--rest-json", "x", "--task", ORDER),
            "--task goes with --postgres. Files of --rest-json are about one task anyway.\n",
        ),
        (("--task", ORDER), "Where is the task? Give --rest-json FILE..., or --postgres DSN --task UUID.\n"),
    ],
)
def test_one_source_is_given(arguments, said, capsys):
    """No source, two, or a task without its database: one sentence on what to give."""
    assert refused(capsys, *arguments) == said


def test_without_psycopg(monkeypatch, capsys):
    """Where psycopg isn't installed, the extra is named."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = refused(capsys, "--postgres", "postgresql://127.0.0.1/x", "--task", ORDER)
    assert error.startswith("--postgres needs psycopg 3, which can't be imported (")
    assert error.endswith("Install it: pip install 'tasker_testkit[postgres]'\n")


def test_psycopg_is_imported_for_databases_alone():
    """An import from REST doesn't import psycopg."""
    code = (
        "import sys; from tasker_testkit.cli import main; "
        "main(['import', '--rest-json', sys.argv[1], '--history', 'x.json']); sys.exit('psycopg' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, REST[0]], check=True, timeout=120)


def test_a_reader_in_python(tasker):
    """``read_postgres`` gives the task as values."""
    task = read_postgres(tasker, ORDER)
    assert (task.uuid, task.state, len(task.steps)) == (ORDER, "complete", 5)
    assert task.moves[-1].at - task.created_at == timedelta(microseconds=664464)


@pytest.mark.parametrize(("required", "outcome"), [("", "1 skipped"), ("1", "1 error")])
def test_no_server_is_a_skip_here_and_a_failure_where_it_must_answer(required, outcome):
    """Without a server these tests are skipped and say where none answered; with the variable of .ci/run they fail."""
    nowhere = "postgresql://postgres@127.0.0.1:1/postgres"
    environment = {**os.environ, "TASKER_TESTKIT_POSTGRES": nowhere, REQUIRED: required}
    call = [sys.executable, "-m", "pytest", "-rs", "-q", "-p", "no:cacheprovider", "-n0", "-k", "in_python", __file__]
    ran = subprocess.run(call, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert outcome in ran.stdout.splitlines()[-1], ran.stdout
    assert f"no PostgreSQL answers at {nowhere} (TASKER_TESTKIT_POSTGRES): " in ran.stdout
    assert f"export {REQUIRED}=1\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
