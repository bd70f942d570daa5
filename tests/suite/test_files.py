"""The data files are ordinary: whatever reads gzip and JSON lines reads them."""
import datetime
import json
import stat

import duckdb
import pytest
from harness import SUITE, lines, run
from scenario import CALLS


def call_ids(text):
    """Ids of the calls that a list of lines starts or completes."""
    found = []
    for record in map(json.loads, text):
        data = record["data"]
        found += [data["id"]] if record["type"] == "call_complete" else [
            data["start"]["id"]] if record["type"] == "call_start" else []
    return found


@pytest.fixture
def files(session):
    found = sorted(session("c")[0].glob("*/*/*/*.jsonl.gz"))
    assert found, "the session left no data files"
    return found


def test_every_call_stands_in_the_files_once(session):
    ids = call_ids(lines(session("c")[0], "*/*/calls/*.jsonl.gz"))
    assert len(ids) == len(set(ids)) == len(CALLS)


def test_every_line_has_type_timestamp_and_data(session):
    for line in lines(session("c")[0]):
        record = json.loads(line)
        assert list(record) == ["type", "timestamp", "data"], line
        assert datetime.datetime.fromisoformat(record["timestamp"]).tzinfo, line


def test_zcat_reads_what_python_reads(files, session):
    assert run(["zcat", *files]).stdout.splitlines() == lines(session("c")[0])


def test_go_reads_what_python_reads(files, session, tmp_path):
    run(["go", "build", "-o", tmp_path / "gunzip", SUITE / "gunzip.go"], timeout=600)
    read = [line for file in files for line in run([tmp_path / "gunzip", file]).stdout.splitlines()]
    assert read == lines(session("c")[0])


def test_duckdb_reads_the_calls_with_no_options(session):
    offline_dir = session("c")[0]
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as database:
        rows = database.execute(f"SELECT type, count(*) FROM read_json('{offline_dir}/**/calls/*.jsonl.gz') GROUP BY 1")
        counts = dict(rows.fetchall())
    kinds = [json.loads(line)["type"] for line in lines(offline_dir, "*/*/calls/*.jsonl.gz")]
    assert counts == {kind: kinds.count(kind) for kind in kinds}


def test_only_the_owner_can_read_and_write(session):
    offline_dir = session("c")[0]
    for path in [offline_dir, *offline_dir.rglob("*")]:
        assert stat.S_IMODE(path.lstat().st_mode) == (0o700 if path.is_dir() else 0o600), path
