"""One episode: writers that log, a server with faults, a syncer that is killed again and again, syncs in peace, and
what is then on the server.

Everything in it follows from its seed but the instants, which are the machine's.
"""
import os
import pathlib
import random
import shutil
import subprocess
import time

from harness import ENTITY, LocalServer, OfficialClient, client_environment, run
from scenario import differences
from stored import data_files, journals
from syncing.arrived import Arrived, Told
from syncing.states import Log, states
from syncing.syncer import Syncer, choose, folders, receipt_of, renamed, text_of

KILLS = 38  # of each episode
LIMIT = 90  # seconds in which they must be done
TIMEOUT = 1  # of a request, in seconds; a sync after a kill waits as long before it looks up what arrived
NETWORK, SERVER, INCOMPLETE = 15, 16, 17

#: What is wrong with the server, episode after episode.
FAULTS = [
    ("--fail-rate", 0.3, "--fail-status", "429,500,502,503"),
    ("--drop-rate", 0.3),
    ("--fail-rate", 0.3, "--fail-status", "500,502,503", "--fail-after"),
    ("--fail-rate", 0.15, "--drop-rate", 0.15, "--fail-status", "429,500,502,503", "--fail-after"),
    ("--drop-rate", 0.2, "--delay", 0.03, "--late-rate", 0.2, "--late", 0.5),
    ("--fail-rate", 0.15, "--drop-rate", 0.15, "--fail-status", "429,500,502,503", "--reject-marker", "UNACCEPTABLE"),
    ("--calls-mode", "legacy", "--drop-rate", 0.3),
]
#: In which of so many episodes the official clients read the first project; that takes most of an episode's time.
READ_BACK, OF = {0, 3}, 8


class Writer:
    """A process that logs until it is told to stop; `lines` is what it told."""

    def __init__(self, command, project, chance, environment, errors):
        self.project, self.lines, self.rest = project, [], b""
        with open(errors, "ab") as output:
            self.process = subprocess.Popen(
                [*map(str, command), project, str(chance.randrange(1 << 30)), str(chance.choice([1, 2]))],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, env=environment)
        os.set_blocking(self.process.stdout.fileno(), False)

    def listen(self):
        """Take what it has told by now."""
        *lines, self.rest = (self.rest + (self.process.stdout.read() or b"")).split(b"\n")
        self.lines += [line.decode() for line in lines]

    def stop(self):
        """Let it come to its end; its status."""
        self.process.stdin.close()
        while self.process.poll() is None:
            self.listen()
            time.sleep(0.005)
        self.listen()
        self.process.stdout.close()
        return self.process.returncode


class Episode:
    """Runs at once; `problems` says what is wrong afterwards, by kind, and `kills` is [(name, trigger, states)].

    It is void when the machine was so slow that a request was carried out later than a sync must take into account: then
    items may be written twice, whatever they are seen to be."""

    def __init__(self, seed, number, commands, directory):
        self.number, self.commands, self.killed, self.begins = number, commands, [], []
        self.chance, self.work = random.Random(f"{seed}:{number}"), pathlib.Path(directory)
        self.problems = {kind: [] for kind in ("written twice", "lost", "content", "references", "pending", "rejected",
                                               "receipts", "errors", "clients")}
        self.directory = self.work / "offline"
        self.directory.mkdir(parents=True)
        self.faults = FAULTS[number % len(FAULTS)]
        self.server = LocalServer(self.work, *self.faults, "--seed", self.chance.randrange(1 << 30))
        self.writers = []
        try:
            self._log_and_kill()
            self._sync_in_peace()
            self._look()
        finally:
            self.server.stop()
            for writer in self.writers:
                writer.process.kill()
        if not any(self.problems.values()):
            shutil.rmtree(self.work)

    def _log_and_kill(self):
        projects = self.chance.choice([["one", "one"], ["one", "two"]])
        environment = {**client_environment(self.work), **self.commands["environment"], "WEAVE_OFFLINE": "1",
                       "WEAVE_OFFLINE_DIR": str(self.directory), "WEAVE_MAX_FILE_AGE": "1",
                       "WEAVE_MAX_FILE_SIZE": str(self.chance.choice([4, 20, 100]) * 1000),
                       "WEAVE_COMPRESS": self.chance.choice(["1"] * 5 + ["0"])}
        if self.chance.random() < 0.5:
            environment["LD_PRELOAD"] = str(self.commands["late locks"])
        self.writers = [Writer(self.commands[language], project, self.chance, environment, self.work / "errors.txt")
                        for language, project in zip(("c", "python"), projects)]
        end = time.monotonic() + LIMIT
        while len(self.killed) < KILLS and time.monotonic() < end:
            one = Syncer(choose(self.chance), self.commands["sync"], self.directory, self._syncing(TIMEOUT),
                         self.server.log)
            self.begins.append(one.began)
            if one.kill:
                self.killed.append(one.kill)
            elif one.status not in (0, NETWORK, SERVER, INCOMPLETE):
                self._failed(f"a sync ended with status {one.status}", "sync.txt")
            for writer in self.writers:
                writer.listen()
        if len(self.killed) < KILLS:
            self.problems["errors"].append(f"only {len(self.killed)} kills in {LIMIT} s")
        ends = [writer.stop() for writer in self.writers]
        for number, writer in enumerate(self.writers):
            (self.work / f"told-{number}.txt").write_text("\n".join(writer.lines), encoding="utf-8")
        if any(ends):
            self._failed(f"the writers ended with {ends}", "errors.txt")

    def _syncing(self, timeout):
        return {**client_environment(self.work, self.server), "WEAVE_HTTP_TIMEOUT": str(timeout),
                "WEAVE_RETRY_MAX_INTERVAL": "0.05"}

    def _failed(self, text, output):
        self.problems["errors"].append(f"{text}: {text_of(self.work / output)[-1000:]}")

    def _sync_in_peace(self):
        began = time.time()
        self._sync(3)
        self.is_void = any(line["took"] > TIMEOUT for line in self.server.requests())
        found = states(self.killed, [*self.begins, began], Log(self.server.log))
        self.kills = [("syncer", kill.trigger, steps) for kill, steps in zip(self.killed, found)]
        self.server.restart(*(option for option in self.faults if option in ("--calls-mode", "legacy")))
        status = self._sync(5)
        if status != 0 and not (status == INCOMPLETE and "--reject-marker" in self.faults):
            self._failed(f"the last sync of a server without faults ended with status {status}", "sync.txt")

    def _sync(self, times):
        """Sync until everything is sent, so many times at most; the last status."""
        for _ in range(times):
            try:
                done = run([*self.commands["sync"], self.directory], environment=self._syncing(2 * TIMEOUT),
                           status={0, NETWORK, SERVER, INCOMPLETE})
            except AssertionError as failure:
                self.problems["errors"].append(f"a sync in peace failed: {failure}")
                return None
            with open(self.work / "sync.txt", "a", encoding="utf-8") as output:
                output.write(f"in peace, status {done.returncode}: {done.stdout}{done.stderr}")
            if done.returncode == 0:
                break
        return done.returncode

    def _look(self):
        self.acknowledged = self.records = 0
        for name in sorted({writer.project for writer in self.writers}):
            told = Told([line for writer in self.writers if writer.project == name for line in writer.lines])
            arrived = Arrived.at(self.server, f"{ENTITY}/{name}", told)
            aside = text_of(self.directory / "offline" / name / ".sync" / "rejected.jsonl")
            self._found(arrived.problems(told, f"{ENTITY}/{name}", aside))
            self.problems["rejected"] += wrongly_set_aside(aside, told.refusable)
            if name == "one" and self.number % OF in READ_BACK:
                self._read_back(name, told, aside)
            self.acknowledged += told.count
            self.records += len(arrived.calls) + len(arrived.objects) + len(arrived.feedback) + len(arrived.costs)
        self.problems["written twice"] = [] if self.is_void else list(dict.fromkeys(self.problems["written twice"]))
        self.problems["pending"] = pending(self.directory)
        self.problems["receipts"] = without_receipt(self.directory)

    def _found(self, problems, of=""):
        for kind, texts in problems.items():
            self.problems[kind] += [f"{of}{text}" for text in texts]

    def _read_back(self, project, told, aside):
        """Both official clients see what was logged, and the same."""
        try:
            read = {version: OfficialClient(version, self.work).read_back(self.server, project)
                    for version in ("0.52.20", "0.54.0")}
        except AssertionError as failure:
            self.problems["clients"].append(f"project {project} cannot be read: {failure}")
            return
        for version, one in read.items():
            self._found(Arrived.read_back(one).problems(told, f"{ENTITY}/{project}", aside), f"read by {version}: ")
        self.problems["clients"] += differences(*map(comparable, read.values()))


def comparable(read):
    """What both official clients must see alike."""
    fields = ("trace_id", "parent_id", "op_name", "display_name", "inputs", "output", "exception", "started_at",
              "ended_at")
    return {"calls": {call["id"]: {name: call[name] for name in fields} for call in read["calls"]},
            "objects": {f"{item['object_id']}:{item['digest']}": [item["val"], item["is_latest"]]
                        for item in read["objects"]},
            "feedback": {item["id"]: [item["type"], item["payload"], item["weave_ref"]] for item in read["feedback"]},
            "costs": sorted(item["llm_id"] for item in read["costs"])}


def pending(directory):
    """What is still to be sent or packed."""
    return [f"{path} is pending" for path in sorted({*data_files(directory)} - {*renamed(directory)})] + \
        [f"{path} is left" for path in journals(directory)]


def without_receipt(directory):
    """The synced files that have none."""
    if not any((folder / "receipts").exists() for folder in folders(directory)):
        return [f"{directory} has no receipts"]
    return [f"{path} has no receipt" for path in renamed(directory) if not receipt_of(path).exists()]


def wrongly_set_aside(text, refusable):
    """Rejected records that the server was not told to refuse, and those that stand there twice."""
    lines = text.splitlines()
    of = [next((call for call in refusable if call in line), None) for line in lines]
    return [f"set aside for no reason: {line[:300]}" for call, line in zip(of, lines) if call is None] + \
        [f"call {call} is set aside {of.count(call)} times" for call in {*of} - {None} if of.count(call) > 1]
