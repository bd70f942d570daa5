"""Programs whose sessions are not offline: several on a directory, killed ones, forks, and ends without weave_finish.
What was logged reaches the server by itself, and a server that never answers keeps nobody."""
import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest

import harness


@pytest.fixture
def online(built, tmp_path):
    """online(url, way, project) starts the program on the test's directory; its standard input keeps it."""
    started = []

    def start(url, way, project="team/online", **more):
        environment = {**harness.client_environment(tmp_path), "WANDB_BASE_URL": url, "WF_TRACE_SERVER_URL": url,
                       "WANDB_API_KEY": harness.KEY, "WEAVE_OFFLINE_DIR": str(tmp_path / "offline"),
                       "WEAVE_SEND_INTERVAL": "0.2", **more}
        started.append(subprocess.Popen([built("online"), way, project], env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


@pytest.fixture
def mute():
    """The address of a server that accepts every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def calls(server, project="team/online"):
    """How many calls of a project are on the server; 0 while it is not there."""
    with contextlib.suppress(AssertionError):
        return server.post("/calls/query_stats", {"project_id": project})["count"]
    return 0


def arrive(server, count, project="team/online"):
    """Wait until so many calls are there."""
    end = time.monotonic() + 60
    while (found := calls(server, project)) != count:
        assert time.monotonic() < end and found < count, f"{found} in place of {count} calls"
        time.sleep(0.05)


def ended(process, status=0, limit=60):
    """The lines that a program told, when it has ended in time."""
    told, _ = process.communicate(timeout=limit)
    assert process.returncode == status
    return told.splitlines()


def test_two_processes_on_a_directory_are_both_sent_by_themselves(server, online):
    one = server()
    processes = [online(one.url, "stay"), online(one.url, "stay"), online(one.url, "stay", "team/other")]
    arrive(one, 40)
    arrive(one, 20, "team/other")
    for process in processes:
        assert len(ended(process)) == 20


def test_what_a_killed_process_left_is_sent_by_the_next(server, online, mute):
    one = server()
    assert len(ended(online(mute, "kill"), status=-signal.SIGKILL)) == 20
    process = online(one.url, "stay")
    arrive(one, 40)
    ended(process)


def test_the_child_of_a_fork_sends_by_itself_what_it_logs(server, online):
    one = server()
    process = online(one.url, "fork")
    arrive(one, 25)
    assert len(ended(process)) == 25


def test_forks_while_the_sender_works_neither_hang_nor_lose_anything(server, online):
    one = server()
    lines = ended(online(one.url, "storm"), limit=300)
    assert len(lines) == 20 + 2 * 40
    arrive(one, len(lines))


@pytest.mark.parametrize("way", ["exit", "free"])
def test_a_program_ends_without_finishing_although_the_server_never_answers(server, online, mute, way):
    process = online(mute, way)
    assert len(ended(process, limit=20)) == 20
    one = server()
    following = online(one.url, "stay")
    arrive(one, 40)
    ended(following)


def test_a_program_begins_and_ends_although_no_name_is_ever_found(online, tmp_path):
    shim = harness.compiled(harness.SUITE / "programs" / "mute_names.c", tmp_path / "mute.so", "-shared", "-fPIC")
    process = online("http://weave.example", "exit", LD_PRELOAD=str(shim))
    assert len(ended(process, limit=20)) == 20


def test_a_session_costs_one_thread_more_than_one_that_is_offline(server, online):
    one = server()
    process = online(one.url, "stay")
    arrive(one, 20)
    names = sorted(open(f"/proc/{process.pid}/task/{task}/comm", encoding="utf-8").read().strip()
                   for task in os.listdir(f"/proc/{process.pid}/task"))
    assert names == sorted(["online", "weave-packer", "weave-sender"])
    ended(process)
