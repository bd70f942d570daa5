"""One episode: processes that log to a directory and are killed, a start that nobody disturbs, and what is then there.

Everything in it follows from its seed but the instants, which are the machine's.
"""
import os
import pathlib
import random
import select
import shutil
import signal
import subprocess
import time

from harness import client_environment, run
from killing.states import Look, judge
from stored import Stored, acknowledged, data_files, entries, journals

PROJECT = "killed/project"
POOL = 128 * 1024
LIFE = 3.0  # the longest that any of them lives, in seconds

#: How long each needs from its start to its first record, and how long it then has to live, in seconds.
PACE = {"c": (0.008, 0.15), "go": (0.03, 0.15), "python": (0.25, 0.3)}


def write_letters(path):
    """The letters from which the writers cut their texts."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    path.write_text("".join(random.Random(1).choices(letters, k=POOL)), encoding="ascii")


class Process:
    """A writer or recoverer, and the instant at which it is to be killed."""

    def __init__(self, chance, command, letters, directory, environment, recovers):
        self.directory, self.told, self.rest, self.recovers = directory, [], b"", recovers
        language, argv = command
        self.name = f"{language} {'recoverer' if recovers else 'writer'}"
        first, more = PACE[language]
        triggers = ["instant", "start", "journal", "file", "growth"] + ([] if recovers else ["acks", "finish"])
        weights = (3, 1, 4, 2, 3) if recovers else (4, 1, 1, 3, 5, 2, 4)
        self.trigger = chance.choices(triggers, weights)[0]
        self.after = {"instant": chance.uniform(0, first + (0.01 if recovers else more)),
                      "start": chance.gauss(first, first / 2), "acks": chance.choice([1, 10, 100, 500]),
                      "journal": chance.choice([1, 2, 3, 5]), "file": chance.choice([1, 1, 2, 5]),
                      "growth": chance.choice([1, 1, 2, 4, 8]),
                      "finish": chance.expovariate(2000)}[self.trigger]
        short = self.trigger == "finish"
        bursts = 0 if recovers else chance.choice([1, 3]) if short else 40
        finishes = int(recovers or short or chance.random() < 0.5)
        self.before, self.finishing = Look(directory), None
        self.seen = self._sizes()
        self.started = time.monotonic()
        self.errors = open(directory / ".." / f"errors-{directory.name}", "a+b")
        self.process = subprocess.Popen(
            [*map(str, argv), PROJECT, str(letters), str(chance.randrange(1 << 30)),
             str(chance.choice([1, 2, 4])), str(bursts), str(finishes)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, env=environment)
        os.set_blocking(self.process.stdout.fileno(), False)

    def listen(self):
        """Take what it has told by now."""
        while True:
            try:
                data = os.read(self.process.stdout.fileno(), 1 << 20)
            except BlockingIOError:
                return
            if not data:
                return
            *lines, self.rest = (self.rest + data).split(b"\n")
            self.told += [line.decode() for line in lines]
            if self.finishing is None and b"F" in lines:
                self.finishing = time.monotonic()

    def is_due(self):
        """Whether the instant has come."""
        now = time.monotonic()
        if now - self.started > LIFE:
            return True
        if self.trigger in ("instant", "start"):
            return now - self.started >= self.after
        if self.trigger == "acks":
            return len(self.told) >= self.after
        if self.trigger == "finish":
            return self.finishing is not None and now - self.finishing >= self.after
        return self._sees_change()

    def _sees_change(self):
        """Count what is new, larger or gone until it is enough."""
        found = self._sizes()
        if self.trigger == "growth":
            changes = sum(size > self.seen.get(path, 0) for path, size in found.items())
        else:
            changes = len(found.keys() ^ self.seen.keys())
        self.seen = found
        self.after -= changes
        return self.after <= 0

    def _sizes(self):
        """What it watches: the data files, or the journals with what is in them."""
        paths = data_files(self.directory)
        if self.trigger == "journal":
            paths = [path for journal in journals(self.directory) for path in (journal, *entries(journal))]
        found = {}
        for path in paths:
            try:
                found[path] = os.stat(path).st_size
            except FileNotFoundError:
                pass
        return found

    def kill(self):
        """End it. Whether it was alive until then, and the states in which it was."""
        self.process.send_signal(signal.SIGKILL)
        status = self.process.wait()
        self.listen()
        self.process.stdout.close()
        self.errors.close()
        killed = status == -signal.SIGKILL
        return killed, judge(self.before, Look(self.directory), self.told) if killed else status

    def ended(self):
        """Whether it has ended by itself."""
        return self.process.poll() is not None


class Episode:
    """Runs at once; `problems` says what is wrong afterwards, by kind, and `kills` is [(name, trigger, states)]."""

    def __init__(self, seed, commands, directory):
        self.seed, self.commands, self.kills, self.told = seed, commands, [], []
        self.problems = {"exactly once": [], "whole files": [], "journals": [], "errors": []}
        self.chance, self.work = random.Random(seed), pathlib.Path(directory)
        self.directory = self.work / "offline"
        self.directory.mkdir(parents=True)
        self.letters = self.work / "letters"
        write_letters(self.letters)
        self.pool = self.letters.read_text(encoding="ascii")
        self.environment = {
            **client_environment(self.work), **commands["environment"], "WEAVE_OFFLINE": "1",
            "WEAVE_OFFLINE_DIR": str(self.directory),
            "WEAVE_MAX_FILE_SIZE": str(self.chance.choice([1, 40, 150, 600]) * 1000),
            "WEAVE_COMPRESS": self.chance.choice(["1"] * 5 + ["0"])}
        if self.chance.random() < 0.4:
            self.environment["LD_PRELOAD"] = str(commands["short writes"])
        for step in range(self.chance.randint(2, 4)):
            self._step(step)
        self._start_in_peace()
        self._look()
        if not any(self.problems.values()):
            shutil.rmtree(self.work)

    def _step(self, step):
        living = []
        for _ in range(self.chance.choices([1, 2, 3], (5, 3, 1))[0]):
            recovers = step > 0 and self.chance.random() < 0.5
            language = self.chance.choices(["c", "go", "python"], (5, 3, 2))[0]
            living.append(Process(self.chance, (language, self.commands[language]), self.letters, self.directory,
                                  self.environment, recovers))
        while living:
            watched = any(one.trigger in ("journal", "file", "growth") for one in living)
            select.select([one.process.stdout for one in living], [], [], 0.00005 if watched else 0.0005)
            for one in living[:]:
                one.listen()
                if one.ended() or one.is_due():
                    living.remove(one)
                    self._end(one)

    def _end(self, one):
        killed, what = one.kill()
        if killed:
            self.kills.append((one.name, one.trigger, sorted(what)))
        elif what != 0:
            self._failed(f"a {one.name} ended with status {what}")
        self.told += one.told

    def _failed(self, text):
        errors = (self.work / "errors-offline").read_text(errors="replace")
        self.problems["errors"].append(f"{text}: {errors[-1000:]}")

    def _start_in_peace(self):
        arguments = [PROJECT, self.letters, 0, 1, 0, 1]
        try:
            run([*self.commands["c"], *arguments], environment=self.environment)
        except AssertionError as failure:
            self._failed(f"the last start: {failure}")

    def _look(self):
        stored = Stored(self.directory, self._check_text)
        expected = acknowledged(self.told)
        self.acknowledged, self.records = len(expected), stored.records
        self.problems["exactly once"] = stored.doubled() + stored.lost(expected) + stored.wrong
        self.problems["whole files"] = stored.torn + [f"{path} is empty" for path in stored.empty]
        left = [*journals(self.directory), *self.directory.glob(".weave/damaged/*")]
        self.problems["journals"] = [f"{path} is left" for path in left]

    def _check_text(self, record):
        data = record["data"]
        call = data.get("start") or data.get("end") or data
        for value in (call.get("inputs"), call.get("output"), data.get("payload"), data.get("obj", {}).get("val")):
            if isinstance(value, dict):
                at, length = value["at"], value["length"]
                assert value["text"] == self.pool[at:at + length], "the text is not what was logged"
