"""A syncer, the instant at which it is to be killed, and what the disk shows when it is gone."""
import collections
import glob
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import time

from stored import DATA_FILE, data_files

LIFE = 2.5  # the longest that any of them lives, in seconds

#: What is seen to choose the instant, and how often it is chosen.
TRIGGERS = {"instant": 5, "start": 1, "late": 3, "noted": 4, "sending": 8, "rejected": 1, "open call": 1, "digest": 1,
            "receipt": 3, "renamed": 3, "request": 10}
#: Lines of files in .sync/ that are waited for.
LINES = {"noted": ("progress.jsonl", b'"records"'), "sending": ("progress.jsonl", b'"sending"'),
         "rejected": ("rejected.jsonl", b""), "open call": ("open_calls.jsonl", b""), "digest": ("digests.jsonl", b"")}

#: What a request is for; anything else looks up what is there.
REQUESTS = {"the project": r"/server_info|/graphql|/service/projects_info", "files": r"/files?/create",
            "objects": r"/obj/create|/table/(create|update)", "feedback": r"/feedback/(batch/)?create",
            "calls": r"/call/(start|end|upsert_batch)|/v2/.*/calls?/(complete|start|end)",
            "call updates": r"/call/update", "costs": r"/cost/create"}
LOOKING_UP = "looking up"


def purpose(path):
    """What a request to this path is for."""
    return next((name for name, pattern in REQUESTS.items() if re.match(pattern, path)), LOOKING_UP)


#: What makes a process due: its name, the requests that it waits for if it does for these, how often it is to be seen,
#: and how long from then (or, when nothing is waited for, from the start) to the kill.
Trigger = collections.namedtuple("Trigger", "name wanted times pause")


def choose(chance):
    """Some trigger."""
    name = chance.choices(list(TRIGGERS), TRIGGERS.values())[0]
    wanted = chance.choice([*REQUESTS, LOOKING_UP]) if name == "request" else None
    soon = chance.choice([0, chance.expovariate(500), chance.expovariate(50)])
    pause = {"instant": chance.uniform(0.01, 0.4), "start": abs(chance.gauss(0.01, 0.01)),
             "late": chance.uniform(0.4, LIFE)}.get(name, soon)
    times = 0 if name in ("instant", "start", "late") else chance.choice([1, 1, 2, 4])
    return Trigger(name, wanted, times, pause)


#: A kill: what made it due, when the process began and was killed, how much the server had logged by then, the disk.
Kill = collections.namedtuple("Kill", "trigger began killed logged disk")

#: What .sync/ and the names of files say. `unknown`: folders with records that may be under way; `unnamed`: whether a
#: receipt is there for a file that is not renamed; `renamed`: when a file was last renamed; `set_aside`: how many
#: records were rejected.
Disk = collections.namedtuple("Disk", "unknown unnamed renamed set_aside")


class Tail:
    """The lines that are added to a file. One that is put in its place is not read from its beginning."""

    def __init__(self, path):
        self.path, self.file, self.at = path, None, 0
        self.new()

    def new(self):
        """The lines since the last look."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return []
        if found.st_ino != self.file:
            self.file, self.at = found.st_ino, found.st_size
            return []
        if found.st_size <= self.at:
            return []
        with open(self.path, "rb") as file:
            file.seek(self.at)
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self.at += whole
        return data[:whole].splitlines()


def folders(directory):
    """The .sync/ of each project."""
    return [pathlib.Path(path) for path in glob.glob(f"{directory}/*/*/.sync")]


def receipts(directory):
    """The names of the receipts, with their projects."""
    return set(glob.glob(f"{directory}/*/*/.sync/receipts/*"))


def receipt_of(path):
    """Where the receipt of a data file lies."""
    return path.parent.parent / ".sync" / "receipts" / f"{path.parent.name}-{path.name.split('.')[0]}.jsonl.gz"


def renamed(directory):
    """The data files that are marked as synced."""
    return [path for path in data_files(directory) if DATA_FILE.fullmatch(path.name).group(3)]


def unknown(progress):
    """The folders with records that may be under way, by the text of a progress.jsonl."""
    sending, noted = collections.defaultdict(set), collections.defaultdict(set)
    for line in progress.splitlines():
        try:
            said = json.loads(line)
        except ValueError:  # the torn last line
            continue
        for of_file in (said, *said.get("and", ())):
            for known, key in ((sending, "sending"), (noted, "records")):
                for first, last in of_file.get(key) or ():
                    known[of_file["file"]].update(range(first, last + 1))
    return {file.split("/")[0] for file, numbers in sending.items() if numbers - noted[file]}


def text_of(path):
    """The text of a file; of one that is not there, none."""
    try:
        return pathlib.Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def look(directory):
    """The disk as it is now."""
    named = renamed(directory)
    places = set(map(str, map(receipt_of, named)))
    return Disk(set().union(*(unknown(text_of(folder / "progress.jsonl")) for folder in folders(directory))),
                bool(receipts(directory) - places),
                max((path.stat().st_ctime for path in named), default=0),
                sum(text_of(folder / "rejected.jsonl").count("\n") for folder in folders(directory)))


class Syncer:
    """Runs at once, until it is killed or ends. `kill` is None when it ended by itself, with `status`."""

    def __init__(self, trigger, command, directory, environment, log):
        self.trigger, self.directory, self.log = trigger, directory, log
        self.tails, self.names = self._tails(), self._names()
        self.began = time.time()
        with open(directory / ".." / "sync.txt", "ab") as output:
            self.process = subprocess.Popen([*map(str, command), directory], stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, env=environment)
        self.ending = os.pidfd_open(self.process.pid)
        try:
            self._watch()
            self._ends_within(trigger.pause)
            self._kill()
        finally:
            os.close(self.ending)

    def _watch(self):
        left, end = self.trigger.times, time.monotonic() + LIFE
        while left > 0 and time.monotonic() < end and not self._ends_within(0.0004):
            left -= self._seen()

    def _ends_within(self, seconds):
        return bool(select.select([self.ending], [], [], seconds)[0])

    def _tails(self):
        if self.trigger.name == "request":
            return [Tail(self.log)]
        name = LINES[self.trigger.name][0] if self.trigger.name in LINES else None
        return [Tail(folder / name) for folder in folders(self.directory)] if name else []

    def _names(self):
        found = {"receipt": receipts, "renamed": renamed}.get(self.trigger.name)
        return set(found(self.directory)) if found else set()

    def _seen(self):
        """How many of what it waits for are new."""
        if self.trigger.name == "request":
            lines = [json.loads(line) for tail in self.tails for line in tail.new()]
            return sum(purpose(line["path"]) == self.trigger.wanted for line in lines)
        if self.trigger.name in LINES:
            return sum(LINES[self.trigger.name][1] in line for tail in self.tails for line in tail.new())
        before, self.names = self.names, self._names()
        return len(self.names - before)

    def _kill(self):
        logged = self.log.stat().st_size if self.log.exists() else 0
        killed = time.time()
        self.process.send_signal(signal.SIGKILL)
        self.status = self.process.wait()
        self.kill = None
        if self.status == -signal.SIGKILL:
            name = f"request for {self.trigger.wanted}" if self.trigger.wanted else self.trigger.name
            self.kill = Kill(name, self.began, killed, logged, look(self.directory))
