"""What a session leaves is the same from every language: in its data files, and at a server."""
import json
import re

import pytest
from harness import ENTITY
from scenario import same

from commands import session
from commands.driver import Command


def test_the_calls_are_stored_as_they_were_logged(sessions, language):
    ids, traces = sessions(language)
    same(session.calls(traces, ids), session.CALLS)


def test_everything_else_is_stored_as_from_c(sessions, language):
    ids, traces = sessions(language)
    reference_ids, reference = sessions("c")
    found = session.others(traces, ids)
    assert {kind for kind, _ in found} == {"call_update", "op_create", "obj_create", "table_create", "file_create",
                                           "feedback_create", "cost_create"}
    same(found, session.others(reference, reference_ids))


def test_bytes_of_files_are_stored_as_they_are(sessions, language):
    ids, traces = sessions(language)
    folder = traces / "team/project/files"
    assert (folder / ids["file"]).read_bytes() == b"\x00\xff%41\tnotes\n"
    assert session.LABEL in [path.read_bytes() for path in folder.iterdir() if not path.name.endswith(".gz")]


def test_references_are_those_of_their_content(sessions, language):
    ids, _ = sessions(language)
    reference, _ = sessions("c")
    same({name: ids[name] for name in ("op", "object", "table", "dataset", "row", "file")},
         {name: reference[name] for name in ("op", "object", "table", "dataset", "row", "file")})


@pytest.fixture(scope="module")
def sent(started, sessions, shared_server, tmp_path_factory):
    """sent(language) → (ids, directory, results, home, server, project): the session, synced by the language itself."""
    done, server = {}, shared_server()

    def send(language):
        if language not in done:
            ids, traces = sessions(language)
            home, project = tmp_path_factory.mktemp("home"), f"{ENTITY}/command-{language}"
            with Command(started(language), home, server, WEAVE_DESTINATION=project) as process:
                done[language] = ids, traces, process.ask_json("sync", traces), home, server, project
        return done[language]

    return send


def unversioned(value):
    """A reference without its version: servers give their own to values that hold references."""
    return re.sub(r"^(weave:///[^:]*):\w+", r"\1", value) if isinstance(value, str) else value


def arrived(server, project, ids):
    """The calls that a server has, in the form of session.CALLS."""
    read = [json.loads(line) for line in server.read("/calls/stream_query", {"project_id": project}).splitlines()]
    ops = {call["id"]: call["op_name"].rsplit("/", 1)[-1].split(":")[0] for call in read}
    names = {unversioned(text.replace("weave:///team/project", f"weave:///{project}")): f"<{name}>"
             for name, text in ids.items()}
    found = {}
    for call in read:
        summary = call["summary"] or {}
        failure = json.loads(call["exception"]) if call["exception"] else None
        inputs = {name: "<image>" if session.is_image(value) else unversioned(value)
                  for name, value in call["inputs"].items()}
        found[ops[call["id"]]] = session.call(
            session.named(inputs, names), call["output"], parent=ops.get(call["parent_id"]),
            op=names.get(unversioned(call["op_name"])),
            usage=summary.get("usage") or None, status_counts=summary.get("status_counts"),
            failure=failure and [failure["type"], failure["message"]])
    return found


def test_the_calls_arrive_as_they_were_logged(sent, language):
    ids, _, _, _, server, project = sent(language)
    same(arrived(server, project, ids), session.CALLS)


def test_the_results_count_everything_once(sent, language):
    results = sent(language)[2]
    assert results == {"team/project": {"files": [7, 0], "tables": [2, 0], "ops": [1, 0], "objects": [2, 0],
                                        "calls": [9, 0], "call_updates": [1, 0], "feedback": [3, 0], "costs": [1, 0]}}


def test_what_was_sent_is_verified_counted_and_cleaned(sent, started, language):
    _, traces, _, home, server, project = sent(language)
    with Command(started(language), home, server, WEAVE_DESTINATION=project) as process:
        for found, asked in process.ask_json("verify", traces)["team/project"].values():
            assert found == asked
        assert process.ask_json("rejected", traces) == []
        assert process.ask_json("directory", traces)["projects"]["team/project"]["calls"]["pending_files"] == 0
        assert process.ask("clean", traces, 1) == "0"
        assert int(process.ask("clean", traces, 0)) >= 7
    assert list(traces.glob("*/*/*/*.jsonl.gz")) == []


def test_a_sync_without_a_key_is_refused_and_keeps_everything(sessions, command, language):
    ids, traces = sessions(language)
    with command() as process:
        refused = process.refusal("sync", traces)
    assert (refused.status, "WANDB_API_KEY" in refused.text) == (13, True)
    same(session.calls(traces, ids), session.CALLS)


def test_a_sync_that_the_server_refuses_in_part_tells_results_and_records(sessions, command, language, shared_server):
    _, traces = sessions(language)
    failing = shared_server("--reject-marker", "the carrier did not answer")
    with command(failing, WEAVE_DESTINATION=f"{ENTITY}/refusing-{language}") as process:
        refused = process.refusal("sync", traces)
        assert refused.status == 17
        assert json.loads(refused.fields[0])["team/project"]["calls"] == [8, 1]
        (rejected,) = process.ask_json("rejected", traces)
    assert rejected["kind"] == "calls"
