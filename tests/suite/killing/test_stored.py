"""The reader that judges the kills sees what it is there to see."""
import json

import pytest

from harness import client_environment, compiled, run
from killing.campaign import WRITERS
from killing.episode import PROJECT, write_letters
from stored import Stored, acknowledged, data_files, members


@pytest.fixture
def logged(library, tmp_path):
    """(directory, what was acknowledged) of a writer that finished."""
    write_letters(tmp_path / "letters")
    writer = compiled(WRITERS / "writer.c", tmp_path / "writer")
    environment = {**client_environment(tmp_path), "WEAVE_OFFLINE": "1", "WEAVE_MAX_FILE_SIZE": "30000",
                   "WEAVE_OFFLINE_DIR": str(tmp_path / "offline")}
    told = run([writer, PROJECT, tmp_path / "letters", 7, 2, 20, 1], environment=environment).stdout.splitlines()
    return tmp_path / "offline", acknowledged(told)


@pytest.fixture
def large(logged):
    """The largest data file of calls."""
    calls = [path for path in data_files(logged[0]) if path.parent.name == "calls"]
    return max(calls, key=lambda path: path.stat().st_size)


def test_a_finished_session_is_whole(logged):
    stored = Stored(logged[0])
    assert len(logged[1]) > 100 and set(logged[1]) <= set(stored.count)
    assert not stored.doubled() + stored.lost(logged[1]) + stored.torn + stored.empty + stored.wrong


def test_what_is_missing_is_seen(logged, large):
    large.unlink()
    assert Stored(logged[0]).lost(logged[1])


def test_what_is_there_twice_is_seen(logged, large):
    large.with_name("20000101_0000.jsonl.gz").write_bytes(large.read_bytes())
    stored = Stored(logged[0])
    assert len(stored.doubled()) >= sum(member.lines for member in members(large.read_bytes())[0])
    assert not stored.lost(logged[1])


def test_a_torn_end_is_seen_and_costs_its_member_alone(logged, large):
    whole = members(large.read_bytes())[0]
    large.write_bytes(large.read_bytes()[:-10])
    stored = Stored(logged[0])
    assert len(stored.torn) == 1 and not stored.wrong
    assert 0 < len(stored.lost(logged[1])) <= 2 * whole[-1].lines


def test_a_damaged_member_is_seen(logged, large):
    data = bytearray(large.read_bytes())
    data[members(data)[0][0].length // 2] ^= 0xFF
    large.write_bytes(data)
    assert Stored(logged[0]).wrong


def test_an_empty_file_and_a_name_that_is_used_twice_are_seen(logged, large):
    large.with_name(large.name.replace(".jsonl", ".synced.jsonl")).write_bytes(b"")
    stored = Stored(logged[0])
    assert len(stored.empty) == 1 and len(stored.wrong) == 1


def test_each_record_is_shown(logged):
    shown = []
    assert Stored(logged[0], lambda record: shown.append(json.dumps(record))).records == len(shown) > 100
