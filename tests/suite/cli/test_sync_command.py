"""`weave sync`: sending what waits, to the real local server."""
import json
import os
import re
import signal
import subprocess
import time

import harness
import pytest
from .session import AGENT, log

ENTITY = harness.ENTITY


@pytest.fixture
def logged(offline_dir, project):
    """An agent's session of three calls; the recorded project."""
    log(offline_dir, AGENT, project=f"{ENTITY}/{project}")
    return f"{ENTITY}/{project}"


def test_everything_is_sent_and_told(weave, logged, shared_server):
    assert weave("sync", server=shared_server()).stdout == f"{logged}: 3 calls\n"
    assert weave("sync", server=shared_server()).stdout == "Nothing waits.\n"


def test_programs_are_told_the_results(weave, logged, shared_server):
    told = json.loads(weave("sync", "--json", server=shared_server()).stdout)
    assert told["results"][logged]["calls"] == [3, 0] and told["error"] is None


def test_a_dry_run_tells_what_would_be_sent_and_sends_nothing(weave, logged, shared_server):
    for _ in range(2):
        planned = json.loads(weave("sync", "--dry-run", "--json").stdout)[logged]
        assert planned["counts"]["calls"]["records"] == 3 and planned["to"]["entity"] == ENTITY
    assert json.loads(weave("sync", "--json", server=shared_server()).stdout)["results"][logged]["calls"] == [3, 0]


def test_a_project_goes_where_it_is_sent(weave, offline_dir, shared_server, project):
    log(offline_dir, AGENT, project="first-project")
    sent = weave("sync", "first-project", "--to", f"{ENTITY}/{project}", "--yes", server=shared_server())
    assert sent.stdout == "offline/first-project: 3 calls\n"


def test_projects_go_where_a_file_says(weave, offline_dir, shared_server, project, tmp_path):
    for name in ("one", "two"):
        log(offline_dir, AGENT, project=name)
    (tmp_path / "map").write_text(f"# recorded and where it goes\none={ENTITY}/{project}-1\n\ntwo = {ENTITY}/{project}-2\n")
    planned = json.loads(weave("sync", "--map", tmp_path / "map", "--dry-run", "--json").stdout)
    assert {name: of["to"]["project"] for name, of in planned.items()} == {
        "offline/one": f"{project}-1", "offline/two": f"{project}-2"}
    weave("sync", "--map", tmp_path / "map", server=shared_server())


def test_only_the_projects_that_are_named_are_sent(weave, offline_dir, shared_server, project):
    for number in range(3):
        log(offline_dir, AGENT, project=f"{ENTITY}/{project}-{number}")
    sent = weave("sync", f"{project}-0", f"{ENTITY}/{project}-2", server=shared_server()).stdout
    assert sent == "".join(f"{ENTITY}/{project}-{number}: 3 calls\n" for number in (0, 2))


def test_a_server_that_cannot_be_reached_leaves_all_as_it_is(weave, logged):
    failed = weave("sync", status=2, WANDB_BASE_URL="http://127.0.0.1:9", WANDB_API_KEY=harness.KEY,
                   WEAVE_RETRY_MAX_ATTEMPTS="1")
    assert failed.stdout == f"{logged}: 3 calls left\n" and "The records are kept" in failed.stderr
    assert json.loads(weave("sync", "-n", "--json").stdout)[logged]["counts"]["calls"]["records"] == 3


def test_no_key_and_a_wrong_one_are_refusals(weave, logged, server):
    assert "no API key" in weave("sync", status=3, WANDB_BASE_URL="http://127.0.0.1:9").stderr


def test_a_line_of_a_map_that_is_none_is_named(weave, logged, tmp_path):
    (tmp_path / "map").write_text("a=b\nnonsense\n")
    assert "map, line 2" in weave("sync", "--map", tmp_path / "map", status=2).stderr


def test_watching_sends_what_comes_and_ends_clean(command, logged, offline_dir, tmp_path, shared_server):
    environment = {**harness.client_environment(tmp_path, shared_server()), "WEAVE_OFFLINE_DIR": str(offline_dir)}
    watching = subprocess.Popen([command, "sync", "--watch"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert watching.stdout.readline() == f"{logged}: 3 calls\n"
        log(offline_dir, AGENT, project=logged)
        assert watching.stdout.readline() == f"{logged}: 3 calls\n"
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 0
    finally:
        watching.kill()
        watching.wait()


def test_ctrl_c_stops_it_and_says_what_is_left(command, offline_dir, tmp_path, server, project):
    log(offline_dir, "for n in range(2000): client.log_call('f', {'n': n})\nclient.finish()", project=f"{ENTITY}/{project}")
    slow = server()
    environment = {**harness.client_environment(tmp_path, slow), "WEAVE_OFFLINE_DIR": str(offline_dir)}
    sending = subprocess.Popen([command, "sync", "--limit-rate", "20kB"], env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not (offline_dir / ENTITY / project / ".sync" / "progress.jsonl").exists():
        assert time.monotonic() < deadline and sending.poll() is None
        time.sleep(0.05)
    os.kill(sending.pid, signal.SIGINT)
    out, err = sending.communicate(timeout=60)
    assert sending.returncode == 1 and "stopped on request; what was not sent is kept" in err
    left, = re.findall(rf"^{ENTITY}/{project}: (.*) calls left$", out, re.MULTILINE)
    # What the server took as the answer was lost is left too: it is asked for by the next sync.
    assert 0 < 2000 - len(slow.calls(f"{ENTITY}/{project}")) <= int(left.replace("\u202f", "")) <= 2000
