"""The instants are those that were asked for, and the steps that are told of kills are those in which they were."""
import signal

import pytest

from stored import content
from syncing.states import STATES, Log, judge, states
from syncing.syncer import Disk, Kill, Syncer, Tail, Trigger, unknown

QUIET = Disk(set(), False, 0, 0)
FILE = "calls/20260131_0000.jsonl.gz"
SENDING = f'{{"file": "{FILE}", "sending": [[0, 9]]}}\n'
NOTED = f'{{"file": "{FILE}", "records": [[0, 9]]}}\n'


def line(path, **differs):
    return {"path": path, "time": 1.0, "status": 200, "fault": None, **differs}


COMPLETE = "/v2/e/p/calls/complete"
CASES = {
    "connecting: nothing asked": ([], [], QUIET),
    "connecting: about the project": ([line("/graphql")], [], QUIET),
    "looking up: before it": ([line("/graphql")], [], QUIET._replace(unknown={"calls"})),
    "looking up: asked": ([line("/graphql")], [line("/calls/stream_query")], QUIET._replace(unknown={"calls"})),
    "calls: sent, not answered": ([line("/graphql")], [line(COMPLETE)], QUIET),
    "calls: answered": ([line("/call/upsert_batch")], [], QUIET),
    "files: answered": ([line("/file/create")], [], QUIET),
    "objects: answered": ([line("/table/create_from_digests")], [], QUIET),
    "call updates: answered": ([line("/call/update")], [], QUIET),
    "feedback: sent, not answered": ([], [line("/feedback/batch/create")], QUIET),
    "costs: answered": ([line("/cost/create")], [], QUIET),
    "waiting: to try again": ([line(COMPLETE, status=503, fault=503)], [], QUIET),
    "renaming: receipt alone": ([line(COMPLETE)], [], QUIET._replace(unnamed=True)),
    "renaming: since the last request": ([line(COMPLETE)], [], QUIET._replace(renamed=1.5)),
}


@pytest.mark.parametrize("step", CASES)
def test_a_step_is_told(step):
    answered, under_way, disk = CASES[step]
    assert step in STATES and step in judge(Kill("instant", 0.5, 2.0, 0, disk), answered, under_way, False)


def test_a_request_is_the_one_of_the_process_that_made_it_and_under_way_when_it_was_logged_after_the_kill(tmp_path):
    log = tmp_path / "log"
    first = '{"path": "/call/update", "time": 1.0, "status": 200, "fault": null}\n'
    log.write_text(first + first.replace("1.0", "1.4") + first.replace("1.0", "5.0"))
    kills = [Kill("instant", 0.5, 1.5, len(first), QUIET), Kill("instant", 4.0, 6.0, 3 * len(first), QUIET)]
    assert states(kills, [0.5, 2.0, 4.0, 7.0], Log(log)) == [["call updates: sent, not answered"],
                                                             ["call updates: answered"]]


def test_what_was_sent_and_never_noted_may_be_under_way():
    assert unknown(SENDING + '{"file": "feedb') == {"calls"}
    assert unknown(SENDING + NOTED.replace("9", "8")) == {"calls"}
    assert unknown(SENDING + NOTED) == set()
    assert unknown(SENDING + f'{{"file": "calls/other", "records": [[0, 1]], "and": [{NOTED.strip()}]}}\n') == set()


def test_lines_that_are_added_are_new_and_those_of_a_file_in_its_place_are_not(tmp_path):
    path = tmp_path / "progress.jsonl"
    path.write_text(NOTED)
    tail = Tail(path)
    with open(path, "a", encoding="utf-8") as file:
        file.write(SENDING + SENDING[:10])
    assert tail.new() == [SENDING.strip().encode()]
    (tmp_path / "other").write_text(NOTED * 5)
    (tmp_path / "other").rename(path)
    assert tail.new() == []


@pytest.mark.parametrize("name, does", {
    "noted": f"echo '{NOTED.strip()}' >> $1/e/p/.sync/progress.jsonl",
    "sending": f"echo '{SENDING.strip()}' >> $1/e/p/.sync/progress.jsonl",
    "rejected": "echo '{}' >> $1/e/p/.sync/rejected.jsonl",
    "open call": "echo '{}' >> $1/e/p/.sync/open_calls.jsonl",
    "digest": "echo '{}' >> $1/e/p/.sync/digests.jsonl",
    "receipt": "touch $1/e/p/.sync/receipts/calls-20260131_0000.jsonl.gz",
    "renamed": "mv $1/e/p/calls/20260131_0000.jsonl.gz $1/e/p/calls/20260131_0000.synced.jsonl.gz",
    "request": """echo '{"path": "/obj/create"}' >> $1/log""",
}.items())
def test_a_process_is_killed_at_what_was_waited_for(tmp_path, name, does):
    directory = tmp_path / "offline"
    (directory / "e" / "p" / ".sync" / "receipts").mkdir(parents=True)
    (directory / "e" / "p" / "calls").mkdir()
    (directory / "e" / "p" / "calls" / "20260131_0000.jsonl.gz").touch()
    for log in ("progress", "rejected", "open_calls", "digests"):
        (directory / "e" / "p" / ".sync" / f"{log}.jsonl").touch()
    (directory / "log").touch()
    wanted = "objects" if name == "request" else None
    # A process that does the thing, and would then live on.
    command = ["sh", "-c", f"sleep 0.1; {does}; echo did; exec sleep 60", "sh"]
    one = Syncer(Trigger(name, wanted, 1, 0), command, directory, None, directory / "log")
    assert one.status == -signal.SIGKILL
    assert one.kill.killed - one.kill.began < 2, "it was killed for its age"


def test_a_process_that_ends_by_itself_is_no_kill(tmp_path):
    (tmp_path / "offline").mkdir()
    one = Syncer(Trigger("instant", None, 0, 5), ["sh", "-c", "exit 15"], tmp_path / "offline", None, tmp_path / "log")
    assert (one.kill, one.status) == (None, 15)
    assert content(tmp_path / "sync.txt") == b""
