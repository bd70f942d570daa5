"""`weave fsck` finds what is torn, damaged, left behind or foreign, changes nothing unless it is to repair, saves what is
whole, and never has a record sent twice."""
import gzip
import json
import os
import shutil
import subprocess
import sys
import time

import pytest

import harness
from cli.caring import data_file, files, is_root, log, log_members, masked, members, overwrite


@pytest.fixture
def offline(tmp_path):
    """Three members of calls, of two records each."""
    return log_members(tmp_path / "offline", 3)


def numbers(directory):
    """The inputs of the calls that can be read, by data file; None for a line that was given up."""
    return {path.name.split("_")[1]: [json.loads(line)["data"]["inputs"]["n"] if line.strip() else None
                                      for line in gzip.open(path, "rt")]
            for path in sorted((directory / "team/demo/calls").glob("*.jsonl.gz"))}


def fsck(weave_command, directory, *options):
    done = weave_command("-d", directory, "fsck", *options)
    return done.returncode, masked(done.stdout).splitlines(), done.stderr


def repaired(weave_command, directory):
    """Repairs; what was told. A second look finds nothing."""
    status, told, error = fsck(weave_command, directory, "--repair")
    assert status == 0, (told, error)
    after = weave_command("-d", directory, "fsck")
    assert (after.returncode, after.stdout.startswith("All is in order:")) == (0, True), after.stdout
    return told


def kept(directory):
    return sorted(path.name for path in (directory / ".weave/damaged").iterdir())


def synced_once(weave_command, directory, server, calls):
    """Everything that can be read is on the server, and nothing was written twice."""
    for _ in range(2):
        done = weave_command("-d", directory, "sync", "--to", "test-entity/fsck", "-y", server=server, WEAVE_HTTP_TIMEOUT="2")
        assert done.returncode == 0, done.stderr
    assert [n for (kind, _), n in server.writes().items() if kind == "start"] == [1] * calls


def test_a_whole_directory_is_in_order_and_stays_as_it_is(weave_command, offline):
    before = files(offline)
    assert fsck(weave_command, offline) == (0, ["All is in order: 3 data files with 9 records can be read."], "")
    assert files(offline) == before


@pytest.mark.parametrize("of", ["end", "middle", "header", "plain text", "journal"])
def test_without_repair_nothing_is_changed(weave_command, tmp_path, offline, of):
    calls = data_file(offline)
    if of == "end":
        calls.write_bytes(calls.read_bytes()[:-5])
    elif of == "middle":
        overwrite(calls, members(calls)[1] + 90)
    elif of == "header":
        overwrite(calls, members(calls)[1])
    elif of == "plain text":
        (calls.parent / "notes.txt").write_text("mine")
    else:
        log(offline, end="kill")
    before = files(offline)
    status, told, _ = fsck(weave_command, offline)
    assert status == 1 and "and nothing was changed" in told[-1]
    assert files(offline) == before


def test_a_torn_end_is_set_aside_and_cut_off(weave_command, offline):
    calls = data_file(offline)
    calls.write_bytes(calls.read_bytes()[:-5])
    at = members(calls)[2]
    assert fsck(weave_command, offline)[1] == [
        f"torn team/demo/calls/DAY_0000.jsonl.gz: its end is torn at byte {at}; records that stand before it: 4",
        "  what stands before it is whole and is sent; what was torn is in the program's journal, or was never promised",
        "1 finding, and nothing was changed; 3 data files with 7 records can be read. "
        "weave fsck --repair puts in order what can be."]
    assert repaired(weave_command, offline) == [
        f"torn team/demo/calls/DAY_0000.jsonl.gz: its end is torn at byte {at}; records that stand before it: 4",
        "  repaired: the torn end is set aside and cut off",
        "1 finding, 1 repaired, 0 left; 4 records of these are saved, 0 are lost."]
    assert [name for name in kept(offline) if name.endswith(f"-{at}")] == [f"team%demo%calls%{calls.name}-{at}"]
    assert numbers(offline)["0000.jsonl.gz"] == [0, 1, 2, 3]


def test_a_damaged_member_leaves_its_numbers_and_the_others_their_records(weave_command, offline, shared_server):
    calls = data_file(offline)
    overwrite(calls, members(calls)[1] + 90)
    told = repaired(weave_command, offline)
    assert told[0] == ("damaged team/demo/calls/DAY_0000.jsonl.gz: 1 of its 3 parts is damaged; "
                       "4 records can be read, 2 cannot")
    assert told[-1] == "1 finding, 1 repaired, 0 left; 4 records of these are saved, 2 are lost."
    assert numbers(offline) == {"0000.jsonl.gz": [0, 1, None, None, 4, 5]}
    assert f"team%demo%calls%{calls.name}" in kept(offline)
    synced_once(weave_command, offline, shared_server("--log", "/dev/null"), 4)


def test_what_stands_behind_a_gap_is_rescued_and_sent_once(weave_command, offline, server):
    calls, server = data_file(offline), server()
    begins = members(calls)[1]
    data = calls.read_bytes()
    # A sync had sent everything, but its noting of the file as sent was cut short: then the damage came.
    assert weave_command("-d", offline, "sync", "--to", "test-entity/fsck", "-y", server=server).returncode == 0
    day = calls.name.split("_")[0]
    (calls.parent / f"{day}_0000.synced.jsonl.gz").rename(calls)
    (offline / "team/demo/.sync/progress.jsonl").write_text(json.dumps(
        {"file": f"calls/{calls.name}", "records": [[0, 5]]}) + "\n")
    calls.write_bytes(data[:begins] + b"\0garbage" * 8 + data[begins + 64:])
    told = repaired(weave_command, offline)
    assert told[0] == ("damaged team/demo/calls/DAY_0000.jsonl.gz: nothing can be read at byte "
                       f"{begins}; 4 records can be read")
    assert told[1] == ("  repaired: a copy is set aside; the file has what is whole; 2 records behind the damage are in "
                       "calls/DAY_0001.jsonl.gz")
    assert numbers(offline) == {"0000.jsonl.gz": [0, 1], "0001.jsonl.gz": [4, 5]}
    synced_once(weave_command, offline, server, 6)


def test_a_synced_file_that_is_damaged_is_mended_and_nothing_of_it_is_sent_again(weave_command, offline, server):
    server = server()
    synced_once(weave_command, offline, server, 6)
    calls = data_file(offline, end=".synced.jsonl.gz")
    overwrite(calls, members(calls)[1] + 90)
    told = repaired(weave_command, offline)
    assert told[0].endswith("4 records can be read, 2 cannot; the server has 2 of these")
    synced_once(weave_command, offline, server, 6)


def test_lines_without_compression_lose_only_what_is_torn(weave_command, offline):
    calls = data_file(offline)
    lines = gzip.decompress(calls.read_bytes()).splitlines(keepends=True)
    plain = calls.with_name(calls.name.replace(".jsonl.gz", ".jsonl"))
    plain.write_bytes(b"".join(lines[:2]) + b"{rotten\n" + b"".join(lines[3:5]) + lines[5][:40])
    calls.unlink()
    told = repaired(weave_command, offline)
    assert told[0].startswith("damaged team/demo/calls/DAY_0000.jsonl: behind record 5 the last line is torn")
    assert [bool(line) for line in plain.read_text().split("\n")] == [True, True, False, True, True, False]


def test_what_a_dead_program_left_is_packed(weave_command, tmp_path, shared_server):
    offline = log(tmp_path / "offline", calls=5, end="kill")
    status, told, _ = fsck(weave_command, offline)
    assert status == 1
    assert told[0].startswith("left .weave/journals/JOURNAL: a program ended without a flush; up to ")
    assert told[1] == "  nothing is lost: the next start or sync packs these records, and so does a repair"
    repaired(weave_command, offline)
    assert len(gzip.open(data_file(offline)).readlines()) == 5


def test_a_dead_programs_journal_that_is_damaged_is_set_aside_and_packed_as_far_as_it_can_be_read(weave_command, tmp_path):
    offline = log(tmp_path / "offline", calls=5, end="kill")
    (segment,) = offline.glob(".weave/journals/*/*.log")
    overwrite(segment, 60)
    assert "wrong checksum" in fsck(weave_command, offline)[1][0]
    repaired(weave_command, offline)
    assert [name for name in kept(offline) if name.endswith(".log")]
    assert len(gzip.open(data_file(offline)).readlines()) == 5


def test_a_file_that_was_being_dropped_is_dropped(weave_command, offline):
    calls = data_file(offline)
    calls.rename(calls.with_name(calls.name + ".dropping"))
    assert "leftover team/demo/calls/DAY_0000.jsonl.gz.dropping: a file that was being dropped for the quota" in repaired(
        weave_command, offline)
    note = json.loads(gzip.open(data_file(offline, end=".dropped.gz")).readline())
    assert note["records"] == 6


def test_a_living_program_is_left_alone(weave_command, tmp_path):
    script = ("import sys, libweave as weave\nclient = weave.init('team/demo', offline=True, offline_dir=sys.argv[1])\n"
              "client.log_call('greet', {}, 1); client.flush(); client.log_call('greet', {}, 2)\n"
              "print('ready', flush=True); sys.stdin.readline(); client.finish()\n")
    environment = {**harness.client_environment(tmp_path), "WEAVE_LIBRARY": str(harness.LIBRARY),
                   "PYTHONPATH": str(harness.ROOT / "bindings/python")}
    offline = tmp_path / "offline"
    with subprocess.Popen([sys.executable, "-c", script, offline], env=environment, text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as program:
        assert program.stdout.readline() == "ready\n"
        with open(data_file(offline), "ab") as growing:
            growing.write(data_file(offline).read_bytes()[:30])  # as if a member were half written
        for options in ([], ["--repair"]):
            done = weave_command("-d", offline, "fsck", *options)
            assert (done.returncode, done.stdout.startswith("All is in order")) == (0, True), done.stdout
        program.communicate("\n", timeout=30)
        assert program.returncode == 0


def test_what_a_sync_remembers_is_mended_and_nothing_is_sent_twice(weave_command, offline, server):
    server = server()
    notes = offline / "team/demo/.sync/progress.jsonl"
    assert weave_command("-d", offline, "sync", "--to", "test-entity/fsck", "-y", server=server).returncode == 0
    calls = data_file(offline, end=".synced.jsonl.gz")
    calls.rename(calls.with_name(calls.name.replace(".synced", "")))
    notes.write_text('{"file": "calls/' + calls.name.replace(".synced", "") + '", "rec\n{"to": "somewhere"}\n')
    told = repaired(weave_command, offline)
    assert told[:2] == [
        "sync notes team/demo/.sync/progress.jsonl: 1 of its lines cannot be read: which records are acknowledged or under way",
        "  repaired: a copy is set aside; the other lines stay; everything that waits is looked up on the server before it "
        "is sent"]
    synced_once(weave_command, offline, server, 6)


def test_a_receipt_that_does_not_fit_is_told(weave_command, offline, shared_server):
    assert weave_command("-d", offline, "sync", "--to", "test-entity/receipt", "-y", server=shared_server()).returncode == 0
    calls = data_file(offline, end=".synced.jsonl.gz")
    with gzip.open(calls, "ab") as file:
        file.write(b'{"type": "writer", "timestamp": "", "data": {}}\n')
    receipts = offline / "team/demo/.sync/receipts"
    files_receipt = next(receipts.glob("files-*"))
    files_receipt.write_bytes(b"torn")
    told = repaired(weave_command, offline)
    assert told[0].startswith("receipt team/demo/calls/DAY_0000.synced.jsonl.gz: it has another digest than its receipt")
    assert told[2].startswith("receipt team/demo/.sync/receipts/files-DAY_0000.jsonl.gz: ")
    assert not files_receipt.exists() and calls.exists()


def test_bytes_that_are_gone_have_their_record_set_aside_and_come_back_with_it(weave_command, offline, shared_server):
    (body,) = (path for path in (offline / "team/demo/files").iterdir() if "." not in path.name)
    content = body.read_bytes()
    body.unlink()
    told = repaired(weave_command, offline)
    assert told[:2] == [
        "missing bytes team/demo/files/DAY_0000.jsonl.gz: the bytes of the file DIGEST are not there",
        "  repaired: its record stands among the rejected ones; put the bytes back at files/DIGEST, then weave rejected retry"]
    assert "1 files: the bytes of the file" in weave_command("-d", offline, "rejected", "list").stdout
    body.write_bytes(content)
    assert weave_command("-d", offline, "rejected", "retry").returncode == 0
    done = weave_command("-d", offline, "sync", "--to", "test-entity/bytes", "-y", server=shared_server())
    assert (done.returncode, done.stdout) == (0, "team/demo: 1 file, 6 calls\n")


def test_bytes_of_another_digest_and_bytes_that_nobody_names_are_taken_away(weave_command, offline):
    (body,) = (path for path in (offline / "team/demo/files").iterdir() if "." not in path.name)
    body.write_bytes(b"other bytes")
    shutil.copy(body, body.with_name("nobody"))
    told = [line.split()[0:2] for line in repaired(weave_command, offline) if not line.startswith(" ")][:-1]
    assert sorted(told) == [["missing", "bytes"], ["orphan", "bytes"], ["wrong", "bytes"]]
    assert [path.name for path in body.parent.iterdir() if "." not in path.name] == []


def test_leftovers_are_removed_and_foreign_files_taken_away_with_the_reason(weave_command, offline):
    project = offline / "team/demo"
    day = data_file(offline).name.split("_")[0]
    leftovers = [project / f"calls/{day}_0000.jsonl.mended", project / f"files/.{'d' * 43}.0123",
                 offline / ".weave/x.tmp"]
    foreign = [project / "calls/notes.txt", project / "calls/a\x1b[31mname\n", project / "files/.DS_Store",
               offline / ".weave/journals/mine"]
    (offline / ".weave/journals").mkdir(parents=True, exist_ok=True)
    for path in leftovers + foreign:
        path.write_text("something")
    hidden = offline / ".weave/journals/.0123"
    hidden.mkdir()
    status, told, _ = fsck(weave_command, offline)
    assert (status, len([line for line in told if not line.startswith(" ")]) - 1) == (1, 8)
    assert "foreign team/demo/calls/a\\u{1b}[31mname\\n: no file of the library has such a name" in told
    repaired(weave_command, offline)
    assert not any(path.exists() for path in [*leftovers, *foreign, hidden])
    assert (offline / ".weave/damaged/team%demo%calls%notes.txt").read_text() == "something"
    assert (offline / ".weave/damaged/team%demo%files%.DS_Store").read_text() == "something"
    assert "is none of them" in (offline / ".weave/damaged/team%demo%calls%notes.txt.txt").read_text()


def test_what_stands_beside_the_librarys_folders_is_left_alone(weave_command, offline):
    for path in (offline / "thesis.txt", offline / "team/demo/README"):
        path.write_text("mine")
    for options in ([], ["--repair"]):
        assert fsck(weave_command, offline, *options) == (0, [
            "Not the library's, and left alone: team/demo/README, thesis.txt",
            "All is in order: 3 data files with 9 records can be read."], "")
    assert (offline / "thesis.txt").read_text() == "mine"


def test_somebodys_own_folder_of_files_is_left_alone(weave_command, offline):
    mine = offline / "web/app/files/index.html"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert fsck(weave_command, offline, "--repair") == (0, [
        "Not the library's, and left alone: web", "All is in order: 3 data files with 9 records can be read."], "")
    assert mine.exists()


def test_a_file_of_which_nothing_is_whole_keeps_its_number(weave_command, offline):
    calls = data_file(offline)
    calls.write_bytes(calls.read_bytes()[:40])
    repaired(weave_command, offline)
    assert [path.name.split("_")[1] for path in calls.parent.iterdir()] == ["0000.deleted"]


def test_gzip_of_another_writer_keeps_the_lines_before_its_damage(weave_command, offline):
    calls = data_file(offline)
    lines = gzip.decompress(calls.read_bytes())
    packed = gzip.compress(lines * 40)
    calls.write_bytes(packed[:-20])
    told = repaired(weave_command, offline)
    assert told[0].startswith("damaged team/demo/calls/DAY_0000.jsonl.gz: behind record")
    assert len(numbers(offline)["0000.jsonl.gz"]) > 0


def test_another_directory_is_refused(weave_command, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("mine")
    for options in ([], ["--repair"]):
        status, told, error = fsck(weave_command, foreign, *options)
        assert (status, told) == (2, [])
        assert "is no offline directory" in error
    assert [path.name for path in foreign.iterdir()] == ["thesis.txt"]


def test_a_repair_waits_for_no_sync(weave_command, command, offline, server):
    server = server("--delay", "5")
    binary = ["sync", "--to", "test-entity/busy", "-y"]
    with subprocess.Popen([command, "-d", offline, *binary], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env=harness.client_environment(offline.parent, server)) as sync:
        while not (offline / ".weave/sync.lock").exists():
            time.sleep(0.05)
        time.sleep(0.2)
        done = weave_command("-d", offline, "fsck", "--repair")
        sync.kill()
    assert done.returncode == 2 and "another sync" in done.stderr


@pytest.mark.skipif(is_root(), reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_can_be_looked_at(weave_command, offline):
    for path in [offline, *offline.rglob("*")]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    assert weave_command("-d", offline, "fsck").returncode == 0
    assert weave_command("-d", offline, "fsck", "--repair").returncode == 2


def test_a_program_reads_what_was_found(weave_command, offline):
    calls = data_file(offline)
    calls.write_bytes(calls.read_bytes()[:-5])
    told = json.loads(weave_command("-d", offline, "fsck", "--json").stdout)
    (finding,) = told["findings"]
    assert (finding["problem"], finding["path"], finding["saved"]) == (
        "torn", str(calls.relative_to(offline)), 4)
    assert (finding["repaired"], finding["error"]) == (None, None)
    assert os.path.isabs(finding["path"]) is False
