"""`weave export` into files: what DuckDB, csv and json read is what was logged, and a file is whole or not there."""
import csv
import gzip
import json
import os
import re
import resource
import signal
import stat
import subprocess
import time

import duckdb
import pytest

import harness

INPUTS = r'{"x":1.10,"big":123456789012345678901234567890,"s":"caf\u00e9 \"q\", a\nb","deep":{"list":[1,2.50,null,true]}}'


def whole(number, **fields):
    data = {"project_id": "team/demo", "id": f"0197a3b2-0000-7000-8000-{number:012}",
            "trace_id": "0197a3b2-0000-7000-8000-00000000ffff", "op_name": "weave:///team/demo/op/answer:v1",
            "started_at": f"2026-01-31T12:00:{number:02}.000001Z", "ended_at": f"2026-01-31T12:00:{number:02}.5Z",
            "attributes": {}, "inputs": {}, "output": None, "summary": {}, **fields}
    # INPUTS goes in as it is: json.loads and json.dumps would change its digits.
    return line("call_complete", data).replace('"INPUTS"', INPUTS)


def line(kind, data):
    return json.dumps({"type": kind, "timestamp": "2026-01-31T12:00:00.000000Z", "data": data},
                      separators=(",", ":")) + "\n"


def start(number):
    return line("call_start", {"start": {"project_id": "team/demo", "id": f"0197a3b2-0000-7000-8000-{number:012}",
                                         "trace_id": "0197a3b2-0000-7000-8000-00000000eeee", "op_name": "walk",
                                         "started_at": "2026-01-31T13:00:00Z", "attributes": {}, "inputs": {"n": number}}})


def end(number):
    return line("call_end", {"end": {"project_id": "team/demo", "id": f"0197a3b2-0000-7000-8000-{number:012}",
                                     "ended_at": "2026-01-31T14:00:00Z", "output": "done", "summary": {},
                                     "exception": "lost, \"twice\"\r\nand again"}})


@pytest.fixture
def offline(tmp_path):
    """A directory of two files of anybody's: ten calls, one of them renamed, one in two files, one that runs."""
    calls = tmp_path / "offline" / "team" / "demo" / "calls"
    calls.mkdir(parents=True)
    first = [start(90), start(91), whole(0, inputs="INPUTS", display_name="First", wb_run_id="team/demo/run1", wb_run_step=7)]
    second = [whole(number, thread_id="") for number in range(1, 8)]
    second += [end(90), line("call_update", {"project_id": "team/demo", "call_id": "0197a3b2-0000-7000-8000-000000000001",
                                             "display_name": "Renamed"})]
    (calls / "20260131_0000.synced.jsonl.gz").write_bytes(gzip.compress("".join(first).encode()))
    (calls / "20260131_0001.jsonl").write_text("".join(second))
    return tmp_path / "offline"


@pytest.fixture
def export(weave_command, offline, tmp_path):
    """export(form, *arguments) exports into a file; its path."""
    def run(form, *arguments):
        path = tmp_path / f"calls.{form}"
        done = weave_command("export", "-d", offline, f"--{form}", path, *arguments)
        assert done.returncode == 0, done.stderr
        return path
    return run


def jsonl(path):
    return [json.loads(text) for text in path.read_text().splitlines()]


def test_json_lines_are_whole_calls_in_the_order_of_their_ends_and_running_ones_last(export):
    rows = jsonl(export("jsonl"))
    assert [int(row["id"][-12:]) for row in rows] == [0, 1, 2, 3, 4, 5, 6, 7, 90, 91]
    joined, runs = rows[-2:]
    assert (joined["op_name"], joined["inputs"], joined["output"], joined["status"]) == ("walk", {"n": 90}, "done", "error")
    assert (runs["ended_at"], runs["output"], runs["status"]) == (None, None, "running")


def test_json_values_keep_their_digits(export):
    assert f',"inputs":{INPUTS},' in export("jsonl").read_text()


def test_a_call_has_the_name_it_was_given_later(export):
    assert [row["display_name"] for row in jsonl(export("jsonl"))][:3] == ["First", "Renamed", None]


JSON = ["attributes", "inputs", "output", "summary", "otel_dump"]


def test_duckdb_reads_the_same_of_json_lines_csv_and_parquet(export):
    lines, table, parquet = export("jsonl"), export("csv"), export("parquet")
    columns = list(jsonl(lines)[0])
    types = {name: "JSON" if name in JSON else "VARCHAR" for name in columns}
    wanted = ", ".join(f"{name}::{'TIMESTAMPTZ::' if name.endswith('_at') else ''}VARCHAR AS {name}" for name in columns)

    def rows(source):
        return [dict(zip(columns, row)) for row in duckdb.sql(f"SELECT {wanted} FROM {source} ORDER BY id").fetchall()]

    of_parquet = rows(f"read_parquet('{parquet}')")
    assert len(of_parquet) == 10 and of_parquet[0]["inputs"] == INPUTS
    # What is empty and what is not there are one in CSV.
    assert rows(f"read_csv('{table}', all_varchar = true)") == [
        {name: value or None for name, value in row.items()} for row in of_parquet]
    # DuckDB writes numbers in JSON anew.
    read = [{name: json.loads(value) if name in JSON and value else value for name, value in row.items()}
            for row in (*of_parquet, *rows(f"read_json('{lines}', format = 'newline_delimited', columns = {types})"))]
    assert read[:10] == read[10:]


def test_duckdb_guesses_the_types_of_json_lines_and_knows_those_of_parquet(export):
    spans = "SELECT max(ended_at - started_at)::VARCHAR, max(inputs->>'$.x') FROM"
    assert duckdb.sql(f"{spans} read_json_auto('{export('jsonl')}')").fetchone()[0] == "01:00:00"
    assert duckdb.sql(f"{spans} '{export('parquet')}'").fetchone() == ("01:00:00", "1.1")
    types = dict(duckdb.sql(f"SELECT name, logical_type FROM parquet_schema('{export('parquet', '--force')}')").fetchall())
    assert "isAdjustedToUTC=1" in types["started_at"] and "MICROS" in types["started_at"]


def test_the_documented_queries_find_what_was_logged_also_late_in_a_file(weave_command, tmp_path, monkeypatch):
    calls = tmp_path / "offline/team/demo/calls"
    calls.mkdir(parents=True)
    late = whole(59, inputs={"question": "late", "n": "many"}, exception="no")
    (calls / "20260131_0000.jsonl").write_text("".join(whole(n % 60, inputs={"n": n}) for n in range(25_000)) + late)
    for form in ("jsonl", "parquet"):
        assert weave_command("export", "-d", tmp_path / "offline", f"--{form}", f"calls.{form}").returncode == 0
    monkeypatch.chdir(tmp_path)
    page = (harness.ROOT / "docs/cli-export.md").read_text()
    grouped, found = [query for query in re.search(r"```sql\n(.*?)```", page, re.DOTALL)[1].split(";") if query.strip()]
    assert duckdb.sql(grouped).fetchone()[1] == 25_001
    assert duckdb.sql(found).fetchall() == [("late",)]


def test_csv_is_that_of_rfc_4180(export):
    path = export("csv")
    assert path.read_bytes().count(b"\r\n") == 12  # the names, ten calls, and one within quotes
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["inputs"] == INPUTS
    assert rows[8]["exception"] == "lost, \"twice\"\r\nand again"


def test_what_the_library_wrote_is_exported_call_for_call(weave_command, session, tmp_path):
    directory, _ = session("python")
    logged = {}
    for text in harness.lines(directory, "*/*/calls/*.jsonl.gz"):
        data = json.loads(text)["data"]
        for part in (data.get("start"), data.get("end"), data if "id" in data else None):
            if part:
                logged.setdefault(part["id"], {}).update(part)
    done = weave_command("export", "-d", directory, "--jsonl", "-")
    exported = {row["id"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert exported.keys() == logged.keys() and logged
    for call, fields in logged.items():
        assert {name: exported[call][name] for name in fields} == fields
    assert f"{len(logged)}" in done.stderr


@pytest.mark.parametrize("arguments, numbers", [
    (["--failed"], [90]), (["--op", "walk"], [90, 91]), (["--since", "2026-01-31T12:00:06Z", "--until", "2026-01-31T12:30:00Z"], [6, 7])])
def test_filters_leave_calls_out(export, arguments, numbers):
    assert [int(row["id"][-12:]) for row in jsonl(export("jsonl", *arguments))] == numbers


def test_an_answer_for_programs_says_what_was_written(weave_command, offline, tmp_path):
    path = tmp_path / "calls.parquet"
    told = json.loads(weave_command("export", "-d", offline, "--parquet", path, "--json").stdout)
    assert told == {"to": str(path), "calls": 10, "running": 1, "bytes": path.stat().st_size}


def test_a_file_that_is_there_stays_without_force(weave_command, offline, tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text("mine")
    done = weave_command("export", "-d", offline, "--csv", path)
    assert (done.returncode, path.read_text()) == (2, "mine")
    assert "--force" in done.stderr
    assert weave_command("export", "-d", offline, "--csv", path, "--force").returncode == 0
    assert path.read_text() != "mine"


def test_a_file_is_its_owners_alone(export):
    assert stat.S_IMODE(export("jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "otlp"])
def test_what_finds_no_room_is_told_and_leaves_no_file(command, offline, tmp_path, form):
    folder = tmp_path / "to"
    folder.mkdir()

    def little_room():  # a write behind the limit fails, as on a full disk, where this signal is ignored
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    done = subprocess.run([command, "export", "-d", offline, f"--{form}", folder / "calls"], capture_output=True,
                          text=True, preexec_fn=little_room, env=harness.client_environment(tmp_path))
    assert done.returncode == 2 and "cannot write" in done.stderr and "to/calls" in done.stderr, done.stderr
    assert os.listdir(folder) == []


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "otlp"])
def test_a_full_disk_is_told_with_what_to_do(weave_command, offline, form):
    done = weave_command("export", "-d", offline, f"--{form}", "/dev/full")
    assert done.returncode == 2
    assert "/dev/full" in done.stderr and "make room" in done.stderr


def test_a_wish_to_stop_leaves_no_file(command, tmp_path):
    calls = tmp_path / "offline" / "team" / "demo" / "calls"
    calls.mkdir(parents=True)
    (calls / "20260131_0000.jsonl").write_text("".join(whole(0, inputs={"text": "x" * 1000}) * 50_000))
    (tmp_path / "to").mkdir()
    line = [command, "export", "-d", tmp_path / "offline", "--jsonl", tmp_path / "to" / "calls"]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=harness.client_environment(tmp_path)) as process:
        while not os.listdir(tmp_path / "to") and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 1 and "stopped" in told
    assert os.listdir(tmp_path / "to") == []


def test_a_pipe_takes_calls_and_may_be_closed(command, offline, tmp_path):
    line = f"'{command}' export -d '{offline}' --jsonl - 2>/dev/null | head -n 1"
    done = harness.run(["bash", "-o", "pipefail", "-c", line], environment=harness.client_environment(tmp_path))
    assert json.loads(done.stdout)["display_name"] == "First"


def test_parquet_wants_a_file(weave_command, offline):
    done = weave_command("export", "-d", offline, "--parquet", "-")
    assert done.returncode == 2 and "name a file" in done.stderr


def test_a_folder_that_is_not_there_is_told(weave_command, offline, tmp_path):
    done = weave_command("export", "-d", offline, "--csv", tmp_path / "nowhere" / "calls.csv")
    assert done.returncode == 2 and f"there is no folder {tmp_path}/nowhere" in done.stderr


def test_one_form_must_be_named(weave_command, offline):
    assert weave_command("export", "-d", offline).returncode == 2
    assert weave_command("export", "-d", offline, "--csv", "a", "--jsonl", "b").returncode == 2


def test_a_project_that_is_not_there_is_told_and_nothing_is_written(weave_command, offline, tmp_path):
    done = weave_command("export", "team/other", "-d", offline, "--jsonl", tmp_path / "calls.jsonl")
    assert done.returncode == 2 and "team/other" in done.stderr
    assert not (tmp_path / "calls.jsonl").exists()


def test_a_call_that_was_refused_and_is_to_be_sent_again_is_exported_once(weave_command, sync, shared_server, tmp_path):
    calls = tmp_path / "refused" / harness.ENTITY / "put-back" / "calls"
    calls.mkdir(parents=True)
    of = {"project_id": f"{harness.ENTITY}/put-back", "op_name": "answer"}
    (calls / "20260131_0000.jsonl").write_text(whole(1, summary={"usage": None}, **of) + whole(2, **of))
    sync(tmp_path / "refused", shared_server(), status=17)
    again = "import libweave, sys; libweave.retry_rejected(sys.argv[1])"
    harness.run([harness.CLIENTS["0.52.20"], "-c", again, tmp_path / "refused"], environment={
        **harness.client_environment(tmp_path), "PYTHONPATH": str(harness.ROOT / "bindings/python"),
        "WEAVE_LIBRARY": str(harness.LIBRARY)})
    assert len(list(calls.iterdir())) == 2, "a copy of the line is in a file of its own"
    done = weave_command("export", "-d", tmp_path / "refused", "--jsonl", "-")
    assert [int(json.loads(text)["id"][-12:]) for text in done.stdout.splitlines()] == [2, 1]
