"""Many episodes of killing, several at once, until there are enough kills; and the report of what they hit.

What an episode is, and the states in which its processes may be killed, is the business of those who derive from it."""
import collections
import concurrent.futures
import itertools
import json
import multiprocessing
import os
import pathlib
import random
import shutil
import time

KEPT = 20  # how many directories with problems stay to be looked at


class Campaign:
    """Episodes `first`, `first` + 1, … of a seed, until `wanted` processes were killed."""

    REPORT = None  #: where the figures are written
    STATES = {}  #: every state, with what shows it
    EACH = 0  #: how many kills an episode is sure to bring
    AT_ONCE = 2 * (os.cpu_count() or 1)

    #: build(directory) → the commands that every episode needs.
    build = None
    #: episode(seed, number, commands, directory) → (number, [(name, trigger, states)], problems, acknowledged,
    #: records). One without kills is void: another one takes its place. A function of a module, since it runs in
    #: another process.
    episode = None

    def __init__(self, wanted, seed, directory, first=0, tell=lambda text: None):
        self.wanted, self.seed, self.directory, self.next = wanted, seed, pathlib.Path(directory), first
        self.kills = self.acknowledged = self.records = self.episodes = self.void = self.kept = 0
        self.states, self.of = collections.Counter(), collections.Counter()
        self.problems = collections.defaultdict(list)
        began = told = time.monotonic()
        commands = self.build(self.directory)
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(self.AT_ONCE, context) as workers:
            numbers, running = itertools.count(first), set()
            while self._wants_more(running) or running:
                while self._wants_more(running):
                    running.add(workers.submit(self.episode, seed, next(numbers), commands, self.directory))
                done, running = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for one in done:
                    self._count(*one.result())
                if time.monotonic() - told > 10:
                    told = time.monotonic()
                    tell(f"{self.kills} kills, {self.acknowledged} acknowledged, "
                         f"problems {self._problems()}; go on with SEED={seed} FROM={self.next}")
        self.seconds = time.monotonic() - began
        self.REPORT.parent.mkdir(parents=True, exist_ok=True)
        self.REPORT.write_text(json.dumps(self.summary(), indent=1) + "\n")

    def _wants_more(self, running):
        hopeless = self.void > max(4, self.episodes / 2)
        return self.kills + self.EACH * len(running) < self.wanted and len(running) < self.AT_ONCE and not hopeless

    def _count(self, number, kills, problems, acknowledged, records):
        self.next, self.episodes = max(self.next, number + 1), self.episodes + 1
        self.kills += len(kills)
        self.void += not kills
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
        return {"kills": self.kills, "seed": self.seed, "episodes": self.episodes, "void": self.void, "seconds": round(self.seconds, 1),
                "acknowledged": self.acknowledged, "records": self.records, "killed": dict(sorted(self.of.items())),
                "states": {state: self.states[state] for state in self.STATES},
                "problems": self._problems()}

    def _problems(self):
        return {kind: len(texts) for kind, texts in self.problems.items()}

    def report(self):
        """The report as lines of text."""
        lines = [f"{self.kills} kills in {self.episodes} episodes ({self.void} void), {self.seconds:.0f} s, "
                 f"seed {self.seed}: "
                 f"{self.acknowledged} acknowledged, {self.records} records found",
                 "killed: " + ", ".join(f"{times} {name}s" for name, times in sorted(self.of.items()))]
        lines += [f"{self.states[state]:7}  {state} ({meaning})" for state, meaning in self.STATES.items()]
        lines += [f"problems with {kind}: {len(texts)}" for kind, texts in self.problems.items() if texts]
        return lines


def main(campaign, arguments, directory):
    """The long run: KILLS [SEED [FROM]]; the status with which it ends."""
    kills, seed, first = [int(text) if text else None for text in (*arguments, "", "")][:3]
    seed = random.randrange(1 << 32) if seed is None else seed
    print(f"{kills} kills, SEED={seed} FROM={first or 0}, in {directory}", flush=True)
    done = campaign(kills, seed, directory, first or 0, lambda text: print(text, flush=True))
    print("\n".join([*done.report(), f"written to {campaign.REPORT}"]))
    for kind, texts in done.problems.items():
        print(*(f"{kind}: {text}" for text in texts[:20]), sep="\n")
    return 1 if any(done.problems.values()) or done.kills < kills else 0
