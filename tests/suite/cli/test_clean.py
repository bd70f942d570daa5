"""`weave clean` deletes what was sent long enough ago, and says what stays and why."""
import json

import pytest

from cli.caring import files, log, masked


@pytest.fixture
def offline(tmp_path):
    return log(tmp_path / "offline")


@pytest.fixture
def sent(weave_command, offline, shared_server):
    """The directory, all of it sent."""
    assert weave_command("-d", offline, "sync", "--to", "test-entity/clean", "-y", server=shared_server()).returncode == 0
    return offline


def data_files(offline):
    return [path for path in offline.glob("*/*/*/*.jsonl.gz")]


def test_what_was_not_sent_stays_and_the_reason_is_told(weave_command, offline):
    before = len(data_files(offline))
    done = weave_command("-d", offline, "clean", "--older-than", "0s")
    assert (done.returncode, masked(done.stdout), done.stderr) == (0, (
        "Nothing was deleted.\n"
        "Kept 4 data files, SIZE: not sent, or not wholly; weave sync sends them\n"), "")
    assert len(data_files(offline)) == before


def test_what_was_sent_a_moment_ago_stays_by_default(weave_command, sent):
    done = weave_command("-d", sent, "clean")
    assert (done.returncode, masked(done.stdout)) == (0, (
        "Nothing was deleted.\nKept 4 data files, SIZE: sent less than 7 d ago; --older-than sets another time\n"))
    assert len(data_files(sent)) == 4


def test_a_dry_run_names_what_would_go_and_changes_nothing(weave_command, sent):
    before = files(sent)
    done = weave_command("-d", sent, "clean", "--older-than", "0s", "--dry-run")
    assert masked(done.stdout) == (
        "team/demo/calls/DAY_0000.synced.jsonl.gz SIZE\n"
        "team/demo/files/DAY_0000.synced.jsonl.gz SIZE\n"
        "team/demo/files/DIGEST SIZE\n"
        "team/demo/metadata/DAY_0000.synced.jsonl.gz SIZE\n"
        "team/demo/objects/DAY_0000.synced.jsonl.gz SIZE\n"
        "Would delete 4 data files, sent at least 0 s ago, with what only they need: SIZE\n")
    assert files(sent) == before


def test_what_was_sent_long_enough_ago_goes_and_its_receipts_stay(weave_command, sent):
    done = weave_command("-d", sent, "clean", "--older-than", "0s")
    assert masked(done.stdout) == (
        "Deleted 4 data files, sent at least 0 s ago, with what only they needed: SIZE\nNo data file is left.\n")
    assert data_files(sent) == []
    assert len(list(sent.glob("*/*/.sync/receipts/*"))) == 4


def test_a_program_reads_what_went_and_what_stayed(weave_command, sent):
    told = json.loads(weave_command("-d", sent, "clean", "-n", "--older-than", "0s", "--json").stdout)
    assert (told["dry_run"], told["deleted"]["files"], told["kept"]["young"]["files"]) == (True, 4, 0)
    assert len(told["paths"]) == 5


def test_a_time_that_is_none_is_refused_with_an_example(weave_command, offline):
    done = weave_command("-d", offline, "clean", "--older-than", "soon")
    assert done.returncode == 2
    assert "such as 90s, 10m, 12h or 7d" in done.stderr


def test_somebodys_own_folder_of_files_is_not_cleaned(weave_command, sent):
    mine = sent / "web/app/files/index.html"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    done = weave_command("-d", sent, "clean", "--older-than", "0s")
    assert done.returncode == 0 and done.stdout.startswith("Deleted ")
    assert mine.exists()
