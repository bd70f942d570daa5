"""The session in its process: nesting by the language's own means, threads, children, callbacks, its end and its sudden
death."""
import re

import pytest
from harness import INCLUDE, run

from commands import session
from commands.driver import Unsupported


def call_records(traces):
    """The data of every call by its id, starts joined with their ends."""
    found = {}
    for kind, data in session.lines(traces):
        if kind.startswith("call_"):
            data = data.get("start") or data.get("end") or data
            found.setdefault(data["id"], {}).update(data)
    return found


def test_the_library_is_the_one_of_the_header(command):
    with command() as process:
        assert process.ask("version") == re.search('WEAVE_VERSION "(.*)"', (INCLUDE / "weave.h").read_text())[1]


def test_calls_inside_calls_are_their_children(opened, traces):
    with opened() as process:
        ids = process.ask("nest", 5)
        process.ask("finish")
    found = call_records(traces)
    assert list(found) and set(found) == set(ids)
    assert [found[key].get("parent_id") for key in ids] == [None, *ids[:-1]]
    assert len({found[key]["trace_id"] for key in ids}) == 1
    assert [(found[key]["op_name"], found[key]["inputs"], found[key]["output"]) for key in ids] == [
        (f"level-{n}", {"level": n}, n) for n in range(1, 6)]


def test_a_failure_that_leaves_a_call_is_recorded_and_goes_on(opened, traces):
    with opened() as process:
        process.ask("raise", "no such order: 5% ümlaut")
        process.ask("log", "after", "", "")
        process.ask("finish")
    found = session.calls(traces)
    assert found["inner"]["failure"][1] == "no such order: 5% ümlaut" and found["inner"]["failure"][0]
    assert (found["inner"]["parent"], found["inner"]["status_counts"]) == ("outer", {"success": 0, "error": 1})
    assert (found["outer"]["output"], found["outer"]["failure"]) == ("caught", None)
    assert (found["outer"]["status_counts"], found["after"]["parent"]) == ({"success": 1, "error": 1}, None)


def test_threads_log_at_once(opened, traces, language):
    with opened() as process:
        if language == "lua":
            with pytest.raises(Unsupported):
                process.ask("threads", 8, 500)
            return
        process.ask("threads", 8, 500)
        process.ask("finish")
    logged = [(data["inputs"]["thread"], data["inputs"]["call"]) for data in call_records(traces).values()]
    assert sorted(logged) == [(thread, call) for thread in range(8) for call in range(500)]


def test_a_child_process_logs_below_a_call_of_its_parent(opened, traces):
    with opened() as process:
        live = process.ask("start", "live", "live", "", "")
        process.ask("fork", "live")
        process.ask("end", "live", "1")
        process.ask("log", "after", "", "")
        process.ask("finish")
    found = call_records(traces)
    (child,) = [data for data in found.values() if data["op_name"] == "child"]
    assert child["parent_id"] == live and child["trace_id"] == found[live]["trace_id"]
    assert sorted(data["op_name"] for data in found.values()) == ["after", "child", "live"]


def test_a_filter_drops_what_it_names(opened, traces, language):
    if language == "lua":
        with pytest.raises(Unsupported):
            opened("filter=secret")
        return
    with opened("filter=secret") as process:
        for op in ("kept", "secret", "secret", "kept"):
            process.ask("log", op, "", "")
        assert process.ask_json("stats")["filtered"] == 2
        process.ask("finish")
    assert [data["op_name"] for data in call_records(traces).values()] == ["kept", "kept"]


def test_counters_tell_what_became_of_records(opened):
    with opened() as process:
        before = process.ask_json("stats")
        for _ in range(3):
            process.ask("log", "op", "", "")
        process.ask("flush")
        after = process.ask_json("stats")
        assert after["accepted"] - before["accepted"] == 3
        assert (after["packed"], after["waiting"]) == (after["accepted"], 0)


def test_a_finished_session_says_so(opened):
    with opened() as process:
        process.ask("start", "live", "live", "", "")
        process.ask("finish")
        process.ask("finish")
        for line in (["log", "op", "", ""], ["start", "other", "op", "", ""], ["end", "live", ""], ["object", "o", "1"],
                     ["flush"]):
            assert process.refusal(*line).status == 10, line


def test_a_disabled_session_takes_everything_and_keeps_nothing(opened, traces):
    with opened("disabled=true") as process:
        process.ask("log", "op", "", "")
        process.ask("nest", 3)
        process.ask("raise", "text")
        process.ask("object", "o", "1")
        process.ask("finish")
    assert not traces.exists()


def test_a_session_that_cannot_be_opened_says_why(command, tmp_path):
    (tmp_path / "file").write_text("")
    with command() as process:
        refused = process.refusal("init", "team/project", f"offline_dir={tmp_path}/file/below")
        assert refused.status == 8 and f"{tmp_path}/file" in refused.text
        assert process.refusal("init", "team/../project", f"offline_dir={tmp_path}/traces").status == 4


def test_the_end_of_the_program_loses_nothing(opened, command, traces):
    with opened() as process:
        for _ in range(100):
            process.ask("log", "op", "", "")
        process.ask("start", "live", "live", "", "")
    recovered(command, traces)
    assert sorted(data["op_name"] for data in call_records(traces).values()) == ["live", *["op"] * 100]


def test_a_killed_program_loses_nothing(opened, command, traces):
    process = opened()
    ids = [process.ask("log", "op", f'{{"n": {n}}}', "") for n in range(300)]
    process.kill()
    recovered(command, traces)
    assert sorted(call_records(traces)) == sorted(ids)


def recovered(command, traces):
    """The next start finds what an earlier process left."""
    with command() as process:
        process.ask("init", "team/project", f"offline_dir={traces}", "compress=false")
        process.ask("finish")


def test_what_is_no_line_of_the_command_ends_it(command):
    process = command()
    with pytest.raises(AssertionError):
        process.ask("nonsense")
    assert process.process.wait(60) == 2 and process.said()


@pytest.mark.parametrize("compiled, marks", [("c", "__asan_init"), ("cpp", "__asan_init")])
def test_compiled_commands_run_under_the_sanitizer(started, compiled, marks):
    assert marks in run(["nm", "-D", started(compiled)[0][0]]).stdout


def test_the_command_of_go_runs_under_its_checkers(started):
    told = run(["go", "version", "-m", started("go")[0][0]]).stdout
    assert "-race=true" in told and "cgocheck2" in told
