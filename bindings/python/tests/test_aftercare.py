"""Rejected records, verifying and the preview of cleaning, over directories that were made by hand."""
import json

import libweave as weave
import pytest

LINE = {"type": "call_complete", "timestamp": "2026-01-01T00:00:00Z", "data": {"id": "x"}}
REJECTED = {"kind": "calls", "id": "x", "status": 422, "reason": "no id", "place": "calls/20260101_0000.jsonl.gz#3",
            "at": "2026-01-01T00:00:00Z", "server": "http://x", "to": "team/demo"}


@pytest.fixture
def directory(tmp_path):
    """An offline directory with one rejected call and one file that was sent."""
    project = tmp_path / "offline" / "team" / "demo"
    (project / "calls").mkdir(parents=True)
    (project / ".sync").mkdir()
    (project / ".sync" / "rejected.jsonl").write_text(json.dumps({**REJECTED, "lines": [LINE]}) + "\n")
    (project / "calls" / "20200101_0000.synced.jsonl").write_text("{}\n")
    return tmp_path / "offline"


def test_rejected_records_are_listed_with_the_servers_reason(directory):
    assert weave.list_rejected(directory, "demo", "calls") == [{"project": "team/demo", **REJECTED}]
    assert weave.list_rejected(directory, kind="feedback") == []
    with pytest.raises(weave.InvalidError, match="call_updates"):
        weave.list_rejected(directory, kind="call")


def test_rejected_records_are_put_back_and_are_none_any_more(directory):
    assert weave.retry_rejected(directory) == 1
    assert weave.list_rejected(directory) == []
    assert weave.directory_stats(directory)["projects"]["team/demo"]["calls"]["pending_files"] == 1


def test_rejected_records_are_exported_and_dropped(directory, tmp_path):
    assert weave.export_rejected(tmp_path / "out.jsonl", directory) == 1
    assert json.loads((tmp_path / "out.jsonl").read_text())["lines"] == [LINE]
    with pytest.raises(weave.StorageError, match="out.jsonl"):
        weave.export_rejected(tmp_path / "out.jsonl", directory)
    assert (weave.drop_rejected(directory), weave.drop_rejected(directory)) == (1, 0)


def test_what_was_sent_without_a_receipt_is_told_by_verifying(directory):
    with pytest.raises(weave.WeaveError, match="1 synced files have no receipt") as raised:
        weave.verify_offline_data(directory)
    assert raised.value.results == {}


def test_a_preview_tells_what_cleaning_deletes(directory):
    syncer = weave.OfflineDataSyncer(None, directory)
    path = "team/demo/calls/20200101_0000.synced.jsonl"
    assert syncer.clean_preview(older_than_days=0) == {"files": [{"path": path, "bytes": 3}], "bytes": 3}
    assert syncer.clean_preview(older_than_days=7) == {"files": [], "bytes": 0}
    assert (syncer.clean_synced_files(older_than_days=0), (directory / path).exists()) == (1, False)
