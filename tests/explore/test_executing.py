"""Who examines the plans makes no difference: threads, processes, a cluster, or workers that die."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from tasker_testkit import Simulation, TaskerTestkitError, explore
from tasker_testkit.explore.space import title
from tasker_testkit.locating import located_object
from tasker_testkit.search.executing import PROCESS_SURVIVES, examined, processes

TEMPLATE = """\
name: orders
namespace_name: shop
version: 1.0.0
steps:
  - name: pay
    handler: {callable: pay}
    retry: {max_attempts: 3, backoff: exponential, backoff_base_ms: 100}
  - name: ship
    handler: {callable: ship}
    dependencies: [pay]
    retry: {max_attempts: 2, backoff: exponential, backoff_base_ms: 100}
"""

HANDLERS = """\
import os, pathlib, time

from tasker_core import StepHandler, StepHandlerResult

MAIN, ONCE = int(os.environ["MAIN_PID"]), pathlib.Path(os.environ["ONCE"])


class Pay(StepHandler):
    handler_name = "pay"

    def call(self, context):
        time.sleep(1)
        return StepHandlerResult.success({"paid": 5})


class Ship(StepHandler):
    handler_name = "ship"

    def call(self, context):
        return StepHandlerResult.success({"shipped": context.get_dependency_result("pay")["paid"]})


class Deadly(Pay):
    '''Takes its process with it in a third attempt.'''

    def call(self, context):
        if context.retry_count == 2 and os.getpid() != MAIN:
            os._exit(3)
        return super().call(context)


def die_once():
    '''The first worker that starts a run is killed.'''
    if os.getpid() != MAIN and not ONCE.exists():
        ONCE.touch()
        os._exit(3)


def complete(run):
    assert run.state == "complete", f"it ended {run.state}"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A simulation of files that only their paths name, and its check: ``shop(**settings) -> (simulation, check)``."""
    monkeypatch.setenv("MAIN_PID", str(os.getpid()))
    monkeypatch.setenv("ONCE", str(tmp_path / "once"))
    (tmp_path / "orders.yaml").write_text(TEMPLATE)
    handlers = tmp_path / "shop_handlers.py"
    handlers.write_text(HANDLERS)

    def shop(setup=None, **settings):
        simulation = Simulation(tmp_path / "orders.yaml", handlers=handlers, **settings)
        simulation.setup = setup and located_object(f"{handlers}:{setup}", (), "setup")
        return simulation, located_object(f"{handlers}:complete", (), "check")

    return shop


def told(exploration):
    """All that an exploration says."""
    return exploration.to_data(), str(exploration)


def test_executors_find_the_same(shop):
    """Threads and processes, whatever their number, see what this process sees, to the byte."""
    simulation, check = shop()
    here = told(explore(simulation, depth=2, kinds="fail,crash", check=check))
    for executor in (ThreadPoolExecutor(3), processes(1), processes(2)):
        with executor:
            assert told(explore(simulation, depth=2, kinds="fail,crash", check=check, executor=executor)) == here


def test_a_worker_that_is_killed_loses_nothing(shop):
    """What was with a worker that died, and what the broken pool refuses after that, is examined all the same."""
    simulation, check = shop()
    here = explore(simulation, depth=2, kinds="fail", check=check)
    mortal, check = shop(setup="die_once")
    with processes(2) as executor:
        found = explore(mortal, depth=2, kinds="fail", check=check, executor=executor)
        assert found.to_data() == here.to_data()
        with pytest.raises(BrokenProcessPool):
            executor.submit(int).result()


def test_a_second_ctrl_c_doesnt_hurry_the_processes_end(monkeypatch: pytest.MonkeyPatch):
    """While the processes end a Ctrl-C is ignored; before and after it means what it meant."""
    end = ProcessPoolExecutor.shutdown

    def impatiently(self, *args, **options):
        signal.raise_signal(signal.SIGINT)
        end(self, *args, **options)

    monkeypatch.setattr(ProcessPoolExecutor, "shutdown", impatiently)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        with processes(1) as executor:
            assert executor.submit(os.getpid).result() != os.getpid()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_plan_that_kills_its_process_is_a_failure(shop):
    """A handler that takes the process with it is found, and named; all other plans are examined."""
    simulation, _ = shop()
    handler = located_object(f"{simulation.template.source}".replace("orders.yaml", "shop_handlers.py:Deadly"), (), "")
    deadly = Simulation(simulation.template, handlers={"pay": handler}, stubs={"ship": {}})
    with processes(2) as executor:
        exploration = explore(deadly, depth=2, kinds="fail_retryable", executor=executor)
    failures = [(failure.invariant, title(tuple(failure.plan))) for failure in exploration.failures]
    assert failures == [(PROCESS_SURVIVES, "pay-1-fail_retryable+pay-2-fail_retryable")]
    assert exploration.coverage.exhaustive


class Refusing(Executor):
    """A cluster that takes work and then fails in its own way."""

    def submit(self, function, /, *arguments, **keywords):
        """A future that fails."""
        assert function is examined
        future = Future()
        future.set_exception(OSError("the cluster is gone"))
        return future


def test_an_executor_that_fails_in_its_own_way_loses_nothing(shop):
    """Whatever a cluster raises, its work is done here."""
    simulation, check = shop()
    here = told(explore(simulation, kinds="fail", check=check))
    assert told(explore(simulation, kinds="fail", check=check, executor=Refusing())) == here


def test_what_cant_travel_is_said(shop):
    """A check that another process can't find is refused before anything is sent."""
    simulation, _ = shop()
    with ThreadPoolExecutor() as executor, pytest.raises(TaskerTestkitError) as refused:
        explore(simulation, check=lambda run: True, executor=executor)
    assert "can't be sent to the executor's workers" in str(refused.value)
    assert "functions of a module instead of lambdas and inner functions" in str(refused.value)


def test_a_check_that_answers_nonsense_is_said_by_workers_too(shop):
    """An error of the caller's own crosses from the worker as it is."""
    simulation, _ = shop()
    with ThreadPoolExecutor() as executor, pytest.raises(TaskerTestkitError, match="'id' returned"):
        explore(simulation, check=id, executor=executor)


def test_a_cluster_of_dask_finds_the_same(shop):
    """A real cluster of two processes: the same findings, and its own clocks aren't disturbed by frozen time."""
    distributed = pytest.importorskip("distributed", reason="Dask is an extra: pip install tasker-testkit[dask]")
    simulation, check = shop()
    here = told(explore(simulation, depth=2, kinds="fail,crash", check=check))
    quiet = {"dashboard_address": ":0", "processes": True, "threads_per_worker": 1}
    with distributed.LocalCluster(n_workers=2, **quiet) as cluster, distributed.Client(cluster) as client:
        executor = client.get_executor()
        assert told(explore(simulation, depth=2, kinds="fail,crash", check=check, executor=executor)) == here


def test_a_ctrl_c_while_a_worker_starts_is_heard_when_it_has_started(monkeypatch):
    """Whichever thread takes it: a start is never left halfway, and the Ctrl-C isn't lost."""
    begun = []

    def elsewhere():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.raise_signal(signal.SIGINT)

    def submit(self, work):
        other = threading.Thread(target=elsewhere)
        other.start()
        other.join()
        begun.append(work)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", submit)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        with processes(1) as pool, pytest.raises(KeyboardInterrupt):
            pool.submit(print)
        assert (begun, signal.getsignal(signal.SIGINT)) == ([print], signal.default_int_handler)
    finally:
        signal.signal(signal.SIGINT, before)
