"""Syncing when something is wrong: with the server, the way to it, the key, or one record. What was not accepted
stays, and a later run finishes it."""
import ctypes
import shutil
import socket
import subprocess

import harness
import pytest
import scenario
from harness import ENTITY

UNAUTHORIZED, FORBIDDEN, NETWORK, SERVER, INCOMPLETE = 13, 14, 15, 16, 17


@pytest.fixture
def offline_dir(session, tmp_path):
    """A copy of the session's directory."""
    shutil.copytree(session("c")[0], tmp_path / "offline")
    return tmp_path / "offline"


def pending(offline_dir):
    return sorted(path.name for path in offline_dir.glob("*/*/*/*.jsonl.gz") if ".synced." not in path.name)


def finish(sync, offline_dir, server):
    """Sync until nothing is pending, as somebody with patience would; the run after that must succeed."""
    for _ in range(10):
        sync(offline_dir, server, status={0, NETWORK, SERVER, INCOMPLETE})
        if not pending(offline_dir):
            break
    sync(offline_dir, server)


def test_without_a_server_nothing_changes_and_a_later_run_finishes(sync, offline_dir, server, official):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        before, server = pending(offline_dir), server()
        sync(offline_dir, server, status=NETWORK, WANDB_BASE_URL=address, WF_TRACE_SERVER_URL=address)
    assert pending(offline_dir) == before
    sync(offline_dir, server)
    scenario.same(scenario.seen(official("0.54.0").read_back(server, "agent-c")), scenario.EXPECTED)


def test_a_wrong_key_is_named_and_changes_nothing(sync, offline_dir, shared_server):
    before = pending(offline_dir)
    sync(offline_dir, shared_server(), status=UNAUTHORIZED, WANDB_API_KEY="x" * 40)
    assert pending(offline_dir) == before


def test_a_project_without_access_is_named_and_changes_nothing(sync, offline_dir, shared_server):
    before = pending(offline_dir)
    sync(offline_dir, shared_server(), status=FORBIDDEN, destination="forbidden/agent-c")
    assert pending(offline_dir) == before


@pytest.mark.parametrize("faults", [
    ("--fail-first", 3, "--fail-status", "503"), ("--fail-first", 2, "--fail-status", "429", "--retry-after", 1),
    ("--fail-first", 4, "--fail-status", "500,502", "--fail-after"), ("--drop-rate", 0.3, "--seed", 2)],
    ids=["errors", "rate limit", "errors after the fact", "cut connections"])
def test_a_troubled_server_has_everything_once_in_the_end(sync, offline_dir, server, official, faults):
    server = server(*faults)
    finish(sync, offline_dir, server)
    assert pending(offline_dir) == []
    server.restart()
    scenario.same(scenario.seen(official("0.54.0").read_back(server, "agent-c")), scenario.EXPECTED)


def test_requests_shrink_to_what_the_server_takes(sync, offline_dir, server, official):
    server = server("--max-bytes", 2500)
    sync(offline_dir, server)
    scenario.same(scenario.seen(official("0.54.0").read_back(server, "agent-c")), scenario.EXPECTED)


def test_a_rejected_call_is_counted_and_holds_up_no_other(sync, offline_dir, server, official):
    server = server("--reject-marker", scenario.CALLS["agent/track_parcel"]["inputs"]["parcel"])
    (counts,) = sync(offline_dir, server, status=INCOMPLETE).values()
    assert counts["calls"] == [len(scenario.CALLS) - 1, 1]
    read = official("0.54.0").read_back(server, "agent-c")
    assert set(scenario.paths(read["calls"]).values()) == {*scenario.CALLS} - {"agent/track_parcel"}


def test_two_programs_share_a_directory(sync, session, shared_server, official, project, tmp_path):
    commands = [harness.agent("c", tmp_path), harness.agent("go", tmp_path)]
    environment = harness.client_environment(tmp_path)
    running = [subprocess.Popen([*map(str, command), tmp_path / "offline", project], env=environment,
                                stdout=subprocess.DEVNULL) for command in commands]
    assert [process.wait(120) for process in running] == [0, 0]
    server = shared_server()
    (counts,) = sync(tmp_path / "offline", server).values()
    assert counts["calls"] == [2 * len(scenario.CALLS), 0]
    read = official("0.54.0").read_back(server, project)
    assert len({call["id"] for call in read["calls"]}) == 2 * len(scenario.CALLS)


def test_cleaning_deletes_what_was_synced_long_enough_ago(library, sync, offline_dir, shared_server, project):
    clean, deleted = ctypes.CDLL(str(library)).weave_clean_synced_files, ctypes.c_uint64()
    clean.argtypes = [ctypes.c_char_p, ctypes.c_double, ctypes.POINTER(ctypes.c_uint64)]
    assert (clean(bytes(offline_dir), 0, deleted), deleted.value) == (0, 0)  # nothing is synced yet
    sync(offline_dir, shared_server(), destination=f"{ENTITY}/{project}")
    synced = list(offline_dir.glob("*/*/*/*.synced.jsonl.gz"))
    assert (clean(bytes(offline_dir), 7, deleted), deleted.value) == (0, 0)
    assert (clean(bytes(offline_dir), 0, deleted), deleted.value) == (0, len(synced))
    assert list(offline_dir.glob("*/*/*/*.jsonl.gz")) == []
