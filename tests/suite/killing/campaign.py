"""Many episodes, several at once, until there are enough kills; and the report of what they hit."""
import collections
import concurrent.futures
import itertools
import json
import multiprocessing
import os
import pathlib
import shutil
import time

from harness import CLIENTS, LIBRARY, ROOT, SUITE, TARGET, compiled, go_environment, run
from killing.episode import Episode
from killing.states import STATES

WRITERS = pathlib.Path(__file__).parent / "writers"
# The interpreter below the environment, which starts faster.
PYTHON = os.path.realpath(CLIENTS["0.52.20"])
REPORT = TARGET / "kills.json"
KEPT = 20  # how many directories with problems stay to be looked at


def build(directory):
    """Build the writers; the command of each language and the environment that they need."""
    run(["go", "build", "-o", directory / "go-writer", WRITERS / "writer.go"], cwd=ROOT / "bindings/go", timeout=600,
        environment=go_environment(directory))
    shim = compiled(SUITE / "programs" / "short_writes.c", directory / "short-writes.so", "-shared", "-fPIC", "-ldl")
    return {"short writes": shim, "c": [compiled(WRITERS / "writer.c", directory / "c-writer")],
            "go": [directory / "go-writer"],
            "python": [PYTHON, "-S", WRITERS / "writer.py"],
            "environment": {"PYTHONPATH": str(ROOT / "bindings/python"), "WEAVE_LIBRARY": str(LIBRARY)}}


def episode(seed, number, commands, directory):
    """Run one; what the campaign keeps of it."""
    try:
        done = Episode(f"{seed}:{number}", commands, pathlib.Path(directory) / str(number))
    except Exception as cause:
        raise RuntimeError(f"episode {number} of seed {seed} failed") from cause
    return number, done.kills, done.problems, done.acknowledged, done.records


class Campaign:
    """Episodes `first`, `first` + 1, … of a seed, until `wanted` processes were killed."""

    def __init__(self, wanted, seed, directory, first=0, tell=lambda text: None):
        self.wanted, self.seed, self.directory, self.next = wanted, seed, pathlib.Path(directory), first
        self.kills = self.acknowledged = self.records = self.episodes = self.kept = 0
        self.states, self.of = collections.Counter(), collections.Counter()
        self.problems = collections.defaultdict(list)
        began = told = time.monotonic()
        commands = build(self.directory)
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(2 * (os.cpu_count() or 1), context) as workers:
            numbers, running = itertools.count(first), set()
            while self.kills < wanted or running:
                while self.kills < wanted and len(running) < 2 * (os.cpu_count() or 1):
                    running.add(workers.submit(episode, seed, next(numbers), commands, self.directory))
                done, running = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for one in done:
                    self._count(*one.result())
                if time.monotonic() - told > 10:
                    told = time.monotonic()
                    tell(f"{self.kills} kills, {self.acknowledged} acknowledged, "
                         f"problems {self._problems()}; go on with SEED={seed} FROM={self.next}")
        self.seconds = time.monotonic() - began
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(json.dumps(self.summary(), indent=1) + "\n")

    def _count(self, number, kills, problems, acknowledged, records):
        self.next, self.episodes = max(self.next, number + 1), self.episodes + 1
        self.kills += len(kills)
        self.acknowledged += acknowledged
        self.records += records
        for name, trigger, states in kills:
            self.of[name] += 1
            self.states.update(states)
        for kind, texts in problems.items():
            where = f"episode {number} of seed {self.seed} ({self.directory / str(number)})"
            self.problems[kind] += [f"{where}: {text}" for text in texts]
        if any(problems.values()):
            self.kept += 1
            if self.kept > KEPT:
                shutil.rmtree(self.directory / str(number))

    def summary(self):
        """The figures of the report."""
        return {"kills": self.kills, "seed": self.seed, "episodes": self.episodes, "seconds": round(self.seconds, 1),
                "acknowledged": self.acknowledged, "records": self.records, "killed": dict(sorted(self.of.items())),
                "states": {state: self.states[state] for state in STATES},
                "problems": self._problems()}

    def _problems(self):
        return {kind: len(texts) for kind, texts in self.problems.items()}

    def report(self):
        """The report as lines of text."""
        lines = [f"{self.kills} kills in {self.episodes} episodes, {self.seconds:.0f} s, seed {self.seed}: "
                 f"{self.acknowledged} acknowledged, {self.records} records found",
                 "killed: " + ", ".join(f"{times} {name}s" for name, times in sorted(self.of.items()))]
        lines += [f"{self.states[state]:7}  {state} ({meaning})" for state, meaning in STATES.items()]
        lines += [f"problems with {kind}: {len(texts)}" for kind, texts in self.problems.items() if texts]
        return lines
