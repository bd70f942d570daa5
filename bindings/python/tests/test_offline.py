"""The offline directory: requests recorded into it, and the sides of a sync that need no server."""
import datetime
import fcntl
import json

import libweave as weave
import pytest
from conftest import Recorded

PROJECT = "team/project"
CALL = "0190aaaa-0000-7000-8000-000000000001"
TRACE = "0190aaaa-0000-7000-8000-00000000000a"
START = {"project_id": PROJECT, "id": CALL, "op_name": "f", "trace_id": TRACE, "parent_id": None,
         "display_name": "shown", "thread_id": "t", "turn_id": CALL, "started_at": "2026-01-02T03:04:05.678901Z",
         "attributes": {"weave": {"source": "python-sdk"}}, "inputs": {"x": 1}, "otel_dump": {"k": 1},
         "wb_user_id": None, "wb_run_id": "team/p/run", "wb_run_step": 3}
END = {"project_id": PROJECT, "id": CALL, "ended_at": "2026-01-02T03:04:06.5Z",
       "output": {"model": "m", "usage": {"a": 1}}, "exception": None,
       "summary": {"status_counts": {"success": 4, "error": 1}, "usage": {"m": {"requests": 9}}}}


class Request:
    def __init__(self, fields):
        self.fields = fields

    def model_dump(self):
        return self.fields


@pytest.fixture
def server(tmp_path):
    with weave.OfflineTraceServer(tmp_path / "offline", compress=True, max_file_size_mb=1) as server:
        yield server


@pytest.fixture
def lines(server, tmp_path):
    def read(folder):
        server.close()
        return [line["data"] for line in Recorded(tmp_path / "offline").lines(folder)]

    return read


def test_a_call_is_recorded_as_it_was_requested(server, lines):
    answer = server.call_start({"start": START})
    assert (answer.id, answer.trace_id) == (CALL, TRACE)
    server.call_end(Request({"end": END}))
    (call,) = lines("calls")
    expected = {key: value for key, value in {**START, **END}.items() if value is not None}
    assert call == {**expected, "ended_at": "2026-01-02T03:04:06.500000Z"}


def test_a_start_alone_is_kept(server, lines):
    server.call_start({"start": START})
    ((start),) = lines("calls")
    assert start["start"]["id"] == CALL and start["start"]["inputs"] == {"x": 1}


def test_ids_are_made_where_none_are_given(server, lines):
    answer = server.call_start({"start": {"project_id": PROJECT, "op_name": "f", "attributes": {}, "inputs": {},
                                          "started_at": datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)}})
    (start,) = lines("calls")
    assert start["start"]["id"] == answer.id and start["start"]["trace_id"] == answer.trace_id
    assert start["start"]["started_at"] == "2026-01-02T00:00:00.000000Z"


def test_the_running_op_is_no_parent_of_a_request(server, lines, recorded):
    with weave.get_client().create_call("outer").running(), weave.attributes({"env": "x"}), weave.thread("mine"):
        server.call_start({"start": {**START, "thread_id": None, "turn_id": None}})
    (start,) = [line for line in lines("calls") if line.get("start", {}).get("id") == CALL]
    assert "parent_id" not in start["start"] and "env" not in start["start"]["attributes"]
    assert "thread_id" not in start["start"]


def test_an_end_without_its_start_is_refused(server):
    with pytest.raises(weave.InvalidError, match="no open call"):
        server.call_end({"end": END})


def test_an_end_that_is_refused_can_be_repeated(server, lines):
    server.call_start({"start": START})
    with pytest.raises(weave.InvalidError):
        server.call_end({"end": {**END, "ended_at": "yesterday"}})
    server.call_end({"end": END})
    assert len(lines("calls")) == 1


def test_batches_of_starts_and_ends_are_taken(server, lines):
    done = server.call_start_batch({"batch": [{"mode": "start", "req": {"start": START}},
                                              {"mode": "end", "req": {"end": END}}]})
    assert done.res[0].id == CALL
    assert lines("calls")[0]["output"] == END["output"]


def test_complete_calls_are_taken(server, lines):
    server.calls_complete({"batch": [{**START, **END}, {**START, **END, "project_id": "team/other"}]})
    calls = lines("calls")
    assert sorted(call["project_id"] for call in calls) == ["team/other", PROJECT]
    assert calls[0]["summary"] == END["summary"]


def test_a_call_update_is_recorded(server, lines):
    update = {"project_id": PROJECT, "call_id": CALL, "display_name": "other"}
    server.call_update(update)
    assert lines("calls") == [update]


def test_objects_ops_tables_and_files_answer_their_digests(server, lines):
    obj = server.obj_create({"obj": {"project_id": PROJECT, "object_id": "o", "val": {"a": 1}}})
    op = server.op_create({"project_id": PROJECT, "name": "f", "source_code": "def f(): pass\n"})
    table = server.table_create({"table": {"project_id": PROJECT, "rows": [{"q": 1}, {"q": 1}, {"q": 2}]}})
    data = server.dataset_create({"project_id": PROJECT, "name": "d", "description": None, "rows": [{"q": 1}]})
    file = server.file_create({"project_id": PROJECT, "name": "f.txt", "content": b"text"})
    assert (obj.object_id, op.object_id, data.object_id) == ("o", "f", "d")
    assert [len(item.digest) for item in (obj, op, data, file, table)] == [43, 43, 43, 43, 64]
    assert table.row_digests[0] == table.row_digests[1] != table.row_digests[2] and len(table.row_digests[0]) == 43
    assert file.digest in {record["digest"] for record in lines("files")}


def test_feedback_and_costs_are_recorded(server, lines):
    item = {"project_id": PROJECT, "weave_ref": f"weave:///{PROJECT}/call/{CALL}", "feedback_type": "quality",
            "payload": {"score": 1}, "creator": "me", "id": None}
    answer = server.feedback_create(Request(item))
    server.feedback_create_batch({"batch": [item]})
    prices = {"prompt_token_cost": 1.0, "completion_token_cost": 2.0}
    server.cost_create({"project_id": PROJECT, "costs": {"m": prices}})
    feedback = lines("feedback")
    assert feedback[0] == {**item, "id": answer.id}
    assert len(feedback) == 2
    assert [line["costs"] for line in lines("metadata") if "costs" in line][0]["m"]["completion_token_cost"] == 2.0


@pytest.mark.parametrize("method", ["call_read", "obj_read", "table_query", "calls_query_stream", "file_content_read"])
def test_reads_are_not_available_offline(server, method):
    with pytest.raises(weave.OfflineError, match=f"{method}: not available offline"):
        getattr(server, method)({"project_id": PROJECT})


def test_a_method_that_no_server_has_is_an_attribute_error(server):
    with pytest.raises(AttributeError, match="call_begin"):
        server.call_begin({})


def test_a_request_without_its_part_is_told(server):
    with pytest.raises(weave.InvalidError, match='"start"'):
        server.call_start(START)
    with pytest.raises(weave.InvalidError, match="project_id"):
        server.obj_create({"obj": {"object_id": "o", "val": 1}})


def test_compression_can_be_switched_off(tmp_path):
    with weave.OfflineTraceServer(tmp_path, compress=False) as server:
        server.call_start({"start": START})
    (path,) = tmp_path.glob("team/project/calls/*.jsonl")
    assert json.loads(path.read_text())["type"] == "call_start"


def test_the_size_of_files_is_limited(tmp_path):
    with weave.OfflineTraceServer(tmp_path, compress=False, max_file_size_mb=0.001) as server:
        for _ in range(5):
            server.obj_create({"obj": {"project_id": PROJECT, "object_id": "o", "val": "x" * 2000}})
            server.flush()
    assert len(list(tmp_path.glob("team/project/objects/*.jsonl"))) > 1


def test_cleaning_counts_what_it_deletes(tmp_path):
    weave.init(PROJECT, offline=True, offline_dir=tmp_path)
    weave.log_call("f")
    weave.finish()
    assert weave.OfflineDataSyncer(None, tmp_path).clean_synced_files(older_than_days=0) == 0
    assert list(tmp_path.glob("team/project/calls/*"))


def test_a_sync_without_a_key_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    weave.init(PROJECT, offline=True, offline_dir=tmp_path / "offline")
    weave.log_call("f")
    weave.finish()
    with pytest.raises(weave.ServerError, match="WANDB_API_KEY"):
        nowhere = "http://127.0.0.1:9"
        weave.sync_offline_data(tmp_path / "offline", base_url=nowhere, trace_server_url=nowhere)


@pytest.mark.parametrize("setting, value", [("open_call_age", -1), ("max_sync_time", -1), ("max_sync_bytes", 0),
                                            ("max_sync_rate", -5), ("sync_connections", 17), ("sync_wait", "long")])
def test_a_setting_of_a_sync_that_cannot_be_used_is_named(tmp_path, setting, value):
    with pytest.raises(weave.InvalidError, match=setting):
        weave.sync_offline_data(tmp_path, **{setting: value})


def test_a_sync_waits_for_another_one_as_long_as_it_may(tmp_path):
    (tmp_path / ".weave").mkdir()
    with open(tmp_path / ".weave" / "sync.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for wait in (0, 0.1):
            with pytest.raises(weave.WeaveError) as raised:
                weave.sync_offline_data(tmp_path, sync_wait=wait)
            assert raised.value.status == 18
    assert weave.sync_offline_data(tmp_path, sync_wait=0.1) == {}


def test_a_session_takes_what_is_chosen_of_its_syncs(tmp_path):
    weave.Client(PROJECT, offline=True, offline_dir=tmp_path, open_call_age=1.5, close_interrupted=True,
                 max_sync_rate=1000, sync_connections=2).finish()
    with pytest.raises(weave.InvalidError, match="sync_connections"):
        weave.Client(PROJECT, offline=True, offline_dir=tmp_path, sync_connections=0)


def test_a_key_is_not_shown(tmp_path):
    assert "secret" not in repr(weave.init_weave_get_server("secret", base_url="http://127.0.0.1:9"))
