"""The reader that judges the syncs sees what it is there to see."""
import datetime
import json
import time

import pytest

from harness import ENTITY, LocalServer, client_environment, lines, run
from stored import data_files
from syncing.arrived import Arrived, Told
from syncing.campaign import build
from syncing.episode import Writer, pending, without_receipt, wrongly_set_aside
from syncing.syncer import receipt_of, renamed

PROJECT = f"{ENTITY}/seen"


class Session:
    """A writer's session that was synced by nobody disturbed, and the server that has it."""

    def __init__(self, directory):
        self.directory, self.server = directory / "offline", LocalServer(directory)
        commands = build(directory)
        environment = {**client_environment(directory), "WEAVE_OFFLINE": "1", "WEAVE_OFFLINE_DIR": str(self.directory)}
        writer = Writer(commands["c"], "seen", Seed(), environment, directory / "errors.txt")
        end = time.monotonic() + 60
        while len(writer.lines) < 220 and time.monotonic() < end:
            writer.listen()
            time.sleep(0.01)
        assert writer.stop() == 0
        self.told = Told(writer.lines)
        run([*commands["sync"], self.directory], environment=client_environment(directory, self.server))
        self.lines = [json.loads(line) for line in lines(self.directory)]

    def problems(self, kind):
        """What is seen now."""
        return Arrived.at(self.server, PROJECT, self.told).problems(self.told, PROJECT)[kind]

    def post(self, path, body):
        """A request to the server, about its project."""
        return self.server.post(path, json.loads(json.dumps(body).replace("offline/seen", PROJECT)))

    def data(self, kind, number=0):
        """The data of a logged record that was not used by another test."""
        return [line["data"] for line in self.lines if line["type"] == kind][number]


class Seed:
    """No chance at all: always the same seed, and as many threads as there may be."""

    def randrange(self, _):
        return 5

    def choice(self, items):
        return items[-1]


@pytest.fixture(scope="module")
def session(library, tmp_path_factory):
    """The session; each test changes something of its own on the server."""
    session = Session(tmp_path_factory.mktemp("seen"))
    found = Arrived.at(session.server, PROJECT, session.told).problems(session.told, PROJECT)
    assert session.told.count > 100 and not any(found.values()), found
    yield session
    session.server.stop()


def names(texts, name):
    return [text for text in texts if name in text]


def test_a_call_that_is_written_again_is_seen(session):
    call = session.data("call_complete")
    session.post(f"/v2/{PROJECT}/calls/complete", {"batch": [call]})
    assert len(names(session.problems("written twice"), call["id"])) == 2  # its start and its end


def test_feedback_that_is_written_again_is_seen(session):
    feedback = session.data("feedback_create")
    session.post("/feedback/batch/create", {"batch": [{**feedback, "id": str(feedback["id"])}]})
    assert names(session.problems("written twice"), feedback["id"])


def test_a_price_that_is_written_again_is_seen(session):
    cost = session.data("cost_create")
    session.post("/cost/create", cost)
    (model,) = cost["costs"]
    assert names(session.problems("written twice"), model)


def test_a_call_that_is_not_there_is_seen(session):
    call = session.data("call_complete", 1)["id"]
    session.post("/calls/delete", {"project_id": PROJECT, "call_ids": [call]})
    assert names(session.problems("lost"), call)


def test_an_end_that_a_late_start_took_back_is_seen(session):
    call = session.data("call_complete", 2)
    start = {key: value for key, value in call.items() if key not in ("ended_at", "output", "summary", "exception")}
    session.post(f"/v2/{PROJECT}/call/start", {"start": start})
    assert names(session.problems("lost"), call["id"])


def test_another_output_is_seen(session):
    call = session.data("call_complete", 3)
    ended_at = datetime.datetime.now(datetime.timezone.utc).isoformat()
    end = {"project_id": PROJECT, "id": call["id"], "ended_at": ended_at, "output": {"n": 0}, "summary": {}}
    session.post(f"/v2/{PROJECT}/call/end", {"end": end})
    assert names(session.problems("content"), call["id"])


def test_an_earlier_display_name_is_seen(session):
    call = session.data("call_update")["call_id"]
    session.post("/call/update", {"project_id": PROJECT, "call_id": call, "display_name": "earlier"})
    assert names(session.problems("content"), call)


def test_an_old_version_that_became_the_latest_is_seen(session):
    name = next(name for name in session.told.objects if name.endswith("-1"))
    val = {"version": session.told.objects[name] + 1}
    session.post("/obj/create", {"obj": {"project_id": PROJECT, "object_id": name, "val": val}})
    assert names(session.problems("content"), name)


def test_what_the_server_never_got_is_seen(session):
    more = Told(["f feedback 1", "m model 1", "o object 1", "t table 3", "b file 9", "c call 1"])
    found = Arrived.at(session.server, PROJECT, more).problems(more, PROJECT)["lost"]
    assert all(names(found, name) for name in ("feedback", "model", "object", "table", "file", "call")), found


def test_a_reference_to_nothing_is_seen(session):
    arrived = Arrived.at(session.server, PROJECT, session.told)
    digest = next(item["digest"] for item in arrived.objects if item["val"].get("before") == "")
    arrived.objects = [item for item in arrived.objects if item["digest"] != digest]
    assert names(arrived.problems(session.told, PROJECT)["references"], digest)


def test_a_refusable_call_must_be_on_the_server_or_set_aside_and_not_both(session):
    told = Told(["r one 1", "r two 2"])
    calls = [{"id": "one", "ended_at": "…", "inputs": {"n": 1, "text": ""}, "output": {"n": 1}, "display_name": None,
              "op_name": "act"}]
    problems = Arrived(calls, [], [], []).problems
    assert problems(told, PROJECT, '{"id": "two"}\n')["lost"] == []
    assert names(problems(told, PROJECT, "")["lost"], "two")
    assert names(problems(told, PROJECT, '{"id": "two"}\n{"id": "one"}\n')["lost"], "one")


def test_what_is_set_aside_for_no_reason_or_twice_is_seen():
    assert wrongly_set_aside('{"id": "a"}\n{"id": "b"}\n', {"a", "b"}) == []
    assert names(wrongly_set_aside('{"id": "c"}\n', {"a"}), "no reason")
    assert names(wrongly_set_aside('{"id": "a"}\n{"id": "a"}\n', {"a"}), "2 times")


def test_a_pending_file_and_a_journal_that_is_left_are_seen(session, tmp_path):
    assert pending(session.directory) == []
    (tmp_path / "e" / "p" / "calls").mkdir(parents=True)
    (tmp_path / "e" / "p" / "calls" / "20260131_0000.jsonl.gz").touch()
    (tmp_path / ".weave" / "journals" / "left").mkdir(parents=True)
    assert len(pending(tmp_path)) == 2


def test_a_synced_file_without_receipt_is_seen(session, tmp_path):
    calls = tmp_path / "e" / "p" / "calls"
    calls.mkdir(parents=True)
    for name in ("20260131_0000", "20260131_0001"):
        (calls / f"{name}.synced.jsonl.gz").touch()
    receipt = receipt_of(renamed(tmp_path)[0])
    assert receipt.name == "calls-20260131_0000.jsonl.gz"
    receipt.parent.mkdir(parents=True)
    receipt.touch()
    assert without_receipt(tmp_path) == [f"{data_files(tmp_path)[1]} has no receipt"]
