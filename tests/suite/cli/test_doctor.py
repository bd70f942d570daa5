"""`weave doctor` tells of everything that logging and syncing stand on, and what to do; it never tells the key."""
import json
import time

import pytest

import harness
from cli.caring import log, masked


@pytest.fixture
def offline(tmp_path):
    return log(tmp_path / "offline")


def told(done):
    """What was told, by name: state, text and advice."""
    return {check["name"]: (check["state"], check["text"], check["advice"]) for check in json.loads(done.stdout)["checks"]}


def test_all_is_well(weave_command, offline, shared_server):
    done = weave_command("-d", offline, "doctor", server=shared_server())
    assert (done.returncode, masked(done.stdout).replace(str(offline), "DIR"), done.stderr) == (0, (
        "ok      version       libweave 0.1.0, storage format 1\n"
        "ok      directory     DIR (-d)\n"
        "ok      modes         0700, owner 0\n"
        "ok      access        it can be read and written\n"
        "ok      space         SIZE free on its disk\n"
        "ok      quota         none; WEAVE_MAX_DIRECTORY_SIZE sets one\n"
        "ok      programs      0 log to it, 0 ended without a flush\n"
        "ok      server        SERVER (WANDB_BASE_URL)\n"
        "ok      trace server  SERVER (WF_TRACE_SERVER_URL)\n"
        "ok      proxy         none\n"
        "ok      key           set (WANDB_API_KEY, 40 characters)\n"
        "ok      certificates  not needed for http\n"
        "ok      connection    the trace server 0.0.0 answered in SPAN\n"
        "ok      clock         as the server's\n"
        "ok      account       test-entity; projects without an entity go to test-entity\n").replace(
            "owner 0", f"owner {offline.stat().st_uid}"), "")


def test_the_key_is_never_shown(weave_command, offline, shared_server):
    key = "0123456789abcdef" * 3
    for options in ([], ["--json"]):
        done = weave_command("-d", offline, "doctor", *options, server=shared_server(), WANDB_API_KEY=key)
        assert key not in done.stdout + done.stderr


def test_a_key_that_the_server_refuses_ends_with_3(weave_command, offline, shared_server):
    done = weave_command("-d", offline, "doctor", "--json", server=shared_server(), WANDB_API_KEY="x" * 40)
    assert (done.returncode, json.loads(done.stdout)["worst"]) == (3, "refused")
    assert told(done)["account"][0] == "refused"


def test_without_a_key_the_server_is_asked_all_the_same(weave_command, offline, shared_server):
    server = shared_server()
    done = weave_command("-d", offline, "doctor", "--json", server=server, WANDB_API_KEY="")
    checks = told(done)
    assert done.returncode == 2
    assert checks["key"][0] == "failed" and "~/.netrc" in checks["key"][1]
    assert checks["connection"][0] == "ok" and "account" not in checks


def test_without_a_network_it_ends_soon_and_says_what_to_see(weave_command, offline):
    with harness.MuteServer() as mute:
        began = time.monotonic()
        done = weave_command("-d", offline, "doctor", "--json", "--timeout", "1s", WANDB_BASE_URL=mute.url,
                             WF_TRACE_SERVER_URL=mute.url, WANDB_API_KEY=harness.KEY)
    assert time.monotonic() - began < 5
    assert (done.returncode, told(done)["connection"][0]) == (2, "failed")
    assert "the network" in told(done)["connection"][2]


def test_a_clock_that_is_off_is_told(weave_command, offline, shared_server, tmp_path):
    shim = harness.compiled(harness.SUITE / "programs" / "clock_shim.c", tmp_path / "clock.so", "-shared", "-fPIC", "-ldl")
    (tmp_path / "offset").write_text(str(-3 * 86400))
    done = weave_command("-d", offline, "doctor", "--json", server=shared_server(), LD_PRELOAD=str(shim),
                         CLOCK_OFFSET=str(tmp_path / "offset"))
    state, text, advice = told(done)["clock"]
    assert (done.returncode, state) == (1, "warning")
    assert "behind the server's" in text and advice.startswith("set it")


def test_a_directory_that_everybody_can_read_is_a_warning(weave_command, offline, shared_server):
    offline.chmod(0o755)
    done = weave_command("-d", offline, "doctor", server=shared_server())
    assert done.returncode == 1
    assert (f"everybody can get at what is logged\n{'':22}→ chmod o= {offline}\n") in done.stdout


def test_a_directory_that_is_not_there_yet_is_a_warning(weave_command, tmp_path, shared_server):
    done = weave_command("doctor", "--json", server=shared_server(), WEAVE_OFFLINE_DIR=str(tmp_path / "nowhere"))
    state, text, _ = told(done)["directory"]
    assert (done.returncode, state) == (1, "warning")
    assert "(WEAVE_OFFLINE_DIR)" in text and not (tmp_path / "nowhere").exists()


def test_what_is_set_wrongly_is_named(weave_command, offline):
    done = weave_command("-d", offline, "doctor", "--json", WANDB_BASE_URL="wandb.example.com")
    assert done.returncode == 2
    assert "WANDB_BASE_URL" in told(done)["server"][1]
    done = weave_command("-d", offline, "doctor", "--json", WEAVE_HTTP_TIMEOUT="soon", WANDB_API_KEY="k")
    assert "WEAVE_HTTP_TIMEOUT" in told(done)["connection"][1]


def test_the_login_of_a_proxy_is_not_shown(weave_command, offline, shared_server):
    done = weave_command("-d", offline, "doctor", server=shared_server(), http_proxy="http://me:hunter2@127.0.0.1:9")
    assert "127.0.0.1:9 (http_proxy, with a login)" in done.stdout and "hunter2" not in done.stdout + done.stderr
    assert done.returncode == 2
