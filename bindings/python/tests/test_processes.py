"""Calls made in other processes: children of a fork, and programs that are started."""
import multiprocessing
import os

import libweave as weave
import pytest
from conftest import HERE, Recorded


@weave.op
def leaf():
    return os.getpid()


def worker():
    leaf()
    weave.flush()


def worker_of_its_own(directory, context):
    with weave.init("team/project", offline=True, offline_dir=directory) as client:
        client.log_call("leaf", parent_context=context)


def run_in(method, target, *arguments):
    process = multiprocessing.get_context(method).Process(target=target, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == 0


def forked(work):
    """Does work in a child, which ends at once like one that is killed."""
    child = os.fork()
    if not child:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_a_child_of_a_fork_logs_on_below_the_call_of_its_parent(recorded):
    @weave.op
    def outer():
        run_in("fork", worker)

    outer()
    calls = recorded.calls()
    assert calls["leaf"]["output"] != os.getpid()
    assert calls["leaf"]["parent_id"] == calls["outer"]["id"]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_process_that_is_started_opens_a_session_below_a_context(recorded, monkeypatch, method):
    monkeypatch.setenv("PYTHONPATH", f"{HERE.parent}{os.pathsep}{HERE}")
    call = weave.get_client().create_call("outer")
    run_in(method, worker_of_its_own, recorded.directory, call.context)
    call.finish()
    calls = recorded.calls()
    assert calls["leaf"]["parent_id"] == calls["outer"]["id"]


def test_a_live_call_goes_on_in_the_process_that_began_it(recorded):
    with weave.get_client().create_call("outer") as call:
        forked(worker)
        call.output = "ended by the parent"
    calls = recorded.calls()
    assert calls["outer"]["output"] == "ended by the parent"
    assert calls["leaf"]["parent_id"] == calls["outer"]["id"]


def test_a_child_may_end_the_call_that_its_parent_began(recorded):
    call = weave.get_client().create_call("outer")
    forked(lambda: (call.finish("ended by the child"), weave.flush()))
    recorded.calls()
    (end,) = [line["data"]["end"] for line in recorded.lines("calls") if line["type"] == "call_end"]
    assert (end["id"], end["output"]) == (call.id, "ended by the child")


def test_what_a_child_logged_is_there_although_it_ended_at_once(tmp_path):
    with weave.init("team/project", offline=True, offline_dir=tmp_path):
        weave.log_call("before")
        forked(lambda: [weave.log_call("child") for _ in range(100)])
        weave.log_call("after")
    weave.init("team/project", offline=True, offline_dir=tmp_path)  # finds what the child has left
    weave.finish()
    assert sorted(line["data"]["op_name"] for line in Recorded(tmp_path).lines("calls")) == [
        "after", "before", *["child"] * 100]


def test_a_child_may_be_forked_while_threads_log(recorded):
    with weave.ThreadPoolExecutor(4) as pool:
        logging = [pool.submit(lambda: [weave.log_call("thread") for _ in range(200)]) for _ in range(4)]
        for _ in range(5):
            forked(lambda: weave.log_call("child"))
        assert [len(one.result()) for one in logging] == [200] * 4
