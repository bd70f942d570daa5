"""`weave verify` asks the server for everything that it was sent, names what is missing, and puts it back."""
import json
import sqlite3

import pytest

from cli.caring import log, masked


@pytest.fixture
def sent(tmp_path, weave_command, server):
    """(directory, server) with everything sent."""
    directory, server = log(tmp_path / "offline"), server()
    done = weave_command("-d", directory, "sync", "--to", "test-entity/verified", "-y", server=server)
    assert done.returncode == 0, done.stderr
    return directory, server


def lose_calls(server):
    """The server forgets its calls."""
    server.stop()
    with sqlite3.connect(server.directory / "server.db") as database:
        database.execute("DELETE FROM calls")
    server.restart()


def test_all_of_it_is_there(weave_command, sent):
    directory, server = sent
    done = weave_command("-d", directory, "verify", server=server)
    assert (done.returncode, done.stdout, done.stderr) == (0, "team/demo: 5 of 5 are on the server\n", "")


def test_what_is_missing_is_named(weave_command, sent):
    directory, server = sent
    lose_calls(server)
    done = weave_command("-d", directory, "verify", server=server)
    assert (done.returncode, masked(done.stdout), done.stderr) == (1, (
        "team/demo: 2 of 5 are on the server\n"
        "  3 calls are missing:\n" + "    UUID of calls/DAY_0000.jsonl.gz\n" * 3 +
        "weave verify --put-back puts back what its files still hold; weave sync then sends it.\n"), "")


def test_what_is_missing_is_put_back_and_sent(weave_command, sent):
    directory, server = sent
    lose_calls(server)
    done = weave_command("-d", directory, "verify", "--put-back", server=server)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "3 records were put back. weave sync sends them.")
    assert weave_command("-d", directory, "sync", "--to", "test-entity/verified", "-y", server=server).returncode == 0
    assert weave_command("-d", directory, "verify", server=server).returncode == 0


def test_a_program_reads_what_is_missing(weave_command, sent):
    directory, server = sent
    lose_calls(server)
    told = json.loads(weave_command("-d", directory, "verify", "--json", server=server).stdout)
    assert told["results"]["team/demo"]["calls"] == [0, 3]
    assert {(of["kind"], of["deleted"]) for of in told["missing"]} == {("calls", False)}
    assert told["stopped"] is None


def test_nothing_that_was_sent_is_no_silent_success(weave_command, tmp_path):
    done = weave_command("-d", log(tmp_path / "offline"), "verify")
    assert (done.returncode, done.stdout) == (0, "Nothing was sent yet: there is no receipt.\n")


def test_without_a_server_nothing_could_be_tried(weave_command, sent):
    directory, server = sent
    server.stop()
    done = weave_command("-d", directory, "verify", server=server)
    assert done.returncode == 2
    assert "not everything was asked" in done.stderr and "Traceback" not in done.stderr


def test_a_wrong_key_is_refused(weave_command, sent):
    directory, server = sent
    done = weave_command("-d", directory, "verify", server=server, WANDB_API_KEY="x" * 40)
    assert done.returncode == 3
    assert "WANDB_API_KEY" in done.stderr and "x" * 40 not in done.stderr
