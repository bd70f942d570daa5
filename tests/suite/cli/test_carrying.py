"""Records carried on a stick from a device that is never online to a machine that is, and receipts carried back. Whatever
is killed, torn or done twice on the way, every call is on the server once in the end."""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

import harness
import pytest
from harness import ENTITY

WRITER = pathlib.Path(__file__).with_name("carrying_writer.py")


class Device:
    """The device and the programs on it."""

    def __init__(self, directory, project):
        self.home, self.offline_dir, self.project = directory, directory / "offline", project
        self.home.mkdir()
        library = next(path for path in (harness.LIBRARY, harness.TARGET / "debug" / harness.LIBRARY.name) if path.exists())
        self.environment = {**harness.client_environment(self.home), "WEAVE_LIBRARY": str(library),
                            "PYTHONPATH": str(harness.ROOT / "bindings/python")}

    def program(self):
        return Program(self)

    def files(self, pattern="*/*/*/*.jsonl.gz"):
        return sorted(str(path.relative_to(self.offline_dir)) for path in self.offline_dir.glob(pattern))

    def rejected(self):
        """The ids of the rejected records."""
        lines = [line for path in self.offline_dir.glob("*/*/.sync/rejected.jsonl") for line in path.read_text().splitlines()]
        return [entry["id"] for entry in map(json.loads, lines) if "reason" in entry]

    def pending(self):
        return [name for name in self.files() if ".synced." not in name]


class Program:
    """A program that logs on the device while the test goes on."""

    def __init__(self, device):
        self.process = subprocess.Popen([sys.executable, WRITER, device.offline_dir, device.project], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=device.environment)

    def __call__(self, do, **given):
        self.process.stdin.write(json.dumps({"do": do, **given}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the program has ended"
        return json.loads(answer)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        status = self.process.wait(60)
        assert kind or status in (0, -9)


class Journey:
    """A device, a stick, and a base that reaches the server."""

    def __init__(self, directory, server, binary, project):
        self.directory, self.server, self.binary, self.project = directory, server, binary, project
        self.device, self.stick = Device(directory / "device", project), directory / "stick"
        self.took = {}

    def run(self, *arguments, status=0, home=None, online=False, **variables):
        environment = {**harness.client_environment(home or self.device.home, self.server if online else None), **variables}
        begun = time.monotonic()
        done = harness.run([self.binary, *arguments], environment=environment, status=status)
        self.took[arguments[0]] = time.monotonic() - begun
        return done

    def pack(self, stick=None, status=0):
        done = self.run("pack", stick or self.stick, "-d", self.device.offline_dir, "--json", status=status)
        return json.loads(done.stdout)

    def sync_on_the_device(self, status=0):
        return self.run("sync", "-d", self.device.offline_dir, status=status, online=True)

    def base(self, name="base"):
        home = self.directory / name
        home.mkdir(exist_ok=True)
        return home

    def unpack(self, stick=None, base="base", status=0):
        done = self.run("unpack", stick or self.stick, "--json", status=status, home=self.base(base))
        return json.loads(done.stdout)

    def unpacked(self, base="base"):
        (directory,) = self.base(base).glob(".weave/unpacked/*")
        return directory

    def sync(self, base="base", status=0, **variables):
        return self.run("sync", "-d", self.unpacked(base), status=status, online=True, home=self.base(base), **variables)

    def receipt(self, stick=None, base="base"):
        return json.loads(self.run("receipt", stick or self.stick, "--json", home=self.base(base)).stdout)

    def there_and_back(self):
        """The stick goes to the base and comes back; what the device learns from it."""
        self.pack()
        self.unpack()
        self.sync()
        self.receipt()
        return self.pack()["receipt"]

    def calls(self):
        """The calls of the project on the server."""
        return self.server.calls(f"{ENTITY}/{self.project}")

    def check(self, ids):
        """All these calls are there, nothing else, and nothing was written twice."""
        found = self.calls()
        assert sorted(call["id"] for call in found) == sorted(ids)
        twice = {item: times for item, times in self.server.writes().items() if times > 1}
        assert twice == {}
        return {call["id"]: call for call in found}


@pytest.fixture
def journey(tmp_path, server, command, project):
    return Journey(tmp_path, server(), command, project)


AFTERWARDS = """
import json
import sys

import libweave
from libweave.offline import OfflineDataSyncer
asked = libweave.verify_offline_data(sys.argv[1])
cleaned = OfflineDataSyncer(offline_dir=sys.argv[1]).clean_synced_files(0)
print(json.dumps([asked, cleaned]))
"""


def receipts(device):
    return device.files("*/*/.sync/receipts/*")


def test_what_was_carried_is_on_the_server_with_its_references_and_the_device_may_clean_up(journey):
    with journey.device.program() as program:
        uri = program("thing", name="plan", value={"speed": 3})
        ids = program("log", count=40) + [program("use", name="plan")]
        digest = program("file", name="map.txt", text="north")
        program("note", call=ids[0], text="good")
    taken = journey.there_and_back()
    assert taken["problems"] == [] and taken["records"] >= len(ids)
    calls = journey.check(ids)
    reference = calls[ids[-1]]["inputs"]["thing"]
    values = journey.server.post("/refs/read_batch", {"refs": [reference]})["vals"]
    inner = journey.server.post("/refs/read_batch", {"refs": [values[0]["inner"]]})["vals"]
    assert inner == [{"speed": 3}], uri
    asked = {"project_id": f"{ENTITY}/{journey.project}", "digest": digest}
    assert journey.server.read("/files/content", asked) == b"north"
    assert journey.device.pending() == []
    assert len(receipts(journey.device)) == len(journey.device.files())
    assert "Nothing waits" in journey.run("sync", "-d", journey.device.offline_dir).stdout, "no server is needed for that"
    environment = {**journey.device.environment, **harness.client_environment(journey.device.home, journey.server)}
    done = harness.run([sys.executable, "-c", AFTERWARDS, journey.device.offline_dir],
                       environment={**journey.device.environment, **environment})
    (verified,), cleaned = json.loads(done.stdout)[0].values(), json.loads(done.stdout)[1]
    assert verified["calls"] == [len(ids)] * 2 and verified["objects"] == [2, 2] and verified["files"] == [1, 1]
    assert cleaned > 0 and journey.device.files() == [] and receipts(journey.device) != []


def test_a_program_goes_on_while_its_records_are_carried(journey):
    with journey.device.program() as program:
        ids = []
        for _ in range(3):
            ids += program("log", count=20)
            program("flush")
            journey.there_and_back()
            assert len(journey.device.pending()) > 0, "what grows is not renamed"
    journey.there_and_back()
    journey.check(ids)
    assert journey.device.pending() == []


def test_a_program_that_was_killed_is_packed_with_all_that_it_logged(journey):
    with journey.device.program() as program:
        ids = program("log", count=30)
        program.process.kill()
    journey.there_and_back()
    journey.check(ids)


def test_a_call_that_runs_is_shown_as_running_and_ended_by_the_second_bundle(journey):
    with journey.device.program() as program:
        call = program("start", name="mission")
        program("flush")
        journey.pack()
        journey.unpack()
        journey.sync(WEAVE_OPEN_CALL_AGE="0")
        assert journey.calls()[0]["ended_at"] is None
        journey.receipt()
        assert journey.pack()["receipt"]["problems"] == []
        program("end", name="mission")
    journey.there_and_back()
    assert journey.check([call])[call]["ended_at"] is not None
    assert journey.device.pending() == []


def test_a_call_that_ends_after_its_start_was_sent_from_the_base_is_ended_by_the_device_itself(journey):
    with journey.device.program() as program:
        call = program("start", name="mission")
        program("flush")
        journey.pack()
        journey.unpack()
        journey.sync(WEAVE_OPEN_CALL_AGE="0")
        journey.receipt()
        journey.pack()
        program("end", name="mission")
    journey.sync_on_the_device()
    assert journey.check([call])[call]["ended_at"] is not None


@pytest.mark.parametrize("first", ["the device", "the base"])
def test_a_device_that_comes_to_a_network_in_between_sends_nothing_twice(journey, first):
    with journey.device.program() as program:
        call = program("start", name="mission")
        ids = program("log", count=25)
        program("note", call=ids[0], text="good")
        program("flush")
        journey.pack()
        journey.unpack()
        if first == "the base":
            journey.sync(WEAVE_OPEN_CALL_AGE="0")
        ids += program("log", count=5)
        program("end", name="mission")
    journey.sync_on_the_device()
    journey.sync(WEAVE_OPEN_CALL_AGE="0")
    journey.receipt()
    journey.pack()
    assert journey.check([*ids, call])[call]["ended_at"] is not None
    assert journey.device.pending() == []


def test_two_sticks_to_two_machines_bring_everything_once(journey):
    other = journey.directory / "other"
    with journey.device.program() as program:
        ids = program("log", count=10)
        program("flush")
        journey.pack()
        ids += program("log", count=10)
        program("flush")
        journey.pack(other)
        ids += program("log", count=10)
    for stick, base in ((other, "second"), (journey.stick, "base")):
        journey.unpack(stick, base)
        journey.sync(base)
        journey.receipt(stick, base)
    for stick in (journey.stick, other):
        assert journey.pack(stick)["receipt"]["problems"] == []
    journey.check(ids[:20])
    journey.there_and_back()
    journey.check(ids)
    assert journey.device.pending() == []


def test_a_rejected_record_stands_among_those_of_the_device_with_the_reason(tmp_path, server, command, project):
    journey = Journey(tmp_path, server("--reject-marker", "poison"), command, project)
    with journey.device.program() as program:
        ids = program("log", count=5)
        bad = program("bad", text="poison")
    journey.pack()
    journey.unpack()
    journey.sync(status=1)
    journey.receipt()
    taken = journey.pack()["receipt"]
    assert taken["problems"] == [] and taken["rejected"] > 0
    assert journey.device.rejected() == [bad]
    assert sorted(call["id"] for call in journey.calls()) == sorted(ids)
    journey.there_and_back()
    assert "Nothing waits" in journey.run("pack", journey.stick, "-d", journey.device.offline_dir).stdout


def test_what_carrying_keeps_is_in_order(journey):
    with journey.device.program() as program:
        program("log", count=5)
    journey.pack()
    journey.unpack()
    for directory in (journey.device.offline_dir, journey.unpacked()):
        assert journey.run("fsck", "-d", directory).stdout.startswith("All is in order")


def test_a_damaged_bundle_is_told_by_name_and_mended_by_the_next_packing(journey):
    for _ in range(3):
        with journey.device.program() as program:
            program("log", count=5)
    journey.pack()
    blobs = sorted(path for path in journey.stick.glob("weave-data/*/*") if path.stat().st_size > 100)
    content = bytearray(blobs[0].read_bytes())
    content[50] ^= 1
    blobs[0].write_bytes(content)
    blobs[1].unlink()
    unpacked = journey.unpack(status=1)
    assert len(unpacked["problems"]) == 2 and unpacked["files"] > 0
    for blob in blobs[:2]:
        assert any(str(blob) in problem for problem in unpacked["problems"])
    journey.pack()
    assert journey.unpack()["files"] == 2
    journey.sync()
    assert len(journey.calls()) == 15


def test_a_receipt_of_another_device_changes_nothing_and_is_told(journey, tmp_path, command):
    with journey.device.program() as program:
        program("log", count=3)
    (tmp_path / "elsewhere").mkdir()
    other = Journey(tmp_path / "elsewhere", journey.server, command, journey.project + "-other")
    with other.device.program() as program:
        program("log", count=3)
    journey.pack()
    other.pack()
    other.unpack()
    other.sync()
    other.receipt()
    shutil.copy(other.stick / "weave-receipt.jsonl", journey.stick)
    before = journey.device.pending()
    taken = journey.pack(status=1)["receipt"]
    assert "another device" in taken["problems"][0]
    assert journey.device.pending() == before


def killed(journey, chance, *arguments, home):
    """Starts the command and kills it after a part of the time that it took last; whether it was amid its work."""
    process = subprocess.Popen([journey.binary, *map(str, arguments)], env=harness.client_environment(home),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(chance.random() * journey.took.get(arguments[0], 0.05))
    process.kill()
    return process.wait() != 0


def test_whenever_packing_and_unpacking_are_killed_they_go_on_and_nothing_is_lost_or_doubled(journey):
    chance = random.Random(os.environ.get("SEED", "7"))
    ids, base, hits = [], journey.base(), 0
    for round_ in range(6):
        with journey.device.program() as program:
            ids += program("bulk", count=200, size=3000)
            program("file", name="blob", text=str(round_) * 500_000)
        pack = ["pack", journey.stick, "-d", journey.device.offline_dir]
        hits += killed(journey, chance, *pack, home=journey.device.home)
        if (journey.stick / "weave-bundle.jsonl").exists():
            # What is there is a whole bundle, of what waited then.
            assert journey.unpack()["problems"] == []
        hits += killed(journey, chance, *pack, home=journey.device.home)
        journey.pack()
        hits += killed(journey, chance, "unpack", journey.stick, home=base)
        journey.unpack()
        journey.sync()
        hits += killed(journey, chance, "receipt", journey.stick, home=base)
        journey.receipt()
        hits += killed(journey, chance, *pack, home=journey.device.home)
    assert hits > 0, "no kill hit anything"
    journey.there_and_back()
    journey.check(ids)
    assert journey.device.pending() == []


def test_a_wish_to_stop_a_packing_is_told_and_the_next_one_goes_on(journey):
    with journey.device.program() as program:
        ids = program("bulk", count=200, size=3000)
        for letter in "abcd":
            program("file", name=letter, text=letter * 30_000_000)
    packing = subprocess.Popen([journey.binary, "pack", str(journey.stick), "-d", str(journey.device.offline_dir)],
                               env=harness.client_environment(journey.device.home), stderr=subprocess.PIPE, text=True)
    while not any(journey.stick.glob("weave-data/*/*")):
        assert packing.poll() is None
        time.sleep(0.001)
    packing.terminate()
    _, told = packing.communicate(timeout=60)
    assert (packing.returncode, told) == (1, "weave: stopped; the next run goes on from here\n")
    journey.there_and_back()
    journey.check(ids)


def test_a_full_stick_is_told_with_what_to_do_and_what_was_copied_is_used_later(journey, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("a small file system needs root to mount it")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", small], capture_output=True)
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        for _ in range(2):
            with journey.device.program() as program:
                program("file", name="blob", text="".join(random.choices("abcdefgh", k=200_000)))
        done = journey.run("pack", small / "bundle", "-d", journey.device.offline_dir, status=2)
        assert "make room" in done.stderr and not (small / "bundle/weave-bundle.jsonl").exists()
        subprocess.run(["mount", "-o", "remount,size=2m", small], check=True)
        journey.pack(small / "bundle")
        assert journey.unpack(small / "bundle")["problems"] == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_what_would_be_packed_is_told_and_nothing_is_written(journey):
    with journey.device.program() as program:
        program("log", count=3)
    done = journey.run("pack", "-n", journey.stick, "-d", journey.device.offline_dir)
    assert f"offline/{journey.project}" in done.stdout and "would be" in done.stdout
    assert not journey.stick.exists() and not (journey.device.offline_dir / ".weave/device.json").exists()


def test_a_folder_that_is_no_bundle_is_told_with_what_to_do(journey, tmp_path):
    done = journey.run("unpack", tmp_path, status=2)
    assert "no whole bundle" in done.stderr and "pack again" in done.stderr
