"""`weave rejected`: what servers refused is told with its reasons, put back, given up or copied, and never silently."""
import json
import os
import pty
import subprocess

import pytest

import harness
from cli.caring import log, masked

REFUSED = "rotten"


@pytest.fixture
def offline(tmp_path, weave_command, shared_server):
    """A directory of which three calls were refused, and three were taken."""
    directory = log(tmp_path / "offline", calls=3, mark="fresh")
    log(directory, calls=3, mark=REFUSED)
    server = shared_server("--reject-marker", REFUSED, "--fault-paths", "call")
    done = weave_command("-d", directory, "sync", "--to", "test-entity/rejected", "-y", server=server)
    assert done.returncode == 1, done.stderr
    return directory


def ids(weave_command, offline):
    return [json.loads(line)["id"] for line in weave_command("-d", offline, "rejected", "list", "--json").stdout.splitlines()]


def test_equal_reasons_are_told_once(weave_command, offline):
    done = weave_command("-d", offline, "rejected", "list")
    assert (done.returncode, masked(done.stdout), done.stderr) == (0, (
        "team/demo\n"
        "  3 calls: 422 body: rejected\n"
        "    such as UUID; the last AGO\n"
        "\n"
        "weave rejected show ID prints one; weave rejected retry puts them back for weave sync; "
        "weave rejected drop gives them up.\n"), "")


def test_each_of_them_is_told_when_that_is_wanted(weave_command, offline):
    done = weave_command("-d", offline, "rejected", "list", "--all", "--kind", "calls")
    assert masked(done.stdout).splitlines()[:3] == ["team/demo calls UUID AGO: 422 body: rejected"] * 3


def test_one_is_shown_with_its_content(weave_command, offline):
    done = weave_command("-d", offline, "rejected", "show", ids(weave_command, offline)[0])
    assert masked(done.stdout).splitlines()[:4] == [
        "UUID calls of team/demo", "  POST SERVER/v2/test-entity/rejected/calls/complete answered 422: body: rejected",
        "  AGO by SERVER for test-entity/rejected",
        "  from calls/DAY_0001.jsonl.gz#0"]
    assert f'"mark": "{REFUSED}"' in done.stdout


def test_what_is_put_back_is_listed_once(weave_command, offline):
    weave_command("-d", offline, "rejected", "retry")
    listed = weave_command("-d", offline, "ls", "--calls", "--json").stdout.splitlines()
    assert sorted(json.loads(line)["inputs"]["mark"] for line in listed) == ["fresh"] * 3 + [REFUSED] * 3


def test_what_is_put_back_is_sent_by_the_next_sync(weave_command, offline, shared_server):
    done = weave_command("-d", offline, "rejected", "retry")
    assert (done.returncode, done.stdout) == (0, "team/demo: 3 put back to those that wait\nweave sync sends them.\n")
    done = weave_command("-d", offline, "sync", "--to", "test-entity/rejected", "-y", server=shared_server())
    assert (done.returncode, done.stdout) == (0, "team/demo: 3 calls\n")
    assert weave_command("-d", offline, "rejected", "list").stdout == "Nothing is rejected.\n"


def test_nobody_is_there_to_ask_so_dropping_wants_to_be_meant(weave_command, offline):
    done = weave_command("-d", offline, "rejected", "drop")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", (
        "weave: this gives up 3 calls of team/demo for good; add --yes if that is meant. "
        "weave rejected export FILE keeps a copy\n"))
    assert len(ids(weave_command, offline)) == 3


def test_one_is_given_up_and_the_others_stay(weave_command, offline):
    first, *others = ids(weave_command, offline)
    done = weave_command("-d", offline, "rejected", "drop", "--id", first, "--yes")
    assert (done.returncode, done.stdout) == (0, "team/demo: 1 given up\n")
    assert ids(weave_command, offline) == others


def test_an_id_that_is_not_there_is_told(weave_command, offline):
    for action, before in [(["list"], []), (["retry"], []), (["drop"], ["--yes"])]:
        done = weave_command("-d", offline, "rejected", *action, "--id", "nobody", *before)
        assert (done.returncode, done.stdout, done.stderr) == (
            2, "", "weave: no rejected record has the id nobody; see weave rejected list --all\n")


def test_a_copy_has_the_content_and_takes_nothing_away(weave_command, offline, tmp_path):
    copy = tmp_path / "copy.jsonl"
    done = weave_command("-d", offline, "rejected", "export", copy)
    assert (done.returncode, done.stdout) == (0, f"3 records are copied to {copy}; they stay rejected.\n")
    entries = [json.loads(line) for line in copy.read_text().splitlines()]
    assert [(entry["project"], entry["lines"][0]["data"]["inputs"]["mark"]) for entry in entries] == [
        ("team/demo", REFUSED)] * 3
    again = weave_command("-d", offline, "rejected", "export", copy)
    assert again.returncode == 2 and "exists" in again.stderr
    assert len(ids(weave_command, offline)) == 3


def test_what_is_not_there_is_no_silent_success(weave_command, offline):
    for action in (["list"], ["retry"], ["drop", "--yes"]):
        done = weave_command("-d", offline, "rejected", *action, "--kind", "feedback", "team/demo")
        assert (done.returncode, done.stdout) == (0, "Nothing is rejected of feedback in team/demo.\n")
    done = weave_command("-d", offline, "rejected", "list", "nowhere")
    assert done.returncode == 2
    assert 'there is no project "nowhere" in the offline directory; there are: team/demo' in done.stderr


@pytest.mark.parametrize("answer, status, left", [("n", 3, 3), ("", 3, 3), ("y", 0, 0)])
def test_a_person_is_asked_before_records_are_given_up(weave_command, command, offline, answer, status, left):
    ours, terminal = pty.openpty()
    with subprocess.Popen([command, "-d", offline, "rejected", "drop"], stdin=terminal, stderr=terminal,
                          stdout=subprocess.PIPE, env=harness.client_environment(offline.parent)) as dropping:
        os.close(terminal)
        asked = b""
        while b"[y/N] " not in asked:
            asked += os.read(ours, 1000)
        assert b"Give up 3 calls of team/demo for good? [y/N] " in asked
        os.write(ours, answer.encode() + b"\n")
        assert dropping.wait(timeout=30) == status
    os.close(ours)
    assert len(ids(weave_command, offline)) == left
