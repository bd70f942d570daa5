"""A disk that is full, a directory that is taken away or may not be written: errors, never a crash or a hang, and what
was accepted is kept."""
import contextlib
import os
import shutil
import subprocess

import pytest

OK, IO, NO_SPACE = 0, 8, 9


class Program:
    """The program of disk.c under way: what it told, and the answers that it waits for."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen([str(part) for part in command], env=environment, text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []

    def until(self, word):
        """Read up to the line with this word; its status."""
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith(f"{word} "):
                return int(line.split()[1])
        raise AssertionError(f"it ended with {self.process.wait()} before it said {word}: {self.process.stderr.read()}")

    def go_on(self):
        self.process.stdin.write("on\n")

    def end(self):
        """Read the rest; its status and errors."""
        rest, errors = self.process.communicate(timeout=100)
        self.lines += rest.splitlines()
        print(errors[-3000:])
        return self.process.returncode


@pytest.fixture
def started(built, environment):
    """started(directory, way) starts disk.c."""
    running = []

    def start(directory, way):
        running.append(Program([built("disk"), directory, way], environment))
        return running[-1]

    yield start
    for one in running:
        one.process.kill()
        one.process.wait()
        for stream in (one.process.stdin, one.process.stdout, one.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


class SmallDisk:
    """A file system of 8 MB that can be made larger."""

    def __init__(self, place):
        place.mkdir()
        self.place, self.offline = place, place / "offline"
        made = self.mount("-t", "tmpfs", "-o", "size=8m", "tmpfs")
        self.failure = made.stderr.strip() if made.returncode else None

    def mount(self, *options):
        return subprocess.run(["mount", *options, self.place], capture_output=True, text=True)

    def grow(self):
        assert self.mount("-o", "remount,size=64m").returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """A file system of the test's own; where none may be mounted, the limit on files below stands for it."""
    disk = SmallDisk(tmp_path / "disk")
    if disk.failure:
        print(f"skipped: no file system can be mounted here: {disk.failure}")
        pytest.skip(disk.failure)
    yield disk
    subprocess.run(["umount", "-l", disk.place], check=True)


def test_on_a_full_disk_logging_is_refused_and_goes_on_when_there_is_room(started, kept, small_disk):
    program = started(small_disk.offline, "full")
    assert program.until("full") == NO_SPACE
    small_disk.grow()
    program.go_on()
    assert program.end() == 0
    kept(small_disk.offline, program.lines)


def test_finish_on_a_full_disk_ends_and_the_next_start_keeps_everything(started, kept, small_disk):
    program = started(small_disk.offline, "stuck")
    assert program.until("full") == NO_SPACE
    assert program.until("finish") != OK
    assert program.end() == 0
    small_disk.grow()
    kept(small_disk.offline, program.lines)


def test_a_start_on_a_full_disk_is_an_error_and_keeps_what_others_left(started, kept, small_disk):
    program = started(small_disk.offline, "stuck")
    assert program.until("full") == NO_SPACE
    assert program.end() == 0
    refused = started(small_disk.offline, "init")
    assert refused.until("init") in (OK, NO_SPACE)
    assert refused.end() == 0
    small_disk.grow()
    kept(small_disk.offline, program.lines)


def test_a_limit_on_files_is_an_error_and_no_signal(started, kept, tmp_path):
    program = started(tmp_path / "offline", "limited")
    assert program.until("full") in (OK, NO_SPACE)  # many small files are an answer too
    assert program.end() == 0
    kept(tmp_path / "offline", program.lines)


def test_a_directory_that_may_not_be_written_is_an_error_of_init(started, tmp_path):
    (tmp_path / "offline").mkdir(mode=0o555)
    program = started(tmp_path / "offline", "init")
    assert program.until("init") == IO
    assert program.end() == 0


def test_a_directory_that_may_be_read_only_for_a_while_keeps_what_was_accepted(started, kept, tmp_path):
    program = started(tmp_path / "offline", "denied")
    program.until("ready")
    folders = [*(tmp_path / "offline").glob("**"), *(tmp_path / "offline").glob(".weave/**")]
    for folder in folders:
        folder.chmod(0o555)
    program.go_on()
    assert program.until("flushed") != OK
    for folder in folders:
        folder.chmod(0o700)
    program.go_on()
    assert program.end() == 0
    kept(tmp_path / "offline", program.lines)


def test_when_the_directory_is_removed_another_is_made_and_what_is_logged_then_is_kept(started, kept, tmp_path):
    program = started(tmp_path / "offline", "removed")
    program.until("ready")
    before = len(program.lines)
    os.rename(tmp_path / "offline", tmp_path / "gone")
    shutil.rmtree(tmp_path / "gone")
    program.go_on()
    assert program.end() == 0
    kept(tmp_path / "offline", program.lines[before:])
