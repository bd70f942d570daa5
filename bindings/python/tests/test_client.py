"""The session: what it records beside ops, its settings, its end."""
import json
import os
import subprocess
import sys
import threading

import libweave as weave
import pytest
from conftest import HERE, Recorded


def test_published_values_have_references_at_once(recorded):
    ref = weave.publish({"b": 1, "a": [2]}, "config")
    assert (ref.entity, ref.project, ref.kind, ref.name) == ("team", "project", "object", "config")
    assert len(ref.digest) == 43 and ref.uri == ref.uri() == str(ref)
    weave.log_call("f", {"config": ref})
    assert recorded.call("f")["inputs"] == {"config": str(ref)}


def test_equal_values_have_equal_digests(recorded):
    assert weave.publish({"a": 1, "b": 2}, "x").digest == weave.publish({"b": 2, "a": 1}, "y").digest


@pytest.mark.parametrize("value, name", [({}, "dict"), (weave.Dataset("rows", []), "rows"), ([], "list")])
def test_a_value_without_a_name_is_published_under_its_own_or_its_types(recorded, value, name):
    assert weave.publish(value).name == name


def test_a_dataset_refers_to_its_rows(recorded):
    dataset = weave.Dataset("rows", [{"q": 1}, {"q": 2}])
    with pytest.raises(weave.InvalidError, match="not published"):
        dataset.row_ref(0)
    ref = weave.publish(dataset)
    assert dataset.ref == ref and dataset.row_ref(1).startswith(ref + "/attr/rows/id/")
    assert len(dataset) == 2 and dataset[0] == {"q": 1} and list(dataset) == dataset.rows
    recorded.calls()
    assert recorded.lines("tables")[0]["data"]["table"]["rows"] == [{"q": 1}, {"q": 2}]


def test_feedback_names_the_call(recorded):
    call = weave.get_client().create_call("f")
    call.finish()
    call.feedback.add_reaction("👍")
    weave.add_note(call, "fine")
    weave.add_feedback(call.ref, "quality", {"score": 0.5}, creator="me")
    weave.add_reaction(call.id, "🎉")
    recorded.calls()
    items = [line["data"] for line in recorded.lines("feedback")]
    assert {item["weave_ref"] for item in items} == {f"weave:///team/project/call/{call.id}"}
    assert [(item["feedback_type"], item["payload"]) for item in items] == [
        ("wandb.reaction.1", {"emoji": "👍"}), ("wandb.note.1", {"note": "fine"}), ("quality", {"score": 0.5}),
        ("wandb.reaction.1", {"emoji": "🎉"})]
    assert items[2]["creator"] == "me"


def test_feedback_that_a_server_would_refuse_is_refused(recorded):
    with pytest.raises(weave.InvalidError):
        weave.add_reaction(weave.log_call("f"), "no emoji")


def test_prices_are_recorded(recorded):
    weave.get_client().add_cost("m", 0.1, 0.2, provider_id="p")
    recorded.calls()
    (cost,) = [line["data"] for line in recorded.lines("metadata") if line["type"] == "cost_create"]
    assert cost["costs"]["m"]["prompt_token_cost"] == 0.1 and cost["costs"]["m"]["provider_id"] == "p"


def test_a_call_of_the_past_keeps_its_ids_and_times(recorded):
    call_id, trace_id, parent = ("0190aaaa-0000-7000-8000-00000000000" + end for end in "123")
    weave.log_call("f", id=call_id, trace_id=trace_id, parent_id=parent, started_at=1_000_000, ended_at=2_500_000,
                   display_name="shown", kind="tool", summary={"score": 1}, wb_run=("team/p/run", 3, 4))
    call = recorded.call("f")
    assert (call["id"], call["trace_id"], call["parent_id"]) == (call_id, trace_id, parent)
    assert (call["started_at"], call["ended_at"]) == ("1970-01-01T00:00:01.000000Z", "1970-01-01T00:00:02.500000Z")
    assert (call["display_name"], call["summary"]["score"]) == ("shown", 1)
    assert (call["wb_run_id"], call["wb_run_step"], call["wb_run_step_end"]) == ("team/p/run", 3, 4)


def test_a_parent_is_carried_elsewhere_as_a_line(recorded):
    client = weave.get_client()
    parent = client.create_call("parent")
    client.log_call("child", parent_context=parent.context)
    parent.finish()
    calls = recorded.calls()
    assert calls["child"]["parent_id"] == calls["parent"]["id"]


def test_usage_and_summary_given_by_hand_are_kept(recorded):
    call = weave.get_client().create_call("f")
    call.add_usage("m", prompt_tokens=3)
    call.set_summary({"score": 0.5})
    call.finish(exception="it broke")
    call = recorded.call("f")
    assert call["summary"] == {"score": 0.5, "status_counts": {"error": 1, "success": 0},
                               "usage": {"m": {"prompt_tokens": 3, "requests": 1}}}
    assert call["exception"] == "it broke"


def test_the_total_is_added_to_the_tokens_of_both_kinds(recorded):
    call = weave.get_client().create_call("f")
    call.add_usage("m", prompt_tokens=3, completion_tokens=4)
    call.finish()
    assert recorded.call("f")["summary"]["usage"] == {
        "m": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "requests": 1}}


def test_a_failure_may_be_given_as_type_and_message(recorded):
    weave.log_call("f", exception=("Timeout", "too late"))
    told = json.loads(recorded.call("f")["exception"])
    assert (told["type"], told["message"]) == ("Timeout", "too late")


@pytest.mark.parametrize("wrong", [5, ValueError, ("Timeout",), ("Timeout", 5), ["Timeout", "too late"]])
def test_a_failure_that_is_none_is_refused_and_the_call_can_be_ended(recorded, wrong):
    call = weave.get_client().create_call("f")
    with pytest.raises(weave.WeaveError, match="exception: .* cannot be used: give an exception"):
        call.finish(exception=wrong)
    call.finish(exception=ValueError("it broke"))
    assert json.loads(recorded.call("f")["exception"])["type"] == "ValueError"


def test_a_call_ends_once(recorded):
    call = weave.get_client().create_call("f")
    weave.get_client().finish_call(call, 1)
    with pytest.raises(weave.ClosedError):
        call.finish(2)


def test_a_call_never_ended_stays_open(recorded):
    weave.get_client().create_call("f", {"x": 1})
    recorded.calls()
    assert [line["type"] for line in recorded.lines("calls")] == ["call_start"]


def test_many_calls_go_in_one(recorded):
    assert weave.get_client().log_calls([{"op_name": "a"}, {"op_name": "b", "output": [1]}]) == 2
    with pytest.raises(weave.InvalidError, match=r"calls\[1\]"):
        weave.get_client().log_calls([{"op_name": "c"}, {"op_name": ""}])
    assert recorded.calls().keys() == {"a", "b"}


def test_settings_reach_the_library(tmp_path):
    client = weave.Client("team/p", offline=True, offline_dir=tmp_path, compress=False, redact_keys=["pin"],
                          attributes={"env": "test"}, source="mine")
    client.log_call("f", {"pin": 1234})
    client.finish()
    (path,) = tmp_path.glob("team/p/calls/*.jsonl")
    call = json.loads(path.read_text())["data"]
    assert call["inputs"] == {"pin": "REDACTED"}
    assert (call["attributes"]["env"], call["attributes"]["weave"]["source"]) == ("test", "mine")


@pytest.mark.parametrize("setting", [
    {"redact_keys": "password"}, {"compression_level": 2**32 + 3}, {"max_file_age": 2**64 + 5}])
def test_a_setting_that_would_be_taken_for_another_is_refused(tmp_path, setting):
    with pytest.raises(weave.InvalidError, match=next(iter(setting))):
        weave.Client("p", offline=True, offline_dir=tmp_path, **setting)


def test_what_is_no_function_is_no_filter_and_no_op(recorded, tmp_path):
    with pytest.raises(weave.InvalidError, match="filter: a int"):
        weave.Client("p", offline=True, offline_dir=tmp_path, filter=5)
    for op in (None, 5):
        with pytest.raises(weave.InvalidError, match="op: a"):
            weave.get_client().log_call(op)


def test_a_limit_without_an_end_is_none(recorded):
    weave.get_client().log_call("f")
    weave.get_client().flush(float("inf"))
    weave.get_client().flush(1e300)


@pytest.mark.parametrize("given", [{"started_at": 2**70}, {"started_at": 1.5}, {"ended_at": "now"}])
def test_a_time_that_is_none_is_refused_by_its_name(recorded, given):
    with pytest.raises(weave.InvalidError, match=next(iter(given))):
        weave.get_client().log_call("f", **given)


def test_usage_beyond_what_c_holds_is_refused_and_not_cut(recorded):
    with weave.get_client().create_call("f") as call, pytest.raises(weave.InvalidError, match="prompt_tokens"):
        call.add_usage("m", prompt_tokens=2**64 + 1, completion_tokens=2)


def test_choices_of_the_store_reach_the_library(tmp_path):
    good = {"durability_interval": 0, "journal": "write", "journal_size": 1 << 20, "when_full": "refuse",
            "block_limit": 0.5, "max_directory_size": 1 << 24, "quota_policy": "drop-oldest", "send_interval": 5}
    client = weave.Client("p", offline=True, offline_dir=tmp_path, **good)
    client.log_call("f")
    client.finish()
    bad = {"durability_interval": -1, "journal": "paper", "journal_size": -1, "when_full": "wait", "block_limit": -1,
           "max_directory_size": 1000, "quota_policy": "drop-newest", "send_interval": 0.05}
    assert bad.keys() == good.keys()
    for name, value in bad.items():
        with pytest.raises(weave.InvalidError, match=name):
            weave.Client("p", offline=True, offline_dir=tmp_path, **{name: value})


def test_stats_count_what_became_of_records(tmp_path):
    client = weave.Client("p", offline=True, offline_dir=tmp_path,
                          filter=lambda kind, data: None if data.get("op_name") == "secret" else data)
    before = client.stats()
    for op in ("a", "b", "secret"):
        client.log_call(op)
    with pytest.raises(weave.InvalidError):
        client.log_call("x" * 129)
    with pytest.raises(weave.WeaveError, match="bytes"):
        client.log_call("large", {"text": "x" * (32 << 20)})
    stats = client.stats()
    assert stats["accepted"] - before["accepted"] == 2
    assert stats["packed"] + stats["waiting"] == stats["accepted"]
    assert (stats["refused"], stats["dropped"], stats["blocked"], stats["filtered"]) == (0, 0, 0, 1)
    client.flush()
    stats = client.stats()
    assert (stats["packed"], stats["waiting"], stats["waiting_bytes"]) == (stats["accepted"], 0, 0)
    assert (stats["failures"], stats["last_error"]) == (0, None)
    assert stats["journal"]["kind"] in ("mapped", "write")
    client.finish()
    assert client.stats()["accepted"] == stats["accepted"]


def test_a_setting_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(weave.InvalidError, match="sample_rate"):
        weave.Client("p", offline=True, offline_dir=tmp_path, sample_rate=2)
    with pytest.raises(TypeError, match="offline_directory"):
        weave.init("p", offline=True, offline_directory=tmp_path)
    with pytest.raises(TypeError, match="no such setting: colour"):
        weave.Client("p", offline=True, offline_dir=tmp_path).log_call("f", colour="red")


def test_media_in_attributes_are_refused_with_what_to_do(recorded):
    with pytest.raises(weave.InvalidError, match="put them into inputs"):
        weave.log_call("f", attributes={"picture": weave.Image(b"PNG", "png")})


def test_a_filter_changes_and_drops_records(tmp_path):
    def keep(kind, data):
        if data.get("op_name") == "secret":
            return None
        return {**data, "inputs": {"seen": kind}}

    client = weave.Client("team/p", offline=True, offline_dir=tmp_path, filter=keep)
    client.log_call("secret")
    client.log_call("open", {"x": 1})
    assert client.dropped == 1
    client.finish()
    (line,) = Recorded(tmp_path).lines("calls")
    assert (line["data"]["op_name"], line["data"]["inputs"]) == ("open", {"seen": "call_complete"})


def test_a_filter_that_fails_drops_the_record(tmp_path, caplog):
    client = weave.Client("team/p", offline=True, offline_dir=tmp_path, filter=lambda kind, data: 1 / 0)
    client.log_call("f")
    client.finish()
    assert client.dropped == 1 and "the filter failed" in caplog.text
    assert Recorded(tmp_path).lines("calls") == []


def test_reads_are_not_available_offline(recorded):
    with pytest.raises(weave.OfflineError, match="not available offline"):
        weave.get(weave.publish(1, "x"))
    with pytest.raises(weave.OfflineError):
        weave.ref("weave:///team/project/object/x:latest").get()


def test_without_a_session_logging_says_what_to_do():
    weave.finish()
    with pytest.raises(weave.InvalidError, match="weave.init"):
        weave.publish(1, "x")


def test_a_second_session_finishes_the_first(tmp_path):
    first = weave.init("a", offline=True, offline_dir=tmp_path)
    second = weave.init("b", offline=True, offline_dir=tmp_path)
    assert weave.get_client() is second
    with pytest.raises(weave.ClosedError):
        first.log_call("f")
    weave.finish()
    assert weave.get_client() is None
    weave.finish()


def test_sessions_of_two_projects_have_calls_of_their_own(recorded, tmp_path):
    other = weave.Client("team/other", offline=True, offline_dir=tmp_path / "offline")
    with weave.get_client().create_call("f").running():
        other.log_call("g")
    other.finish()
    assert "parent_id" not in recorded.calls()["g"]


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(weave.StorageError, match="file"):
        weave.init("p", offline=True, offline_dir=tmp_path / "file" / "offline")


def test_calls_of_many_threads_are_all_kept(recorded):
    def work(n):
        for i in range(100):
            weave.log_call("f", {"n": n, "i": i})

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorded.calls()
    seen = {(line["data"]["inputs"]["n"], line["data"]["inputs"]["i"]) for line in recorded.lines("calls")}
    assert len(seen) == 800


def test_a_program_that_just_ends_leaves_finished_files(tmp_path):
    code = ("import libweave as weave; weave.init('team/p', offline=True, offline_dir='offline')\n"
            "@weave.op\ndef f(): return 1\nf()")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60,
                   env={**os.environ, "PYTHONPATH": str(HERE.parent)})
    assert [line["data"]["output"] for line in Recorded(tmp_path / "offline").lines("calls")] == [1]


def test_nothing_is_printed(tmp_path):
    code = ("import libweave as weave; weave.init('team/p', offline=True, offline_dir='offline')\n"
            "weave.log_call('f'); weave.finish()")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(HERE.parent)})
    assert (done.stdout, done.stderr) == (b"", b"")
